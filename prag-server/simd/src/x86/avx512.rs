//! Inner products with AVX-512.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines, for processors without VNNI, and over f32 and f16.
//! Never: a fused multiply-add.
//! Invariant: codes are widened to 16 bits, so that no product saturates.

use crate::floats::{self, LANES};
use crate::{BIAS, Halves, Line, Planes};
use std::arch::x86_64::*;

/// A whole line.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load<T>(line: &Line<T>) -> __m512i {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: a line of bytes is 64 bytes, and lies at a multiple of 64.
    unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

/// One half of a line.
#[inline]
#[target_feature(enable = "avx")]
fn load_half<T>(line: &Line<T>, half: usize) -> __m256i {
    let (halves, _) = line.0.as_chunks::<32>();
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the half is 32 bytes; the load asks for no alignment.
    unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn signed(codes: __m256i) -> __m512i {
    _mm512_cvtepi8_epi16(_mm256_xor_si256(codes, _mm256_set1_epi8(BIAS.cast_signed())))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn dot_codes(query: &[Line<i8>], _: i32, row: &[Line<u8>]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for (query, row) in query.iter().zip(row) {
        for half in 0..2 {
            let query = _mm512_cvtepi8_epi16(load_half(query, half));
            let products = _mm512_madd_epi16(query, signed(load_half(row, half)));
            sum = _mm512_add_epi32(sum, products);
        }
    }
    _mm512_reduce_add_epi32(sum)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn dot_rows(left: &[Line<u8>], right: &[Line<u8>]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for (left, right) in left.iter().zip(right) {
        for half in 0..2 {
            let products =
                _mm512_madd_epi16(signed(load_half(left, half)), signed(load_half(right, half)));
            sum = _mm512_add_epi32(sum, products);
        }
    }
    _mm512_reduce_add_epi32(sum)
}

/// A row's lower and upper halves of bytes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn nibbles(row: __m512i) -> [__m512i; 2] {
    let low = _mm512_set1_epi8(15);
    [_mm512_and_si512(row, low), _mm512_and_si512(_mm512_srli_epi32::<4>(row), low)]
}

/// Two products of a number of four bits and a code are at most 3,840 together: here `maddubs` does not saturate.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn dot_nibbles(query: &[Halves], row: &[Line<u8>]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for ([first, second], row) in query.iter().zip(row) {
        let [low, high] = nibbles(load(row));
        let products = _mm512_add_epi16(
            _mm512_maddubs_epi16(low, load(first)),
            _mm512_maddubs_epi16(high, load(second)),
        );
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(products, _mm512_set1_epi16(1)));
    }
    _mm512_reduce_add_epi32(sum)
}

/// Bits are counted by looking up halves of bytes. A byte's count over four planes is at most 120.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn counts(planes: &Planes, row: __m512i) -> __m512i {
    let low = _mm512_set1_epi8(15);
    let table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let mut sum = _mm512_setzero_si512();
    for plane in planes.iter().rev() {
        let both = _mm512_and_si512(load(plane), row);
        let first = _mm512_shuffle_epi8(table, _mm512_and_si512(both, low));
        let second =
            _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16::<4>(both), low));
        sum = _mm512_add_epi8(_mm512_add_epi8(sum, sum), _mm512_add_epi8(first, second));
    }
    _mm512_sad_epu8(sum, _mm512_setzero_si512())
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn sum_bits(query: &[Planes], row: &[Line<u8>]) -> u32 {
    let mut sum = _mm512_setzero_si512();
    for (planes, row) in query.iter().zip(row) {
        sum = _mm512_add_epi64(sum, counts(planes, load(row)));
    }
    total(sum)
}

/// Counts in lanes of 64 bits, added up.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn total(sum: __m512i) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 15·512 a line
    let total = _mm512_reduce_add_epi64(sum) as u32;
    total
}

/// The compiler makes this loop as wide as the features allow.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn dot_f32(left: &[f32], right: &[f32]) -> f32 {
    floats::dot(left, right, |value| *value)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn dot_f16(left: &[f32], right: &[u16]) -> f32 {
    let length = left.len().min(right.len());
    let (left, left_rest) = left[..length].as_chunks::<LANES>();
    let (right, right_rest) = right[..length].as_chunks::<LANES>();
    let mut sums = [_mm512_setzero_ps(); 2];
    for (left, right) in left.iter().zip(right) {
        let (left, _) = left.as_chunks::<16>();
        let (right, _) = right.as_chunks::<16>();
        for register in 0..2 {
            let products = _mm512_mul_ps(load_f32(&left[register]), load_f16(&right[register]));
            sums[register] = _mm512_add_ps(sums[register], products);
        }
    }
    let mut lanes = [0f32; LANES];
    let (halves, _) = lanes.as_chunks_mut::<16>();
    // SAFETY: the first half is 16 f32; the store asks for no alignment.
    unsafe { _mm512_storeu_ps(halves[0].as_mut_ptr(), sums[0]) };
    // SAFETY: the second half is 16 f32; the store asks for no alignment.
    unsafe { _mm512_storeu_ps(halves[1].as_mut_ptr(), sums[1]) };
    for (lane, (a, b)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] += a * floats::whole(*b);
    }
    floats::fold(lanes)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_f32(values: &[f32; 16]) -> __m512 {
    // SAFETY: 16 f32; the load asks for no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_f16(values: &[u16; 16]) -> __m512 {
    // SAFETY: 16 u16 are 32 bytes; the load asks for no alignment.
    let bits = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
    _mm512_cvtph_ps(bits)
}
