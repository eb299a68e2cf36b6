//! Inner products with AVX2 and F16C.
//!
//! Layer: under `x86`.
//! Holds: the loops over lines, and over f32 and f16.
//! Never: a fused multiply-add; `maddubs`, which saturates.
//! Invariant: codes are widened to 16 bits, so that no product saturates.

use crate::floats::{self, LANES};
use crate::{BIAS, Halves, Line, Planes};
use std::arch::x86_64::*;

/// A quarter of a line.
#[inline]
#[target_feature(enable = "avx2")]
fn load<T>(line: &Line<T>, quarter: usize) -> __m128i {
    let (quarters, _) = line.0.as_chunks::<16>();
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the quarter is 16 bytes; the load asks for no alignment.
    unsafe { _mm_loadu_si128(quarters[quarter].as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn signed(codes: __m128i) -> __m256i {
    _mm256_cvtepi8_epi16(_mm_xor_si128(codes, _mm_set1_epi8(BIAS.cast_signed())))
}

#[inline]
#[target_feature(enable = "avx2")]
fn reduce(sums: [__m256i; 2]) -> i32 {
    let sum = _mm256_add_epi32(sums[0], sums[1]);
    let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dot_codes(query: &[Line<i8>], _: i32, row: &[Line<u8>]) -> i32 {
    let mut sums = [_mm256_setzero_si256(); 2];
    for (query, row) in query.iter().zip(row) {
        for quarter in 0..4 {
            let query = _mm256_cvtepi8_epi16(load(query, quarter));
            let products = _mm256_madd_epi16(query, signed(load(row, quarter)));
            sums[quarter % 2] = _mm256_add_epi32(sums[quarter % 2], products);
        }
    }
    reduce(sums)
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dot_rows(left: &[Line<u8>], right: &[Line<u8>]) -> i32 {
    let mut sums = [_mm256_setzero_si256(); 2];
    for (left, right) in left.iter().zip(right) {
        for quarter in 0..4 {
            let (left, right) = (signed(load(left, quarter)), signed(load(right, quarter)));
            sums[quarter % 2] = _mm256_add_epi32(sums[quarter % 2], _mm256_madd_epi16(left, right));
        }
    }
    reduce(sums)
}

/// Half a line.
#[inline]
#[target_feature(enable = "avx2")]
fn load_half<T>(line: &Line<T>, half: usize) -> __m256i {
    let (halves, _) = line.0.as_chunks::<32>();
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: the half is 32 bytes; the load asks for no alignment.
    unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) }
}

/// Two products of a number of four bits and a code are at most 3,840 together: here `maddubs` does not saturate.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dot_nibbles(query: &[Halves], row: &[Line<u8>]) -> i32 {
    let (low, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let mut sums = [_mm256_setzero_si256(); 2];
    for ([first, second], row) in query.iter().zip(row) {
        for (half, sum) in sums.iter_mut().enumerate() {
            let row = load_half(row, half);
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(row), low);
            let products = _mm256_add_epi16(
                _mm256_maddubs_epi16(_mm256_and_si256(row, low), load_half(first, half)),
                _mm256_maddubs_epi16(upper, load_half(second, half)),
            );
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(products, ones));
        }
    }
    reduce(sums)
}

/// Bits are counted by looking up halves of bytes. A byte's count over four planes is at most 120.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn sum_bits(query: &[Planes], row: &[Line<u8>]) -> u32 {
    let low = _mm256_set1_epi8(15);
    let table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let mut sums = _mm256_setzero_si256();
    for (planes, row) in query.iter().zip(row) {
        for half in 0..2 {
            let row = load_half(row, half);
            let mut sum = _mm256_setzero_si256();
            for plane in planes.iter().rev() {
                let both = _mm256_and_si256(load_half(plane, half), row);
                let first = _mm256_shuffle_epi8(table, _mm256_and_si256(both, low));
                let second = _mm256_and_si256(_mm256_srli_epi16::<4>(both), low);
                let count = _mm256_add_epi8(first, _mm256_shuffle_epi8(table, second));
                sum = _mm256_add_epi8(_mm256_add_epi8(sum, sum), count);
            }
            sums = _mm256_add_epi64(sums, _mm256_sad_epu8(sum, _mm256_setzero_si256()));
        }
    }
    reduce([sums, _mm256_setzero_si256()]).cast_unsigned()
}

/// The compiler makes this loop as wide as the features allow.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dot_f32(left: &[f32], right: &[f32]) -> f32 {
    floats::dot(left, right, |value| *value)
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) fn dot_f16(left: &[f32], right: &[u16]) -> f32 {
    let length = left.len().min(right.len());
    let (left, left_rest) = left[..length].as_chunks::<LANES>();
    let (right, right_rest) = right[..length].as_chunks::<LANES>();
    let mut sums = [_mm256_setzero_ps(); 4];
    for (left, right) in left.iter().zip(right) {
        let (left, _) = left.as_chunks::<8>();
        let (right, _) = right.as_chunks::<8>();
        for register in 0..4 {
            let products = _mm256_mul_ps(load_f32(&left[register]), load_f16(&right[register]));
            sums[register] = _mm256_add_ps(sums[register], products);
        }
    }
    let mut lanes = [0f32; LANES];
    let (parts, _) = lanes.as_chunks_mut::<8>();
    for (part, sum) in parts.iter_mut().zip(sums) {
        // SAFETY: the part is 8 f32; the store asks for no alignment.
        unsafe { _mm256_storeu_ps(part.as_mut_ptr(), sum) };
    }
    for (lane, (a, b)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] += a * floats::whole(*b);
    }
    floats::fold(lanes)
}

#[inline]
#[target_feature(enable = "avx")]
fn load_f32(values: &[f32; 8]) -> __m256 {
    // SAFETY: 8 f32; the load asks for no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx,f16c")]
fn load_f16(values: &[u16; 8]) -> __m256 {
    // SAFETY: 8 u16 are 16 bytes; the load asks for no alignment.
    let bits = unsafe { _mm_loadu_si128(values.as_ptr().cast()) };
    _mm256_cvtph_ps(bits)
}
