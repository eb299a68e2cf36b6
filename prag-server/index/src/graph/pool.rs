//! The best nodes that a walk has met, in order.
//!
//! Layer: index.
//! Holds: one sorted array: a walk's open nodes and what it found are the same nodes.
//! Never: more than its breadth; a float compared twice (a node is one number that sorts as it ranks).
//! Invariant: best first, by score, then by ordinal; no open node before the cursor.

/// Nodes with their scores, best first.
#[derive(Default)]
pub(super) struct Pool {
    /// In whole blocks; behind the last node 0, which is worse than all. What falls behind the breadth nobody asks for.
    blocks: Vec<[u64; BLOCK]>,
    breadth: usize,
    /// Only so many of the best are handed out.
    open: usize,
    /// The block in which to look for the next open node.
    cursor: usize,
    /// Those of an offer that may be good enough, then room.
    fit: Vec<u64>,
}

impl Pool {
    /// Empty, for `breadth` nodes, of which the `open` best are handed out.
    pub(super) fn reset(&mut self, breadth: usize, open: usize) {
        self.breadth = breadth.max(1);
        self.open = open.min(self.breadth);
        self.blocks.clear();
        self.blocks.resize(self.breadth.div_ceil(BLOCK), [0; BLOCK]);
        self.cursor = 0;
    }

    /// The best node not taken yet.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<u32> {
        while let Some(block) = self.blocks.get_mut(self.cursor) {
            if block.iter().fold(0, |all, entry| all | entry) & OPEN != 0 {
                for (at, entry) in block.iter_mut().enumerate() {
                    if *entry & OPEN != 0 && self.cursor * BLOCK + at < self.open {
                        *entry &= !OPEN;
                        return Some(node(*entry));
                    }
                }
            }
            if (self.cursor + 1) * BLOCK >= self.open {
                break;
            }
            self.cursor += 1;
        }
        None
    }

    /// Add nodes with their scores, but for those that the pool is full of better ones. Tells of each that was added.
    ///
    /// What is not good enough goes without a branch: which it is no processor guesses.
    #[inline(always)]
    pub(super) fn offer(
        &mut self,
        nodes: impl Iterator<Item = u32>,
        scores: &[f32],
        mut added: impl FnMut(u32),
    ) {
        let bar = self.worst();
        let mut fit = std::mem::take(&mut self.fit);
        if fit.len() < scores.len() {
            fit.resize(scores.len(), 0);
        }
        let mut count = 0;
        for (node, score) in nodes.zip(scores) {
            let entry = entry(node, *score);
            fit[count] = entry;
            count += usize::from(entry > bar);
        }
        for entry in &fit[..count] {
            if self.insert(*entry) {
                added(node(*entry));
            }
        }
        self.fit = fit;
    }

    /// Add a node, unless the pool is full of better ones.
    #[inline(always)]
    pub(super) fn push(&mut self, ordinal: u32, score: f32) -> bool {
        self.insert(entry(ordinal, score))
    }

    /// The processor guesses no step of a search, so each place is written: with what is there where that is better,
    /// else with the worse of the entry and of what was before it.
    #[inline(always)]
    fn insert(&mut self, entry: u64) -> bool {
        if entry <= self.worst() {
            return false;
        }
        let first = if self.blocks.len() <= WRITTEN_MAX {
            0
        } else {
            self.blocks.partition_point(|block| block[BLOCK - 1] > entry)
        };
        let mut end = self.blocks.len();
        while end > first + 1 {
            end -= 1;
            let mut before = [0; BLOCK];
            before.copy_from_slice(&self.blocks.as_flattened()[end * BLOCK - 1..][..BLOCK]);
            put(&mut self.blocks[end], before, entry);
        }
        let mut before = [u64::MAX; BLOCK];
        before[1..].copy_from_slice(&self.blocks[first][..BLOCK - 1]);
        put(&mut self.blocks[first], before, entry);
        if self.blocks[self.cursor][0] <= entry {
            self.cursor = 0;
        }
        true
    }

    /// What an entry must be better than.
    #[inline(always)]
    fn worst(&self) -> u64 {
        self.blocks.as_flattened().get(self.breadth.wrapping_sub(1)).copied().unwrap_or(u64::MAX)
    }

    /// The score below which nothing is added any more.
    #[inline(always)]
    pub(super) fn bar(&self) -> f32 {
        let worst = self.worst();
        if worst == 0 { f32::MIN } else { score(worst) }
    }

    /// Scores and nodes, best first.
    #[inline(always)]
    pub(super) fn scored(&self) -> impl Iterator<Item = (f32, u32)> + '_ {
        self.entries().map(|entry| (score(entry), node(entry)))
    }

    /// The nodes, best first.
    #[inline(always)]
    pub(super) fn nodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries().map(node)
    }

    #[inline(always)]
    fn entries(&self) -> impl Iterator<Item = u64> + '_ {
        let all = self.blocks.as_flattened().iter().take(self.breadth);
        all.copied().take_while(|entry| *entry != 0)
    }
}

/// A block after `entry` came in, where `before` is what was in the place before each.
#[inline(always)]
fn put(block: &mut [u64; BLOCK], before: [u64; BLOCK], entry: u64) {
    for (there, before) in block.iter_mut().zip(before) {
        *there = (*there).max(before.min(entry));
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
/// Entries that fill a register of AVX-512.
const BLOCK: usize = 8;
/// Up to so many blocks are written whole.
const WRITTEN_MAX: usize = 64;

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
            // Some that are written whole, and some of so many blocks that they are not.
            let most = if round % 10 == 0 { 700 } else { 20 };
            let breadth = 1 + dice.below(most) as usize;
            let open = 1 + dice.below(breadth as u64) as usize;
            let mut pool = Pool::default();
            pool.reset(breadth, open);
            let mut all: Vec<(f32, u32)> = Vec::new();
            let mut taken = Vec::new();
            for ordinal in 0..dice.below(3 * most) as u32 {
                let score = dice.below(7) as f32 / 3.0 - 1.0;
                all.push((score, ordinal));
                all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                all.truncate(breadth);
                let added = all.iter().any(|entry| entry.1 == ordinal);
                assert_eq!(pool.push(ordinal, score), added, "round {round}");
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

    /// Nodes offered together are as nodes pushed one by one, and who was added is told.
    #[test]
    fn offers_are_pushes() {
        let mut dice = Dice(2);
        for _ in 0..200 {
            let breadth = 1 + dice.below(30) as usize;
            let mut pools = [Pool::default(), Pool::default()];
            pools.iter_mut().for_each(|pool| pool.reset(breadth, breadth));
            let [offered, pushed] = &mut pools;
            let mut next = 0u32;
            for _ in 0..dice.below(8) {
                let scores: Vec<f32> =
                    (0..dice.below(40)).map(|_| dice.below(9) as f32 - 4.0).collect();
                let nodes = next..next + scores.len() as u32;
                next = nodes.end;
                let mut told = Vec::new();
                offered.offer(nodes.clone(), &scores, |node| told.push(node));
                let added = nodes.zip(&scores).filter(|(node, score)| pushed.push(*node, **score));
                assert_eq!(told, added.map(|(node, _)| node).collect::<Vec<_>>());
                assert!(offered.scored().eq(pushed.scored()));
                assert_eq!((offered.bar(), offered.take()), (pushed.bar(), pushed.take()));
            }
        }
    }
}
