//! Comparison and selection without branches.
//!
//! Layer: index, oblivious.
//! Holds: verdicts as masks, all ones for yes and zero for no; order by a subtraction's borrow.
//! Never: a `bool` that anything branches on.
//! Invariant: each function runs the same instructions whatever its arguments; and where a verdict selects something,
//! it first goes through `subtle`'s barrier, behind which a compiler does not know that it is one of two values.

use subtle::{Choice, ConditionallySelectable};

pub(super) const YES: u64 = u64::MAX;
pub(super) const NO: u64 = 0;

/// left = right.
#[inline(always)]
pub(super) fn same(left: u64, right: u64) -> u64 {
    let apart = left ^ right;
    ((apart | apart.wrapping_neg()) >> 63).wrapping_sub(1)
}

/// left < right.
#[inline(always)]
pub(super) fn less(left: u64, right: u64) -> u64 {
    let (_, borrow) = left.overflowing_sub(right);
    u64::from(borrow).wrapping_neg()
}

/// left < right, high words first.
#[inline(always)]
pub(super) fn less_wide(left: [u64; 2], right: [u64; 2]) -> u64 {
    less(left[0], right[0]) | (same(left[0], right[0]) & less(left[1], right[1]))
}

/// The verdict, behind the barrier.
#[inline(always)]
pub(super) fn choice(verdict: u64) -> Choice {
    #[allow(clippy::cast_possible_truncation)] // one bit
    let bit = (verdict & 1) as u8;
    Choice::from(bit)
}

/// The verdict, from behind the barrier.
#[inline(always)]
pub(super) fn mask(verdict: u64) -> u64 {
    u64::conditional_select(&NO, &YES, choice(verdict))
}

/// A number in the order of the score, for finite scores; never 0.
#[inline(always)]
pub(super) fn ordered(score: f32) -> u32 {
    let bits = score.to_bits();
    let negative = 0u32.wrapping_sub(bits >> 31);
    bits ^ (negative | 0x8000_0000)
}

/// The score again.
pub(super) fn score(ordered: u32) -> f32 {
    let positive = 0u32.wrapping_sub(ordered >> 31);
    f32::from_bits(ordered ^ (!positive | 0x8000_0000))
}

/// The value, or zero for one so small that products of two such could be subnormal: those take a processor longer, by
/// which a clock would see them. Sums of what is left stay multiples of 2^-123, so they never are.
#[inline(always)]
pub(super) fn flushed(value: f32) -> f32 {
    let bits = value.to_bits();
    let keep = u32::from(bits & 0x7fff_ffff >= TINY);
    f32::from_bits(bits & 0u32.wrapping_sub(keep))
}

/// 2^-50, as bits.
const TINY: u32 = (127 - 50) << 23;
