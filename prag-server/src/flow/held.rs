//! A collection as this worker holds it.
//!
//! Layer: flow.
//! Holds: its catalogue entry, its shard while the worker has the key, and where the key came from.
//! Never: keys.
//! Invariant: `shard()` gives a shard only in state ready.

use super::lock::ignore_poison;
use crate::collection::CollectionShard;
use crate::vault::Entry;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{CollectionState, KeyAttempt, KeyReport, VaultKind};
use std::sync::{Arc, Mutex, RwLock};

/// A collection in the worker's hands.
pub struct Held {
    /// What the catalogue says.
    pub entry: Entry,
    state: RwLock<State>,
    report: Mutex<KeyReport>,
}

/// Whether it serves.
pub(super) enum State {
    Ready(Arc<CollectionShard>),
    Locked,
    /// The key fits, and the shard's files are not on this machine.
    Absent,
    Quarantined(String),
}

impl Held {
    pub(super) fn new(entry: Entry, state: State) -> Self {
        Self { entry, state: RwLock::new(state), report: Mutex::default() }
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
            State::Absent => Err(Problem::new(
                Code::ShardUnavailable,
                format!(
                    "the files of shard {} are not on this machine; move its folder here, then place it again",
                    self.entry.lineage
                ),
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

    /// What was tried for its key, and gave none.
    pub(super) fn tried(&self, tried: Vec<KeyAttempt>) {
        self.report.lock().unwrap_or_else(ignore_poison).tried = tried;
    }

    /// One attempt more.
    pub(super) fn also_tried(&self, attempt: KeyAttempt) {
        self.report.lock().unwrap_or_else(ignore_poison).tried.push(attempt);
    }

    /// Where its key came from.
    pub(super) fn opened(&self, from: VaultKind) {
        self.report.lock().unwrap_or_else(ignore_poison).from = Some(from);
    }

    /// Where the key in use came from, if it serves, and what was tried.
    #[must_use]
    pub fn report(&self) -> KeyReport {
        let mut report = self.report.lock().unwrap_or_else(ignore_poison).clone();
        report.from = report.from.filter(|_| self.state() == CollectionState::Ready);
        report
    }

    /// Whether it serves, and why not.
    #[must_use]
    pub fn state(&self) -> CollectionState {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(_) => CollectionState::Ready,
            State::Locked | State::Absent => CollectionState::Locked,
            State::Quarantined(_) => CollectionState::Quarantined,
        }
    }

    /// True if a stored byte failed its check.
    #[must_use]
    pub fn quarantined(&self) -> bool {
        self.state() == CollectionState::Quarantined
    }

    /// True if the key fits and the files are not here.
    pub(super) fn absent(&self) -> bool {
        matches!(*self.state.read().unwrap_or_else(ignore_poison), State::Absent)
    }

    /// True if it waits for its key, or for its files.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.state() == CollectionState::Locked
    }
}
