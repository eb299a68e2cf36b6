//! Which nodes a walk has met.
//!
//! Layer: index.
//! Holds: a bit per node, and in which words they lie.
//! Never: a look at every word of many to empty them; a branch on whether a node is new, which no processor guesses.
//! Invariant: a word of many that is not listed is zero.

/// A set of nodes that is emptied by what was put in.
#[derive(Default)]
pub(super) struct Seen {
    words: Vec<u64>,
    /// The word of each node, then room.
    touched: Vec<u32>,
    count: usize,
}

impl Seen {
    /// Room for nodes 0..`nodes`.
    pub(super) fn reserve(&mut self, nodes: usize) {
        let words = nodes.div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, 0);
        }
    }

    /// Whether the node is new.
    #[inline(always)]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        if self.listed() {
            self.make_room(1);
            return self.mark(node);
        }
        let word = &mut self.words[node as usize / 64];
        let old = *word;
        *word |= 1u64 << (node % 64);
        old != *word
    }

    /// Put in `nodes`, and those that are new behind what is in `met`, without a branch on which are. Tells of these.
    #[inline(always)]
    pub(super) fn admit(&mut self, nodes: &[u32], met: &mut Vec<u32>, mut expect: impl FnMut(u32)) {
        let start = met.len();
        met.resize(start + nodes.len(), 0);
        let end = if self.listed() {
            self.make_room(nodes.len());
            let (room, mut end) = (&mut met[start..], 0);
            for &node in nodes {
                room[end] = node;
                end += usize::from(self.mark(node));
            }
            end
        } else {
            let (room, words, mut end) = (&mut met[start..], &mut self.words[..], 0);
            for &node in nodes {
                room[end] = node;
                let word = &mut words[node as usize / 64];
                let bit = 1u64 << (node % 64);
                end += usize::from(*word & bit == 0);
                *word |= bit;
            }
            end
        };
        met.truncate(start + end);
        for &node in &met[start..] {
            expect(node);
        }
    }

    /// Whether it is listed which words are not zero: else all are emptied.
    #[inline(always)]
    fn listed(&self) -> bool {
        self.words.len() > WHOLE_MAX
    }

    #[inline(always)]
    fn mark(&mut self, node: u32) -> bool {
        let at = node / 64;
        let word = &mut self.words[at as usize];
        let bit = 1u64 << (node % 64);
        let new = *word & bit == 0;
        *word |= bit;
        self.touched[self.count] = at;
        self.count += usize::from(new);
        new
    }

    #[inline(always)]
    fn make_room(&mut self, nodes: usize) {
        if self.count + nodes > self.touched.len() {
            self.touched.resize(2 * self.count + nodes + ROOM_MIN, 0);
        }
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        if !self.listed() {
            return self.words.fill(0);
        }
        for &word in &self.touched[..self.count] {
            self.words[word as usize] = 0;
        }
        self.count = 0;
    }
}

const ROOM_MIN: usize = 256;
/// So many words are emptied as fast as a walk's list of them: 128 KiB.
const WHOLE_MAX: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Dice;
    use std::collections::BTreeSet;

    /// What is new is told, one at a time and many at once, and an emptied set knows nothing.
    #[test]
    fn seen_is_a_set() {
        // So few that all are emptied, and more.
        for nodes in [1000, 64 * WHOLE_MAX + 1] {
            let (mut dice, mut seen) = (Dice(1), Seen::default());
            seen.reserve(nodes);
            for _ in 0..20 {
                let mut set = BTreeSet::new();
                for _ in 0..dice.below(40) {
                    let one = dice.below(1000) as u32;
                    assert_eq!(seen.insert(one), set.insert(one));
                    let many: Vec<u32> =
                        (0..dice.below(40)).map(|_| dice.below(1000) as u32).collect();
                    let (mut met, mut told) = (vec![7], Vec::new());
                    seen.admit(&many, &mut met, |node| told.push(node));
                    let new = many.iter().copied().filter(|node| set.insert(*node));
                    let new: Vec<u32> = new.collect();
                    assert_eq!((&met[1..], met[0], &told), (&new[..], 7, &new));
                }
                seen.clear();
            }
        }
    }
}
