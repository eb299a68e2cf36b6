//! Group commit: many wait, one syncs.
//!
//! Layer: `prag-store`.
//! Holds: how far the log is synced.
//! Never: syncs again after a failure: the system may have dropped the unwritten pages and then report success.
//! Invariant: `wait(seq)` returns success only if a sync that began after `seq` was committed has succeeded.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::StoreError;
use crate::names::Seq;

/// The barrier of one shard.
pub(crate) struct Barrier {
    state: Mutex<State>,
    turn: Condvar,
}

struct State {
    durable: Seq,
    syncing: bool,
    failed: Option<StoreError>,
}

impl Barrier {
    pub(crate) fn new(durable: Seq) -> Self {
        Self {
            state: Mutex::new(State { durable, syncing: false, failed: None }),
            turn: Condvar::new(),
        }
    }

    /// Last seq known to be durable.
    pub(crate) fn durable(&self) -> Seq {
        self.lock().durable
    }

    /// Wait until `seq` is durable. `sync` returns the last seq that it covers; whoever comes first runs it
    /// for all that wait.
    pub(crate) fn wait(
        &self,
        seq: Seq,
        sync: impl Fn() -> Result<Seq, StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        loop {
            if let Some(error) = state.failed {
                return Err(error);
            }
            if state.durable >= seq {
                return Ok(());
            }
            if state.syncing {
                state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            drop(state);
            let result = sync();
            state = self.lock();
            state.syncing = false;
            match result {
                Ok(covered) => state.durable = state.durable.max(covered),
                Err(error) => state.failed = Some(error),
            }
            self.turn.notify_all();
        }
    }

    /// A sync elsewhere covered `seq`.
    pub(crate) fn raise(&self, seq: Seq) {
        let mut state = self.lock();
        state.durable = state.durable.max(seq);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
