//! The three operations of the network: product with a weight matrix, attention, normalisation.
//!
//! Layer: above `math` and `panels`.
//! Holds: packed weights, and room for packed operands that is wiped when dropped.
//! Never: lets one sequence see another.
//! Invariant: a row's result does not depend on the rows beside it, save its own sequence's.

use pulp::{Arch, Simd, WithSimd};
use zeroize::Zeroize;

use super::math::{gelu, layer_norm, softmax};
use super::panels::{Target, View, fit, interleave, product, stack};

/// A weight matrix with its bias, packed for products from the left.
pub(super) struct Matrix {
    panels: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

/// What happens to a product before it is stored.
#[derive(Clone, Copy)]
pub(super) enum Finish {
    /// The bias is added.
    Bias,
    /// The bias is added and the activation taken.
    BiasGelu,
}

/// Room for packed operands, wiped when dropped.
#[derive(Default)]
pub(super) struct Room {
    left: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
    weights: Vec<f32>,
}

/// `out = finish(input × matrixᵀ + bias)`, row by row.
pub(super) struct Linear<'a> {
    pub(super) input: &'a [f32],
    pub(super) matrix: &'a Matrix,
    pub(super) finish: Finish,
    pub(super) out: &'a mut [f32],
    pub(super) room: &'a mut Room,
}

/// Self-attention over the rows (query, key, value) of one sequence.
pub(super) struct Attention<'a> {
    pub(super) projected: &'a [f32],
    pub(super) heads: usize,
    pub(super) size: usize,
    pub(super) out: &'a mut [f32],
    pub(super) room: &'a mut Room,
}

/// `values = layer_norm(values + added)`, row by row.
pub(super) struct AddNorm<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) added: Option<&'a [f32]>,
    pub(super) gain: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) epsilon: f32,
}

impl Matrix {
    /// Pack `weight`, one row of `inputs` numbers for each output.
    pub(super) fn pack(arch: Arch, weight: &[f32], bias: Vec<f32>, inputs: usize) -> Self {
        let mut panels = Vec::new();
        let width = arch.dispatch(Width);
        let rows = View::new(weight, inputs, bias.len(), inputs);
        interleave(rows, width, &mut panels);
        Self { panels, bias, inputs }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Self { left, keys, values, scores, weights } = self;
        for part in [left, keys, values, scores, weights] {
            part.zeroize();
        }
    }
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 12>(simd) } else { self.run::<S, 6>(simd) }
    }
}

impl Linear<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Matrix { panels, bias, inputs } = self.matrix;
        let (rows, outputs) = (self.input.len() / inputs, bias.len());
        let left = &mut self.room.left;
        interleave(View::new(self.input, *inputs, rows, *inputs), M, left);
        let target = Target::new(self.out, outputs, rows, outputs);
        let add = finish(
            #[inline(always)]
            |line, column| {
                for (value, bias) in line.iter_mut().zip(&bias[column..]) {
                    *value += bias;
                }
            },
        );
        let activate = finish(
            #[inline(always)]
            |line, column| {
                for (value, bias) in line.iter_mut().zip(&bias[column..]) {
                    *value = gelu(*value + bias);
                }
            },
        );
        match self.finish {
            Finish::Bias => product::<S, M>(simd, left, panels, *inputs, target, add),
            Finish::BiasGelu => product::<S, M>(simd, left, panels, *inputs, target, activate),
        }
    }
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 12>(simd) } else { self.run::<S, 6>(simd) }
    }
}

impl Attention<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Self { projected, heads, size, out, room } = self;
        let Room { left, keys, values, scores, weights } = room;
        let (length, head, stride) = (out.len() / size, size / heads, 3 * size);
        let width = 2 * S::F32_LANES;
        let part = |from: usize, rows| View::new(&projected[from..], stride, rows, head);
        let keep = finish(
            #[inline(always)]
            |_, _| (),
        );
        fit(scores, M * length);
        for offset in (0..size).step_by(head) {
            interleave(part(size + offset, length), width, keys);
            stack(part(2 * size + offset, length), width, values);
            for first in (0..length).step_by(M) {
                let rows = M.min(length - first);
                interleave(part(first * stride + offset, rows), M, left);
                let scores = &mut scores[..rows * length];
                let target = Target::new(scores, length, rows, length);
                product::<S, M>(simd, left, keys, head, target, keep);
                for row in scores.chunks_exact_mut(length) {
                    softmax(row);
                }
                interleave(View::new(scores, length, rows, length), M, weights);
                let target = Target::new(&mut out[first * size + offset..], size, rows, head);
                product::<S, M>(simd, weights, values, length, target, keep);
            }
        }
    }
}

impl WithSimd for AddNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let size = self.gain.len();
        let mut added = self.added.map(|added| added.chunks_exact(size));
        for row in self.values.chunks_exact_mut(size) {
            if let Some(more) = added.as_mut().and_then(Iterator::next) {
                for (value, more) in row.iter_mut().zip(more) {
                    *value += more;
                }
            }
            layer_norm(row, self.gain, self.bias, self.epsilon);
        }
    }
}

/// `action` itself: an attribute may stand on an argument, but not on the value of a `let`.
#[inline(always)]
fn finish<F: Fn(&mut [f32], usize)>(action: F) -> F {
    action
}

/// Columns of a panel on this machine.
struct Width;

impl WithSimd for Width {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        2 * S::F32_LANES
    }
}

#[cfg(test)]
mod tests;
