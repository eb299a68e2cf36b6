//! The best of what a walk found, by what is kept.
//!
//! Layer: index.
//! Holds: the loop over what was found, the best estimates first.
//! Never: scores what by its estimate cannot be among the best, but for a few in a thousand (see [`Scorer::high`]).
//! Invariant: scores are exact, and only allowed rows are answered.

use super::pool::Pool;
use super::score::Scorer;
use super::walk::Walk;
use crate::top::Hit;
use prag_simd::Isa;

/// Room for it.
#[derive(Default)]
pub(super) struct Found {
    rows: Vec<u32>,
    estimates: Vec<f32>,
    best: Pool,
}

impl Found {
    /// The best `k` of what is in `pool`, best first; nothing where `walk`'s breadth was not filled.
    #[inline(always)]
    pub(super) fn best<S: Isa, R: Scorer>(
        &mut self,
        isa: S,
        by: &R,
        walk: &Walk<'_>,
        pool: &Pool,
    ) -> Option<Vec<Hit>> {
        let Self { rows, estimates, best } = self;
        rows.clear();
        estimates.clear();
        for (estimate, row) in pool.scored().filter(|(_, row)| walk.allowed.allows(*row)) {
            rows.push(row);
            estimates.push(estimate);
        }
        // Where the breadth is not filled, what is allowed lies in pieces, and some were not reached.
        if rows.len() < walk.ef.min(walk.allowed.len()) {
            return None;
        }
        let all = rows.iter().copied().zip(estimates.iter().copied()).take(walk.keep);
        let mut ahead = all.clone();
        for (row, _) in ahead.by_ref().take(ROWS_AHEAD) {
            walk.vectors.expect_exact(isa, row);
        }
        best.reset(walk.k, 0);
        for (row, estimate) in all {
            let bar = best.bar();
            if let Some((row, estimate)) = ahead.next()
                && by.high(row, estimate) >= bar
            {
                walk.vectors.expect_exact(isa, row);
            }
            if by.high(row, estimate) >= bar {
                best.push(isa, row, walk.vectors.exact(isa, walk.target, row));
            }
        }
        let hits = best.scored().take(walk.k);
        Some(hits.map(|(score, ordinal)| Hit { ordinal, score }).collect())
    }
}

/// How many rows ahead what is kept of them is asked for.
const ROWS_AHEAD: usize = 10;
