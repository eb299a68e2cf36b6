//! The walk: from the entry down, then outwards on the bottom level.
//!
//! Layer: index.
//! Holds: the loops, and what a thread uses again for its next walk.
//! Never: scores a row twice; answers a row that is not allowed.
//! Invariant: a walk that cannot fill its breadth, or would look at more rows than its budget, answers nothing: the
//! caller scans.
//!
//! On the bottom level three nodes are under way at a time: one is chosen and its links are asked for, the one before
//! it is looked at for new neighbours, which are asked for too, and those of the one before that are scored. So a walk
//! waits for less, and chooses by two steps less: a few steps more, which find something too.
//!
//! With a filter, rows that are not allowed are bridged, not scored: their neighbours count as neighbours of who led
//! there (Patel and others 2024, ACORN, section 5.2: the two-hop expansion at search). So a walk's cost does not grow
//! as fewer rows are allowed, until so few are that they fall apart; a scan is cheaper long before.

use super::Graph;
use super::found::Found;
use super::pool::Pool;
use super::score::{ByCodes, ByNibbles, BySigns, Scorer};
use super::seen::Seen;
use crate::top::{Hit, Mask};
use crate::vectors::{Pitched, Query, Sought, Target, Vectors};
use prag_simd::{Isa, Kernel};
use std::cell::Cell;

/// Find about the best rows, by signs where there are any, else by codes.
pub(crate) struct Walk<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) vectors: &'a Vectors,
    pub(crate) target: Target<'a>,
    /// How many are wanted.
    pub(crate) k: usize,
    /// Only these are found.
    pub(crate) allowed: &'a Mask,
    /// How many of the best a walk goes on from.
    pub(crate) ef: usize,
    /// Most rows that are scored on the bottom level.
    pub(crate) budget: usize,
    /// How many of the found are wanted: more than `ef` where scores are rough.
    pub(crate) keep: usize,
}

/// What a walk writes to.
#[derive(Default)]
struct State {
    pool: Pool,
    found: Found,
    seen: Seen,
    /// Neighbours to score.
    near: Vec<u32>,
    /// Neighbours to score after these.
    fresh: Vec<u32>,
    /// Their scores.
    scores: Vec<f32>,
    /// Of places on an upper level the nodes.
    rows: Vec<u32>,
    /// Neighbours that are not allowed.
    bridges: Vec<u32>,
    starts: Vec<u32>,
}

thread_local! {
    static STATE: Cell<Option<Box<(State, Sought, Pitched)>>> = const { Cell::new(None) };
}

impl Kernel for Walk<'_> {
    /// At most `k`, best first; nothing where the budget ran out or the breadth was not filled.
    type Output = Option<Vec<Hit>>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Option<Vec<Hit>> {
        let mut kept = STATE.take().unwrap_or_default();
        let (state, sought, pitched) = &mut *kept;
        state.seen.reserve(self.graph.bottom.offsets.len());
        let found = match (self.vectors.signs(), self.vectors.nibbles()) {
            (Some(signs), _) => {
                sought.aim(isa, signs, self.target.floats());
                let doubt = sought.highest(signs).doubt;
                self.go(isa, &BySigns { signs, query: sought, doubt }, state)
            }
            (None, Some(nibbles)) => {
                pitched.aim(nibbles, &Query::of(self.target));
                self.go(isa, &ByNibbles { nibbles, query: pitched }, state)
            }
            (None, None) => {
                let query = &Query::of(self.target);
                self.go(isa, &ByCodes { vectors: self.vectors, query }, state)
            }
        };
        state.seen.clear();
        STATE.set(Some(kept));
        found
    }
}

impl Walk<'_> {
    #[inline(always)]
    fn go<S: Isa, R: Scorer>(&self, isa: S, by: &R, state: &mut State) -> Option<Vec<Hit>> {
        self.descend(isa, by, state);
        match self.allowed {
            Mask::All(_) => self.widen::<S, R, false>(isa, by, state)?,
            Mask::Some(..) => self.widen::<S, R, true>(isa, by, state)?,
        }
        state.found.best(isa, by, self, &state.pool)
    }

    /// Leave the places on the bottom level from which to go on in `starts`.
    #[inline(always)]
    fn descend<S: Isa, R: Scorer>(&self, isa: S, by: &R, state: &mut State) {
        let State { pool, seen, near, scores, rows, starts, .. } = state;
        starts.clear();
        let upper = &self.graph.upper;
        let swept = upper.iter().position(|level| level.nodes.len() <= R::SWEPT_MAX);
        if let Some(level) = swept.and_then(|at| upper.get(at)) {
            pool.reset(R::UPPER_EF, 0);
            near.clear();
            near.extend((0..).zip(&level.nodes).map(|(place, _)| place));
            pool.offer(isa, near, score(isa, by, &level.nodes, scores), |_| {});
            starts.extend(pool.nodes().map(|place| level.below[place as usize]));
        } else {
            starts.push(self.graph.entry);
        }
        for level in upper[..swept.unwrap_or(upper.len())].iter().rev() {
            let node = |place: u32| level.nodes[place as usize];
            pool.reset(R::UPPER_EF, R::UPPER_EF);
            near.clear();
            for &start in starts.iter() {
                seen.insert(start);
                near.push(start);
            }
            loop {
                rows.clear();
                rows.extend(near.iter().map(|place| node(*place)));
                pool.offer(isa, near, score(isa, by, rows, scores), |_| {});
                let Some(from) = pool.take() else { break };
                near.clear();
                seen.admit(level.adjacency.of(from as usize), near, |place| {
                    by.expect(isa, node(place));
                });
            }
            seen.clear();
            starts.clear();
            starts.extend(pool.nodes().map(|place| level.below[place as usize]));
        }
    }

    /// Widen from `starts` until no open node is among the `ef` best.
    #[inline(always)]
    fn widen<S: Isa, R: Scorer, const FILTERED: bool>(
        &self,
        isa: S,
        by: &R,
        state: &mut State,
    ) -> Option<()> {
        let State { pool, seen, near, fresh, scores, bridges, starts, .. } = state;
        let bottom = &self.graph.bottom;
        let extra = if FILTERED { starts.len() } else { 0 };
        pool.reset(self.keep.max(self.ef) + extra, self.ef + extra);
        near.clear();
        for &start in starts.iter() {
            seen.insert(start);
        }
        pool.offer(isa, starts, score(isa, by, starts, scores), |_| {});
        let mut left = self.budget;
        let mut last = None;
        loop {
            let next = pool.take();
            if let Some(next) = next {
                bottom.expect(isa, next);
            }
            fresh.clear();
            if let Some(last) = last {
                if FILTERED {
                    self.bridge(isa, by, last, seen, fresh, bridges);
                } else {
                    seen.admit(bottom.of(last as usize), fresh, |node| by.expect(isa, node));
                }
                left = left.checked_sub(fresh.len())?;
            } else if next.is_none() && near.is_empty() {
                return Some(());
            }
            pool.offer(isa, near, score(isa, by, near, scores), |node| {
                bottom.expect_offsets(isa, node);
            });
            std::mem::swap(near, fresh);
            last = next;
        }
    }

    /// Put the allowed neighbours of `from` that are new into `near`, and those of neighbours that are not allowed.
    #[inline(always)]
    fn bridge<S: Isa, R: Scorer>(
        &self,
        isa: S,
        by: &R,
        from: u32,
        seen: &mut Seen,
        near: &mut Vec<u32>,
        bridges: &mut Vec<u32>,
    ) {
        let bottom = &self.graph.bottom;
        let links = bottom.of(from as usize);
        bridges.clear();
        for &node in links {
            if !seen.insert(node) {
                continue;
            }
            if self.allowed.allows(node) {
                by.expect(isa, node);
                near.push(node);
            } else {
                if bridges.len() < BRIDGES_AHEAD {
                    bottom.expect(isa, node);
                }
                bridges.push(node);
            }
        }
        for (at, &bridge) in bridges.iter().enumerate() {
            // As many as the node has links are enough: without a bound a walk among half of the rows scored eight
            // times as many as one among all. With half as many it found less, for no less time at equal recall.
            if near.len() >= links.len() {
                break;
            }
            if let Some(&next) = bridges.get(at + BRIDGES_AHEAD) {
                bottom.expect(isa, next);
            }
            for &node in bottom.of(bridge as usize) {
                if self.allowed.allows(node) && seen.insert(node) {
                    by.expect(isa, node);
                    near.push(node);
                }
            }
        }
    }
}

/// The scores of `rows`.
#[inline(always)]
fn score<'a, S: Isa, R: Scorer>(
    isa: S,
    by: &R,
    rows: &[u32],
    scores: &'a mut Vec<f32>,
) -> &'a [f32] {
    if scores.len() < rows.len() {
        scores.resize(rows.len(), 0.0);
    }
    let scores = &mut scores[..rows.len()];
    by.scores(isa, rows, scores);
    scores
}

/// How many bridges ahead their links are asked for.
const BRIDGES_AHEAD: usize = 4;
