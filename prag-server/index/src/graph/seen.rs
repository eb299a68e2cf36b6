//! Which nodes a walk has met.
//!
//! Layer: index.
//! Holds: a bit per node, and which words of them have any.
//! Never: a look at every word to empty it.
//! Invariant: a word that is not listed is zero.

/// A set of nodes that is emptied by what was put in.
#[derive(Default)]
pub(super) struct Seen {
    words: Vec<u64>,
    touched: Vec<u32>,
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
        let word = &mut self.words[node as usize / 64];
        let bit = 1u64 << (node % 64);
        if *word & bit != 0 {
            return false;
        }
        if *word == 0 {
            self.touched.push(node / 64);
        }
        *word |= bit;
        true
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        for word in self.touched.drain(..) {
            self.words[word as usize] = 0;
        }
    }
}
