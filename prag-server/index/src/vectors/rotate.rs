//! A random rotation that costs little.
//!
//! Layer: index.
//! Holds: rounds of random signs, a fast Walsh-Hadamard transform over the first or the last components, in turn, and
//! one step of Kac's walk, which mixes both halves.
//! Never: randomness of its own: the signs are constants, so equal rows have equal bits for ever.
//! Invariant: lengths and angles stay (but for rounding); the same bits on every instruction set.

use prag_simd::{Isa, SIDE};
use std::f32::consts::FRAC_1_SQRT_2;

/// The rotation of vectors of one dimension.
pub(super) struct Rotation {
    /// The largest power of two that is no larger than the dimension.
    span: usize,
    /// Per round, a factor for each component: ±1, and over √span where the transform follows.
    factors: Vec<f32>,
}

impl Rotation {
    /// For vectors of `dimension`, which is at least 256.
    pub(super) fn new(dimension: usize) -> Self {
        let span = 1usize << dimension.ilog2();
        #[allow(clippy::cast_precision_loss)] // at most 4096
        let scale = 1.0 / (span as f32).sqrt();
        let mut factors = Vec::with_capacity(dimension * ROUNDS);
        let mut state = SEED;
        for round in 0..ROUNDS {
            let range = range(round, span, dimension);
            for at in 0..dimension {
                let sign = if mixed(&mut state) & 1 == 0 { 1.0 } else { -1.0 };
                factors.push(if range.contains(&at) { sign * scale } else { sign });
            }
        }
        Self { span, factors }
    }

    pub(super) fn memory(&self) -> usize {
        self.factors.capacity() * size_of::<f32>()
    }

    /// Rotate in place a vector of the dimension.
    #[inline(always)]
    pub(super) fn apply<S: Isa>(&self, isa: S, vector: &mut [f32]) {
        let dimension = vector.len();
        for (round, factors) in self.factors.chunks_exact(dimension).enumerate() {
            for (value, factor) in vector.iter_mut().zip(factors) {
                *value *= factor;
            }
            transform(isa, &mut vector[range(round, self.span, dimension)]);
            let (left, right) = vector.split_at_mut(dimension / 2);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = ((*a + *b) * FRAC_1_SQRT_2, (*a - *b) * FRAC_1_SQRT_2);
            }
        }
    }
}

/// What a round transforms: the first components, then the last ones.
#[inline(always)]
fn range(round: usize, span: usize, dimension: usize) -> std::ops::Range<usize> {
    if round.is_multiple_of(2) { 0..span } else { dimension - span..dimension }
}

/// Walsh and Hadamard's transform of 256, 512… values, not scaled, and in an order of its own.
#[inline(always)]
fn transform<S: Isa>(isa: S, values: &mut [f32]) {
    let (rows, _) = values.as_chunks_mut::<SIDE>();
    let (squares, _) = rows.as_chunks_mut::<SIDE>();
    for square in squares {
        isa.transform(square);
    }
    let mut half = SIDE;
    while half < rows.len() {
        prag_simd::halves(rows, half);
        half *= 2;
    }
}

/// `SplitMix64` (Steele, Lea and Flood 2014).
fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// Two over the first components and two over the last: what lies in one component is spread over all.
const ROUNDS: usize = 4;
const SEED: u64 = 0x5052_4147;
