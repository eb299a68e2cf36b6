//! Vectors for building: codes in the order of insertion.
//!
//! Layer: index.
//! Holds: codes on whole cache lines, and the inverse length of each row's.
//! Never: what a search answers with; a build only compares.
//! Invariant: distances are of the coded vectors, so equal codes are 0 apart and no distance is negative.

use crate::vectors::largest;
use prag_simd::{BIAS, Isa, Kernel, LINE, Line, dispatch};
use rayon::prelude::*;

/// Coded vectors, numbered as they are inserted.
pub(in crate::graph) struct Codes {
    /// Lines per row.
    stride: usize,
    lines: Vec<Line<u8>>,
    /// One over the length of each row's codes.
    inverse: Vec<f32>,
}

impl Codes {
    /// Code `vectors`, the one at `order[i]` as row i.
    pub(in crate::graph) fn new(vectors: &[&[f32]], order: &[u32]) -> Self {
        let dimension = vectors.first().map_or(0, |vector| vector.len());
        let stride = dimension.div_ceil(LINE).max(1);
        let mut lines = vec![Line([BIAS; LINE]); order.len() * stride];
        let mut inverse = vec![0f32; order.len()];
        let tasks = lines.par_chunks_mut(stride * TASK_ROWS);
        let tasks = tasks.zip(inverse.par_chunks_mut(TASK_ROWS)).zip(order.par_chunks(TASK_ROWS));
        tasks.for_each(|((lines, inverse), order)| {
            dispatch(Encode { vectors, order, stride, lines, inverse });
        });
        Self { stride, lines, inverse }
    }

    pub(in crate::graph) fn rows(&self) -> usize {
        self.inverse.len()
    }

    /// Bytes that the codes take.
    #[cfg(test)]
    pub(in crate::graph) fn memory(&self) -> usize {
        self.lines.capacity() * size_of::<Line<u8>>() + self.inverse.capacity() * size_of::<f32>()
    }

    #[inline(always)]
    pub(in crate::graph) fn row(&self, node: u32) -> &[Line<u8>] {
        &self.lines[node as usize * self.stride..][..self.stride]
    }

    /// 1 − cosine between what was probed for and a row.
    #[inline(always)]
    pub(in crate::graph) fn distance<S: Isa>(&self, isa: S, from: &Probe, node: u32) -> f32 {
        let sum = isa.dot_codes(&from.lines, from.bias, self.row(node));
        distance(sum, from.inverse * self.inverse[node as usize])
    }

    /// Tell [`Codes::distance`] of each of `nodes`, four at a time.
    #[inline(always)]
    pub(in crate::graph) fn each_distance<S: Isa>(
        &self,
        isa: S,
        from: &Probe,
        nodes: &[u32],
        mut tell: impl FnMut(f32),
    ) {
        let (fours, rest) = nodes.as_chunks::<4>();
        for four in fours {
            let sums = isa.dot_four(&from.lines, from.bias, four.map(|node| self.row(node)));
            for (sum, node) in sums.into_iter().zip(four) {
                tell(distance(sum, from.inverse * self.inverse[*node as usize]));
            }
        }
        for &node in rest {
            tell(self.distance(isa, from, node));
        }
    }

    /// 1 − cosine between two rows; bit for bit what [`Codes::distance`] gives.
    #[inline(always)]
    pub(in crate::graph) fn between<S: Isa>(&self, isa: S, left: u32, right: u32) -> f32 {
        let sum = isa.dot_rows(self.row(left), self.row(right));
        distance(sum, self.inverse[left as usize] * self.inverse[right as usize])
    }
}

/// One row, made ready to be compared with many.
pub(in crate::graph) struct Probe {
    lines: Vec<Line<i8>>,
    bias: i32,
    inverse: f32,
}

impl Probe {
    pub(in crate::graph) fn new() -> Self {
        Self { lines: Vec::new(), bias: 0, inverse: 0.0 }
    }

    /// Compare with row `node` from now on.
    #[inline(always)]
    pub(in crate::graph) fn aim(&mut self, codes: &Codes, node: u32) {
        self.lines.clear();
        for line in codes.row(node) {
            self.lines.push(Line(line.0.map(|code| (code ^ BIAS).cast_signed())));
        }
        self.bias = prag_simd::bias(&self.lines);
        self.inverse = codes.inverse[node as usize];
    }
}

#[inline(always)]
fn distance(sum: i32, inverse: f32) -> f32 {
    #[allow(clippy::cast_precision_loss)] // codes are rounded more
    let sum = sum as f32;
    (1.0 - sum * inverse).max(0.0)
}

struct Encode<'a> {
    vectors: &'a [&'a [f32]],
    order: &'a [u32],
    stride: usize,
    lines: &'a mut [Line<u8>],
    inverse: &'a mut [f32],
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) {
        let rows = self.lines.chunks_exact_mut(self.stride).zip(self.inverse);
        for ((lines, inverse), &index) in rows.zip(self.order) {
            let vector = self.vectors[index as usize];
            let most = largest(vector);
            let steps = if most > 0.0 { STEPS / most } else { 0.0 };
            for (line, values) in lines.iter_mut().zip(vector.chunks(LINE)) {
                for (code, value) in line.0.iter_mut().zip(values) {
                    #[allow(clippy::cast_possible_truncation)] // within ±127 by the choice of steps
                    let step = (value * steps).round_ties_even() as i8;
                    *code = step.cast_unsigned() ^ BIAS;
                }
            }
            #[allow(clippy::cast_precision_loss)] // codes are rounded more
            let square = isa.dot_rows(lines, lines) as f32;
            *inverse = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
        }
    }
}

const STEPS: f32 = 127.0;
const TASK_ROWS: usize = 256;
