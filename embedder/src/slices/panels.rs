//! Packed operands and the product of two of them.
//!
//! Layer: bottom of `slices`, beside `math`.
//! Holds: the packing and the innermost loop, for any vector width.
//! Never: allocates in the innermost loop, or reads a row that its caller did not name.
//! Invariant: every output value is one chain of multiply-adds in the order of the inner index,
//! wherever its row lies.
//!
//! A left-hand side lies in panels of `M` rows, a right-hand side in panels of two vectors of
//! columns, both with the inner index outermost, so that the innermost loop reads both in order and
//! keeps an `M` by two-vector tile of sums in registers.

use pulp::Simd;
use pulp::bytemuck;
use zeroize::Zeroize;

/// Give `values` this length. What was there is wiped, not left behind, if it has to move.
pub(super) fn fit(values: &mut Vec<f32>, length: usize) {
    if values.capacity() < length {
        values.zeroize();
        *values = Vec::with_capacity(length);
    }
    values.resize(length, 0.0);
}

/// `rows` rows of `columns` numbers that lie `stride` numbers apart.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    values: &'a [f32],
    stride: usize,
    rows: usize,
    columns: usize,
}

/// The same, to be written.
pub(super) struct Target<'a> {
    values: &'a mut [f32],
    stride: usize,
    rows: usize,
    columns: usize,
}

impl<'a> View<'a> {
    #[inline(always)]
    pub(super) fn new(values: &'a [f32], stride: usize, rows: usize, columns: usize) -> Self {
        Self { values, stride, rows, columns }
    }
}

impl<'a> Target<'a> {
    #[inline(always)]
    pub(super) fn new(values: &'a mut [f32], stride: usize, rows: usize, columns: usize) -> Self {
        Self { values, stride, rows, columns }
    }
}

/// Panels of `width` rows: number i of the inner index, then row by row. Missing rows are zeros.
#[inline(always)]
pub(super) fn interleave(view: View<'_>, width: usize, out: &mut Vec<f32>) {
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
pub(super) fn stack(view: View<'_>, width: usize, out: &mut Vec<f32>) {
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
pub(super) fn product<S: Simd, const M: usize>(
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
