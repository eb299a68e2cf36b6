//! The best nodes that a walk has met, in order.
//!
//! Layer: index.
//! Holds: one sorted array: a walk's open nodes and what it found are the same nodes.
//! Never: more than its breadth; a float compared twice (a node is one number that sorts as it ranks).
//! Invariant: best first, by score, then by ordinal; no open node before the cursor.

use prag_simd::{BLOCK, Block, FIT_AHEAD, Isa, entry, node, score};

/// Nodes with their scores, best first.
#[derive(Default)]
pub(super) struct Pool {
    /// In whole blocks; behind the last node 0, which is worse than all. What falls behind the breadth nobody asks for.
    blocks: Vec<Block>,
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
        self.blocks.resize(self.breadth.div_ceil(BLOCK), Block::default());
        self.cursor = 0;
    }

    /// The best node not taken yet.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<u32> {
        while let Some(Block(block)) = self.blocks.get_mut(self.cursor) {
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

    /// Add nodes with their scores, but for those that the pool is full of better ones. Tells of each that is better
    /// than the worst of a full pool was.
    ///
    /// What is not good enough goes without a branch: which it is no processor guesses.
    #[inline(always)]
    pub(super) fn offer<S: Isa>(
        &mut self,
        isa: S,
        nodes: &[u32],
        scores: &[f32],
        mut added: impl FnMut(u32),
    ) {
        let bar = self.worst();
        let mut fit = std::mem::take(&mut self.fit);
        if fit.len() < nodes.len() + FIT_AHEAD {
            fit.resize(nodes.len() + FIT_AHEAD, 0);
        }
        let count = isa.fit(nodes, scores, bar, &mut fit);
        for entry in &fit[..count] {
            added(node(*entry));
        }
        self.insert(isa, &fit[..count]);
        self.fit = fit;
    }

    /// Add a node, unless the pool is full of better ones.
    #[inline(always)]
    pub(super) fn push<S: Isa>(&mut self, isa: S, ordinal: u32, score: f32) {
        let entry = entry(ordinal, score);
        if entry > self.worst() {
            self.insert(isa, &[entry]);
        }
    }

    /// The processor guesses no step of a search, so each place is written, where there are not very many.
    #[inline(always)]
    fn insert<S: Isa>(&mut self, isa: S, entries: &[u64]) {
        for pair in entries.chunks(2) {
            let best = pair.iter().fold(0, |best, entry| best.max(*entry));
            let first = if self.blocks.len() <= WRITTEN_MAX {
                0
            } else {
                self.blocks.partition_point(|block| block.0[BLOCK - 1] > best)
            };
            isa.insert(&mut self.blocks[first..], pair);
            if self.blocks[self.cursor].0[0] <= best {
                self.cursor = 0;
            }
        }
    }

    /// What an entry must be better than.
    #[inline(always)]
    fn worst(&self) -> u64 {
        let last = self.breadth.wrapping_sub(1);
        self.blocks.get(last / BLOCK).map_or(u64::MAX, |block| block.0[last % BLOCK])
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
        let all = self.blocks.iter().flat_map(|block| block.0).take(self.breadth);
        all.take_while(|entry| *entry != 0)
    }
}

const OPEN: u64 = 1;
/// Up to so many blocks are written whole; of more, those that change, for a wrong guess at which they are. At ef 384
/// (48 blocks) that takes 0.97 of the time.
const WRITTEN_MAX: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::fixture::Dice;
    use prag_simd::{Kernel, Level, dispatch_at};

    /// What a walk does to a pool, with an instruction set.
    struct Walked(u64);

    impl Kernel for Walked {
        type Output = Vec<(f32, u32)>;

        /// A pool keeps what sorting all and cutting keeps, tells of those that it had room for, and hands each node
        /// out once while it is among the first, best first of what is there. Answers all that it ever held.
        #[inline(always)]
        fn run<S: Isa>(self, isa: S) -> Vec<(f32, u32)> {
            let (mut dice, mut held) = (Dice(self.0), Vec::new());
            for round in 0..60u64 {
                // Some that are written whole, and some of so many blocks that they are not.
                let most = if round % 10 == 0 { 700 } else { 20 };
                let breadth = 1 + dice.below(most) as usize;
                let open = 1 + dice.below(breadth as u64) as usize;
                let mut pool = Pool::default();
                pool.reset(breadth, open);
                let (mut all, mut taken): (Vec<(f32, u32)>, Vec<u32>) = Default::default();
                let mut next = 0u32;
                while u64::from(next) < 3 * most {
                    let score = |_| dice.below(7) as f32 / 3.0 - 1.0;
                    let scores: Vec<f32> = (0..1 + next % 37).map(score).collect();
                    let nodes: Vec<u32> = (next..).take(scores.len()).collect();
                    next += nodes.len() as u32;
                    let full = all.len() == breadth;
                    let worst = all.last().map_or(f32::MIN, |worst| worst.0);
                    let fit = |score: f32| !full || score > worst;
                    let expected = nodes.iter().zip(&scores).filter(|(_, score)| fit(**score));
                    let expected: Vec<u32> = expected.map(|(node, _)| *node).collect();
                    all.extend(scores.iter().copied().zip(nodes.iter().copied()));
                    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                    all.truncate(breadth);
                    if let ([node], [score]) = (&nodes[..], &scores[..]) {
                        pool.push(isa, *node, *score);
                    } else {
                        let mut told = Vec::new();
                        pool.offer(isa, &nodes, &scores, |node| told.push(node));
                        assert_eq!(told, expected, "round {round}");
                    }
                    for _ in 0..dice.below(4) {
                        let mut first = all.iter().take(open).map(|entry| entry.1);
                        let best = first.find(|node| !taken.contains(node));
                        assert_eq!(pool.take(), best);
                        taken.extend(best);
                    }
                    assert!(pool.nodes().eq(all.iter().map(|entry| entry.1)));
                    assert!(pool.scored().eq(all.iter().copied()));
                    let bar = if all.len() < breadth { f32::MIN } else { all[breadth - 1].0 };
                    assert_eq!(pool.bar(), bar);
                }
                held.extend(all);
            }
            held
        }
    }

    #[test]
    fn pool_is_a_sorted_cut() {
        for seed in 0..8 {
            let base = dispatch_at(Level::Scalar, Walked(seed));
            for level in Level::ALL {
                assert!(dispatch_at(level, Walked(seed)) == base, "{level:?}");
            }
        }
    }
}
