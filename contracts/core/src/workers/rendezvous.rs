//! Whose turn it is: weighted rendezvous hashing in integers.
//!
//! Layer: bottom of core, workers.
//! Holds: the choice among seats.
//! Never: who is live; only seats that may be chosen come here. Floats.
//! Invariant: a choice depends on the subject and on the set of (number, weight), not on their order.
//! Each worker is chosen for a share of subjects that is its weight's; if one comes, goes, or changes
//! its weight, only subjects that it gains or loses move.
//!
//! Each seat draws u in (0, 1) from a hash of subject and number, and the least -log(u) / weight wins:
//! that is the first of independent exponential clocks whose rates are the weights. Logarithms are
//! in fixed point; an error of 2^-31 in log2(u) moves shares by less than one in a million.
//!
//! Source: the logarithmic method of Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005.

use super::challenge::digest;
use super::seats::Seat;
use std::cmp::Ordering;

/// The seat that serves a subject, or `None` if there is none. Seats without weight never do.
pub(super) fn choose<'a>(
    service: &str,
    subject: &str,
    seats: impl IntoIterator<Item = &'a Seat>,
) -> Option<&'a Seat> {
    let [a, b, c, d, e, f, g, h, ..] =
        digest("PRAG-NEXT/v1", &[service.as_bytes(), subject.as_bytes()]);
    let seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let weighing = seats.into_iter().filter(|seat| seat.weight > 0);
    let timed = weighing.map(|seat| (seat, wait(mix(seed ^ mix(seat.number)))));
    timed.min_by(sooner).map(|(seat, _)| seat)
}

/// Compares wait / weight without dividing; the elder of two that are equal wins.
fn sooner((left, left_wait): &(&Seat, u64), (right, right_wait): &(&Seat, u64)) -> Ordering {
    let cross = |wait: u64, weight: u32| u128::from(wait).saturating_mul(u128::from(weight));
    let left_time = cross(*left_wait, right.weight);
    left_time.cmp(&cross(*right_wait, left.weight)).then(left.number.cmp(&right.number))
}

/// -log2(draw / 2^64), with 32 fractional bits; never 0.
fn wait(draw: u64) -> u64 {
    WHOLE.saturating_sub(log2(draw.max(1)))
}

/// log2 of a number that is not 0, rounded down, with 32 fractional bits.
fn log2(number: u64) -> u64 {
    let zeros = number.leading_zeros();
    let exponent = u64::from(63_u32.saturating_sub(zeros));
    // The number as 1 to 2 with 63 fractional bits; each squaring yields the next bit of its logarithm.
    let mut mantissa = number.wrapping_shl(zeros);
    let mut fraction = 0_u64;
    for _ in 0..FRACTION_BITS {
        let square = u128::from(mantissa).saturating_mul(u128::from(mantissa)) >> 63;
        let carry = square >> 64;
        fraction = fraction << 1 | u64::from(carry == 1);
        mantissa = u64::try_from(square >> carry).unwrap_or(u64::MAX);
    }
    exponent << FRACTION_BITS | fraction
}

/// The finalizer of SplitMix64: a permutation in which every bit of the input moves every bit of the output.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

const FRACTION_BITS: u32 = 32;
/// log2(2^64).
const WHOLE: u64 = 64 << FRACTION_BITS;
