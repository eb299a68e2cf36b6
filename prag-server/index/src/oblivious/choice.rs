//! Comparison and selection without branches.
//!
//! Layer: index, oblivious.
//! Holds: what `subtle` lacks or has only slowly: order by a subtraction's borrow, selection of words by a mask.
//! Never: a `bool` that anything branches on.
//! Invariant: each function runs the same instructions whatever its arguments.

use subtle::{Choice, ConditionallySelectable};

/// left < right.
#[inline(always)]
pub(super) fn less(left: u64, right: u64) -> Choice {
    let (_, borrow) = left.overflowing_sub(right);
    Choice::from(u8::from(borrow))
}

/// left < right, high words first.
#[inline(always)]
pub(super) fn less_wide(left: [u64; 2], right: [u64; 2]) -> Choice {
    let (_, low) = left[1].overflowing_sub(right[1]);
    let (high, first) = left[0].overflowing_sub(right[0]);
    let (_, second) = high.overflowing_sub(u64::from(low));
    Choice::from(u8::from(first | second))
}

/// All ones for yes, zero for no.
#[inline(always)]
pub(super) fn mask(choice: Choice) -> u64 {
    u64::conditional_select(&0, &u64::MAX, choice)
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
