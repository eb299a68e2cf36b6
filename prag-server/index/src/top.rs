//! Hits, the best k of them, and which rows may be among them.
//!
//! Layer: index.
//! Holds: one order for every ranking: score descending, then ordinal ascending.
//! Never: prints a score.
//! Invariant: the k kept do not depend on the order in which they came.

mod bits;

use crate::scratch::Lent;
use prag_simd::{Isa, PLACES_AHEAD};
use roaring::RoaringBitmap;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::ops::Range;

/// A row that was found.
#[derive(Clone, Copy, PartialEq)]
pub struct Hit {
    /// Which row of the part.
    pub ordinal: u32,
    /// Cosine similarity for vectors, BM25 for words; higher is better.
    pub score: f32,
}

impl fmt::Debug for Hit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hit(…)")
    }
}

/// A hit in ranking order: the greater is the better.
#[derive(Clone, Copy)]
pub(crate) struct Ranked(pub(crate) Hit);

impl Ord for Ranked {
    #[inline(always)]
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.0.score.total_cmp(&other.0.score);
        by_score.then_with(|| other.0.ordinal.cmp(&self.0.ordinal))
    }
}

impl PartialOrd for Ranked {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// Sort hits, best first.
pub(crate) fn rank(hits: &mut [Hit]) {
    hits.sort_unstable_by_key(|hit| Reverse(Ranked(*hit)));
}

/// The best `k` of what is pushed.
pub(crate) struct Top {
    k: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

impl Top {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(TOP_RESERVE)) }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, hit: Hit) {
        let ranked = Ranked(hit);
        if self.heap.len() < self.k {
            self.heap.push(Reverse(ranked));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked > worst.0
        {
            *worst = Reverse(ranked);
        }
    }

    /// The score that a hit must beat or equal to be kept; none while there is room.
    #[inline(always)]
    pub(crate) fn bar(&self) -> Option<f32> {
        if self.heap.len() < self.k { None } else { self.heap.peek().map(|worst| worst.0.0.score) }
    }

    /// Best first.
    pub(crate) fn into_hits(self) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self.heap.into_iter().map(|Reverse(ranked)| ranked.0).collect();
        rank(&mut hits);
        hits
    }
}

/// Which of a part's rows may answer, for tests one at a time.
pub(crate) enum Mask {
    /// Every row.
    All(u32),
    /// A bit per row, and how many are set.
    Some(Lent<u64>, usize),
}

impl Mask {
    /// `allowed` without what lies beyond `rows`.
    pub(crate) fn new(allowed: &RoaringBitmap, rows: u32) -> Self {
        let count = allowed.range_cardinality(0..rows);
        if count == u64::from(rows) {
            return Self::All(rows);
        }
        let mut words = Lent::default();
        words.resize((rows as usize).div_ceil(64), 0);
        bits::fill(&mut words, allowed);
        if let Some(last) = words.last_mut()
            && !rows.is_multiple_of(64)
        {
            *last &= u64::MAX >> (64 - rows % 64);
        }
        #[allow(clippy::cast_possible_truncation)] // of at most 2^32 rows
        let count = count as usize;
        Self::Some(words, count)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows as usize,
            Self::Some(_, count) => *count,
        }
    }

    #[inline(always)]
    pub(crate) fn allows(&self, ordinal: u32) -> bool {
        match self {
            Self::All(rows) => ordinal < *rows,
            Self::Some(words, _) => {
                words.get(ordinal as usize / 64).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
            }
        }
    }

    /// The rows, ascending.
    #[inline(always)]
    pub(crate) fn rows(&self) -> Rows<'_> {
        match self {
            Self::All(rows) => Rows::All(0..*rows),
            Self::Some(words, _) => Rows::Some { rest: words, word: 0, base: 0 },
        }
    }

    /// Leave the rows in `ordinals`, ascending.
    #[inline(always)]
    pub(crate) fn list<S: Isa>(&self, isa: S, ordinals: &mut Vec<u32>) {
        ordinals.clear();
        match self {
            Self::All(rows) => ordinals.extend(0..*rows),
            Self::Some(words, count) => {
                ordinals.resize(count + PLACES_AHEAD, 0);
                isa.places(words, ordinals);
                ordinals.truncate(*count);
            }
        }
    }

    /// The rows, ascending.
    pub(crate) fn ordinals(&self) -> Vec<u32> {
        let mut ordinals = Vec::with_capacity(self.len());
        ordinals.extend(self.rows());
        ordinals
    }
}

/// The rows of a mask, ascending.
#[derive(Clone)]
pub(crate) enum Rows<'a> {
    All(Range<u32>),
    Some {
        /// Words not begun.
        rest: &'a [u64],
        /// What is left of the word before them.
        word: u64,
        /// The row of the bit behind it.
        base: u32,
    },
}

impl Iterator for Rows<'_> {
    type Item = u32;

    #[inline(always)]
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::All(range) => range.next(),
            Self::Some { rest, word, base } => {
                while *word == 0 {
                    let (&first, others) = rest.split_first()?;
                    (*word, *rest) = (first, others);
                    *base += 64;
                }
                let row = *base - 64 + word.trailing_zeros();
                *word &= *word - 1;
                Some(row)
            }
        }
    }
}

const TOP_RESERVE: usize = 1024;
