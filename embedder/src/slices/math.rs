//! Row-wise arithmetic, written so that the compiler vectorises it.
//!
//! Layer: bottom of `slices`.
//! Holds: pure functions without branches on data.
//! Never: fuses a multiplication and an addition (where there is no such instruction, that is slow).
//! Invariant: a result depends on the values and their number only, not on where they lie.
//!
//! Everything here is inlined into a function that is compiled for the machine's vector width.

/// e^x for x within [-87, 88], clamped beyond; relative error below 3e-7.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Taylor's series; |rest| <= ln(2)/2, so the next term is below 6e-9.
    let mut sum = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * rest + factor;
    }
    sum * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// x times the normal distribution function of x; absolute error below 1e-6.
///
/// Source: Hendrycks and Gimpel 2016 (arXiv:1606.08415); the complementary error function by
/// Abramowitz and Stegun 1964, formula 7.1.26.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut sum = 1.061_405_4;
    for factor in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        sum = sum * t + factor;
    }
    let tail = 0.5 * x * (sum * t * exp(-z * z));
    if x >= 0.0 { x - tail } else { tail }
}

/// Sum of `f` over `values`, always in the same order for the same number of values.
#[inline(always)]
pub(super) fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for (sum, &value) in sums.iter_mut().zip(block) {
            *sum += f(value);
        }
    }
    for (sum, &value) in sums.iter_mut().zip(rest) {
        *sum += f(value);
    }
    sums.iter().sum()
}

/// The largest of `values`.
#[inline(always)]
pub(super) fn max(values: &[f32]) -> f32 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut tops = [f32::NEG_INFINITY; LANES];
    for block in blocks {
        for (top, &value) in tops.iter_mut().zip(block) {
            *top = if value > *top { value } else { *top };
        }
    }
    for (top, &value) in tops.iter_mut().zip(rest) {
        *top = if value > *top { value } else { *top };
    }
    tops.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// Replace `row` by its softmax.
#[inline(always)]
pub(super) fn softmax(row: &mut [f32]) {
    let top = max(row);
    for value in row.iter_mut() {
        *value = exp(*value - top);
    }
    let scale = 1.0
        / sum(
            row,
            #[inline(always)]
            |value| value,
        );
    for value in row {
        *value *= scale;
    }
}

/// Replace `row` by its normalised, scaled and shifted self.
///
/// Source: Ba et al. 2016 (arXiv:1607.06450), equation 4.
#[inline(always)]
pub(super) fn layer_norm(row: &mut [f32], gain: &[f32], bias: &[f32], epsilon: f32) {
    let size = row.len() as f32;
    let mean = sum(
        row,
        #[inline(always)]
        |value| value,
    ) / size;
    let variance = sum(
        row,
        #[inline(always)]
        |value| (value - mean) * (value - mean),
    ) / size;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, gain), bias) in row.iter_mut().zip(gain).zip(bias) {
        *value = (*value - mean) * scale * gain + bias;
    }
}

const LANES: usize = 32;
/// 1.5 * 2^23.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the high one has 9 significant bits, so its products here are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn grid(from: f64, to: f64) -> impl Iterator<Item = f32> {
        (0..=20_000).map(move |i| (from + (to - from) * f64::from(i) / 20_000.0) as f32)
    }

    /// exp stays within its stated error, and is 1 at 0.
    #[test]
    fn exp_is_exact_enough() {
        assert_eq!(exp(0.0), 1.0);
        for x in grid(-87.0, 88.0) {
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "{x}");
        }
        assert!(exp(-1e9) < 1e-37);
        assert!(exp(1e9).is_finite());
    }

    /// The error function by its series, good to 1e-12 for |x| < 5.
    fn erf(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    /// gelu stays within its stated error, and vanishes or passes far from 0.
    #[test]
    fn gelu_is_exact_enough() {
        for x in grid(-5.5, 5.5) {
            let wide = f64::from(x);
            let exact = 0.5 * wide * (1.0 + erf(wide / std::f64::consts::SQRT_2));
            assert!((f64::from(gelu(x)) - exact).abs() < 1e-6, "{x}");
        }
        assert_eq!(gelu(100.0), 100.0);
        assert!(gelu(-100.0).abs() < 1e-30);
    }

    /// softmax sums to one for every length, and survives large scores.
    #[test]
    fn softmax_is_a_distribution() {
        for length in 1..100 {
            let mut row = (0..length).map(|i| (i * 37 % 11) as f32 * 30.0).collect::<Vec<_>>();
            softmax(&mut row);
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{length}");
        }
    }
}
