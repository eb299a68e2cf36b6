//! The scan that begins with signs or nibbles: of many allowed rows, where almost all of the best are enough.
//!
//! Layer: index.
//! Holds: one pass over the signs or nibbles of the allowed rows, mostly a line each; then codes, and what is kept of
//! the few.
//! Never: what answers where exactness is asked for; a row twice by what is kept of it; more than two numbers a row.
//! Invariant: a row of the best is missed only if its estimate is too low by more than [`Sought::highest`] or
//! [`Nibbles::high`] allows for, as less than one in 700 is. What codes rule out, they rule out for certain. Scores are
//! exact.
//!
//! No number of candidates is set: where many rows lie close to the k-th best score, as many are compared as the bound
//! does not rule out, in the worst case all. (Gao and Long 2024, section 4: the bound decides what is scored again.)

use super::{Nibbles, Pitched, Query, Signs, Sought, Vectors};
use crate::scratch::Lent;
use crate::top::{Hit, Mask, Top};
use prag_simd::{Isa, Kernel, dispatch};
use std::cell::Cell;

thread_local! {
    static SOUGHT: Cell<Sought> = Cell::default();
}

/// What the scan begins with.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Signs(&'a Signs),
    Nibbles(&'a Nibbles),
}

/// Almost all of the best `k` allowed rows, of which there are at least twice as many.
pub(super) fn sift(
    vectors: &Vectors,
    by: By<'_>,
    query: &Query<'_>,
    allowed: &Mask,
    k: usize,
) -> Vec<Hit> {
    dispatch(Sift { vectors, by, query, allowed, k })
}

struct Sift<'a> {
    vectors: &'a Vectors,
    by: By<'a>,
    query: &'a Query<'a>,
    allowed: &'a Mask,
    /// At least 1, at most half as many as are allowed.
    k: usize,
}

impl Kernel for Sift<'_> {
    type Output = Vec<Hit>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<Hit> {
        let Self { by, query, allowed, k, .. } = self;
        let mut rows: Lent<u32> = Lent::default();
        allowed.list(isa, &mut rows);
        let mut highs: Lent<f32> = Lent::default();
        highs.resize(rows.len(), f32::MIN);
        match by {
            By::Signs(signs) => {
                let mut sought = SOUGHT.take();
                sought.aim_roughly(isa, signs, query.floats());
                signs.highs(isa, &sought, &rows, &mut highs);
                SOUGHT.set(sought);
            }
            By::Nibbles(nibbles) => {
                let mut pitched = Pitched::default();
                pitched.aim(nibbles, query);
                nibbles.highs(isa, &pitched, &rows, &mut highs);
            }
        }
        let mut top = Top::new(k);
        self.begin(isa, &rows, &mut highs, &mut top);
        // The k-th best of some true scores: what may not reach it is not among the best.
        let bar = top.bar().unwrap_or(f32::MIN);
        let left = isa.keep(&mut rows, &highs, bar);
        rows.truncate(left);
        self.finish(isa, &rows, &mut top);
        top.into_hits()
    }
}

impl Sift<'_> {
    /// Score some rows that may be the best, at least `k`, by what is kept of them. Their highs are then the least.
    ///
    /// Which are the best nobody needs to know: those that are as good as the 2`k`-th best of all groups' best are
    /// about the best 2.3`k`.
    #[inline(always)]
    fn begin<S: Isa>(&self, isa: S, rows: &[u32], highs: &mut Vec<f32>, top: &mut Top) {
        let count = highs.len();
        let groups = (GROUPS_PER_K * self.k).next_power_of_two().max(GROUPS_MIN);
        highs.resize(count + groups, f32::MIN);
        let (each, groups) = highs.split_at_mut(count);
        for block in each.chunks(groups.len()) {
            for (most, high) in groups.iter_mut().zip(block) {
                *most = if *high > *most { *high } else { *most };
            }
        }
        let (_, edge, _) = groups.select_nth_unstable_by(2 * self.k - 1, |a, b| b.total_cmp(a));
        let edge = *edge;
        highs.truncate(count);
        let mut first: Lent<Hit> = Lent::default();
        pick(highs, edge, |at| {
            // Many may be equal.
            if first.len() < FIRST_PER_K * self.k {
                self.vectors.expect_exact(isa, rows[at]);
                #[allow(clippy::cast_possible_truncation)] // a place among rows
                first.push(Hit { ordinal: at as u32, score: highs[at] });
            }
        });
        for hit in first.iter() {
            let at = hit.ordinal as usize;
            let score = self.vectors.exact(isa, self.query.target(), rows[at]);
            top.push(Hit { ordinal: rows[at], score });
            highs[at] = f32::MIN;
        }
    }

    /// Score those of `rows` that their codes do not rule out.
    #[inline(always)]
    fn finish<S: Isa>(&self, isa: S, rows: &[u32], top: &mut Top) {
        let Self { vectors, query, .. } = *self;
        let mut weigh = |row: u32, estimate: f32| {
            let high = estimate + vectors.codes.slack_high(query, row as usize);
            if top.bar().is_none_or(|bar| high >= bar) {
                top.push(Hit { ordinal: row, score: vectors.exact(isa, query.target(), row) });
            }
        };
        for &row in rows.iter().take(CODES_AHEAD) {
            vectors.expect(isa, row);
        }
        let (fours, rest) = rows.as_chunks::<4>();
        let mut ahead = rows.iter().skip(CODES_AHEAD);
        for &four in fours {
            for &row in ahead.by_ref().take(4) {
                vectors.expect(isa, row);
            }
            let estimates = vectors.estimates(isa, query, four);
            for (row, estimate) in four.into_iter().zip(estimates) {
                weigh(row, estimate);
            }
        }
        for &row in rest {
            weigh(row, vectors.estimate(isa, query, row));
        }
    }
}

/// Where `highs` are at least `bar`.
#[inline(always)]
fn pick(highs: &[f32], bar: f32, mut found: impl FnMut(usize)) {
    for (block, start) in highs.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
        // Few are, so a block is asked as a whole, without a branch for each.
        if block.iter().fold(false, |some, high| some | (*high >= bar)) {
            for (high, at) in block.iter().zip(start..) {
                if *high >= bar {
                    found(at);
                }
            }
        }
    }
}

const BLOCK: usize = 16;
/// Of so many groups for each that is wanted, two in eight have one of the best.
const GROUPS_PER_K: usize = 8;
const GROUPS_MIN: usize = 256;
const FIRST_PER_K: usize = 4;
/// How many rows ahead codes are asked for.
const CODES_AHEAD: usize = 8;
