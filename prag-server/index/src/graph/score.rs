//! What a walk compares rows by.
//!
//! Layer: index.
//! Holds: one seam for codes and for signs.
//! Never: an exact score.
//! Invariant: a score has the same bits whatever it is asked for with.

use crate::vectors::{Nibbles, Pitched, Query, Signs, Sought, Vectors};
use prag_simd::Isa;

/// Scores of one query.
pub(super) trait Scorer {
    /// Breadth of the walk above the bottom level.
    const UPPER_EF: usize;
    /// The walk begins with the best of all nodes of the lowest level that has no more than so many.
    const SWEPT_MAX: usize;
    /// The score of each of `rows` into `scores`, which is as long.
    fn scores<S: Isa>(&self, isa: S, rows: &[u32], scores: &mut [f32]);
    /// What no score by what is kept is above, but for a few in a thousand, for a row whose score here is `score`.
    fn high(&self, row: u32, score: f32) -> f32;
    /// Ask for what a score of the row reads.
    fn expect<S: Isa>(&self, isa: S, row: u32);
}

/// A byte a component.
pub(super) struct ByCodes<'a> {
    pub(super) vectors: &'a Vectors,
    pub(super) query: &'a Query<'a>,
}

/// Four bits a component.
pub(super) struct ByNibbles<'a> {
    pub(super) nibbles: &'a Nibbles,
    pub(super) query: &'a Pitched,
}

/// A bit a component.
pub(super) struct BySigns<'a> {
    pub(super) signs: &'a Signs,
    pub(super) query: &'a Sought,
    /// How much higher than its estimate a score may be, for each unit of a row's factor.
    pub(super) doubt: f32,
}

impl Scorer for ByCodes<'_> {
    /// Over 20,000 rows in 40 far clusters, at ef 64, 1 found 90 of 100 and 8 found 98, for about 10 µs more.
    const UPPER_EF: usize = 8;
    /// By codes so many take longer than the way down to them.
    const SWEPT_MAX: usize = 0;

    #[inline(always)]
    fn scores<S: Isa>(&self, isa: S, rows: &[u32], scores: &mut [f32]) {
        let (fours, rest) = rows.as_chunks::<4>();
        let (each, last) = scores.as_chunks_mut::<4>();
        for (&four, scores) in fours.iter().zip(each) {
            *scores = self.vectors.estimates(isa, self.query, four);
        }
        for (&row, score) in rest.iter().zip(last) {
            *score = self.vectors.estimate(isa, self.query, row);
        }
    }

    /// Not known without another look into memory.
    #[inline(always)]
    fn high(&self, _: u32, _: f32) -> f32 {
        f32::MAX
    }

    #[inline(always)]
    fn expect<S: Isa>(&self, isa: S, row: u32) {
        self.vectors.expect(isa, row);
    }
}

impl Scorer for ByNibbles<'_> {
    /// Breadth 4 from the best of the level of 390 took 0.98 of the time on GloVe, and missed twice as many in 500 far
    /// clusters.
    const UPPER_EF: usize = ByCodes::UPPER_EF;
    const SWEPT_MAX: usize = 0;

    #[inline(always)]
    fn scores<S: Isa>(&self, isa: S, rows: &[u32], scores: &mut [f32]) {
        self.nibbles.estimates(isa, self.query, rows, scores);
    }

    #[inline(always)]
    fn high(&self, row: u32, score: f32) -> f32 {
        self.nibbles.high(self.query, row, score)
    }

    #[inline(always)]
    fn expect<S: Isa>(&self, isa: S, row: u32) {
        self.nibbles.expect(isa, row);
    }
}

impl Scorer for BySigns<'_> {
    /// Twice as many find no more here, where the bottom level's walk is wider.
    const UPPER_EF: usize = 4;
    /// Of 100,000 rows the level of about 390 takes as long as the way down to it, and nothing is missed there: in 500
    /// clusters of 200 rows each, at ef 64, 0.82 is found instead of 0.70.
    const SWEPT_MAX: usize = 512;

    #[inline(always)]
    fn scores<S: Isa>(&self, isa: S, rows: &[u32], scores: &mut [f32]) {
        self.signs.estimates(isa, self.query, rows, scores);
    }

    #[inline(always)]
    fn high(&self, row: u32, score: f32) -> f32 {
        score + self.signs.factor(row) * self.doubt
    }

    #[inline(always)]
    fn expect<S: Isa>(&self, isa: S, row: u32) {
        self.signs.expect(isa, row);
    }
}
