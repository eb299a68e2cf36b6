//! Inner products of codes with VNNI: one instruction multiplies and adds 64 of them.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines.
//! Never: a sum that saturates.
//! Invariant: rows are bytes without sign, so each sum is [`BIAS`](crate::BIAS)·Σ query too large, and that is
//! taken off at the end.

use super::avx512::{load, nibbles};
use crate::{BIAS, Halves, Line, Pitch, scale};
use std::arch::x86_64::*;

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_codes(query: &[Line<i8>], bias: i32, row: &[Line<u8>]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for (query, row) in query.iter().zip(row) {
        sum = _mm512_dpbusd_epi32(sum, load(row), load(query));
    }
    _mm512_reduce_add_epi32(sum) - bias
}

/// The query is read once for four rows, and their sums are added up together.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_four(query: &[Line<i8>], bias: i32, rows: [&[Line<u8>]; 4]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [_mm512_setzero_si512(); 4];
    let [first, second, third, fourth] = rows;
    let lines = query.iter().zip(first).zip(second).zip(third).zip(fourth);
    for ((((query, first), second), third), fourth) in lines {
        let query = load(query);
        a = _mm512_dpbusd_epi32(a, load(first), query);
        b = _mm512_dpbusd_epi32(b, load(second), query);
        c = _mm512_dpbusd_epi32(c, load(third), query);
        d = _mm512_dpbusd_epi32(d, load(fourth), query);
    }
    let sums = _mm_sub_epi32(added([a, b, c, d]), _mm_set1_epi32(bias));
    let mut four = [0i32; 4];
    // SAFETY: 16 bytes.
    unsafe { _mm_storeu_si128(four.as_mut_ptr().cast(), sums) };
    four
}

/// The sum of each register's lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn added([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let pairs = [_mm256_hadd_epi32(halved(a), halved(b)), _mm256_hadd_epi32(halved(c), halved(d))];
    let sums = _mm256_hadd_epi32(pairs[0], pairs[1]);
    _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
}

/// Both halves added.
#[inline]
#[target_feature(enable = "avx512f")]
fn halved(sum: __m512i) -> __m256i {
    _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum))
}

/// The row is read once for both halves of a query.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_two(query: [&[Line<i8>]; 2], bias: [i32; 2], row: &[Line<u8>]) -> [i32; 2] {
    let mut sums = [_mm512_setzero_si512(); 2];
    for ((first, second), row) in query[0].iter().zip(query[1]).zip(row) {
        let row = load(row);
        sums[0] = _mm512_dpbusd_epi32(sums[0], row, load(first));
        sums[1] = _mm512_dpbusd_epi32(sums[1], row, load(second));
    }
    [_mm512_reduce_add_epi32(sums[0]) - bias[0], _mm512_reduce_add_epi32(sums[1]) - bias[1]]
}

/// Flipping the top bit of a biased code gives the code; its own bias comes out of a second sum.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_rows(left: &[Line<u8>], right: &[Line<u8>]) -> i32 {
    let flip = _mm512_set1_epi8(BIAS.cast_signed());
    let (mut sum, mut over) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for (left, right) in left.iter().zip(right) {
        let right = _mm512_xor_si512(load(right), flip);
        sum = _mm512_dpbusd_epi32(sum, load(left), right);
        over = _mm512_dpbusd_epi32(over, flip, right);
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, over))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_nibbles(query: &[Halves], row: &[Line<u8>]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for ([first, second], row) in query.iter().zip(row) {
        let [low, high] = nibbles(load(row));
        sum = _mm512_dpbusd_epi32(sum, low, load(first));
        sum = _mm512_dpbusd_epi32(sum, high, load(second));
    }
    _mm512_reduce_add_epi32(sum)
}

/// As [`crate::Isa::nibble_scores`], for rows of one line, four at once: the query stays in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn nibble_scores_of_lines(
    [first, second]: &Halves,
    pitch: &Pitch,
    lines: &[Line<u8>],
    rows: &[u32],
    scores: &mut [f32],
) {
    let (first, second) = (load(first), load(second));
    let sum = |row: &Line<u8>| {
        let [low, high] = nibbles(load(row));
        let sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, first);
        _mm512_dpbusd_epi32(sum, high, second)
    };
    let four = |four: [u32; 4]| {
        let [a, b, c, d] = four.map(|row| &lines[row as usize]);
        let sums =
            _mm_sub_epi32(added([sum(a), sum(b), sum(c), sum(d)]), _mm_set1_epi32(pitch.bias));
        let [a, b, c, d] = [a, b, c, d].map(|row| scale(std::slice::from_ref(row)));
        let rests = _mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_set1_ps(pitch.step));
        let scores = _mm_mul_ps(rests, _mm_setr_ps(a, b, c, d));
        let mut four = [0f32; 4];
        // SAFETY: 16 bytes.
        unsafe { _mm_storeu_ps(four.as_mut_ptr(), scores) };
        four
    };
    let (fours, rest) = rows.as_chunks::<4>();
    let (each, last) = scores.as_chunks_mut::<4>();
    for (rows, scores) in fours.iter().zip(each) {
        *scores = four(*rows);
    }
    if let Some(&row) = rest.first() {
        // Three more cost as much as one.
        let mut rows = [row; 4];
        rows[..rest.len()].copy_from_slice(rest);
        last.copy_from_slice(&four(rows)[..rest.len()]);
    }
}
