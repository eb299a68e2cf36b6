//! BM25 with statistics of the whole collection.
//!
//! Layer: index.
//! Holds: what must be added up over the parts before any of them scores.
//! Never: one part's own statistics in a score.
//! Invariant: the same row scores the same in a tail and in a segment.

use crate::analyze::Analyzed;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::Bm25Weight;

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

/// The scorers of `query`'s terms, in order; none for a term that no counted row holds.
///
/// Source: BM25 with k1 1.2 and b 0.75 as Lucene and tantivy write it.
pub(crate) fn weights(query: &Analyzed, stats: &TermStats) -> Vec<Option<Bm25Weight>> {
    #[allow(clippy::cast_precision_loss)] // an average
    let average = stats.tokens.max(1) as f32 / stats.docs.max(1) as f32;
    let weight = |(index, (_, count)): (usize, &(String, u32))| {
        let frequency = stats.frequencies.get(index).copied().unwrap_or(0);
        #[allow(clippy::cast_precision_loss)] // a count of words in one query
        let boost = *count as f32;
        (frequency > 0).then(|| {
            let docs = stats.docs.max(frequency);
            Bm25Weight::for_one_term_without_explain(frequency, docs, average).boost_by(boost)
        })
    };
    query.terms().iter().enumerate().map(weight).collect()
}

/// A row's length as scores see it: in one byte, as tantivy keeps it.
pub(crate) fn norm(length: u32) -> u8 {
    FieldNormReader::fieldnorm_to_id(length)
}
