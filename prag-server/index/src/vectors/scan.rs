//! The exact scan: codes rule out, what is kept decides.
//!
//! Layer: index.
//! Holds: one pass over the codes of the allowed rows, fetched ahead; one over those that it leaves, by all bits of the
//! query; and the last by what is kept of the few.
//! Never: a row twice by what is kept of it; more memory than one entry per row that may be among the best.
//! Invariant: the scan is exact: what the codes rule out, their error bound rules out.

use super::{Query, Vectors};
use crate::scratch::Lent;
use crate::top::{Hit, Mask, Rows, Top};
use prag_simd::{Isa, Kernel, dispatch};

/// The best `k` allowed rows, exactly.
pub(super) fn scan(vectors: &Vectors, query: &Query<'_>, allowed: &Mask, k: usize) -> Vec<Hit> {
    let wanted = k.min(allowed.len());
    if wanted == 0 {
        return Vec::new();
    }
    dispatch(Scan { vectors, query, allowed, wanted })
}

struct Scan<'a> {
    vectors: &'a Vectors,
    query: &'a Query<'a>,
    allowed: &'a Mask,
    /// At least 1, at most as many as are allowed.
    wanted: usize,
}

impl Kernel for Scan<'_> {
    type Output = Vec<Hit>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<Hit> {
        let Self { vectors, query, allowed, wanted } = self;
        if allowed.len() <= DIRECT_MAX || wanted * 2 > allowed.len() {
            return best(isa, vectors, query, allowed.rows(), wanted);
        }
        let mut candidates: Lent<Hit> = Lent::default();
        let mut ahead = Ahead::new(isa, vectors, allowed);
        // Scores are at least the lows: the k-th best low is a bar that no row of the k best is below.
        let mut lows = Top::new(wanted);
        let mut bar = f32::MIN;
        let mut weigh = |ordinal: u32, estimate: f32| {
            let slack = vectors.codes.slack_high(query, ordinal as usize);
            if estimate + slack >= bar {
                candidates.push(Hit { ordinal, score: estimate + slack });
                lows.push(Hit { ordinal, score: estimate - slack });
                bar = lows.bar().unwrap_or(f32::MIN);
            }
        };
        while let Some(block) = ahead.next(isa) {
            let (fours, rest) = block.as_chunks::<4>();
            for &four in fours {
                let estimates = vectors.codes.estimates(isa, query, four);
                for (ordinal, estimate) in four.into_iter().zip(estimates) {
                    weigh(ordinal, estimate);
                }
            }
            for &ordinal in rest {
                weigh(ordinal, vectors.codes.estimate(isa, query, ordinal as usize));
            }
        }
        // The same once more by both halves of the query, among the few that are left.
        let mut lows = Top::new(wanted);
        for hit in candidates.iter_mut().filter(|hit| hit.score >= bar) {
            let (estimate, slack) = vectors.codes.bounded(isa, query, hit.ordinal as usize);
            hit.score = estimate + slack;
            lows.push(Hit { ordinal: hit.ordinal, score: estimate - slack });
        }
        let bar = lows.bar().map_or(bar, |low| low.max(bar));
        let fit = candidates.iter().filter(move |hit| hit.score >= bar);
        best(isa, vectors, query, fit.map(|hit| hit.ordinal), wanted)
    }
}

/// The best `k` of `ordinals` by what is kept of them.
#[inline(always)]
fn best<S: Isa>(
    isa: S,
    vectors: &Vectors,
    query: &Query<'_>,
    ordinals: impl Iterator<Item = u32> + Clone,
    k: usize,
) -> Vec<Hit> {
    let mut top = Top::new(k);
    let mut ahead = ordinals.clone();
    for ordinal in ahead.by_ref().take(EXACT_AHEAD) {
        vectors.expect_exact(isa, ordinal);
    }
    for ordinal in ordinals {
        if let Some(next) = ahead.next() {
            vectors.expect_exact(isa, next);
        }
        top.push(Hit { ordinal, score: vectors.exact(isa, query.target(), ordinal) });
    }
    top.into_hits()
}

/// The allowed rows in blocks; the codes of the block behind the current one are on their way. Where all rows are
/// allowed they lie in a row, and the processor fetches them unasked.
struct Ahead<'a> {
    vectors: &'a Vectors,
    rows: Rows<'a>,
    next: [u32; BLOCK],
    count: usize,
    ask: bool,
}

impl<'a> Ahead<'a> {
    #[inline(always)]
    fn new<S: Isa>(isa: S, vectors: &'a Vectors, allowed: &'a Mask) -> Self {
        let ask = matches!(allowed, Mask::Some(..));
        let mut ahead = Self { vectors, rows: allowed.rows(), next: [0; BLOCK], count: 0, ask };
        ahead.fill(isa);
        ahead
    }

    #[inline(always)]
    fn next<S: Isa>(&mut self, isa: S) -> Option<Block> {
        let block = Block { ordinals: self.next, count: self.count };
        self.fill(isa);
        (block.count > 0).then_some(block)
    }

    #[inline(always)]
    fn fill<S: Isa>(&mut self, isa: S) {
        self.count = 0;
        while self.count < BLOCK
            && let Some(ordinal) = self.rows.next()
        {
            if self.ask {
                self.vectors.expect(isa, ordinal);
            }
            self.next[self.count] = ordinal;
            self.count += 1;
        }
    }
}

struct Block {
    ordinals: [u32; BLOCK],
    count: usize,
}

impl std::ops::Deref for Block {
    type Target = [u32];
    #[inline(always)]
    fn deref(&self) -> &[u32] {
        &self.ordinals[..self.count]
    }
}

const BLOCK: usize = 16;
/// How many rows ahead what is kept of them is asked for.
const EXACT_AHEAD: usize = 4;
/// Up to so many rows are compared by what is kept of them at once.
const DIRECT_MAX: usize = 128;
