//! The contract core's key-value store: a map with an overlay that is kept or dropped whole.
//!
//! Layer: ledger.
//! Holds: all ledger state, in memory; small by design.
//! Never: disk.
//! Invariant: a refused transition leaves no trace.

use prag_contracts_core::Kv;
use std::collections::BTreeMap;

/// The whole state.
#[derive(Default)]
pub(super) struct State(BTreeMap<Vec<u8>, Vec<u8>>);

/// Changes of one transition over a state.
pub(super) struct Overlay<'a> {
    state: &'a State,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// The changes alone.
pub(super) struct Changes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl State {
    pub(super) fn overlay(&self) -> Overlay<'_> {
        Overlay { state: self, changes: BTreeMap::new() }
    }

    pub(super) fn keep(&mut self, changes: Changes) {
        for (key, value) in changes.0 {
            match value {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl Overlay<'_> {
    pub(super) fn into_changes(self) -> Changes {
        Changes(self.changes)
    }
}

impl Kv for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.changes.get(key) {
            Some(change) => change.clone(),
            None => self.state.0.get(key).cloned(),
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.changes.insert(key.to_vec(), Some(value.to_vec()));
    }

    fn delete(&mut self, key: &[u8]) {
        self.changes.insert(key.to_vec(), None);
    }
}
