//! i8 codes: each row's components in steps of its largest over 127.
//!
//! Layer: index.
//! Holds: codes on whole cache lines, a scale per row, and how far each code may be off.
//! Never: a row that shares a line with another.
//! Invariant: codes are within ±127, kept as `prag_simd` wants them (plus 128); what fills a line up is 0.
//!
//! Where the codes are all that is kept, the scale makes them a vector of unit length, and codes of that vector are
//! the same codes: a row may be built anew as often as one likes.

use super::{Query, UNIT_SLACK};
use crate::simd::{Kernel, vectorized};
use prag_simd::{BIAS, Isa, LINE, Line};

/// The codes of rows.
pub(super) struct Codes {
    dimension: usize,
    /// Lines of a row.
    stride: usize,
    lines: Vec<Line<u8>>,
    /// Per row: what one step of its codes is worth.
    scales: Vec<f32>,
    /// Per row: L2 length of the difference between the row and its codes. Empty where the codes are the row.
    errors: Vec<f32>,
    rough: bool,
}

impl Codes {
    /// No rows yet, room for `rows`. `rough`: the codes stand for something more precise.
    pub(super) fn new(dimension: usize, rows: usize, rough: bool) -> Self {
        let stride = dimension.div_ceil(LINE);
        Self {
            dimension,
            stride,
            lines: prag_simd::roomy(rows * stride),
            scales: prag_simd::roomy(rows),
            errors: Vec::with_capacity(if rough { rows } else { 0 }),
            rough,
        }
    }

    pub(super) fn push(&mut self, vector: &[f32]) {
        let at = self.lines.len();
        self.lines.resize(at + self.stride, Line([BIAS; LINE]));
        let (scale, error) = vectorized(Encode { vector, lines: &mut self.lines[at..] });
        if self.rough {
            self.scales.push(scale);
            self.errors.push(error);
        } else {
            self.scales.push(unit_scale(&self.lines[at..]));
        }
    }

    /// Add rows that were encoded before: their scales, their errors if they are rough, and `dimension` codes each.
    pub(super) fn extend(&mut self, scales: Vec<f32>, errors: Vec<f32>, codes: &[u8]) {
        for row in codes.chunks_exact(self.dimension) {
            for part in row.chunks(LINE) {
                let mut line = Line([BIAS; LINE]);
                line.0[..part.len()].copy_from_slice(part);
                self.lines.push(line);
            }
        }
        self.scales.extend(scales);
        self.errors.extend(errors);
    }

    pub(super) fn rows(&self) -> usize {
        self.scales.len()
    }

    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }

    pub(super) fn errors(&self) -> &[f32] {
        &self.errors
    }

    /// `dimension` codes, as they are stored.
    #[inline(always)]
    pub(super) fn codes(&self, row: usize) -> &[u8] {
        &prag_simd::flatten(self.row(row))[..self.dimension]
    }

    /// What the codes stand for.
    pub(super) fn decode(&self, row: usize) -> Vec<f32> {
        let scale = self.scales[row];
        let value = |code: &u8| (f32::from(*code) - f32::from(BIAS)) * scale;
        self.codes(row).iter().map(value).collect()
    }

    /// Whether a row's scale makes its codes a vector of unit length, to three digits.
    pub(super) fn is_unit(&self, row: usize) -> bool {
        let length = self.scales[row] / unit_scale(self.row(row));
        (length * length - 1.0).abs() <= UNIT_SLACK
    }

    pub(super) fn memory(&self) -> usize {
        let floats = self.scales.capacity() + self.errors.capacity();
        self.lines.capacity() * size_of::<Line<u8>>() + floats * size_of::<f32>()
    }

    pub(super) fn settle(&mut self) {
        self.lines.shrink_to_fit();
        self.scales.shrink_to_fit();
        self.errors.shrink_to_fit();
        prag_simd::large_pages(&self.lines);
        prag_simd::large_pages(&self.scales);
    }

    /// The score, by the upper half of the query's codes: a walk only compares, and what it finds is scored again.
    #[inline(always)]
    pub(super) fn estimate<S: Isa>(&self, isa: S, query: &Query<'_>, row: usize) -> f32 {
        let sum = isa.dot_codes(query.high(), query.bias()[0], self.row(row));
        self.scaled(query, row, sum)
    }

    /// Four of [`Codes::estimate`], bit for bit.
    #[inline(always)]
    pub(super) fn estimates<S: Isa>(&self, isa: S, query: &Query<'_>, rows: [u32; 4]) -> [f32; 4] {
        let [a, b, c, d] = rows;
        let line = |row: u32| self.row(row as usize);
        let lines = [line(a), line(b), line(c), line(d)];
        let sums = isa.dot_four(query.high(), query.bias()[0], lines);
        let mut scores = [0f32; 4];
        for ((score, sum), row) in scores.iter_mut().zip(sums).zip(rows) {
            *score = self.scaled(query, row as usize, sum);
        }
        scores
    }

    #[inline(always)]
    fn scaled(&self, query: &Query<'_>, row: usize, sum: i32) -> f32 {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let sum = sum as f32;
        sum * (query.step_high() * self.scales[row])
    }

    /// How far [`Codes::estimate`] may be off; see [`Codes::bounded`].
    #[inline(always)]
    pub(super) fn slack_high(&self, query: &Query<'_>, row: usize) -> f32 {
        query.slack_high(self.error(row))
    }

    /// The score by both halves, and how far it may be off:
    /// |q·v − q̂·v̂| ≤ ‖q‖‖v − v̂‖ + ‖q − q̂‖‖v̂‖ (Cauchy and Schwarz), plus room for f32 rounding.
    #[inline(always)]
    pub(super) fn bounded<S: Isa>(&self, isa: S, query: &Query<'_>, row: usize) -> (f32, f32) {
        let [high, low] = isa.dot_two([query.high(), query.low()], query.bias(), self.row(row));
        #[allow(clippy::cast_precision_loss)] // its bound has room for rounding
        let estimate = high as f32 * (query.step_high() * self.scales[row])
            + low as f32 * (query.step() * self.scales[row]);
        (estimate, query.slack(self.error(row)))
    }

    /// The score where the codes are the row.
    #[inline(always)]
    pub(super) fn exact<S: Isa>(&self, isa: S, query: &[f32], row: usize) -> f32 {
        isa.dot_f32_codes(query, self.codes(row)) * self.scales[row]
    }

    /// Ask for a row.
    #[inline(always)]
    pub(super) fn expect<S: Isa>(&self, isa: S, row: usize) {
        isa.prefetch(self.row(row));
        isa.prefetch(&self.scales[row..=row]);
    }

    /// How far the codes are off the row.
    #[inline(always)]
    fn error(&self, row: usize) -> f32 {
        if self.rough { self.errors[row] } else { 0.0 }
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &[Line<u8>] {
        let start = row * self.stride;
        &self.lines[start..start + self.stride]
    }
}

/// What makes codes a vector of unit length.
fn unit_scale(lines: &[Line<u8>]) -> f32 {
    let code = |code: &u8| i32::from(*code) - i32::from(BIAS);
    let square: i32 = prag_simd::flatten(lines).iter().map(|byte| code(byte) * code(byte)).sum();
    #[allow(clippy::cast_precision_loss)]
    // at most 4096 times 128²: below 2^27, and rounding is harmless
    let square = square as f32;
    if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
}

struct Encode<'a> {
    vector: &'a [f32],
    lines: &'a mut [Line<u8>],
}

impl Kernel for Encode<'_> {
    /// Scale and error.
    type Output = (f32, f32);

    #[inline(always)]
    fn run(self) -> (f32, f32) {
        let scale = largest(self.vector) / STEPS;
        let mut error = 0f32;
        for (part, line) in self.vector.chunks(LINE).zip(self.lines) {
            for (value, code) in part.iter().zip(&mut line.0) {
                let step = if scale > 0.0 { (value / scale).round_ties_even() } else { 0.0 };
                error += (value - step * scale) * (value - step * scale);
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // 1 to 255 by the choice of scale
                let biased = (step + f32::from(BIAS)) as u8;
                *code = biased;
            }
        }
        (scale, error.sqrt())
    }
}

/// The largest component by magnitude.
#[inline(always)]
pub(crate) fn largest(vector: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    for part in vector.chunks(LANES) {
        for (lane, value) in lanes.iter_mut().zip(part) {
            *lane = lane.max(value.abs());
        }
    }
    lanes.into_iter().fold(0f32, f32::max)
}

const STEPS: f32 = 127.0;
const LANES: usize = 16;
