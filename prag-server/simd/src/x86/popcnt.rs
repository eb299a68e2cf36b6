//! Sums over the bits of rows with VPOPCNTDQ: one instruction counts the bits of a line.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines.
//! Never: a lane that overflows: 960 a line, below 2^16 up to 68 lines.
//! Invariant: lanes are added only at the end.

use super::avx512::{load, total};
use crate::{Line, Planes};
use std::arch::x86_64::*;

#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn counts(planes: &[__m512i; 4], row: __m512i) -> __m512i {
    let [first, second, third, fourth] =
        planes.map(|plane| _mm512_popcnt_epi64(_mm512_and_si512(plane, row)));
    let low = _mm512_add_epi64(first, _mm512_add_epi64(second, second));
    let high = _mm512_add_epi64(third, _mm512_add_epi64(fourth, fourth));
    _mm512_add_epi64(low, _mm512_slli_epi64::<2>(high))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
pub(super) fn sum_bits(query: &[Planes], row: &[Line<u8>]) -> u32 {
    let mut sum = _mm512_setzero_si512();
    for (planes, row) in query.iter().zip(row) {
        sum = _mm512_add_epi64(sum, counts(&planes.each_ref().map(|plane| load(plane)), load(row)));
    }
    total(sum)
}

/// The query is read once for four rows, and their sums are added up together.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
pub(super) fn sum_bits_four(query: &[Planes], rows: [&[Line<u8>]; 4]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = [_mm512_setzero_si512(); 4];
    let [first, second, third, fourth] = rows;
    let lines = query.iter().zip(first).zip(second).zip(third).zip(fourth);
    for ((((planes, first), second), third), fourth) in lines {
        let planes = planes.each_ref().map(|plane| load(plane));
        a = _mm512_add_epi64(a, counts(&planes, load(first)));
        b = _mm512_add_epi64(b, counts(&planes, load(second)));
        c = _mm512_add_epi64(c, counts(&planes, load(third)));
        d = _mm512_add_epi64(d, counts(&planes, load(fourth)));
    }
    // Two rows' counts fit side by side into lanes of 64 bits, two pairs of such into registers half as wide.
    let (left, right) = (paired(a, b), paired(c, d));
    let sums =
        _mm256_add_epi32(_mm256_unpacklo_epi64(left, right), _mm256_unpackhi_epi64(left, right));
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let lane = |value: i32| value.cast_unsigned();
    [
        lane(_mm_extract_epi32::<0>(sums)),
        lane(_mm_extract_epi32::<1>(sums)),
        lane(_mm_extract_epi32::<2>(sums)),
        lane(_mm_extract_epi32::<3>(sums)),
    ]
}

/// Even lanes of 32 bits hold sums of `first`, odd ones of `second`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn paired(first: __m512i, second: __m512i) -> __m256i {
    let both = _mm512_or_si512(first, _mm512_slli_epi64::<32>(second));
    _mm256_add_epi32(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64::<1>(both))
}
