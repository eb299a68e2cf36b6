//! BM25 with statistics of the whole collection.
//!
//! Layer: index.
//! Holds: what must be added up over the parts before any of them scores.
//! Never: one part's own statistics in a score.
//! Invariant: the same row scores the same in a tail and in a segment: its terms are added up from the weightiest to
//! the lightest, wherever it lies.

use crate::analyze::Analyzed;
use tantivy::fieldnorm::FieldNormReader;

/// Statistics of a query's terms over some rows; add the parts' up with [`TermStats::merge`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TermStats {
    /// Rows.
    pub docs: u64,
    /// Terms in those rows.
    pub tokens: u64,
    /// Per term of the query: rows that hold it.
    pub frequencies: Vec<u64>,
}

impl TermStats {
    /// Add another part's statistics for the same query.
    pub fn merge(&mut self, other: &Self) {
        self.docs += other.docs;
        self.tokens += other.tokens;
        let missing = other.frequencies.len().saturating_sub(self.frequencies.len());
        self.frequencies.extend(std::iter::repeat_n(0, missing));
        for (sum, more) in self.frequencies.iter_mut().zip(&other.frequencies) {
            *sum += more;
        }
    }
}

/// What a query's terms are worth, and how a row's length tells.
///
/// Source: BM25 with k1 1.2 and b 0.75 as Lucene and tantivy write it.
pub(crate) struct Weights<'a> {
    /// Terms that some counted row holds, the weightiest first; a term's part of a score stays below its weight.
    terms: Vec<(&'a str, f32)>,
    /// k1 (1 − b + b·length/average), by the length's byte.
    lengths: Box<[f32; 256]>,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(query: &'a Analyzed, stats: &TermStats) -> Self {
        let weight = |((term, count), &frequency): (&'a (String, u32), &u64)| {
            #[allow(clippy::cast_precision_loss)] // a count of words in one query
            let boost = *count as f32;
            let idf = rarity(frequency, stats.docs.max(frequency));
            (frequency > 0).then_some((term.as_str(), idf * (1.0 + K1) * boost))
        };
        let counted = query.terms().iter().zip(&stats.frequencies);
        let mut terms: Vec<_> = counted.filter_map(weight).collect();
        terms.sort_by(|a, b| b.1.total_cmp(&a.1));
        #[allow(clippy::cast_precision_loss)] // an average
        let average = stats.tokens.max(1) as f32 / stats.docs.max(1) as f32;
        let mut lengths = Box::new([0f32; 256]);
        for (id, length) in (0u8..=255).zip(lengths.iter_mut()) {
            #[allow(clippy::cast_precision_loss)] // a length in eight bits is coarser
            let tokens = FieldNormReader::id_to_fieldnorm(id) as f32;
            *length = K1 * (1.0 - B + B * tokens / average);
        }
        Self { terms, lengths }
    }

    /// Terms with their weights, in the order in which their parts are added up.
    pub(crate) fn terms(&self) -> &[(&'a str, f32)] {
        &self.terms
    }

    /// What a term of `weight` adds to the score of a row of `length` (see [`norm`]) that holds it `count` times.
    #[inline(always)]
    pub(crate) fn part(&self, weight: f32, length: u8, count: u32) -> f32 {
        #[allow(clippy::cast_precision_loss)] // a count of words in one row
        let count = count as f32;
        weight * (count / (count + self.lengths[usize::from(length)]))
    }
}

/// A row's length as scores see it: in one byte, as tantivy keeps it.
pub(crate) fn norm(length: u32) -> u8 {
    FieldNormReader::fieldnorm_to_id(length)
}

#[allow(clippy::cast_precision_loss)] // a ratio of counts
fn rarity(frequency: u64, docs: u64) -> f32 {
    (1.0 + ((docs - frequency) as f32 + 0.5) / (frequency as f32 + 0.5)).ln()
}

const K1: f32 = 1.2;
const B: f32 = 0.75;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use tantivy::query::Bm25Weight;

    /// Parts are tantivy's own, to the last bit, for any statistics, length and count.
    #[test]
    fn parts_are_tantivys() {
        let query = Analyzed::new("red red apple pie");
        for (docs, tokens, frequencies) in
            [(9, 70, [1, 4, 9]), (1 << 33, 1 << 40, [7, 1 << 20, 1 << 33]), (3, 0, [3, 0, 2])]
        {
            let stats = TermStats { docs, tokens, frequencies: frequencies.to_vec() };
            let weights = Weights::new(&query, &stats);
            assert!(weights.terms().is_sorted_by(|a, b| a.1 >= b.1));
            let average = tokens.max(1) as f32 / docs as f32;
            for ((term, count), frequency) in query.terms().iter().zip(frequencies) {
                let found = weights.terms().iter().find(|(held, _)| held == term);
                assert_eq!(found.is_some(), frequency > 0);
                let Some((_, weight)) = found else { continue };
                let theirs = Bm25Weight::for_one_term_without_explain(frequency, docs, average)
                    .boost_by(*count as f32);
                for (length, times) in [(0, 1), (8, 2), (40, 3), (199, 1000), (255, 1)] {
                    let part = weights.part(*weight, length, times);
                    assert_eq!(part.to_bits(), theirs.score(length, times).to_bits());
                    assert!(part <= *weight);
                }
            }
        }
    }
}
