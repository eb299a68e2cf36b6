//! The tail: the newest rows, searched exactly.
//!
//! Layer: index.
//! Holds: the same answers as a segment, over rows that still come in.
//! Never: approximates, or knows which rows are deleted: callers pass what is allowed.
//! Invariant: for the same rows and statistics, scores equal a segment's to the last bit.

#[cfg(test)]
mod tests;

use crate::Row;
use crate::analyze::{Analyzed, Analyzer, Splitter};
use crate::bm25::{TermStats, Weights, norm};
use crate::bytes::ROWS_MAX;
use crate::error::IndexError;
use crate::fields::Fields;
use crate::segment::check_row;
use crate::top::{Hit, Mask, Top};
use crate::vectors::{Precision, Query, Vectors};
use prag_protocol::filter::Filter;
use roaring::RoaringBitmap;
use std::collections::HashMap;

/// Rows that came after the last segment.
pub struct Tail {
    vectors: Vectors,
    analyzer: Analyzer,
    /// Per term: rows that hold it, ascending, and how often.
    postings: HashMap<String, Vec<(u32, u32)>>,
    /// Terms per row.
    lengths: Vec<u32>,
    fields: Fields,
}

impl Tail {
    /// An empty tail for vectors of `dimension`, kept in the precision that segments have by default.
    #[must_use]
    pub fn new(dimension: usize, analyzer: Analyzer) -> Self {
        Self::with_precision(dimension, analyzer, Precision::default())
    }

    /// An empty tail beside segments of `precision`.
    #[must_use]
    pub fn with_precision(dimension: usize, analyzer: Analyzer, precision: Precision) -> Self {
        Self {
            analyzer,
            vectors: Vectors::new(dimension, precision, 0),
            postings: HashMap::new(),
            lengths: Vec::new(),
            fields: Fields::default(),
        }
    }

    /// Add a row; answers its ordinal, which is how many there were before.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Vector`], [`IndexError::Rows`]; nothing changes.
    pub fn push(&mut self, row: Row) -> Result<u32, IndexError> {
        let ordinal = self.len();
        if ordinal >= ROWS_MAX {
            return Err(IndexError::Rows);
        }
        check_row(&row, self.dimension(), ordinal as usize)?;
        let mut counts: HashMap<String, u32> = HashMap::new();
        let mut length = 0u32;
        Splitter::new(self.analyzer).split(&row.text, |term| {
            length += 1;
            match counts.get_mut(term) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(term.to_owned(), 1);
                }
            }
        });
        for (term, count) in counts {
            self.postings.entry(term).or_default().push((ordinal, count));
        }
        self.lengths.push(length);
        self.vectors.push(&row.vector);
        self.fields.push(&row.doc, &row.metadata);
        Ok(ordinal)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        // Bounded by `push`.
        u32::try_from(self.lengths.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// How its texts became terms, and a query's must.
    #[must_use]
    pub fn analyzer(&self) -> Analyzer {
        self.analyzer
    }

    /// Components of a vector.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.vectors.dimension()
    }

    /// The vector of a row, as it is kept.
    #[must_use]
    pub fn vector(&self, ordinal: u32) -> Option<Vec<f32>> {
        self.vectors.vector(ordinal)
    }

    /// What an oblivious scan reads: nothing unless rows are kept as f32, since of another precision reading takes
    /// time by their values.
    #[inline(always)]
    pub(crate) fn floats(&self, ordinal: u32) -> Option<&[f32]> {
        self.vectors.floats(ordinal)
    }

    /// The rows that `filter` matches, deleted ones included.
    #[must_use]
    pub fn filter(&self, filter: &Filter) -> RoaringBitmap {
        self.fields.filter(filter)
    }

    /// As [`crate::Segment::dense`], always exact; `ef` is there so that both are called alike.
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub fn dense(
        &self,
        query: &[f32],
        allowed: &RoaringBitmap,
        k: usize,
        _ef: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        self.dense_exact(query, allowed, k)
    }

    /// As [`crate::Segment::dense_exact`].
    ///
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub fn dense_exact(
        &self,
        query: &[f32],
        allowed: &RoaringBitmap,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let query = Query::new(query, self.dimension())?;
        Ok(self.vectors.scan(&query, &Mask::new(allowed, self.len()), k))
    }

    /// As [`crate::Segment::stats`].
    ///
    /// # Errors
    /// None; the result is there so that both are called alike.
    pub fn stats(
        &self,
        query: &Analyzed,
        live: Option<&RoaringBitmap>,
    ) -> Result<TermStats, IndexError> {
        let mask = live.map_or(Mask::All(self.len()), |live| Mask::new(live, self.len()));
        let lengths = (0u32..).zip(&self.lengths).filter(|(row, _)| mask.allows(*row));
        let tokens = lengths.map(|(_, &length)| u64::from(length)).sum();
        let frequency = |(term, _): &(String, u32)| {
            let rows = self.postings.get(term).map_or(&[][..], Vec::as_slice);
            rows.iter().filter(|(row, _)| mask.allows(*row)).count() as u64
        };
        let frequencies = query.terms().iter().map(frequency).collect();
        Ok(TermStats { docs: mask.len() as u64, tokens, frequencies })
    }

    /// As [`crate::Segment::sparse`].
    ///
    /// # Errors
    /// None; the result is there so that both are called alike.
    pub fn sparse(
        &self,
        query: &Analyzed,
        stats: &TermStats,
        allowed: &RoaringBitmap,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let mask = Mask::new(allowed, self.len());
        let mut scores: HashMap<u32, f32> = HashMap::new();
        let weights = Weights::new(query, stats);
        for &(term, weight) in weights.terms() {
            let rows = self.postings.get(term).map_or(&[][..], Vec::as_slice);
            for &(row, count) in rows.iter().filter(|(row, _)| mask.allows(*row)) {
                let length = norm(self.lengths[row as usize]);
                *scores.entry(row).or_default() += weights.part(weight, length, count);
            }
        }
        let mut top = Top::new(k);
        for (ordinal, score) in scores {
            top.push(Hit { ordinal, score });
        }
        Ok(top.into_hits())
    }
}
