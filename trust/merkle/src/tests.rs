//! Tests of the log against a naive recursive twin.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

const SIZE: usize = 40;

/// Seeded chance (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ x >> 31) % bound as u64) as usize
    }
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|index| vec![index as u8, (index >> 8) as u8]).collect()
}

fn log(count: usize) -> MerkleLog {
    let mut log = MerkleLog::new();
    for (index, leaf) in leaves(count).iter().enumerate() {
        assert_eq!(log.append(leaf), index as u64);
    }
    log
}

/// The definition of RFC 9162, section 2.1.1, word for word.
fn naive(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => Sha256::digest([&[0], leaf.as_slice()].concat()).into(),
        _ => {
            let mut left = 1;
            while left * 2 < leaves.len() {
                left *= 2;
            }
            let (left, right) = (naive(&leaves[..left]), naive(&leaves[left..]));
            Sha256::digest([&[1], &left[..], &right[..]].concat()).into()
        }
    }
}

/// Roots that an independent implementation computed, over leaves of one byte: 0, 1, 2, …
#[test]
fn golden_roots() {
    let golden = [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
        (2, "a20bf9a7cc2dc8a08f5f415a71b19f6ac427bab54d24eec868b5d3103449953a"),
        (3, "3b6cccd7e3e023ff393006f030315ee7ad9eb111b022b41fba7e5b7a3973f688"),
        (7, "3560191803028444b232018ac047fdb561c09c23a7a6876c85e08b5e4d48e9f3"),
        (8, "ef7f49b620f6c7ea9b963a214da34b5021c6ded8ed57734380a311ab726aa907"),
    ];
    for (size, root) in golden {
        let hashes = (0..size).map(|byte: u8| leaf_hash(&[byte]));
        assert_eq!(hex::encode(MerkleLog::from_leaf_hashes(hashes).root()), root, "{size}");
    }
}

/// Roots, present and past, are those of the definition.
#[test]
fn roots_equal_the_twin() {
    let (log, leaves) = (log(300), leaves(300));
    for size in 0..=300 {
        assert_eq!(log.root_at(size as u64), Some(naive(&leaves[..size])), "{size}");
    }
    assert_eq!(log.root(), naive(&leaves));
    assert_eq!(log.root_at(301), None);
    let copy = MerkleLog::from_leaf_hashes(log.leaf_hashes().iter().copied());
    assert_eq!((copy.size(), copy.root()), (300, log.root()));
}

/// Every leaf of every tree has a proof; it fits no other index, size, leaf, root or length.
#[test]
fn inclusion_is_exact() {
    let log = log(SIZE);
    for size in 1..=SIZE as u64 {
        let root = log.root_at(size).unwrap();
        for index in 0..size {
            let leaf = log.leaf_hashes()[index as usize];
            let proof = log.inclusion(index, size).unwrap();
            assert_eq!(verify_inclusion(&root, size, index, &leaf, &proof), Ok(()));
            for other in 0..SIZE as u64 + 2 {
                let at = verify_inclusion(&root, size, other, &leaf, &proof);
                assert_eq!(at.is_ok(), other == index, "{index} of {size} at {other}");
            }
            let longer = [proof.clone(), vec![root]].concat();
            assert!(verify_inclusion(&root, size, index, &leaf, &longer).is_err());
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify_inclusion(&root, size, index, &leaf, shorter).is_err());
            }
            assert!(verify_inclusion(&root, size, index, &[9; 32], &proof).is_err());
            assert!(verify_inclusion(&[9; 32], size, index, &leaf, &proof).is_err());
        }
        assert_eq!(log.inclusion(size, size), None);
    }
    assert_eq!(log.inclusion(0, SIZE as u64 + 1), None);
    assert!(verify_inclusion(&empty_root(), 0, 0, &leaf_hash(b""), &[]).is_err());
}

/// Every tree continues each of its past ones, with proofs that fit no other pair of roots.
#[test]
fn consistency_is_exact() {
    let log = log(SIZE);
    let mut fork = MerkleLog::new();
    for index in 0..SIZE as u8 {
        fork.append(&[index, 0xff]);
    }
    for new in 0..=SIZE as u64 {
        let new_root = log.root_at(new).unwrap();
        for old in 0..=new {
            let old_root = log.root_at(old).unwrap();
            let proof = log.consistency(old, new).unwrap();
            let check = |old_root, new_root, proof: &[Hash]| {
                verify_consistency(old, &old_root, new, &new_root, proof)
            };
            assert_eq!(check(old_root, new_root, &proof), Ok(()), "{old} to {new}");
            assert!(old == 0 || check(fork.root_at(old).unwrap(), new_root, &proof).is_err());
            let other = fork.root_at(new).unwrap();
            assert!(old == 0 || check(old_root, other, &proof).is_err());
            let longer = [proof.clone(), vec![new_root]].concat();
            assert!(check(old_root, new_root, &longer).is_err());
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at][0] ^= 1;
                assert!(check(old_root, new_root, &bad).is_err());
                bad.remove(at);
                assert!(check(old_root, new_root, &bad).is_err());
            }
        }
        assert_eq!(log.consistency(new + 1, new), None);
    }
    assert_eq!(log.consistency(0, SIZE as u64 + 1), None);
}

/// A shorter log never continues a longer one, and an empty one has the empty root.
#[test]
fn consistency_at_the_edges() {
    let log = log(8);
    let root = |size| log.root_at(size).unwrap();
    let proof = log.consistency(3, 8).unwrap();
    assert!(verify_consistency(8, &root(8), 3, &root(3), &proof).is_err());
    assert!(verify_consistency(8, &root(8), 3, &root(3), &[]).is_err());
    assert!(verify_consistency(0, &[1; 32], 8, &root(8), &[]).is_err());
    assert!(verify_consistency(0, &empty_root(), 0, &[1; 32], &[]).is_err());
    assert!(verify_consistency(3, &root(3), 8, &root(8), &[]).is_err());
    assert!(verify_consistency(4, &root(4), 8, &root(8), &[]).is_err());
    assert!(verify_consistency(1, &root(1), u64::MAX, &root(8), &[[1; 32]; 70]).is_err());
    assert!(verify_inclusion(&root(8), u64::MAX, u64::MAX - 1, &root(1), &[[1; 32]; 70]).is_err());
}

/// Larger trees, at random places.
#[test]
fn large_trees() {
    let log = log(5_000);
    let mut chance = Seeded(1);
    for _ in 0..300 {
        let new = chance.below(5_000) as u64 + 1;
        let old = chance.below(new as usize + 1) as u64;
        let (old_root, new_root) = (log.root_at(old).unwrap(), log.root_at(new).unwrap());
        let proof = log.consistency(old, new).unwrap();
        assert!(proof.len() <= 14);
        assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        let index = chance.below(new as usize) as u64;
        let proof = log.inclusion(index, new).unwrap();
        let leaf = log.leaf_hashes()[index as usize];
        assert_eq!(verify_inclusion(&new_root, new, index, &leaf, &proof), Ok(()));
    }
}
