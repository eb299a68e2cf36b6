//! Sorted blocks with AVX-512: a block in each register.
//!
//! Layer: under `x86`.
//! Holds: the loops over blocks, and over nodes with their scores.
//! Never: a load that crosses cache lines, which would wait for what was stored just before.
//! Invariant: the same entries in the same places as by the plain loops.

use crate::ranks::{self, BLOCK, Block, FIT_AHEAD};
use std::arch::x86_64::*;

/// As [`crate::Isa::insert`], two entries a pass: the second goes into what the first has left in the register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn insert(blocks: &mut [Block], entries: &[u64]) {
    for pair in entries.chunks(2) {
        // 0 changes nothing.
        let both = [pair[0], pair.get(1).copied().unwrap_or(0)];
        let [first, second] = both.map(|entry| _mm512_set1_epi64(entry.cast_signed()));
        let [mut before_first, mut before_second] = [_mm512_set1_epi64(-1); 2];
        for block in &mut *blocks {
            // SAFETY: a block is 64 bytes, and lies at a multiple of 64.
            let here = unsafe { _mm512_load_si512(block.0.as_ptr().cast()) };
            let once = put(here, before_first, first);
            let twice = put(once, before_second, second);
            (before_first, before_second) = (here, once);
            // SAFETY: as above.
            unsafe { _mm512_store_si512(block.0.as_mut_ptr().cast(), twice) };
        }
    }
}

/// A block after `entry` came in, where the last of `before` is what stood before it.
#[inline]
#[target_feature(enable = "avx512f")]
fn put(here: __m512i, before: __m512i, entry: __m512i) -> __m512i {
    let before = _mm512_alignr_epi64::<7>(here, before);
    _mm512_max_epu64(here, _mm512_min_epu64(before, entry))
}

/// As [`crate::Isa::fit`], eight at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2,popcnt")]
pub(super) fn fit(nodes: &[u32], scores: &[f32], bar: u64, fit: &mut [u64]) -> usize {
    let (eights, _) = nodes.as_chunks::<BLOCK>();
    let (each, _) = scores.as_chunks::<BLOCK>();
    let (least, one) = (_mm512_set1_epi64(bar.cast_signed()), _mm512_set1_epi64(1));
    let (mut from, mut count) = (0, 0);
    for (nodes, scores) in eights.iter().zip(each) {
        // SAFETY: eight numbers of four bytes.
        let nodes = unsafe { _mm256_loadu_si256(nodes.as_ptr().cast()) };
        // SAFETY: eight numbers of four bytes.
        let scores = unsafe { _mm256_loadu_si256(scores.as_ptr().cast()) };
        let flip = _mm256_or_si256(_mm256_srai_epi32::<31>(scores), _mm256_set1_epi32(i32::MIN));
        let sorted = _mm512_slli_epi64::<32>(_mm512_cvtepu32_epi64(_mm256_xor_si256(scores, flip)));
        let others = _mm256_slli_epi32::<1>(_mm256_xor_si256(nodes, _mm256_set1_epi32(-1)));
        let low = _mm512_or_si512(_mm512_cvtepu32_epi64(others), one);
        let entries = _mm512_or_si512(sorted, low);
        let mask = _mm512_cmpgt_epu64_mask(entries, least);
        let room = &mut fit[count..count + FIT_AHEAD];
        let entries = _mm512_maskz_compress_epi64(mask, entries);
        // SAFETY: eight entries of eight bytes.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), entries) };
        count += mask.count_ones() as usize;
        from += BLOCK;
    }
    ranks::fit(nodes, scores, bar, fit, from, count)
}
