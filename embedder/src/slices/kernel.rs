//! Matrix products, attention and layer normalisation over packed slices.
//!
//! Layer: above `math`.
//! Holds: packed matrices and the three operations of the network, for any vector width.
//! Never: allocates in an inner loop, or reads a row that its caller did not name.
//! Invariant: every output value is one chain of multiply-adds in the order of the inner index,
//! wherever its row lies.
//!
//! Panels: a left-hand side lies in panels of `M` rows, a right-hand side in panels of two vectors of
//! columns, both with the inner index outermost, so that the innermost loop reads both in order and
//! keeps an `M` by two-vector tile of sums in registers.

use pulp::bytemuck;
use pulp::{Arch, Simd, WithSimd};
use zeroize::Zeroize;

use super::math::{gelu, layer_norm, softmax};

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
        let rows = View {
            values: weight,
            stride: inputs,
            rows: bias.len(),
            columns: inputs,
        };
        interleave(rows, width, &mut panels);
        Self {
            panels,
            bias,
            inputs,
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Self {
            left,
            keys,
            values,
            scores,
            weights,
        } = self;
        for part in [left, keys, values, scores, weights] {
            part.zeroize();
        }
    }
}

impl WithSimd for Linear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 12>(simd)
        } else {
            self.run::<S, 6>(simd)
        }
    }
}

impl Linear<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Matrix {
            panels,
            bias,
            inputs,
        } = self.matrix;
        let rows = self.input.len() / inputs;
        let input = View {
            values: self.input,
            stride: *inputs,
            rows,
            columns: *inputs,
        };
        interleave(input, M, &mut self.room.left);
        let target = Target {
            values: self.out,
            stride: bias.len(),
            rows,
            columns: bias.len(),
        };
        let left = &self.room.left;
        match self.finish {
            Finish::Bias => product::<S, M>(
                simd,
                left,
                panels,
                *inputs,
                target,
                #[inline(always)]
                |line, column| {
                    for (value, bias) in line.iter_mut().zip(&bias[column..]) {
                        *value += bias;
                    }
                },
            ),
            Finish::BiasGelu => product::<S, M>(
                simd,
                left,
                panels,
                *inputs,
                target,
                #[inline(always)]
                |line, column| {
                    for (value, bias) in line.iter_mut().zip(&bias[column..]) {
                        *value = gelu(*value + bias);
                    }
                },
            ),
        }
    }
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 12>(simd)
        } else {
            self.run::<S, 6>(simd)
        }
    }
}

impl Attention<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let Self {
            projected,
            heads,
            size,
            out,
            room,
        } = self;
        let (length, head, stride) = (out.len() / size, size / heads, 3 * size);
        let width = 2 * S::F32_LANES;
        fit(&mut room.scores, M * length);
        for offset in (0..size).step_by(head) {
            let part = |values, rows| View {
                values,
                stride,
                rows,
                columns: head,
            };
            interleave(
                part(&projected[size + offset..], length),
                width,
                &mut room.keys,
            );
            stack(
                part(&projected[2 * size + offset..], length),
                width,
                &mut room.values,
            );
            for first in (0..length).step_by(M) {
                let rows = M.min(length - first);
                interleave(
                    part(&projected[first * stride + offset..], rows),
                    M,
                    &mut room.left,
                );
                let scores = &mut room.scores[..rows * length];
                let target = Target {
                    values: scores,
                    stride: length,
                    rows,
                    columns: length,
                };
                product::<S, M>(
                    simd,
                    &room.left,
                    &room.keys,
                    head,
                    target,
                    #[inline(always)]
                    |_, _| (),
                );
                for row in scores.chunks_exact_mut(length) {
                    softmax(row);
                }
                let weights = View {
                    values: scores,
                    stride: length,
                    rows,
                    columns: length,
                };
                interleave(weights, M, &mut room.weights);
                let target = Target {
                    values: &mut out[first * size + offset..],
                    stride: size,
                    rows,
                    columns: head,
                };
                product::<S, M>(
                    simd,
                    &room.weights,
                    &room.values,
                    length,
                    target,
                    #[inline(always)]
                    |_, _| (),
                );
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

/// Give `values` this length. What was there is wiped, not left behind, if it has to move.
pub(super) fn fit(values: &mut Vec<f32>, length: usize) {
    if values.capacity() < length {
        values.zeroize();
        *values = Vec::with_capacity(length);
    }
    values.resize(length, 0.0);
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

/// Rows that lie `stride` numbers apart.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    stride: usize,
    rows: usize,
    columns: usize,
}

/// Rows to be written, `stride` numbers apart.
struct Target<'a> {
    values: &'a mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
}

/// Panels of `width` rows: number i of the inner index, then row by row. Missing rows are zeros.
#[inline(always)]
fn interleave(view: View<'_>, width: usize, out: &mut Vec<f32>) {
    let panel = view.columns * width;
    fit(out, view.rows.div_ceil(width) * panel);
    for (index, panel) in out.chunks_exact_mut(panel).enumerate() {
        let present = width.min(view.rows - index * width);
        if present < width {
            panel.fill(0.0);
        }
        // In blocks, so that the strided stores stay in the first-level cache.
        for (block, part) in panel.chunks_mut(BLOCK * width).enumerate() {
            for lane in 0..present {
                let row = &view.values[(index * width + lane) * view.stride..][..view.columns];
                for (slot, &value) in part.chunks_exact_mut(width).zip(&row[block * BLOCK..]) {
                    slot[lane] = value;
                }
            }
        }
    }
}

/// Panels of `width` columns: row by row, then the columns of the panel. Missing columns are zeros.
#[inline(always)]
fn stack(view: View<'_>, width: usize, out: &mut Vec<f32>) {
    let panel = view.rows * width;
    fit(out, view.columns.div_ceil(width) * panel);
    for (index, panel) in out.chunks_exact_mut(panel).enumerate() {
        let first = index * width;
        let present = width.min(view.columns - first);
        for (row, slot) in panel.chunks_exact_mut(width).enumerate() {
            slot[..present].copy_from_slice(&view.values[row * view.stride + first..][..present]);
            slot[present..].fill(0.0);
        }
    }
}

/// The product of packed operands, line by line through `finish` (which gets the line and its first
/// column) into `out`.
#[inline(always)]
fn product<S: Simd, const M: usize>(
    simd: S,
    left: &[f32],
    right: &[f32],
    inner: usize,
    out: Target<'_>,
    finish: impl Fn(&mut [f32], usize),
) {
    let width = 2 * S::F32_LANES;
    for (index, right) in right.chunks_exact(inner * width).enumerate() {
        let column = index * width;
        let present = width.min(out.columns - column);
        for (index, left) in left.chunks_exact(inner * M).enumerate() {
            let sums = tile::<S, M>(simd, left, right);
            let first = index * M;
            for (row, sums) in (first..out.rows).zip(&sums) {
                let line = &mut out.values[row * out.stride + column..][..present];
                line.copy_from_slice(&bytemuck::cast_slice(sums)[..present]);
                finish(line, column);
            }
        }
    }
}

/// One tile of sums. The copy at the end keeps the sums in registers until then.
#[inline(always)]
fn tile<S: Simd, const M: usize>(simd: S, left: &[f32], right: &[f32]) -> [[S::f32s; 2]; M] {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; 2]; M];
    let (left, _) = left.as_chunks::<M>();
    let (right, _) = S::as_simd_f32s(right);
    let (right, _) = right.as_chunks::<2>();
    for (left, right) in left.iter().zip(right) {
        for (sums, &value) in sums.iter_mut().zip(left) {
            let value = simd.splat_f32s(value);
            sums[0] = simd.mul_add_e_f32s(value, right[0], sums[0]);
            sums[1] = simd.mul_add_e_f32s(value, right[1], sums[1]);
        }
    }
    let mut out = [[zero; 2]; M];
    for (out, sums) in out.iter_mut().zip(&sums) {
        *out = *sums;
    }
    out
}

/// Inner indices that are interleaved at a time.
const BLOCK: usize = 64;

#[cfg(test)]
mod tests;
