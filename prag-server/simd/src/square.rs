//! Walsh and Hadamard's transform of a square of numbers.
//!
//! Layer: under `lib`.
//! Holds: the plain loops, and the order of sums that every instruction set keeps.
//! Never: a scale.
//! Invariant: each number is the sum of the same two in each step, however wide the registers are.

/// Rows of 16 numbers, of which one fills a register of AVX-512.
pub type Square = [[f32; SIDE]; SIDE];

/// Rows of a square, and numbers in each.
pub const SIDE: usize = 16;

/// Each row and the one `half` rows behind it become their sum and their difference.
#[inline(always)]
pub fn halves(rows: &mut [[f32; SIDE]], half: usize) {
    for pair in rows.chunks_exact_mut(2 * half) {
        let (left, right) = pair.split_at_mut(half);
        for (left, right) in left.iter_mut().zip(right) {
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
    }
}

/// As [`crate::Isa::transform`].
#[inline(always)]
pub(crate) fn transform(square: &mut Square) {
    columns(square);
    let old = *square;
    for (at, row) in square.iter_mut().enumerate() {
        for (to, from) in row.iter_mut().zip(&old) {
            *to = from[at];
        }
    }
    columns(square);
}

/// The transform of each column.
#[inline(always)]
fn columns(square: &mut Square) {
    for half in [1, 2, 4, 8] {
        halves(square, half);
    }
}
