//! From samples to figures.
//!
//! Layer: benches, bottom.
//! Holds: percentiles by nearest rank, and an interval for a median that assumes no distribution.
//! Never: a mean (one pause of the machine moves it), a dropped outlier.
//! Invariant: every figure lies between the smallest and the largest sample.

use serde::{Deserialize, Serialize};

/// A median, and where the true one lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// The median of the samples.
    pub median: f64,
    /// Upper end.
    pub high: f64,
    /// How sure: 0.95 or a little more; less for fewer than six samples, whose whole range it is then.
    pub coverage: f64,
}

/// Samples in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many samples.
    pub count: usize,
    /// The median.
    pub median: f64,
    /// The 99th percentile; absent below 100 samples, where it would be the largest one.
    pub p99: Option<f64>,
    /// Percentiles 0, 1, 2, … 100, to four digits: enough to draw the distribution again.
    pub percentiles: Vec<f64>,
}

impl Summary {
    /// Of at least one sample; `None` for none.
    #[must_use]
    pub fn of(samples: &[f64]) -> Option<Self> {
        let sorted = sorted(samples);
        let percentiles = (0..=100).map(|percent| nearest_rank(&sorted, percent).map(four_digits));
        Some(Self {
            count: sorted.len(),
            median: median(&sorted)?,
            p99: nearest_rank(&sorted, 99).filter(|_| sorted.len() >= 100),
            percentiles: percentiles.collect::<Option<_>>()?,
        })
    }
}

impl Interval {
    /// The median of `samples` with its 95 % interval, from the binomial distribution of ranks: nothing is assumed of
    /// how the samples are distributed but that they are drawn alike.
    ///
    /// Source: Conover, Practical Nonparametric Statistics (1999), section 3.2.
    #[must_use]
    pub fn of_median(samples: &[f64]) -> Option<Self> {
        let sorted = sorted(samples);
        let (outside, tail) = ranks_outside(sorted.len());
        let (low, high) = (sorted.get(outside)?, sorted.iter().rev().nth(outside)?);
        let median = median(&sorted)?;
        Some(Self { low: *low, median, high: *high, coverage: 1.0 - 2.0 * tail })
    }
}

/// How many samples may lie outside on either side, and the chance that the median does too.
fn ranks_outside(count: usize) -> (usize, f64) {
    // Chance that exactly `k` of `count` samples lie below the median, as a logarithm: 0.5^1100 is no f64.
    let mut chance = -(count as f64) * std::f64::consts::LN_2;
    let (mut below, mut outside) = (chance.exp(), 0);
    let mut tail = below;
    while outside + 1 < count.div_ceil(2) {
        chance += ((count - outside) as f64 / (outside + 1) as f64).ln();
        below += chance.exp();
        if below > TAIL {
            break;
        }
        (tail, outside) = (below, outside + 1);
    }
    (outside, tail)
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some((sorted.get(sorted.len() / 2 - 1)? + upper) / 2.0)
}

fn nearest_rank(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Most that each side of a 95 % interval leaves out.
const TAIL: f64 = 0.025;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Median, percentiles and their edges, by hand.
    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let summary = Summary::of(&samples).unwrap();
        assert_eq!((summary.count, summary.median, summary.p99), (200, 100.5, Some(198.0)));
        let [first, last] = [0, 100].map(|percent| summary.percentiles[percent]);
        assert_eq!((summary.percentiles.len(), first, last), (101, 1.0, 200.0));
        assert_eq!(Summary::of(&samples[..99]).unwrap().p99, None);
        assert_eq!(Summary::of(&[7.0]).unwrap().median, 7.0);
        assert_eq!(Summary::of(&[]), None);
    }

    /// The ranks are those of the tables: of 6 samples the whole range, of 10 the second and the ninth, of 100 the
    /// 40th and the 61st; thousands of samples do not underflow.
    #[test]
    fn intervals_have_the_tables_ranks() {
        let interval = |count: u32| {
            let samples: Vec<f64> = (1..=count).map(f64::from).collect();
            let found = Interval::of_median(&samples).unwrap();
            (found.low, found.high, (found.coverage * 1e3).round() / 1e3)
        };
        assert_eq!(interval(5), (1.0, 5.0, 0.938));
        assert_eq!(interval(6), (1.0, 6.0, 0.969));
        assert_eq!(interval(10), (2.0, 9.0, 0.979));
        assert_eq!(interval(100), (40.0, 61.0, 0.965));
        let (low, high, coverage) = interval(5000);
        assert!(low > 2400.0 && high < 2600.0 && (0.95..0.952).contains(&coverage));
        assert_eq!(Interval::of_median(&[]), None);
        assert_eq!(interval(1), (1.0, 1.0, 0.0));
    }
}
