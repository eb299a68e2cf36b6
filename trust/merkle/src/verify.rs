//! Checking Merkle proofs, without a log.
//!
//! Layer: inside `merkle`.
//! Holds: the two verification loops of RFC 9162.
//! Never: recursion, allocation, or more than 64 steps, whatever a hostile proof says.
//! Invariant: a proof with one hash too many or too few does not hold.

use super::{Hash, MerkleError, empty_root, node_hash};

/// Check that the leaf with hash `leaf` is number `index` of the `size` leaves under `root`.
///
/// # Errors
/// [`MerkleError`] if it is not, or if the proof is not the one proof of it.
///
/// Source: RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(
    root: &Hash,
    size: u64,
    index: u64,
    leaf: &Hash,
    proof: &[Hash],
) -> Result<(), MerkleError> {
    if index >= size {
        return Err(MerkleError);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(MerkleError);
        }
        if is_right(node) || node == last {
            hash = node_hash(sibling, &hash);
            (node, last) = skip_missing(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(MerkleError) }
}

/// Check that the log of `new_size` leaves under `new_root` continues that of `old_size` under `old_root`.
///
/// # Errors
/// [`MerkleError`] if it does not (also if it is shorter), or if the proof is not the one proof of it.
///
/// Source: RFC 9162, section 2.1.4.2; an empty or equal log is continued by an empty proof.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), MerkleError> {
    let trivial = match old_size {
        0 => Some(*old_root == empty_root() && (new_size > 0 || old_root == new_root)),
        _ if old_size == new_size => Some(old_root == new_root),
        _ if old_size > new_size => Some(false),
        _ => None,
    };
    if let Some(holds) = trivial {
        return if holds && proof.is_empty() { Ok(()) } else { Err(MerkleError) };
    }
    // The old root is its own first step where the old tree is complete.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(MerkleError)?
    };
    let shared = (old_size - 1).trailing_ones();
    let (mut node, mut last) = ((old_size - 1) >> shared, (new_size - 1) >> shared);
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(MerkleError);
        }
        if is_right(node) || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            (node, last) = skip_missing(node, last);
        } else {
            new = node_hash(&new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && old == *old_root && new == *new_root { Ok(()) } else { Err(MerkleError) }
}

fn is_right(node: u64) -> bool {
    node & 1 == 1
}

/// Climb over the levels on which the last node has no sibling.
fn skip_missing(node: u64, last: u64) -> (u64, u64) {
    // 0 has 64 trailing zeros: the climb then ends at the root.
    let levels = node.trailing_zeros();
    (node.checked_shr(levels).unwrap_or(0), last.checked_shr(levels).unwrap_or(0))
}
