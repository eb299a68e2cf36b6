//! Rows of numbers of four bits, two in a byte, and their scores.
//!
//! Layer: under `lib`.
//! Holds: how a sum over them becomes a score, and the plain loops.
//! Never: a fused operation: four side by side have the bits of one.
//! Invariant: a row's scale is the last f32 of its last line, and a query is 0 where that lies.

use crate::{BIAS, Isa, LINE, Line};

/// 64 numbers of a query for the lower halves of a line's bytes, and 64 for the upper ones.
pub type Halves = [Line<i8>; 2];

/// A query's part of a score.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pitch {
    /// What is taken off the sum: [`NIBBLE_BIAS`]·Σ query.
    pub bias: i32,
    /// What one of the rest is worth, times the row's scale.
    pub step: f32,
}

impl Pitch {
    /// The score of a row of `scale` for a sum.
    #[must_use]
    #[inline(always)]
    pub fn score(&self, sum: i32, scale: f32) -> f32 {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let rest = (sum - self.bias) as f32;
        rest * self.step * scale
    }
}

/// The last f32 of a row, little-endian.
#[must_use]
#[inline(always)]
pub fn scale(row: &[Line<u8>]) -> f32 {
    let last = row.last().and_then(|line| line.0.last_chunk());
    f32::from_le_bytes(*last.unwrap_or(&[0; 4]))
}

/// As [`crate::Isa::dot_nibbles`].
#[inline(always)]
pub(crate) fn dot(query: &[Halves], row: &[Line<u8>]) -> i32 {
    let line = |([low, high], row): (&Halves, &Line<u8>)| {
        let mut sum = 0i32;
        for ((byte, low), high) in row.0.iter().zip(&low.0).zip(&high.0) {
            sum += i32::from(byte & 15) * i32::from(*low) + i32::from(byte >> 4) * i32::from(*high);
        }
        sum
    };
    query.iter().zip(row).map(line).sum()
}

/// One at a time of `isa`.
#[inline(always)]
pub(crate) fn scores<S: Isa>(
    isa: S,
    query: &[Halves],
    pitch: &Pitch,
    lines: &[Line<u8>],
    rows: &[u32],
    scores: &mut [f32],
) {
    let stride = query.len();
    for (&row, score) in rows.iter().zip(scores) {
        let row = &lines[row as usize * stride..][..stride];
        *score = pitch.score(isa.dot_nibbles(query, row), scale(row));
    }
}

/// What a number of a row is moved by: −8 to 7 are kept as 0 to 15.
pub const NIBBLE_BIAS: u8 = 8;
const _: () = assert!(BIAS as usize == 16 * NIBBLE_BIAS as usize && LINE == 64);
