//! The chain's storage as the core's store.
//!
//! Layer: shell.
//! Holds: both adapters.
//! Never: a prefix: raw keys are frozen, and proofs name them.
//! Invariant: a key of the core is the key on the chain.

use crate::std::Storage;
use prag_contracts_core::Kv;

/// Storage that a message may write.
pub struct Store<'a>(pub &'a mut dyn Storage);

/// Storage that a query reads.
pub struct ReadStore<'a>(pub &'a dyn Storage);

impl Kv for Store<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.set(key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

impl Kv for ReadStore<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key)
    }

    // The core's queries borrow their store and cannot call these; a chain would refuse the write.
    fn put(&mut self, _: &[u8], _: &[u8]) {}
    fn delete(&mut self, _: &[u8]) {}
}
