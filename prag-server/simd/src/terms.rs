//! How a sum over a row's bits becomes a score.
//!
//! Layer: under `lib`.
//! Holds: a query's part of it, a row's part, and the order of the operations.
//! Never: a fused operation: four side by side have the bits of one.
//! Invariant: a row's part are the last three f32 of its last line.

use crate::{LINE, Line};

/// A query's part of a score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// What is added for each unit of the sum,
    pub step: f32,
    /// for each bit that is set,
    pub low: f32,
    /// and once, all of which times the row's factor,
    pub sum: f32,
    /// and what once without.
    pub base: f32,
    /// What is added for a row's factor,
    pub doubt: f32,
    /// and once.
    pub slack: f32,
}

impl Terms {
    /// The score for a sum of at most 2^31, by a row's [`tail`].
    #[must_use]
    #[inline(always)]
    pub fn score(&self, sum: u32, [set, across, factor]: [f32; 3]) -> f32 {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let sum = sum.cast_signed() as f32;
        let across = across + self.base;
        let along = factor * (sum * self.step + set * self.low + self.sum);
        (along + across) + (factor * self.doubt + self.slack)
    }
}

/// The last three f32 of a row of bits, little-endian: how many are set, what its score is without the bits, and the
/// factor of what they add.
#[must_use]
#[inline(always)]
pub fn tail(row: &[Line<u8>]) -> [f32; 3] {
    let last = row.last().map_or(&[0; LINE], |line| &line.0);
    let (_, tail) = last.split_at(LINE - size_of::<[f32; 3]>());
    let (words, _) = tail.as_chunks::<4>();
    std::array::from_fn(|at| f32::from_le_bytes(words[at]))
}
