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
