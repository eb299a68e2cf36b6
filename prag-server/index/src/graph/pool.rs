//! The best nodes that a walk has met, in order.
//!
//! Layer: index.
//! Holds: one sorted array: a walk's open nodes and what it found are the same nodes.
//! Never: more than its breadth; a float compared twice (a node is one number that sorts as it ranks).
//! Invariant: best first, by score, then by ordinal; no open node before the cursor.

/// Nodes with their scores, best first.
#[derive(Default)]
pub(super) struct Pool {
    entries: Vec<u64>,
    breadth: usize,
    /// Only so many of the best are handed out.
    open: usize,
    /// Where to look for the next open node.
    cursor: usize,
}

impl Pool {
    /// Empty, for `breadth` nodes, of which the `open` best are handed out.
    pub(super) fn reset(&mut self, breadth: usize, open: usize) {
        self.entries.clear();
        self.entries.reserve(breadth + 1);
        self.breadth = breadth.max(1);
        self.open = open;
        self.cursor = 0;
    }

    /// The best node not taken yet.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<u32> {
        while self.cursor < self.open
            && let Some(entry) = self.entries.get_mut(self.cursor)
        {
            self.cursor += 1;
            if *entry & OPEN != 0 {
                *entry &= !OPEN;
                return Some(node(*entry));
            }
        }
        None
    }

    /// Add a node, unless the pool is full of better ones. Answers its rank.
    #[inline(always)]
    pub(super) fn push(&mut self, ordinal: u32, score: f32) -> Option<usize> {
        let entry = entry(ordinal, score);
        let full = self.entries.len() >= self.breadth;
        if full && self.entries.last().is_some_and(|worst| entry <= *worst) {
            return None;
        }
        // The processor guesses no step of a search; to count costs less where there are few.
        let at = if self.entries.len() <= COUNTED_MAX {
            self.entries.iter().map(|other| usize::from(*other > entry)).sum()
        } else {
            self.entries.partition_point(|other| *other > entry)
        };
        if full {
            self.entries.pop();
        }
        self.entries.insert(at, entry);
        self.cursor = self.cursor.min(at);
        Some(at)
    }

    /// Scores and nodes, best first.
    #[inline(always)]
    pub(super) fn scored(&self) -> impl Iterator<Item = (f32, u32)> + '_ {
        self.entries.iter().map(|entry| (score(*entry), node(*entry)))
    }

    /// The nodes, best first.
    #[inline(always)]
    pub(super) fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|entry| node(*entry))
    }
}

/// The score in 32 bits that sort as floats do, then 31 of the ordinal, the lower the greater, then whether it is open.
#[inline(always)]
fn entry(ordinal: u32, score: f32) -> u64 {
    let bits = score.to_bits();
    let sorted = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(sorted) << 32 | u64::from(!ordinal << 1 | 1)
}

#[inline(always)]
fn score(entry: u64) -> f32 {
    #[allow(clippy::cast_possible_truncation)] // the upper half
    let sorted = (entry >> 32) as u32;
    f32::from_bits(if sorted >> 31 == 1 { sorted & !(1 << 31) } else { !sorted })
}

#[inline(always)]
fn node(entry: u64) -> u32 {
    #[allow(clippy::cast_possible_truncation)] // the lower half
    let low = entry as u32;
    !low >> 1
}

const OPEN: u64 = 1;
const COUNTED_MAX: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::fixture::Dice;

    /// A pool keeps what sorting all and cutting keeps, and hands each node out once while it is among the first, best
    /// first of what is there.
    #[test]
    fn pool_is_a_sorted_cut() {
        let mut dice = Dice(1);
        for round in 0..300u64 {
            let breadth = 1 + dice.below(20) as usize;
            let open = 1 + dice.below(breadth as u64) as usize;
            let mut pool = Pool::default();
            pool.reset(breadth, open);
            let mut all: Vec<(f32, u32)> = Vec::new();
            let mut taken = Vec::new();
            for ordinal in 0..dice.below(60) as u32 {
                let score = dice.below(7) as f32 / 3.0 - 1.0;
                all.push((score, ordinal));
                all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                all.truncate(breadth);
                let rank = all.iter().position(|entry| entry.1 == ordinal);
                assert_eq!(pool.push(ordinal, score), rank, "round {round}");
                if dice.below(3) == 0 {
                    let mut first = all.iter().take(open).map(|entry| entry.1);
                    let best = first.find(|node| !taken.contains(node));
                    assert_eq!(pool.take(), best);
                    taken.extend(best);
                }
                assert!(pool.nodes().eq(all.iter().map(|entry| entry.1)));
                assert!(pool.scored().eq(all.iter().copied()));
            }
        }
    }
}
