//! What every processor can do, and what the others are compared with.
//!
//! Layer: under `lib`.
//! Holds: plain loops, which the compiler makes as wide as the architecture's base allows.
//! Never: intrinsics.
//! Invariant: sums of at most 4,096 products of bytes stay below 2^31.

use crate::{BIAS, Halves, Isa, Line, Planes, Terms, floats, nibbles, sealed, tail};

/// The base of the architecture.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl sealed::Sealed for Scalar {}

impl Isa for Scalar {
    #[inline(always)]
    fn dot_codes(self, query: &[Line<i8>], _: i32, row: &[Line<u8>]) -> i32 {
        let lines = query.iter().zip(row);
        lines.map(|(query, row)| line(&query.0, &row.0, |code| i32::from(*code))).sum()
    }

    #[inline(always)]
    fn dot_rows(self, left: &[Line<u8>], right: &[Line<u8>]) -> i32 {
        let lines = left.iter().zip(right);
        lines.map(|(left, right)| line(&left.0, &right.0, signed)).sum()
    }

    #[inline(always)]
    fn sum_bits(self, query: &[Planes], row: &[Line<u8>]) -> u32 {
        query.iter().zip(row).map(|(planes, row)| bits(planes, row)).sum()
    }

    #[inline(always)]
    fn dot_nibbles(self, query: &[Halves], row: &[Line<u8>]) -> i32 {
        nibbles::dot(query, row)
    }

    #[inline(always)]
    fn dot_f32(self, left: &[f32], right: &[f32]) -> f32 {
        floats::dot(left, right, |value| *value)
    }

    #[inline(always)]
    fn dot_f16(self, left: &[f32], right: &[u16]) -> f32 {
        floats::dot(left, right, |value| floats::whole(*value))
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &[T]) {}
}

#[inline(always)]
fn line<T>(left: &[T; 64], right: &[u8; 64], widen: impl Fn(&T) -> i32) -> i32 {
    let mut sum = 0i32;
    for (a, b) in left.iter().zip(right) {
        sum = sum.wrapping_add(widen(a).wrapping_mul(signed(b)));
    }
    sum
}

/// By four rows at a time of `isa`.
#[inline(always)]
pub(crate) fn scores<S: Isa>(
    isa: S,
    query: &[Planes],
    terms: &Terms,
    lines: &[Line<u8>],
    rows: &[u32],
    scores: &mut [f32],
) {
    let stride = query.len();
    let row = |row: u32| &lines[row as usize * stride..][..stride];
    let mut ahead = rows.get(ROWS_AHEAD..).unwrap_or_default().iter();
    let (fours, rest) = rows.as_chunks::<4>();
    let (each, last) = scores.as_chunks_mut::<4>();
    for (&[a, b, c, d], scores) in fours.iter().zip(each) {
        for &next in ahead.by_ref().take(4) {
            isa.prefetch(row(next));
        }
        *scores = isa.scores_four(query, terms, [row(a), row(b), row(c), row(d)]);
    }
    for (&at, score) in rest.iter().zip(last) {
        *score = terms.score(isa.sum_bits(query, row(at)), tail(row(at)));
    }
}

/// From the value at `from` on, where `kept` before it are kept.
#[inline(always)]
pub(crate) fn keep(
    values: &mut [u32],
    scores: &[f32],
    bar: f32,
    from: usize,
    mut kept: usize,
) -> usize {
    for at in from..values.len() {
        values[kept] = values[at];
        kept += usize::from(scores[at] >= bar);
    }
    kept
}

/// Eight are written at a time, whether a word has so many or not: which bit is its last no processor guesses.
#[inline(always)]
pub(crate) fn places(words: &[u64], places: &mut [u32]) {
    let (mut at, mut base) = (0, 0);
    for &word in words {
        let (mut rest, mut from) = (word, at);
        at += word.count_ones() as usize;
        while from < at {
            for place in &mut places[from..from + EIGHT] {
                *place = base + rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
            }
            from += EIGHT;
        }
        base += u64::BITS;
    }
}

#[inline(always)]
fn bits(planes: &Planes, row: &Line<u8>) -> u32 {
    let (row, _) = row.0.as_chunks::<8>();
    let plane = |plane: &Line<u8>| {
        let (plane, _) = plane.0.as_chunks::<8>();
        let both =
            plane.iter().zip(row).map(|(a, b)| u64::from_le_bytes(*a) & u64::from_le_bytes(*b));
        both.map(u64::count_ones).sum::<u32>()
    };
    planes.iter().rev().fold(0, |sum, bits| 2 * sum + plane(bits))
}

#[inline(always)]
fn signed(code: &u8) -> i32 {
    i32::from(*code) - i32::from(BIAS)
}

const EIGHT: usize = 8;
/// How many rows ahead they are asked for.
pub(crate) const ROWS_AHEAD: usize = 32;
