//! A collection as this worker holds it.
//!
//! Layer: flow.
//! Holds: its catalogue entry, its shard while the worker has the key, and who of its grantees asked.
//! Never: keys.
//! Invariant: `shard()` gives a shard only in state ready.

use super::lock::ignore_poison;
use super::watch::Watch;
use crate::collection::CollectionShard;
use crate::vault::Entry;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::CollectionState;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

/// A collection in the worker's hands.
pub struct Held {
    /// What the catalogue says.
    pub entry: Entry,
    state: RwLock<State>,
    watch: Mutex<Watch>,
}

/// Whether it serves.
pub(super) enum State {
    Ready(Arc<CollectionShard>),
    Locked,
    Quarantined(String),
}

impl Held {
    pub(super) fn new(entry: Entry, state: State) -> Self {
        Self { entry, state: RwLock::new(state), watch: Mutex::default() }
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
                "the worker has no key for this collection since its restart; its owner must release it",
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

    /// Who of its grantees asked, how much and for what.
    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(ignore_poison)
    }

    pub(super) fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(ignore_poison) = state;
    }

    /// Stops serving, for a policy that no longer lists this worker: the keys are wiped with the shard, as soon as
    /// what is under way has ended.
    pub(super) fn retire(&self) {
        let mut state = self.state.write().unwrap_or_else(ignore_poison);
        if matches!(*state, State::Ready(_)) {
            *state = State::Locked;
            tracing::warn!(shard = %self.entry.lineage, "the policy no longer lists this worker's image: locked");
        }
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
