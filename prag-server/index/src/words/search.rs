//! Scoring a segment's rows by BM25.
//!
//! Layer: index.
//! Holds: windows of rows, summed up by their weightiest terms; light terms are looked up where they can still matter.
//! Never: skips a row by a bound that depends on one segment's statistics.
//! Invariant: a row's score adds its terms up in the order of [`Weights::terms`], and what is found is what scoring
//! every row would find.

use super::Words;
use super::postings::Cursor;
use crate::analyze::Analyzed;
use crate::bm25::{TermStats, Weights};
use crate::error::IndexError;
use crate::top::{Hit, Mask, Top};
use tantivy::TERMINATED;

impl Words {
    /// The best `k` allowed rows that hold at least one term.
    ///
    /// Source: MaxScore (Turtle and Flood 1995). Tantivy's own block maxima are those of one segment's average length,
    /// and may lose rows under the statistics of several (so its `TermScorer::block_max_score` says); a term's weight
    /// is a bound under any.
    pub(crate) fn search(
        &self,
        query: &Analyzed,
        stats: &TermStats,
        allowed: &Mask,
        k: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let weights = Weights::new(query, stats);
        let mut terms = Vec::with_capacity(weights.terms().len());
        for &(term, weight) in weights.terms() {
            if let Some(info) = self.find(term)? {
                let (cursor, rows) = (self.cursor(&info)?, u64::from(info.doc_freq));
                terms.push(Scored { cursor, rows, weight, rest: 0.0 });
            }
        }
        let mut rest = 0.0;
        for term in terms.iter_mut().rev() {
            term.rest = rest;
            rest += term.weight;
        }
        if k == 0 || allowed.len() == 0 {
            return Ok(Vec::new());
        }
        let (top, bar, heavy) = (Top::new(k), f32::NEG_INFINITY, terms.len());
        let (norms, weights) = (self.norms.as_slice(), &weights);
        let mut search = Search { norms, weights, allowed, top, bar, heavy };
        let reads: u64 = terms.iter().map(|term| term.rows).sum();
        if (allowed.len() * terms.len()) as u64 * LOOKUP_READS < reads {
            search.visit(&mut terms);
        } else {
            search.run(&mut terms);
        }
        Ok(search.top.into_hits())
    }
}

struct Scored {
    cursor: Cursor,
    /// Rows that hold it.
    rows: u64,
    weight: f32,
    /// What all lighter terms weigh together: no row gets more from them.
    rest: f32,
}

struct Search<'a> {
    norms: &'a [u8],
    weights: &'a Weights<'a>,
    allowed: &'a Mask,
    top: Top,
    /// The score to be beaten.
    bar: f32,
    /// So many terms, from the weightiest on, are read whole: a row must hold one of them to be found. Never grows.
    heavy: usize,
}

impl Search<'_> {
    /// Few rows: go to each of them.
    fn visit(&mut self, terms: &mut [Scored]) {
        for ordinal in self.allowed.ordinals() {
            let norm = self.norms[ordinal as usize];
            let parts = terms.iter_mut().filter_map(|term| {
                let count = term.cursor.count_at(ordinal)?;
                Some(self.weights.part(term.weight, norm, count))
            });
            if let Some(score) = parts.reduce(|sum, part| sum + part) {
                self.top.push(Hit { ordinal, score });
            }
        }
    }

    /// Many rows: sum up a window of them at a time.
    fn run(&mut self, terms: &mut [Scored]) {
        let mut scores = vec![0f32; WINDOW as usize];
        let mut touched = [0u64; WINDOW as usize / 64];
        loop {
            self.lighten(terms);
            let (heavy, light) = terms.split_at_mut(self.heavy);
            let next = heavy.iter().map(|term| term.cursor.row()).min().unwrap_or(TERMINATED);
            if next == TERMINATED {
                return;
            }
            let start = next - next % WINDOW;
            for term in heavy.iter_mut() {
                let weight = term.weight;
                term.cursor.read_until(start + WINDOW, |row, count| {
                    let place = (row - start) as usize;
                    scores[place] += self.weights.part(weight, self.norms[row as usize], count);
                    touched[place / 64] |= 1 << (place % 64);
                });
            }
            let rest = heavy.last().map_or(0.0, |term| term.rest);
            for (base, word) in (start..).step_by(64).zip(&mut touched) {
                let mut word = std::mem::take(word);
                while word != 0 {
                    let ordinal = base + word.trailing_zeros();
                    word &= word - 1;
                    let score = std::mem::take(&mut scores[(ordinal - start) as usize]);
                    self.settle(Hit { ordinal, score }, rest, light);
                }
            }
        }
    }

    /// Read fewer terms whole, if the others together no longer reach the bar, and looking them up is less work.
    fn lighten(&mut self, terms: &[Scored]) {
        let enough = terms.iter().position(|term| most(0.0, term.rest) < self.bar);
        let Some(heavy) = enough.map(|last| last + 1).filter(|heavy| *heavy < self.heavy) else {
            return;
        };
        let rows = |terms: &[Scored]| terms.iter().map(|term| term.rows).sum::<u64>();
        let lookups = rows(&terms[..heavy]) * (self.heavy - heavy) as u64;
        if lookups * LOOKUP_READS < rows(&terms[heavy..self.heavy]) {
            self.heavy = heavy;
        }
    }

    /// Add to what the heavy terms gave what the light ones give, unless the row cannot be found any more.
    #[inline(always)]
    fn settle(&mut self, mut hit: Hit, rest: f32, light: &mut [Scored]) {
        let bar = self.bar;
        // Rows come in ascending order: one that is only as good as the last of k is behind it.
        let beaten = if light.is_empty() { hit.score <= bar } else { most(hit.score, rest) < bar };
        if beaten || !self.allowed.allows(hit.ordinal) {
            return;
        }
        for term in light {
            if let Some(count) = term.cursor.count_at(hit.ordinal) {
                let norm = self.norms[hit.ordinal as usize];
                hit.score += self.weights.part(term.weight, norm, count);
            }
            if most(hit.score, term.rest) < bar {
                return;
            }
        }
        self.top.push(hit);
        self.bar = self.top.bar().unwrap_or(f32::NEG_INFINITY);
    }
}

/// What a score can become with what is left, rounding included: a query has at most 2^13 terms, and each addition is
/// off by at most one part in 2^24.
fn most(score: f32, rest: f32) -> f32 {
    (score + rest) * 1.001
}

/// A row is looked up in a list for the price of reading so many.
const LOOKUP_READS: u64 = 12;
/// Rows per window; sums stay in the nearest cache. Tantivy's end mark is further than that from
/// any row.
const WINDOW: u32 = 4096;
