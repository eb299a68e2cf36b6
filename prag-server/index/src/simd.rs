//! Inner loops, compiled once per instruction set and chosen at run time.
//!
//! Layer: index.
//! Holds: the way to run a loop with wide registers, and the inner product of f32.
//! Never: intrinsics; those are `prag_simd`'s.
//! Invariant: a dot product has the same bits on every instruction set (fixed lanes, no fusing).

use prag_simd::Isa;

/// A loop of plain code worth compiling for wide registers. `run` and all it calls must be `inline(always)`. What
/// multiplies codes is a [`prag_simd::Kernel`] instead.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// Run `kernel` with the best instruction set of this machine.
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    prag_simd::dispatch(Adapter(kernel))
}

/// The inner product of two vectors of one length; wide within a kernel only.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    prag_simd::dot(left, right)
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

const LANES: usize = 16;

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

impl<K: Kernel> prag_simd::Kernel for Adapter<K> {
    type Output = K::Output;
    #[inline(always)]
    fn run<S: Isa>(self, _: S) -> K::Output {
        self.0.run()
    }
}
