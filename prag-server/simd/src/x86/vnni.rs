//! Inner products of codes with VNNI: one instruction multiplies and adds 64 of them.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines.
//! Never: a sum that saturates.
//! Invariant: rows are bytes without sign, so each sum is [`BIAS`](crate::BIAS)·Σ query too large, and that is
//! taken off at the end.

use super::avx512::load;
use crate::{BIAS, Line};
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
    let pairs = [_mm256_hadd_epi32(halved(a), halved(b)), _mm256_hadd_epi32(halved(c), halved(d))];
    let sums = _mm256_hadd_epi32(pairs[0], pairs[1]);
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sums = _mm_sub_epi32(sums, _mm_set1_epi32(bias));
    [
        _mm_extract_epi32::<0>(sums),
        _mm_extract_epi32::<1>(sums),
        _mm_extract_epi32::<2>(sums),
        _mm_extract_epi32::<3>(sums),
    ]
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
