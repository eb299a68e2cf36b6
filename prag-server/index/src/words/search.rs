//! Scoring a segment's rows by BM25.
//!
//! Layer: index.
//! Holds: document-at-a-time scoring in windows, or by seeking where few rows are allowed.
//! Never: skips a row by a bound that another segment's statistics would have made.
//! Invariant: a row's score adds its terms up in the query's order.

use super::{SEEK_PAYS, Words};
use crate::analyze::Analyzed;
use crate::bm25::{TermStats, weights};
use crate::error::IndexError;
use crate::top::{Hit, Mask, Top};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::Bm25Weight;
use tantivy::{DocSet, TERMINATED};

impl Words {
    /// The best `k` allowed rows that hold at least one term.
    pub(crate) fn search(
        &self,
        query: &Analyzed,
        stats: &TermStats,
        allowed: &Mask,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let mut terms = Vec::with_capacity(query.len());
        for ((term, _), weight) in query.terms().iter().zip(weights(query, stats)) {
            if let (Some(postings), Some(weight)) = (self.postings(term)?, weight) {
                terms.push(Scored { postings, weight, norms: &self.norms });
            }
        }
        let mut top = Top::new(k);
        if k > 0 && allowed.len() > 0 {
            let longest = terms.iter().map(|term| term.postings.doc_freq()).max().unwrap_or(0);
            if allowed.len() < longest as usize / SEEK_PAYS {
                seek(&mut terms, &allowed.ordinals(), &mut top);
            } else {
                sweep(&mut terms, allowed, &mut top);
            }
        }
        Ok(top.into_hits())
    }
}

struct Scored<'a> {
    postings: SegmentPostings,
    weight: Bm25Weight,
    norms: &'a FieldNormReader,
}

impl Scored<'_> {
    /// The term's part of the score of the row that the cursor is on.
    fn score(&self) -> f32 {
        let norm = self.norms.fieldnorm_id(self.postings.doc());
        self.weight.score(norm, self.postings.term_freq())
    }
}

/// Few rows: go to each of them.
fn seek(terms: &mut [Scored<'_>], rows: &[u32], top: &mut Top) {
    for &ordinal in rows {
        let mut score = None;
        for term in &mut *terms {
            if term.postings.doc() < ordinal {
                term.postings.seek(ordinal);
            }
            if term.postings.doc() == ordinal {
                score = Some(score.unwrap_or(0.0) + term.score());
            }
        }
        if let Some(score) = score {
            top.push(Hit { ordinal, score });
        }
    }
}

/// Many rows: sum up a window of them at a time.
fn sweep(terms: &mut [Scored<'_>], allowed: &Mask, top: &mut Top) {
    let mut scores = vec![0f32; WINDOW as usize];
    loop {
        let next = terms.iter().map(|term| term.postings.doc()).min().unwrap_or(TERMINATED);
        if next == TERMINATED {
            return;
        }
        let start = next - next % WINDOW;
        let mut touched = vec![0u64; WINDOW as usize / 64];
        for term in &mut *terms {
            while term.postings.doc() - start < WINDOW {
                let place = (term.postings.doc() - start) as usize;
                scores[place] += term.score();
                touched[place / 64] |= 1 << (place % 64);
                term.postings.advance();
            }
        }
        for (base, word) in (start..).step_by(64).zip(touched) {
            let mut word = word;
            while word != 0 {
                let ordinal = base + word.trailing_zeros();
                word &= word - 1;
                let score = std::mem::take(&mut scores[(ordinal - start) as usize]);
                if allowed.allows(ordinal) {
                    top.push(Hit { ordinal, score });
                }
            }
        }
    }
}

/// Rows per window; sums stay in the nearest cache. Tantivy's end mark is further than that from
/// any row.
const WINDOW: u32 = 4096;
