//! Vectors for building: i8 codes in the order of insertion.
//!
//! Layer: index.
//! Holds: codes at a fixed stride, and the inverse length of each.
//! Never: what a search answers with; a build only compares.
//! Invariant: distances are of the coded vectors, so equal codes are 0 apart and no distance is negative.

use crate::simd::{Kernel, dot_bytes, vectorized};
use rayon::prelude::*;

/// Coded vectors, numbered as they are inserted.
pub(in crate::graph) struct Codes {
    stride: usize,
    codes: Vec<i8>,
    /// One over the length of each row's codes.
    inverse: Vec<f32>,
}

impl Codes {
    /// Code `vectors`, the one at `order[i]` as row i.
    pub(in crate::graph) fn new(vectors: &[&[f32]], order: &[u32]) -> Self {
        let dimension = vectors.first().map_or(0, |vector| vector.len());
        let stride = dimension.next_multiple_of(ALIGN).max(ALIGN);
        let mut codes = vec![0i8; order.len() * stride];
        let mut inverse = vec![0f32; order.len()];
        let rows = codes.par_chunks_mut(stride * CHUNK).zip(inverse.par_chunks_mut(CHUNK));
        rows.zip(order.par_chunks(CHUNK)).for_each(|((codes, inverse), order)| {
            vectorized(Encode { vectors, order, stride, codes, inverse });
        });
        Self { stride, codes, inverse }
    }

    pub(in crate::graph) fn rows(&self) -> usize {
        self.inverse.len()
    }

    /// A row, to compare others with.
    #[inline(always)]
    pub(in crate::graph) fn row(&self, node: u32) -> Coded<'_> {
        let start = node as usize * self.stride;
        Coded {
            codes: &self.codes[start..start + self.stride],
            inverse: self.inverse[node as usize],
        }
    }

    /// 1 − cosine between a row and the row `node`.
    #[inline(always)]
    pub(in crate::graph) fn distance(&self, from: Coded<'_>, node: u32) -> f32 {
        let to = self.row(node);
        #[allow(clippy::cast_precision_loss)] // a comparison of codes, themselves rounded
        let sum = dot_bytes(from.codes, to.codes) as f32;
        (1.0 - sum * (from.inverse * to.inverse)).max(0.0)
    }
}

/// One row.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Coded<'a> {
    codes: &'a [i8],
    inverse: f32,
}

struct Encode<'a> {
    vectors: &'a [&'a [f32]],
    order: &'a [u32],
    stride: usize,
    codes: &'a mut [i8],
    inverse: &'a mut [f32],
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.codes.chunks_exact_mut(self.stride).zip(self.inverse);
        for ((codes, inverse), &index) in rows.zip(self.order) {
            let vector = self.vectors[index as usize];
            let most = vector.iter().fold(0f32, |most, value| most.max(value.abs()));
            let steps = if most > 0.0 { STEPS / most } else { 0.0 };
            for (code, value) in codes.iter_mut().zip(vector) {
                #[allow(clippy::cast_possible_truncation)] // within ±127 by the choice of steps
                let step = (value * steps).round() as i8;
                *code = step;
            }
            #[allow(clippy::cast_precision_loss)] // at most 4096 · 127², and rounding is harmless
            let square = dot_bytes(codes, codes) as f32;
            *inverse = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
        }
    }
}

const STEPS: f32 = 127.0;
/// Codes per row are a multiple of this: whole registers.
const ALIGN: usize = 32;
/// Rows that one task codes.
const CHUNK: usize = 256;
