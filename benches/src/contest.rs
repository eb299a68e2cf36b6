//! Engines side by side on one data set.
//!
//! Layer: benches, bottom.
//! Holds: what an engine is, its curve of recall against rate, and the rate at a recall between two of its points.
//! Never: a rate beyond the curve's ends: an engine that does not reach a recall has none there.
//! Invariant: points are in the order of `ef`, and a recall is of the whole set of queries.

use serde::{Deserialize, Serialize};

/// Engines on one data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contest {
    /// The data set's short name.
    pub set: String,
    /// What it is.
    pub data: String,
    /// How many rows.
    pub rows: usize,
    /// Those that took part, ours first.
    pub engines: Vec<Contestant>,
}

/// An engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contestant {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What building took, all threads.
    pub build_seconds: f64,
    /// Whether it was built in this run; else the time is of an earlier one on this machine.
    pub built_now: bool,
    /// Memory of index and vectors, for each row.
    pub bytes_per_row: f64,
    /// One thread, one pass: for the plot.
    pub curve: Vec<Point>,
    /// At the recalls that are compared: medians over the rounds.
    pub rates: Vec<Rate>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Breadth of the walk.
    pub ef: usize,
    /// Recall at 10.
    pub recall: f64,
    /// Queries a second.
    pub rate: f64,
}

/// A rate at a recall.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// `false`: one.
    pub all_threads: bool,
    /// Recall at 10.
    pub recall: f64,
    /// Queries a second.
    pub rate: f64,
}

/// Between which points of a curve a recall lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    /// The point below, or the same as `above`.
    pub below: usize,
    /// The first point that reaches the recall.
    pub above: usize,
    /// How far the recall is from the one to the other, 0 to 1.
    pub part: f64,
}

impl Bracket {
    /// Where `recall` lies among points whose recalls are `reached`, in the order of `ef`; nothing where none
    /// reaches it. A curve that begins above it counts with its first point: it does more than is asked.
    #[must_use]
    pub fn of(reached: &[f64], recall: f64) -> Option<Self> {
        let above = reached.iter().position(|point| *point >= recall)?;
        let below = above.saturating_sub(1);
        let width = reached[above] - reached[below];
        let part = if width > 0.0 { (recall - reached[below]) / width } else { 1.0 };
        Some(Self { below, above, part })
    }

    /// The rate there, from the rates of the two points: on a straight line between their logarithms, as the curves
    /// are drawn.
    #[must_use]
    pub fn rate(&self, below: f64, above: f64) -> f64 {
        (below.ln() * (1.0 - self.part) + above.ln() * self.part).exp()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A recall lies between its two neighbours, at the first point where the curve begins above it, or nowhere.
    #[test]
    fn rates_lie_on_the_curve() {
        let reached = [0.90, 0.94, 0.98];
        let bracket = Bracket::of(&reached, 0.95).unwrap();
        assert_eq!((bracket.below, bracket.above), (1, 2));
        assert!((bracket.part - 0.25).abs() < 1e-9);
        let rate = bracket.rate(1000.0, 100.0);
        assert!((rate - 1000.0 * 10f64.powf(-0.25)).abs() < 1e-6);
        let first = Bracket::of(&reached, 0.5).unwrap();
        assert_eq!((first.below, first.above), (0, 0));
        assert!((first.rate(7.0, 7.0) - 7.0).abs() < 1e-9);
        assert_eq!(Bracket::of(&reached, 0.99), None);
        assert_eq!(Bracket::of(&[], 0.5), None);
    }
}
