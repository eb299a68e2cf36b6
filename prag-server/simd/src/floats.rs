//! Sums of f32 products in one order, and f16 in and out.
//!
//! Layer: under `lib`.
//! Holds: the order in which every instruction set adds.
//! Never: a fused multiply-add, which would round otherwise.
//! Invariant: lane i holds the products i, i + 32, i + 64…; lanes are added by halves.

/// Lanes: two registers of AVX-512, four of AVX2.
pub(crate) const LANES: usize = 32;

/// Σ left·widen(right), to the length of the shorter.
#[inline(always)]
pub(crate) fn dot<T>(left: &[f32], right: &[T], widen: impl Fn(&T) -> f32) -> f32 {
    let length = left.len().min(right.len());
    let (left, left_rest) = left[..length].as_chunks::<LANES>();
    let (right, right_rest) = right[..length].as_chunks::<LANES>();
    let mut lanes = [0f32; LANES];
    for (a, b) in left.iter().zip(right) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * widen(&b[lane]);
        }
    }
    for (lane, (a, b)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] += a * widen(b);
    }
    fold(lanes)
}

/// The sum of the lanes.
#[inline(always)]
pub(crate) fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The f16 (its bits) nearest to `value`, ties to even; infinite where that is out of range.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // the shifts leave 16 bits
pub fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude >= 0x7f80_0000 {
        return sign | 0x7c00 | if magnitude > 0x7f80_0000 { 0x200 } else { 0 };
    }
    if magnitude >= 0x4780_0000 {
        return sign | 0x7c00;
    }
    if magnitude >= 0x3880_0000 {
        // Normal: 112 less in the exponent, 13 bits less in the fraction; a carry moves into the exponent.
        let rebased = magnitude - (112 << 23);
        let odd = rebased >> 13 & 1;
        return sign | ((rebased + 0xfff + odd) >> 13) as u16;
    }
    // Subnormal: adding 0.5 lets f32's own rounding cut at 2^-24.
    let shifted = f32::from_bits(magnitude) + 0.5;
    sign | (shifted.to_bits() - 0.5f32.to_bits()) as u16
}

/// The value of an f16 (its bits), exactly.
#[must_use]
#[inline(always)]
pub fn whole(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = u32::from(half & 0x7fff);
    let value = if magnitude >= 0x7c00 {
        f32::from_bits(0x7f80_0000 | (magnitude & 0x3ff) << 13)
    } else {
        // Exponent and fraction where f32 has them, then 2^112 more: right for subnormals too.
        f32::from_bits(magnitude << 13) * f32::from_bits(0x7780_0000)
    };
    f32::from_bits(value.to_bits() | sign)
}
