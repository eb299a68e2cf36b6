//! A collection as this worker holds it.
//!
//! Layer: flow.
//! Holds: its catalogue entry, and its shard while the worker has the key.
//! Never: keys.
//! Invariant: `shard()` gives a shard only in state ready.

use super::lock::ignore_poison;
use crate::collection::CollectionShard;
use crate::vault::Entry;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::CollectionState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// A collection in the worker's hands.
pub struct Held {
    /// What the catalogue says.
    pub entry: Entry,
    state: RwLock<State>,
    /// Unix seconds; 0 until the ledger was asked.
    lease_until: AtomicU64,
    /// When the ledger last said that the key may be held, Unix seconds.
    seen: AtomicU64,
}

/// Whether it serves.
pub(super) enum State {
    Ready(Arc<CollectionShard>),
    Locked,
    Quarantined(String),
}

impl Held {
    pub(super) fn new(entry: Entry, state: State) -> Self {
        let (lease_until, seen) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { entry, state: RwLock::new(state), lease_until, seen }
    }

    /// The shard, if it serves.
    ///
    /// # Errors
    /// `key-missing` or `shard-unavailable`, with what to do next.
    pub fn shard(&self) -> Result<Arc<CollectionShard>, Problem> {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(shard) => Ok(Arc::clone(shard)),
            State::Locked => Err(Problem::new(
                Code::KeyMissing,
                "the worker has no key for this collection: it restarted, or its lease is over; its owner must release it",
            )),
            State::Quarantined(why) => Err(Problem::new(
                Code::ShardUnavailable,
                format!(
                    "shard {} is quarantined: {why}; other collections serve on",
                    self.entry.lineage
                ),
            )),
        }
    }

    pub(super) fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(ignore_poison) = state;
    }

    /// Whether it serves, and why not.
    #[must_use]
    pub fn state(&self) -> CollectionState {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(_) => CollectionState::Ready,
            State::Locked => CollectionState::Locked,
            State::Quarantined(_) => CollectionState::Quarantined,
        }
    }

    /// The ledger said at `now` that the key may be held until `until`.
    pub(super) fn note_lease(&self, until: u64, now: u64) {
        self.lease_until.store(until, Ordering::Relaxed);
        self.seen.store(now, Ordering::Relaxed);
    }

    /// Unix seconds until which the key may be held, as the ledger last said; 0 if it was not asked.
    #[must_use]
    pub fn lease_until(&self) -> u64 {
        self.lease_until.load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Give up the shard and its keys, if they are here. Who is using it finishes; nothing more is written.
    pub(super) fn lock(&self) {
        let mut state = self.state.write().unwrap_or_else(ignore_poison);
        if let State::Ready(shard) = &*state {
            shard.close();
            *state = State::Locked;
        }
    }

    /// True if it serves.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.state() == CollectionState::Ready
    }

    /// True if a stored byte failed its check.
    #[must_use]
    pub fn quarantined(&self) -> bool {
        self.state() == CollectionState::Quarantined
    }

    /// True if the owner must release the key.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.state() == CollectionState::Locked
    }
}
