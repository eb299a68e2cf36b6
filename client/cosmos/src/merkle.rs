//! The Merkle tree of blocks: which transactions a header commits to, and with which results.
//!
//! Layer: bottom of `cosmos`.
//! Holds: roots, and inclusion proofs of one leaf, by `trust::merkle`: CometBFT's trees are those of RFC 9162.
//! Never: a proof of another shape than its index and count give.
//! Invariant: leaf and node hashes have different first bytes, so neither passes for the other.
//!
//! Source: RFC 6962, section 2.1, with SHA-256, as CometBFT's `crypto/merkle` has it.

use prag_trust::merkle::{Hash, MerkleLog, leaf_hash, verify_inclusion};

/// The root over `leaves`; the hash of nothing where there are none.
pub(crate) fn root(leaves: &[Vec<u8>]) -> Hash {
    MerkleLog::from_leaf_hashes(leaves.iter().map(|leaf| leaf_hash(leaf))).root()
}

/// Whether `aunts`, from the leaf up, lead from the leaf at `index` of `total` to `root`, and are as many as the place
/// needs.
pub(crate) fn holds(root: &Hash, leaf: &[u8], index: u64, total: u64, aunts: &[Hash]) -> bool {
    total <= LEAVES_MAX && verify_inclusion(root, total, index, &leaf_hash(leaf), aunts).is_ok()
}

/// More than any block holds.
const LEAVES_MAX: u64 = 1 << 24;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::fixture::tree::aunts;
    use tendermint::merkle::simple_hash_from_byte_vectors;

    /// Roots are those of another implementation; each leaf of each small tree leads to it, at its own place only.
    #[test]
    fn trees_agree() {
        for count in 0..20_usize {
            let leaves: Vec<Vec<u8>> =
                (0..count).map(|at| format!("leaf {at}").into_bytes()).collect();
            let theirs = simple_hash_from_byte_vectors::<sha2::Sha256>(&leaves);
            assert_eq!(root(&leaves), theirs, "{count} leaves");
            let leads = |leaf: &[u8], at: usize, aunts: &[Hash]| {
                holds(&theirs, leaf, at as u64, count as u64, aunts)
            };
            for at in 0..count {
                let proof = aunts(&leaves, at);
                assert!(leads(&leaves[at], at, &proof));
                assert!(!leads(b"another", at, &proof));
                assert!(!leads(&leaves[at], count, &proof), "out of the tree");
                let mut longer = proof.clone();
                longer.push([0; 32]);
                assert!(!leads(&leaves[at], at, &longer));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!leads(&leaves[at], at, shorter));
                    let other = (at + 1) % count;
                    assert!(!leads(&leaves[at], other, &proof));
                }
            }
        }
    }
}
