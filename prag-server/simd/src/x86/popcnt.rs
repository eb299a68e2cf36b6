//! Sums over the bits of rows with VPOPCNTDQ: one instruction counts the bits of a line. Their places with VBMI2.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines.
//! Never: a lane that overflows: 960 a line, below 2^16 up to 68 lines.
//! Invariant: lanes are added only at the end.

use super::avx512::{load, total};
use crate::scalar::{self, ROWS_AHEAD};
use crate::{LINE, Line, PLACES_AHEAD, Planes, Terms, tail};
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

/// The same where the last plane is empty.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn counts_of_three([first, second, third, _]: &[__m512i; 4], row: __m512i) -> __m512i {
    let [first, second, third] =
        [first, second, third].map(|plane| _mm512_popcnt_epi64(_mm512_and_si512(*plane, row)));
    let low = _mm512_add_epi64(first, _mm512_add_epi64(second, second));
    _mm512_add_epi64(low, _mm512_slli_epi64::<2>(third))
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
fn sums(query: &[Planes], rows: [&[Line<u8>]; 4]) -> __m128i {
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
    if query.len() <= LINES_PACKED_MAX {
        return packed([a, b, c, d]);
    }
    // Two rows' counts fit side by side into lanes of 64 bits, two pairs of such into registers half as wide.
    let (left, right) = (paired(a, b), paired(c, d));
    let sums =
        _mm256_add_epi32(_mm256_unpacklo_epi64(left, right), _mm256_unpackhi_epi64(left, right));
    _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums))
}

/// As [`crate::Isa::scores_four`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
pub(super) fn scores_four(query: &[Planes], terms: &Terms, rows: [&[Line<u8>]; 4]) -> [f32; 4] {
    let [a, b, c, d] = rows;
    let scores = scored(terms, sums(query, rows), [last(a), last(b), last(c), last(d)]);
    let mut four = [0f32; 4];
    // SAFETY: 16 bytes.
    unsafe { _mm_storeu_ps(four.as_mut_ptr(), scores) };
    four
}

/// As [`crate::Isa::scores`], for rows of one line: the query stays in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
pub(super) fn scores_of_lines(
    planes: &Planes,
    terms: &Terms,
    lines: &[Line<u8>],
    rows: &[u32],
    scores: &mut [f32],
) {
    if planes[3].0 == [0; LINE] {
        lines_by_planes::<3>(planes, terms, lines, rows, scores);
    } else {
        lines_by_planes::<4>(planes, terms, lines, rows, scores);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vpopcntdq")]
fn lines_by_planes<const PLANES: usize>(
    planes: &Planes,
    terms: &Terms,
    lines: &[Line<u8>],
    rows: &[u32],
    scores: &mut [f32],
) {
    let planes = planes.each_ref().map(|plane| load(plane));
    let counts = |line: &Line<u8>| {
        if PLANES == 3 { counts_of_three(&planes, load(line)) } else { counts(&planes, load(line)) }
    };
    let (fours, rest) = rows.as_chunks::<4>();
    let (each, last_scores) = scores.as_chunks_mut::<4>();
    let mut ahead = rows.get(ROWS_AHEAD..).unwrap_or_default().as_chunks::<4>().0.iter();
    for (&[a, b, c, d], scores) in fours.iter().zip(each) {
        if let Some(&[a, b, c, d]) = ahead.next() {
            ask(&lines[a as usize]);
            ask(&lines[b as usize]);
            ask(&lines[c as usize]);
            ask(&lines[d as usize]);
        }
        let [a, b, c, d] =
            [&lines[a as usize], &lines[b as usize], &lines[c as usize], &lines[d as usize]];
        let sums = packed([counts(a), counts(b), counts(c), counts(d)]);
        let tails = [end(a), end(b), end(c), end(d)];
        let four = scored(terms, sums, tails);
        // SAFETY: 16 bytes.
        unsafe { _mm_storeu_ps(scores.as_mut_ptr(), four) };
    }
    for (&row, score) in rest.iter().zip(last_scores) {
        let line = &lines[row as usize];
        *score = terms.score(total(counts(line)), tail(std::slice::from_ref(line)));
    }
}

#[inline]
fn ask(line: &Line<u8>) {
    // SAFETY: a prefetch reads nothing that the program sees.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
}

/// Four rows' counts, and the sums of all lanes, fit side by side into 64 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn packed([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let left = _mm512_or_si512(a, _mm512_slli_epi64::<16>(b));
    let right = _mm512_or_si512(c, _mm512_slli_epi64::<16>(d));
    let packed = _mm512_or_si512(left, _mm512_slli_epi64::<32>(right));
    let (low, high) = (_mm512_castsi512_si256(packed), _mm512_extracti64x4_epi64::<1>(packed));
    let half = _mm256_add_epi64(low, high);
    let pair = _mm_add_epi64(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
    _mm_cvtepu16_epi32(_mm_add_epi64(pair, _mm_unpackhi_epi64(pair, pair)))
}

/// [`Terms::score`] of four rows, by the last four f32 of each. (The compiler takes the plain form apart.)
#[inline]
#[target_feature(enable = "avx512f")]
fn scored(terms: &Terms, sums: __m128i, [a, b, c, d]: [__m128; 4]) -> __m128 {
    let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    let (other_low, other_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    let set = _mm_movehl_ps(other_low, low);
    let across = _mm_movelh_ps(high, other_high);
    let factor = _mm_movehl_ps(other_high, high);
    let each = |value| _mm_set1_ps(value);
    let sums = _mm_mul_ps(_mm_cvtepi32_ps(sums), each(terms.step));
    let along = _mm_add_ps(_mm_add_ps(sums, _mm_mul_ps(set, each(terms.low))), each(terms.sum));
    let score = _mm_add_ps(_mm_mul_ps(factor, along), _mm_add_ps(across, each(terms.base)));
    _mm_add_ps(score, _mm_add_ps(_mm_mul_ps(factor, each(terms.doubt)), each(terms.slack)))
}

/// The last four f32 of a line.
#[inline]
#[target_feature(enable = "avx512f")]
fn end(line: &Line<u8>) -> __m128 {
    let end: &[u8; 16] = line.0.last_chunk().unwrap_or(&[0; 16]);
    // SAFETY: 16 bytes.
    unsafe { _mm_loadu_ps(end.as_ptr().cast()) }
}

/// The last four f32 of a row.
#[inline]
#[target_feature(enable = "avx512f")]
fn last(row: &[Line<u8>]) -> __m128 {
    row.last().map_or(_mm_setzero_ps(), |line| end(line))
}

/// A word's places are brought together as bytes, and widened sixteen at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,popcnt")]
pub(super) fn places(words: &[u64], places: &mut [u32]) {
    let numbers: [u8; 64] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    // SAFETY: 64 bytes.
    let numbers = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
    let (mut at, mut base) = (0, 0u32);
    for &word in words {
        let mut bytes = _mm512_maskz_compress_epi8(word, numbers);
        let mut from = at;
        at += word.count_ones() as usize;
        while from < at {
            let wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(bytes));
            let sixteen = &mut places[from..from + PLACES_AHEAD];
            let wide = _mm512_add_epi32(wide, _mm512_set1_epi32(base.cast_signed()));
            // SAFETY: sixteen places of four bytes.
            unsafe { _mm512_storeu_si512(sixteen.as_mut_ptr().cast(), wide) };
            bytes = _mm512_alignr_epi64::<2>(_mm512_setzero_si512(), bytes);
            from += PLACES_AHEAD;
        }
        base += u64::BITS;
    }
}

/// As [`crate::Isa::keep`], sixteen at a time, which are read before anything behind them is written.
#[inline]
#[target_feature(enable = "avx512f,popcnt")]
pub(super) fn keep(values: &mut [u32], scores: &[f32], bar: f32) -> usize {
    let (blocks, _) = scores[..values.len()].as_chunks::<16>();
    let (mut from, mut kept) = (0, 0);
    for block in blocks {
        let sixteen = &values[from..from + 16];
        // SAFETY: sixteen values of four bytes.
        let these = unsafe { _mm512_loadu_si512(sixteen.as_ptr().cast()) };
        // SAFETY: sixteen scores of four bytes.
        let scores = unsafe { _mm512_loadu_ps(block.as_ptr()) };
        let mask = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(scores, _mm512_set1_ps(bar));
        let front = &mut values[kept..kept + 16];
        let these = _mm512_maskz_compress_epi32(mask, these);
        // SAFETY: sixteen values of four bytes.
        unsafe { _mm512_storeu_si512(front.as_mut_ptr().cast(), these) };
        kept += mask.count_ones() as usize;
        from += 16;
    }
    scalar::keep(values, scores, bar, from, kept)
}

/// 7,680 each: below 2^16 together.
const LINES_PACKED_MAX: usize = 8;

/// Even lanes of 32 bits hold sums of `first`, odd ones of `second`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn paired(first: __m512i, second: __m512i) -> __m256i {
    let both = _mm512_or_si512(first, _mm512_slli_epi64::<32>(second));
    _mm256_add_epi32(_mm512_castsi512_si256(both), _mm512_extracti64x4_epi64::<1>(both))
}
