//! The search that finds a new node's candidates.
//!
//! Layer: index.
//! Holds: Malkov and Yashunin 2018, algorithm 2, over codes; scratch that is used again.
//! Never: an allocation per search, once the scratch has grown.
//! Invariant: the pool is ascending by distance, then by node, and names no node twice.

use super::codes::{Codes, Probe};
use super::lists::View;
use prag_simd::Isa;

/// What a search needs room for.
pub(in crate::graph) struct Scratch {
    seen: Seen,
    /// Ascending; see [`key`].
    pool: Vec<u64>,
    fresh: Vec<u32>,
}

/// A set of nodes that is emptied by what was put in.
pub(in crate::graph) struct Seen {
    words: Vec<u64>,
    members: Vec<u32>,
}

impl Seen {
    /// Room for nodes 0..rows.
    pub(in crate::graph) fn new(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)], members: Vec::new() }
    }

    /// Whether `node` is new.
    #[inline(always)]
    pub(in crate::graph) fn insert(&mut self, node: u32) -> bool {
        let word = &mut self.words[node as usize / 64];
        let bit = 1u64 << (node % 64);
        let new = *word & bit == 0;
        if new {
            *word |= bit;
            self.members.push(node);
        }
        new
    }

    #[inline(always)]
    pub(in crate::graph) fn clear(&mut self) {
        for node in self.members.drain(..) {
            self.words[node as usize / 64] = 0;
        }
    }
}

impl Scratch {
    pub(in crate::graph) fn new(rows: usize, ef: usize) -> Self {
        Self { seen: Seen::new(rows), pool: Vec::with_capacity(ef + 1), fresh: Vec::new() }
    }

    /// What the last search found, nearest first.
    #[inline(always)]
    pub(in crate::graph) fn found(&self) -> impl Iterator<Item = (f32, u32)> + '_ {
        self.pool.iter().map(|&key| (distance_of(key), node_of(key)))
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
        self.pool.clear();
        self.seen.insert(start);
        self.pool.push(key(codes.distance(isa, from, start), start));
        let mut at = 0;
        while let Some(&open) = self.pool.get(at) {
            if open & CLOSED != 0 {
                at += 1;
                continue;
            }
            self.pool[at] = open | CLOSED;
            self.fresh.clear();
            for &link in lists.of(node_of(open)) {
                if self.seen.insert(link) {
                    isa.prefetch(codes.row(link));
                    self.fresh.push(link);
                }
            }
            for &node in &self.fresh {
                let found = key(codes.distance(isa, from, node), node);
                if self.pool.len() == ef {
                    if self.pool.last().is_some_and(|&worst| found >= worst) {
                        continue;
                    }
                    self.pool.pop();
                }
                let place = self.pool.partition_point(|&other| other < found);
                self.pool.insert(place, found);
                at = at.min(place);
            }
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

/// Distance above, node below, and the lowest bit says whether its neighbours were looked at. Bits of floats that are
/// not negative order as the floats do; nodes are below 2^24.
#[inline(always)]
fn key(distance: f32, node: u32) -> u64 {
    u64::from(distance.to_bits()) << 32 | u64::from(node) << 1
}

#[inline(always)]
fn node_of(key: u64) -> u32 {
    (key as u32) >> 1
}

#[inline(always)]
fn distance_of(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

const CLOSED: u64 = 1;
