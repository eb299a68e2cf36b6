//! Which nodes a walk has met.
//!
//! Layer: index.
//! Holds: a bit per node, and in which words they lie.
//! Never: a look at every word to empty it; a branch on whether a node is new, which no processor guesses.
//! Invariant: a word that is not listed is zero.

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
        let at = node / 64;
        let word = &mut self.words[at as usize];
        let bit = 1u64 << (node % 64);
        let new = *word & bit == 0;
        *word |= bit;
        if self.count == self.touched.len() {
            self.touched.resize(2 * self.count + ROOM_MIN, 0);
        }
        self.touched[self.count] = at;
        self.count += usize::from(new);
        new
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        for &word in &self.touched[..self.count] {
            self.words[word as usize] = 0;
        }
        self.count = 0;
    }
}

const ROOM_MIN: usize = 256;
