//! An append-only Merkle log over SHA-256, with proofs of inclusion and of consistency.
//!
//! Layer: below `trust`; knows none of our crates.
//! Holds: the hashes of every complete subtree (about 64 bytes a leaf), so that proofs cost O(log² n).
//! Never: leaf data; secrets.
//! Invariant: leaves (0x00) and nodes (0x01) are hashed apart, so no node passes for a leaf.
//!
//! Source: RFC 9162, sections 2.1.1 to 2.1.4.

mod verify;

#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

pub use verify::{verify_consistency, verify_inclusion};

/// A SHA-256 hash: of a leaf, a node or a tree.
pub type Hash = [u8; 32];

/// The proof does not lead from what is known to what is claimed. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("merkle proof does not hold")]
pub struct MerkleError;

/// A log that only grows.
#[derive(Clone, Debug)]
pub struct MerkleLog {
    /// `levels[h][i]`: root of the complete subtree over leaves `i << h .. (i + 1) << h`.
    levels: Vec<Vec<Hash>>,
}

impl MerkleLog {
    /// The empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { levels: vec![Vec::new()] }
    }

    /// The log of these leaf hashes, in their order.
    #[must_use]
    pub fn from_leaf_hashes(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut log = Self::new();
        for leaf in leaves {
            log.append_hash(leaf);
        }
        log
    }

    /// Append a leaf; returns its index.
    pub fn append(&mut self, leaf: &[u8]) -> u64 {
        self.append_hash(leaf_hash(leaf))
    }

    /// Append a leaf by its [`leaf_hash`]; returns its index.
    pub fn append_hash(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut node = leaf;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(node);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => node = node_hash(left, right),
                _ => break,
            }
        }
        index
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// Every leaf's hash, in order.
    #[must_use]
    pub fn leaf_hashes(&self) -> &[Hash] {
        &self.levels[0]
    }

    /// The root over all leaves; [`empty_root`] for none.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtree(0, self.levels[0].len())
    }

    /// The root as it was at `size` leaves; `None` if the log is shorter.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        Some(self.subtree(0, self.within(size)?))
    }

    /// Proof that leaf `index` is in the tree of the first `size` leaves; `None` if it is not.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let size = self.within(size)?;
        let index = usize::try_from(index).ok().filter(|index| *index < size)?;
        let mut proof = Vec::new();
        self.path(index, 0, size, &mut proof);
        Some(proof)
    }

    /// Proof that the first `new` leaves continue the first `old`; `None` unless `old <= new <= size`.
    ///
    /// Empty when there is nothing to prove: `old` is 0 or equals `new`.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        let new = self.within(new)?;
        let old = usize::try_from(old).ok().filter(|old| *old <= new)?;
        let mut proof = Vec::new();
        if old > 0 {
            self.subproof(old, 0, new, true, &mut proof);
        }
        Some(proof)
    }

    fn within(&self, size: u64) -> Option<usize> {
        usize::try_from(size).ok().filter(|size| *size <= self.levels[0].len())
    }

    /// Root over `length` leaves from `start`, a multiple of every power of two up to `length`.
    fn subtree(&self, start: usize, length: usize) -> Hash {
        if length == 0 {
            return empty_root();
        }
        if length.is_power_of_two() {
            let height = length.ilog2();
            return self.levels[height as usize][start >> height];
        }
        let left = split(length);
        node_hash(&self.subtree(start, left), &self.subtree(start + left, length - left))
    }

    fn path(&self, index: usize, start: usize, length: usize, proof: &mut Vec<Hash>) {
        if length <= 1 {
            return;
        }
        let left = split(length);
        if index < left {
            self.path(index, start, left, proof);
            proof.push(self.subtree(start + left, length - left));
        } else {
            self.path(index - left, start + left, length - left, proof);
            proof.push(self.subtree(start, left));
        }
    }

    fn subproof(
        &self,
        old: usize,
        start: usize,
        length: usize,
        known: bool,
        proof: &mut Vec<Hash>,
    ) {
        if old == length {
            if !known {
                proof.push(self.subtree(start, length));
            }
            return;
        }
        let left = split(length);
        if old <= left {
            self.subproof(old, start, left, known, proof);
            proof.push(self.subtree(start + left, length - left));
        } else {
            self.subproof(old - left, start + left, length - left, false, proof);
            proof.push(self.subtree(start, left));
        }
    }
}

impl Default for MerkleLog {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of a leaf's data.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The root of a log without leaves.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: usize) -> usize {
    1 << (length - 1).ilog2()
}
