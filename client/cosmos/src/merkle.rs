//! The Merkle tree of blocks: which transactions a header commits to, and with which results.
//!
//! Layer: bottom of `cosmos`.
//! Holds: roots, and inclusion proofs of one leaf.
//! Never: a proof of another shape than its index and count give.
//! Invariant: leaf and node hashes have different first bytes, so neither passes for the other.
//!
//! Source: RFC 6962, section 2.1, with SHA-256, as CometBFT's `crypto/merkle` has it.

use sha2::{Digest, Sha256};

/// SHA-256 of `0 ‖ bytes`.
fn leaf(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// SHA-256 of `1 ‖ left ‖ right`.
fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root over `leaves`; the hash of nothing where there are none.
pub(crate) fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => leaf(only),
        more => {
            let (left, right) = more.split_at(split(more.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The root that `aunts`, from the leaf up, make of the leaf at `index` of `total`; `None` unless they are as many as
/// the place needs.
pub(crate) fn climb(bytes: &[u8], index: u64, total: u64, aunts: &[[u8; 32]]) -> Option<[u8; 32]> {
    let (index, total) = (usize::try_from(index).ok()?, usize::try_from(total).ok()?);
    if index >= total || total > LEAVES_MAX {
        return None;
    }
    climb_from(leaf(bytes), index, total, aunts)
}

fn climb_from(from: [u8; 32], index: usize, total: usize, aunts: &[[u8; 32]]) -> Option<[u8; 32]> {
    if total == 1 {
        return aunts.is_empty().then_some(from);
    }
    let (aunt, below) = aunts.split_last()?;
    let left = split(total);
    if index < left {
        Some(node(&climb_from(from, index, left, below)?, aunt))
    } else {
        Some(node(aunt, &climb_from(from, index - left, total - left, below)?))
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

/// More than any block holds.
const LEAVES_MAX: usize = 1 << 24;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::fixture::tree::aunts;
    use tendermint::merkle::simple_hash_from_byte_vectors;

    /// Roots are those of another implementation, and every leaf of every small tree climbs to it, at its own place only.
    #[test]
    fn trees_agree() {
        for count in 0..20_usize {
            let leaves: Vec<Vec<u8>> =
                (0..count).map(|at| format!("leaf {at}").into_bytes()).collect();
            let theirs = simple_hash_from_byte_vectors::<sha2::Sha256>(&leaves);
            assert_eq!(root(&leaves), theirs, "{count} leaves");
            for at in 0..count {
                let proof = aunts(&leaves, at);
                let total = count as u64;
                assert_eq!(climb(&leaves[at], at as u64, total, &proof), Some(theirs));
                assert_ne!(climb(b"another", at as u64, total, &proof), Some(theirs));
                assert_eq!(climb(&leaves[at], total, total, &proof), None, "out of the tree");
                let mut longer = proof.clone();
                longer.push([0; 32]);
                assert_eq!(climb(&leaves[at], at as u64, total, &longer), None);
                if let Some((_, shorter)) = proof.split_last() {
                    assert_eq!(climb(&leaves[at], at as u64, total, shorter), None);
                    let other = (at + 1) % count;
                    assert_ne!(climb(&leaves[at], other as u64, total, &proof), Some(theirs));
                }
            }
        }
    }
}
