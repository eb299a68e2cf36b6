//! One ranking out of several.
//!
//! Layer: index; knows nothing of what is ranked.
//! Holds: the three fusions.
//! Never: an unstable order.
//! Invariant: equal scores are ordered by id, so the same lists always fuse to the same list.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// How lists are fused. A list without an id gives it nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Fusion {
    /// Scores of each list stretched to 0..=1, then added up: the first list with `weight`, every
    /// other one with 1 − `weight`. A list of one score gives 1 to each of its ids.
    Linear {
        /// 0 to 1.
        weight: f32,
    },
    /// Reciprocal ranks, weight / (k + rank), rank from 1.
    ///
    /// Source: Cormack, Clarke and Büttcher 2009.
    Rrf {
        /// Commonly 60.
        k: u32,
        /// One per list; 1 where there is none.
        weights: Vec<f32>,
    },
    /// Scores of each list stretched so that three standard deviations around their mean are
    /// 0..=1, clamped, then added up. A list of one score gives 0.5 to each of its ids.
    Dbsf,
}

impl Default for Fusion {
    fn default() -> Self {
        Self::Linear { weight: 0.5 }
    }
}

/// An id and its fused score.
#[derive(Clone, PartialEq)]
pub struct Fused<I> {
    /// The id.
    pub id: I,
    /// Higher is better; comparable within one fusion only.
    pub score: f32,
}

impl<I> fmt::Debug for Fused<I> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Fused(…)")
    }
}

/// Fuse `lists`, each best first and each id at most once in it. Best first, ties by id ascending.
#[must_use]
pub fn fuse<I: Ord + Clone>(lists: &[Vec<(I, f32)>], fusion: &Fusion) -> Vec<Fused<I>> {
    let mut sums: BTreeMap<&I, f32> = BTreeMap::new();
    for (index, list) in lists.iter().enumerate() {
        let parts = match fusion {
            Fusion::Linear { weight } => {
                let weight = if index == 0 { *weight } else { 1.0 - weight };
                stretch(list).into_iter().map(|score| weight * score).collect()
            }
            Fusion::Rrf { k, weights } => {
                reciprocal(list.len(), *k, weights.get(index).copied().unwrap_or(1.0))
            }
            Fusion::Dbsf => deviate(list),
        };
        for ((id, _), part) in list.iter().zip(parts) {
            *sums.entry(id).or_default() += part;
        }
    }
    let mut fused: Vec<Fused<I>> =
        sums.into_iter().map(|(id, score)| Fused { id: id.clone(), score }).collect();
    fused.sort_by(|left, right| match right.score.total_cmp(&left.score) {
        Ordering::Equal => left.id.cmp(&right.id),
        by_score => by_score,
    });
    fused
}

fn stretch<I>(list: &[(I, f32)]) -> Vec<f32> {
    let low = list.iter().fold(f32::INFINITY, |low, (_, score)| low.min(*score));
    let high = list.iter().fold(f32::NEG_INFINITY, |high, (_, score)| high.max(*score));
    let width = high - low;
    let place = |score: f32| {
        if width > 0.0 { (score - low) / width } else { 1.0 }
    };
    list.iter().map(|(_, score)| place(*score)).collect()
}

#[allow(clippy::cast_precision_loss)] // ranks of at most a few thousand hits
fn reciprocal(count: usize, k: u32, weight: f32) -> Vec<f32> {
    (1..=count).map(|rank| weight / (k as f32 + rank as f32)).collect()
}

#[allow(clippy::cast_precision_loss)] // counts of at most a few thousand hits
fn deviate<I>(list: &[(I, f32)]) -> Vec<f32> {
    let count = list.len().max(1) as f32;
    let mean = list.iter().map(|(_, score)| score).sum::<f32>() / count;
    let square = |score: f32| (score - mean) * (score - mean);
    let variance = list.iter().map(|(_, score)| square(*score)).sum::<f32>() / count;
    let reach = 3.0 * variance.sqrt();
    let place = |score: f32| {
        if reach > 0.0 { ((score - mean + reach) / (2.0 * reach)).clamp(0.0, 1.0) } else { 0.5 }
    };
    list.iter().map(|(_, score)| place(*score)).collect()
}
