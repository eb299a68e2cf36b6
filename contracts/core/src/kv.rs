//! What a contract stands on: a store and a header.
//!
//! Layer: bottom of the core.
//! Holds: the store's three verbs, the header's two numbers, and one transition's pending writes.
//! Never: ranges or iteration; whoever lists things keeps an index row for each.
//! Invariant: pending writes reach the store all together, or not at all.

use std::collections::BTreeMap;

/// A key-value store. Keys and values are never empty.
pub trait Kv {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Sets the value at `key`.
    fn put(&mut self, key: &[u8], value: &[u8]);
    /// Removes the value at `key`, if there is one.
    fn delete(&mut self, key: &[u8]);
}

/// The header that a transition or query runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Env {
    /// Ledger height.
    pub height: u64,
    /// Time of that height's header, Unix seconds.
    pub time: u64,
}

/// Writes of one transition, over a store that does not see them yet.
pub(crate) struct Staged<'a> {
    base: &'a mut dyn Kv,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Staged<'a> {
    pub(crate) fn over(base: &'a mut dyn Kv) -> Self {
        let writes = BTreeMap::new();
        Self { base, writes }
    }

    pub(crate) fn keep(self) {
        for (key, value) in self.writes {
            match value {
                Some(value) => self.base.put(&key, &value),
                None => self.base.delete(&key),
            }
        }
    }
}

impl Kv for Staged<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(write) => write.clone(),
            None => self.base.get(key),
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.writes.insert(key.to_vec(), Some(value.to_vec()));
    }

    fn delete(&mut self, key: &[u8]) {
        self.writes.insert(key.to_vec(), None);
    }
}
