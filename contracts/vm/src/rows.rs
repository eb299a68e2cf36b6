//! A contract's rows, and a meter on them.
//!
//! Layer: vm.
//! Holds: raw keys and values; the core's store, and what both engines read and write through.
//! Never: iteration for a contract.
//! Invariant: every access through [`SharedRows`] is metered.

use crate::Gas;
use prag_contracts_core::Kv;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Raw rows by raw key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl Kv for Rows {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }

    fn delete(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// Rows that an engine holds while a contract runs over them.
#[derive(Clone, Debug, Default)]
pub struct SharedRows(Arc<Mutex<Metered>>);

#[derive(Debug, Default)]
struct Metered {
    rows: Rows,
    gas: Gas,
}

impl SharedRows {
    pub(crate) fn copy(&self) -> Rows {
        self.lock().rows.clone()
    }

    pub(crate) fn replace(&self, rows: Rows) {
        self.lock().rows = rows;
    }

    /// What was metered since the last time.
    pub(crate) fn take_gas(&self) -> Gas {
        core::mem::take(&mut self.lock().gas)
    }

    /// The value, and its cost.
    pub(crate) fn get(&self, key: &[u8]) -> (Option<Vec<u8>>, Gas) {
        let mut this = self.lock();
        let value = this.rows.get(key);
        let gas = Gas::read(key, value.as_deref());
        this.gas.add(gas);
        (value, gas)
    }

    pub(crate) fn put(&self, key: &[u8], value: &[u8]) -> Gas {
        let mut this = self.lock();
        this.rows.put(key, value);
        let gas = Gas::write(key, value);
        this.gas.add(gas);
        gas
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Gas {
        let mut this = self.lock();
        this.rows.delete(key);
        let gas = Gas::delete();
        this.gas.add(gas);
        gas
    }

    fn lock(&self) -> MutexGuard<'_, Metered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
