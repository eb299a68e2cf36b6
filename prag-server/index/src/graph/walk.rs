//! The walk: from the entry down, then outwards on the bottom level.
//!
//! Layer: index.
//! Holds: the loops, and what a thread uses again for its next walk.
//! Never: scores a row twice; answers a row that is not allowed.
//! Invariant: a walk that cannot fill its breadth, or would look at more rows than its budget, answers nothing: the
//! caller scans.
//!
//! On the bottom level a node's neighbours are scored only after the next node was chosen and its links were asked for:
//! so memory brings links while rows are scored, and rows while links are read. A walk that waits less chooses by one
//! step less, which costs one step more of 45.
//!
//! With a filter, rows that are not allowed are bridged, not scored: their neighbours count as neighbours of who led
//! there (Patel and others 2024, ACORN, section 5.2: the two-hop expansion at search). So a walk's cost does not grow
//! as fewer rows are allowed, until so few are that they fall apart; a scan is cheaper long before.

use super::pool::Pool;
use super::score::{ByCodes, BySigns, Scorer};
use super::seen::Seen;
use super::{Adjacency, Graph};
use crate::top::Mask;
use crate::vectors::{Query, Sought, Vectors};
use prag_simd::{Isa, Kernel};
use std::cell::Cell;

/// Find about the best rows, by signs where there are any, else by codes.
pub(crate) struct Walk<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) vectors: &'a Vectors,
    pub(crate) query: &'a Query<'a>,
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
    seen: Seen,
    /// Neighbours to score.
    near: Vec<u32>,
    /// Neighbours that are not allowed.
    bridges: Vec<u32>,
    starts: Vec<u32>,
}

thread_local! {
    static STATE: Cell<Option<Box<(State, Sought)>>> = const { Cell::new(None) };
}

impl Kernel for Walk<'_> {
    /// At most `keep`, best first; nothing where the budget ran out or the breadth was not filled.
    type Output = Option<Vec<u32>>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Option<Vec<u32>> {
        let mut kept = STATE.take().unwrap_or_default();
        let (state, sought) = &mut *kept;
        state.seen.reserve(self.graph.bottom.offsets.len());
        let ended = match self.vectors.signs() {
            Some(signs) => {
                sought.aim(isa, signs, self.query.floats());
                self.go(isa, &BySigns { signs, query: sought }, state)
            }
            None => self.go(isa, &ByCodes { vectors: self.vectors, query: self.query }, state),
        };
        state.seen.clear();
        let allowed = |node: &u32| self.allowed.allows(*node);
        let found = || state.pool.nodes().filter(allowed);
        // Where the breadth is not filled, what is allowed lies in pieces, and some were not reached.
        let filled = ended.is_some_and(|()| found().count() >= self.ef.min(self.allowed.len()));
        let best = filled.then(|| found().take(self.keep).collect());
        STATE.set(Some(kept));
        best
    }
}

impl Walk<'_> {
    #[inline(always)]
    fn go<S: Isa, R: Scorer>(&self, isa: S, by: &R, state: &mut State) -> Option<()> {
        self.descend(isa, by, state);
        match self.allowed {
            Mask::All(_) => self.widen::<S, R, false>(isa, by, state),
            Mask::Some(..) => self.widen::<S, R, true>(isa, by, state),
        }
    }

    /// Leave the places on the bottom level from which to go on in `starts`.
    #[inline(always)]
    fn descend<S: Isa, R: Scorer>(&self, isa: S, by: &R, state: &mut State) {
        let State { pool, seen, near, starts, .. } = state;
        starts.clear();
        starts.push(self.graph.entry);
        for level in self.graph.upper.iter().rev() {
            let node = |place: u32| level.nodes[place as usize];
            pool.reset(R::UPPER_EF, R::UPPER_EF);
            for &start in starts.iter() {
                seen.insert(start);
                pool.push(start, by.score(isa, node(start)));
            }
            while let Some(from) = pool.take() {
                near.clear();
                admit(level.adjacency.of(from as usize), seen, near, |place| {
                    by.expect(isa, node(place));
                });
                let (fours, rest) = near.as_chunks::<4>();
                for &four in fours {
                    for (place, score) in four.into_iter().zip(by.scores(isa, four.map(node))) {
                        pool.push(place, score);
                    }
                }
                for &place in rest {
                    pool.push(place, by.score(isa, node(place)));
                }
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
        let State { pool, seen, near, bridges, starts } = state;
        let bottom = &self.graph.bottom;
        let extra = if FILTERED { starts.len() } else { 0 };
        pool.reset(self.keep.max(self.ef) + extra, self.ef + extra);
        near.clear();
        for &start in starts.iter() {
            seen.insert(start);
            pool.push(start, by.score(isa, start));
        }
        // What is found is scored again, and most nodes that are taken are found.
        let ahead = self.vectors.exact_bytes() * self.keep <= EXACT_BYTES_AHEAD;
        let mut left = self.budget;
        loop {
            let next = pool.take();
            if let Some(next) = next {
                bottom.expect(isa, next);
                if ahead {
                    self.vectors.expect_exact(isa, next);
                }
            } else if near.is_empty() {
                return Some(());
            }
            meet(isa, by, bottom, near, pool);
            near.clear();
            if let Some(next) = next {
                if FILTERED {
                    self.bridge(isa, by, next, seen, near, bridges);
                } else {
                    admit(bottom.of(next as usize), seen, near, |node| by.expect(isa, node));
                }
                left = left.checked_sub(near.len())?;
            }
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

/// Put those of `links` that are new behind what is in `met`, without a branch on it.
#[inline(always)]
fn admit(links: &[u32], seen: &mut Seen, met: &mut Vec<u32>, mut expect: impl FnMut(u32)) {
    let mut end = met.len();
    met.resize(end + links.len(), 0);
    for &link in links {
        expect(link);
        met[end] = link;
        end += usize::from(seen.insert(link));
    }
    met.truncate(end);
}

/// Score `near`, and ask for the links of what comes next.
#[inline(always)]
fn meet<S: Isa, R: Scorer>(isa: S, by: &R, bottom: &Adjacency, near: &[u32], pool: &mut Pool) {
    let mut push = |node: u32, score: f32| {
        if pool.push(node, score).is_some() {
            bottom.expect_offsets(isa, node);
        }
    };
    let (fours, rest) = near.as_chunks::<4>();
    for &four in fours {
        for (node, score) in four.into_iter().zip(by.scores(isa, four)) {
            push(node, score);
        }
    }
    for &node in rest {
        push(node, by.score(isa, node));
    }
}

impl Adjacency {
    /// Ask for a node's links.
    #[inline(always)]
    fn expect<S: Isa>(&self, isa: S, node: u32) {
        isa.prefetch(self.of(node as usize));
    }

    /// Ask for where a node's links lie.
    #[inline(always)]
    fn expect_offsets<S: Isa>(&self, isa: S, node: u32) {
        isa.prefetch(&self.offsets[node as usize..][..2]);
    }
}

/// How many bridges ahead their links are asked for.
const BRIDGES_AHEAD: usize = 4;
/// Most bytes of exact rows that are asked for while walking: a quarter of a core's own cache.
const EXACT_BYTES_AHEAD: usize = 256 << 10;
