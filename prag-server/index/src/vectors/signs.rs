//! Signs: one bit a component, for walks over the graph and for scans of many rows.
//!
//! Layer: index.
//! Holds: per row the signs of what is left of it without the mean, rotated at random, and what makes an estimate of
//! them: one cache line up to 416 components.
//! Never: what a search answers with: what is found is scored again by what is kept.
//! Invariant: an estimate is finite, whatever the rows are and the bytes say.
//!
//! Source: Gao and Long 2024 (RaBitQ, SIGMOD), sections 3.1 to 3.3, with a rotation that is not stored. For a row o,
//! the mean c, r = o − c rotated, and x = sign(r): q·o = (q − c)·r + q·c + o·c − c·c, and (q − c)·r is about
//! ‖r‖² / Σ|rᵢ| times (q − c)·x: exact along r, and off across it by about 0.76 ‖q − c‖‖r‖ / √D.

use super::rotate::Rotation;
use super::sought::Sought;
use prag_simd::{Isa, Kernel, LINE, Line, dispatch, tail};
use rayon::prelude::*;

/// The signs of rows.
pub(crate) struct Signs {
    /// Lines of a row: its bits, and in the last 12 bytes of the last line how many are set, o·c and ‖r‖² / Σ|rᵢ|.
    stride: usize,
    lines: Vec<Line<u8>>,
    mean: Vec<f32>,
    rotation: Rotation,
}

/// What is stored of a row beside its bits.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    /// o·c
    pub(super) across: f32,
    /// ‖r‖² / Σ|rᵢ|, or 0 where r is.
    pub(super) factor: f32,
}

impl Signs {
    /// Whether walks over rows of `dimension` go by signs: with fewer components estimates are too rough for the
    /// lines that they spare.
    pub(crate) fn suit(dimension: usize) -> bool {
        dimension >= DIMENSION_MIN
    }

    /// No rows yet, room for `rows`.
    pub(super) fn new(mean: Vec<f32>, rows: usize) -> Self {
        let stride = (bytes(mean.len()) + TAIL).div_ceil(LINE);
        let rotation = Rotation::new(mean.len());
        Self { stride, lines: prag_simd::roomy(rows * stride), mean, rotation }
    }

    /// Add a row as it is kept.
    pub(super) fn push(&mut self, row: &[f32]) {
        let mut bits = vec![0u8; bytes(self.mean.len())];
        let Self { mean, rotation, .. } = &*self;
        let weights = dispatch(Encode { row, mean, rotation, bits: &mut bits });
        let stride = self.stride;
        self.lines.extend((0..stride).map(|part| line(&bits, weights, part, stride)));
    }

    /// All rows, which were encoded before: `row` answers the bits, 0 behind the last component, and the weights of
    /// each of `rows`. On rayon's threads: they touch the memory side by side.
    pub(super) fn fill<'a>(
        &mut self,
        rows: usize,
        row: impl Fn(usize) -> (&'a [u8], Weights) + Sync,
    ) {
        let stride = self.stride;
        let lines = (0..rows * stride).into_par_iter().with_min_len(TASK_LINES).map(|at| {
            let (bits, weights) = row(at / stride);
            line(bits, weights, at % stride, stride)
        });
        lines.collect_into_vec(&mut self.lines);
    }

    /// No row comes any more.
    pub(super) fn settle(&mut self) {
        self.lines.shrink_to_fit();
        prag_simd::large_pages(&self.lines);
    }

    pub(super) fn mean(&self) -> &[f32] {
        &self.mean
    }

    pub(super) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// How many lines of planes a query needs.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Each row's bits and weights.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&[u8], Weights)> {
        self.lines.chunks_exact(self.stride).map(|row| {
            let [_, across, factor] = tail(row);
            (&prag_simd::flatten(row)[..bytes(self.mean.len())], Weights { across, factor })
        })
    }

    pub(super) fn memory(&self) -> usize {
        let floats = self.mean.capacity() * size_of::<f32>();
        self.lines.capacity() * size_of::<Line<u8>>() + floats + self.rotation.memory()
    }

    /// About the score of each of `rows`, into `scores`, which is as long.
    #[inline(always)]
    pub(crate) fn estimates<S: Isa>(
        &self,
        isa: S,
        query: &Sought,
        rows: &[u32],
        scores: &mut [f32],
    ) {
        isa.scores(query.planes(), query.terms(), &self.lines, rows, scores);
    }

    /// ‖r‖² / Σ|rᵢ|
    #[inline(always)]
    pub(crate) fn factor(&self, row: u32) -> f32 {
        tail(self.row(row))[2]
    }

    /// For each of `rows` the estimate with what it may be too low added, into `highs`, which is as long.
    #[inline(always)]
    pub(super) fn highs<S: Isa>(&self, isa: S, query: &Sought, rows: &[u32], highs: &mut [f32]) {
        isa.scores(query.planes(), &query.highest(self), &self.lines, rows, highs);
    }

    /// Ask for what [`Signs::estimates`] reads.
    #[inline(always)]
    pub(crate) fn expect<S: Isa>(&self, isa: S, row: u32) {
        // Mostly there is one: then no loop.
        let row = self.row(row);
        isa.prefetch(&row[..1]);
        if row.len() > 1 {
            isa.prefetch(&row[1..]);
        }
    }

    #[inline(always)]
    fn row(&self, row: u32) -> &[Line<u8>] {
        let start = row as usize * self.stride;
        &self.lines[start..start + self.stride]
    }
}

/// One of the `stride` lines of a row.
fn line(bits: &[u8], weights: Weights, part: usize, stride: usize) -> Line<u8> {
    let mut line = Line([0; LINE]);
    if let Some(bits) = bits.chunks(LINE).nth(part) {
        line.0[..bits.len()].copy_from_slice(bits);
    }
    if part + 1 == stride {
        let set: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
        #[allow(clippy::cast_precision_loss)] // at most 4096
        let tail = [set as f32, weights.across, weights.factor].map(f32::to_le_bytes);
        line.0[LINE - TAIL..].copy_from_slice(tail.as_flattened());
    }
    line
}

/// Bytes of the bits of a row.
pub(super) fn bytes(dimension: usize) -> usize {
    dimension.div_ceil(8)
}

/// A row's bits and weights.
struct Encode<'a> {
    row: &'a [f32],
    mean: &'a [f32],
    rotation: &'a Rotation,
    /// All 0.
    bits: &'a mut [u8],
}

impl Kernel for Encode<'_> {
    type Output = Weights;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Weights {
        let across = prag_simd::dot(self.row, self.mean);
        let mut rest: Vec<f32> = self.row.iter().zip(self.mean).map(|(o, c)| o - c).collect();
        let square = prag_simd::dot(&rest, &rest);
        self.rotation.apply(isa, &mut rest);
        let sum = prag_simd::dot_by(&rest, &rest, |value| value.signum());
        for (byte, values) in self.bits.iter_mut().zip(rest.chunks(8)) {
            for (at, value) in values.iter().enumerate() {
                *byte |= u8::from(*value > 0.0) << at;
            }
        }
        let factor = square / sum;
        // What is all but equal to the mean has no direction.
        Weights { across, factor: if factor <= FACTOR_MAX { factor } else { 0.0 } }
    }
}

/// Weights that estimates stay finite with, as all are that rows of unit length have.
pub(super) fn sound(weights: Weights) -> bool {
    weights.across.abs() <= FACTOR_MAX && (0.0..=FACTOR_MAX).contains(&weights.factor)
}

/// GloVe's 100 components: at equal recall a walk by signs takes four times as long as one by codes. MiniLM's 384:
/// two thirds of it.
const DIMENSION_MIN: usize = 256;
const TASK_LINES: usize = 1024;
/// Three f32.
const TAIL: usize = 12;
/// ‖r‖² / Σ|rᵢ| is at most ‖r‖, and |o·c| at most ‖o‖‖c‖: 2 and 1, but for rounding.
const FACTOR_MAX: f32 = 4.0;
