//! The search that finds a new node's candidates.
//!
//! Layer: index.
//! Holds: Malkov and Yashunin 2018, algorithm 2, over codes; scratch that is used again.
//! Never: an allocation per search, once the scratch has grown.
//! Invariant: what was found is ascending by distance, then by node, and names no node twice.

use super::codes::{Codes, Probe};
use super::lists::View;
use crate::graph::pool::Pool;
use crate::graph::seen::Seen;
use prag_simd::Isa;

/// What a search needs room for.
pub(in crate::graph) struct Scratch {
    seen: Seen,
    /// What is near; a node's score is its distance, negated.
    pool: Pool,
    fresh: Vec<u32>,
    /// Their distances, negated.
    scores: Vec<f32>,
}

impl Scratch {
    pub(in crate::graph) fn new(rows: usize) -> Self {
        let mut seen = Seen::default();
        seen.reserve(rows);
        Self { seen, pool: Pool::default(), fresh: Vec::new(), scores: Vec::new() }
    }

    /// What the last search found, nearest first.
    #[inline(always)]
    pub(in crate::graph) fn found(&self) -> impl Iterator<Item = (f32, u32)> + '_ {
        self.pool.scored().map(|(score, node)| (-score, node))
    }

    /// Fill the pool with about the `ef` nearest to `from`, walking from `start`.
    #[inline(always)]
    pub(in crate::graph) fn search<S: Isa>(
        &mut self,
        isa: S,
        codes: &Codes,
        lists: View<'_>,
        from: &Probe,
        start: u32,
        ef: usize,
    ) {
        self.seen.clear();
        self.seen.insert(start);
        self.pool.reset(ef, ef);
        self.pool.push(isa, start, -codes.distance(isa, from, start));
        while let Some(open) = self.pool.take() {
            self.fresh.clear();
            self.seen.admit(lists.of(open), &mut self.fresh, |link| isa.prefetch(codes.row(link)));
            self.scores.clear();
            codes.each_distance(isa, from, &self.fresh, |distance| self.scores.push(-distance));
            self.pool.offer(isa, &self.fresh, &self.scores, |_| {});
        }
    }
}

/// The nearest to `from` that can be walked to by ever nearer steps.
#[inline(always)]
pub(in crate::graph) fn descend<S: Isa>(
    isa: S,
    codes: &Codes,
    lists: View<'_>,
    from: &Probe,
    start: u32,
) -> u32 {
    let mut best = (codes.distance(isa, from, start), start);
    loop {
        let here = best.1;
        for &link in lists.of(here) {
            let distance = codes.distance(isa, from, link);
            if distance < best.0 {
                best = (distance, link);
            }
        }
        if best.1 == here {
            return here;
        }
    }
}
