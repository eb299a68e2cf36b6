//! The rule of a share, against plain arithmetic and at its edges.

use super::*;

/// Floor of the true quotient, wherever plain arithmetic can tell.
#[test]
fn equals_plain_arithmetic() {
    let mut chance = Chance(3);
    for _ in 0..20_000 {
        let amount = u128::from(chance.below(1 << 62));
        let total = u128::from(chance.below(1 << 62)) + 1;
        let own = u128::from(chance.below(1 << 62)) % (total + 1);
        assert_eq!(share(amount, own, total), Some(amount * own / total));
    }
}

/// Beyond 128 bits too: the rest of the division stays below the total (checked in 64-bit limbs).
#[test]
fn equals_wide_arithmetic() {
    let mut chance = Chance(4);
    let mut wide = |bits: u32| {
        let high = u128::from(chance.below(u64::MAX));
        (high << 64 | u128::from(chance.below(u64::MAX))) >> (128 - bits)
    };
    for _ in 0..2_000 {
        let (amount, total) = (wide(128), wide(127) + 1);
        let total = total.min(u128::MAX >> 1);
        let own = wide(127) % (total + 1);
        let quotient = share(amount, own, total).unwrap();
        // amount × own - quotient × total is the rest, below the total.
        let (left, right) = (product(amount, own), product(quotient, total));
        let (low, borrow) = left.1.overflowing_sub(right.1);
        let high = left.0 - right.0 - u128::from(borrow);
        assert!(high == 0 && low < total, "{amount} × {own} / {total} = {quotient}");
    }
}

/// High and low half of a product.
fn product(a: u128, b: u128) -> (u128, u128) {
    let mask = u128::from(u64::MAX);
    let [a1, a0, b1, b0] = [a >> 64, a & mask, b >> 64, b & mask];
    let (low, left, right) = (a0 * b0, a1 * b0, a0 * b1);
    let middle = (low >> 64) + (left & mask) + (right & mask);
    let high = a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & mask))
}

/// All of it, none of it, and what is no share.
#[test]
fn edges() {
    let most = u128::MAX >> 1;
    assert_eq!(share(u128::MAX, most, most), Some(u128::MAX));
    assert_eq!(share(u128::MAX, 0, most), Some(0));
    assert_eq!(share(0, 5, 7), Some(0));
    assert_eq!(share(1, 1, 1), Some(1));
    assert_eq!(share(10, 0, 0), None);
    assert_eq!(share(10, 3, 2), None);
    assert_eq!(share(10, 1, most + 1), None);
}
