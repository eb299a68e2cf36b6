//! Inner loops, compiled once per instruction set and chosen at run time.
//!
//! Layer: index.
//! Holds: dot products over plain slices, and the way to run a loop with wide registers.
//! Never: intrinsics; the compiler vectorises, `pulp` picks the instruction set.
//! Invariant: a dot product has the same bits on every instruction set (fixed lanes, no fusing).

/// A loop worth compiling for wide registers. `run` and all it calls must be `inline(always)`.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// Run `kernel` with the best instruction set of this machine.
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    pulp::Arch::new().dispatch(Adapter(kernel))
}

/// The inner product of two vectors of one length.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    for (a, b) in left.iter().zip(right) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let mut sum = 0f32;
    for lane in lanes {
        sum += lane;
    }
    for (a, b) in left_rest.iter().zip(right_rest) {
        sum += a * b;
    }
    sum
}

/// The inner product of a query's codes and a row's. Query codes are within ±2047 and rows within
/// ±127, so 4096 dimensions stay below 2^31: nothing wraps, and checking for it would cost the
/// debug build its wide registers.
#[inline(always)]
pub(crate) fn dot_codes(query: &[i16], codes: &[i8]) -> i32 {
    let mut lanes = [0i32; LANES];
    let (query, query_rest) = query.as_chunks::<LANES>();
    let (codes, codes_rest) = codes.as_chunks::<LANES>();
    for (a, b) in query.iter().zip(codes) {
        for lane in 0..LANES {
            let product = i32::from(a[lane]).wrapping_mul(i32::from(b[lane]));
            lanes[lane] = lanes[lane].wrapping_add(product);
        }
    }
    let mut sum = 0i32;
    for lane in lanes {
        sum = sum.wrapping_add(lane);
    }
    for (a, b) in query_rest.iter().zip(codes_rest) {
        sum = sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(*b)));
    }
    sum
}

/// The inner product of two rows' codes. At most 4096 products of 127²: nothing wraps.
#[inline(always)]
pub(crate) fn dot_bytes(left: &[i8], right: &[i8]) -> i32 {
    let mut sum = 0i32;
    for (a, b) in left.iter().zip(right) {
        sum = sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(*b)));
    }
    sum
}

/// [`dot`] alone, for callers with one pair at a time.
pub(crate) struct Dot<'a>(pub(crate) &'a [f32], pub(crate) &'a [f32]);

impl Kernel for Dot<'_> {
    type Output = f32;
    #[inline(always)]
    fn run(self) -> f32 {
        dot(self.0, self.1)
    }
}

struct Adapter<K>(K);

impl<K: Kernel> pulp::WithSimd for Adapter<K> {
    type Output = K::Output;
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> K::Output {
        self.0.run()
    }
}

const LANES: usize = 16;
