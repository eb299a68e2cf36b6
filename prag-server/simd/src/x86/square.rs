//! Walsh and Hadamard's transform of a square with AVX-512: it stays in registers, a row in each.
//!
//! Layer: under `x86`.
//! Holds: the steps down the columns, and the transposition between them.
//! Never: a sum in another order than the plain loops'.
//! Invariant: what is loaded and stored is the square.

use crate::square::Square;
use std::arch::x86_64::*;

type Rows = [__m512; 16];

/// As [`crate::Isa::transform`].
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transform(square: &mut Square) {
    // SAFETY: a row is 16 f32; the load asks for no alignment.
    let rows = square.each_ref().map(|row| unsafe { _mm512_loadu_ps(row.as_ptr()) });
    let rows = columns(transposed(columns(rows)));
    for (row, register) in square.iter_mut().zip(rows) {
        // SAFETY: a row is 16 f32; the store asks for no alignment.
        unsafe { _mm512_storeu_ps(row.as_mut_ptr(), register) };
    }
}

/// The transform of each column.
#[inline]
#[target_feature(enable = "avx512f")]
fn columns(rows: Rows) -> Rows {
    step::<8>(step::<4>(step::<2>(step::<1>(rows))))
}

/// Each row and the one `HALF` rows behind it become their sum and their difference.
#[inline]
#[target_feature(enable = "avx512f")]
fn step<const HALF: usize>(mut rows: Rows) -> Rows {
    for at in (0..16).filter(|at| at & HALF == 0) {
        let (a, b) = (rows[at], rows[at + HALF]);
        rows[at] = _mm512_add_ps(a, b);
        rows[at + HALF] = _mm512_sub_ps(a, b);
    }
    rows
}

/// Rows become columns: numbers of four rows within each quarter, then quarters.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: Rows) -> Rows {
    let pairs: Rows = std::array::from_fn(|at| {
        let (a, b) = (rows[at & !1], rows[at | 1]);
        if at & 1 == 0 { _mm512_unpacklo_ps(a, b) } else { _mm512_unpackhi_ps(a, b) }
    });
    // In row 4 i + j now column j of each quarter of rows 4 i to 4 i + 3.
    let fours: Rows = std::array::from_fn(|at| {
        let first = at & !3 | (at & 2) >> 1;
        let (a, b) = (_mm512_castps_pd(pairs[first]), _mm512_castps_pd(pairs[first + 2]));
        let both = if at & 1 == 0 { _mm512_unpacklo_pd(a, b) } else { _mm512_unpackhi_pd(a, b) };
        _mm512_castpd_ps(both)
    });
    // Quarters 0 and 2, or 1 and 3, of two of these.
    let eights: Rows = std::array::from_fn(|at| {
        let first = (at & 8) | (at & 3);
        let (a, b) = (fours[first], fours[first + 4]);
        if at & 4 == 0 {
            _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b)
        } else {
            _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b)
        }
    });
    std::array::from_fn(|at| {
        let (a, b) = (eights[at & 7], eights[at & 7 | 8]);
        if at & 8 == 0 {
            _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b)
        } else {
            _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b)
        }
    })
}
