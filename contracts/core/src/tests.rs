//! What the tests of every contract stand on: a store in memory, signatures without secrets, and chance.
//!
//! Layer: core, tests.
//! Holds: [`Map`], [`Toy`] and [`Chance`].
//! Never: a contract.
//! Invariant: the same seed gives the same history.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use crate::{Kv, Verify};
use prag_merkle::leaf_hash;
use std::collections::BTreeMap;

/// A store that keeps everything in a map.
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Map(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

impl Kv for Map {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }
    fn put(&mut self, key: &[u8], value: &[u8]) {
        assert!(!key.is_empty() && !value.is_empty(), "chains refuse empty rows");
        self.0.insert(key.to_vec(), value.to_vec());
    }
    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// A scheme without secrets: the contracts ask whether a signature holds, and must obey the answer.
pub(crate) struct Toy;

pub(crate) fn toy_signature(message: &[u8], key: &[u8; 32]) -> [u8; 64] {
    let half = leaf_hash(&[key.as_slice(), message].concat());
    [half, key.map(|byte| !byte)].concat().try_into().unwrap()
}

impl Verify for Toy {
    fn ed25519(&self, message: &[u8], signature: &[u8; 64], key: &[u8; 32]) -> bool {
        *signature == toy_signature(message, key)
    }
}

/// SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}
