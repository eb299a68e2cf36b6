//! Shards at rest: keys held, files closed, nothing in memory; open again when somebody asks.
//!
//! Layer: flow.
//! Holds: waking, and going to rest: after the idle time, or where another shard needs the room.
//! Never: a shard at rest without the head that it had: what wakes must continue it.
//! Invariant: a key whose lease or policy ended while its shard was at rest opens nothing.
//!
//! The host sees which shard's files are opened, so a waking tells it that this collection is asked for after a rest.
//! `memory.idle_s = 0` opens all at boot and keeps them open.

use super::held::State;
use super::lock::ignore_poison;
use super::{Held, Worker, problems};
use crate::collection::CollectionShard;
use crate::collection::memory::Charge;
use crate::collection::shard::Rest;
use prag_protocol::problem::{Code, Problem};
use std::sync::Arc;
use std::time::Duration;

impl Worker {
    /// Open the shard, if it is at rest, and note that it is used.
    ///
    /// # Errors
    /// `memory-limit` where it does not fit, even without those that are idle; what the ledger says. It stays at rest,
    /// and can be asked for again.
    pub(super) async fn wake(&self, held: &Arc<Held>) -> Result<(), Problem> {
        held.touch(self.now());
        if held.resting().is_none() {
            return Ok(());
        }
        match self.open_resting(held).await {
            // Memory, or files.
            Err(problem) if matches!(problem.code, Code::MemoryLimit | Code::Overloaded) => {
                self.rest_idle(PRESSED_IDLE_S).await;
                self.open_resting(held).await
            }
            other => other,
        }
    }

    /// The shard, awake.
    ///
    /// # Errors
    /// As [`Worker::wake`] and [`Held::shard`].
    pub(super) async fn awake(&self, held: &Arc<Held>) -> Result<Arc<CollectionShard>, Problem> {
        self.wake(held).await?;
        held.shard()
    }

    /// Open a shard that was not open since the boot: nobody knows yet what is in it.
    pub(super) async fn look_once(&self, held: &Arc<Held>) {
        if held.resting().is_some_and(|rest| rest.counts.is_none()) {
            self.wake_if_it_fits(held).await;
        }
    }

    /// As [`Worker::wake`], for what can be done without the shard too: keys are released however full the memory is.
    pub(super) async fn wake_if_it_fits(&self, held: &Arc<Held>) {
        if let Err(problem) = self.wake(held).await {
            tracing::warn!(shard = %held.entry.lineage, %problem, "a shard stays at rest");
        }
    }

    /// In a task of its own: a caller that goes away must not let the next one begin while this opening goes on.
    async fn open_resting(&self, held: &Arc<Held>) -> Result<(), Problem> {
        let (worker, held) = (self.clone(), Arc::clone(held));
        let opening = async move {
            let _one_by_one = held.opening.lock().await;
            // Whoever was first opened it, or its key has gone or been replaced meanwhile.
            let Some(rest) = held.resting() else { return Ok(()) };
            worker.open_alone(&held, rest.epoch, Arc::clone(&rest.wrap), None).await
        };
        tokio::spawn(opening).await.map_err(problems::internal)?
    }

    /// Close every shard that was not asked for within `idle_s` seconds and is not in use; none where the settings keep
    /// all open.
    pub async fn rest_idle(&self, idle_s: u64) {
        let worker = self.clone();
        let _ = tokio::task::spawn_blocking(move || worker.rest_idle_now(idle_s)).await;
    }

    /// As [`Worker::rest_idle`]. Blocks.
    fn rest_idle_now(&self, idle_s: u64) {
        if self.0.settings.memory.idle_s == 0 {
            return;
        }
        let before = self.now().saturating_sub(idle_s);
        let idle: Vec<Arc<Held>> = {
            let collections = self.0.collections.read().unwrap_or_else(ignore_poison);
            collections.values().filter(|held| held.used() <= before).cloned().collect()
        };
        idle.iter().for_each(|held| held.rest());
    }

    /// Take room for writes of so many bytes; idle shards close where there is none. Blocks.
    ///
    /// # Errors
    /// `memory-limit`.
    pub(super) fn room_for_writes(&self, bytes: u64) -> Result<Charge, Problem> {
        self.0.memory.room(bytes).or_else(|_full| {
            self.rest_idle_now(PRESSED_IDLE_S);
            self.0.memory.room(bytes)
        })
    }

    /// As [`Worker::room_for_writes`], for a shard that is to be made.
    ///
    /// # Errors
    /// `memory-limit`; `overloaded` where as many shards are open as may be.
    pub(super) async fn room_for_a_shard(&self, bytes: u64) -> Result<Charge, Problem> {
        let memory = &self.0.memory;
        let room =
            || memory.accounts.has_place().map_err(problems::collection).and(memory.room(bytes));
        match room() {
            Ok(charge) => Ok(charge),
            Err(_full) => {
                self.rest_idle(PRESSED_IDLE_S).await;
                room()
            }
        }
    }

    /// Let idle shards rest, as long as this worker lives and its settings say so.
    pub(super) fn keep_resting(&self) {
        let idle_s = self.0.settings.memory.idle_s;
        if idle_s == 0 {
            return;
        }
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(idle_s.div_ceil(4).min(60))).await;
                let Some(inner) = weak.upgrade() else { return };
                Self(inner).rest_idle(idle_s).await;
            }
        });
    }
}

impl Held {
    /// What opens the shard again, if it is at rest.
    pub(super) fn resting(&self) -> Option<Arc<Rest>> {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Resting(rest) => Some(Arc::clone(rest)),
            State::Ready(_) | State::Locked | State::Absent | State::Quarantined(_) => None,
        }
    }

    /// Close the shard if nobody uses it, and keep what opens it again.
    fn rest(&self) {
        // To the end: whoever wakes it waits until its files are closed.
        let Ok(_one_by_one) = self.opening.try_lock() else { return };
        let mut state = self.state.write().unwrap_or_else(ignore_poison);
        let State::Ready(shard) = &mut *state else { return };
        // Whoever has it got it under this lock, so nobody gets it meanwhile.
        let Some(rest) = Arc::get_mut(shard).and_then(CollectionShard::rest) else { return };
        let open = std::mem::replace(&mut *state, State::Resting(Arc::new(rest)));
        drop(state);
        // Large: freed while whoever asks for its state need not wait.
        drop(open);
    }

    /// An opened shard serves, unless it was at rest (`rested`) and its key went while it opened.
    ///
    /// # Errors
    /// `key-missing`; the shard is closed.
    pub(super) fn arrive(&self, shard: &Arc<CollectionShard>, rested: bool) -> Result<(), Problem> {
        let mut state = self.state.write().unwrap_or_else(ignore_poison);
        match &*state {
            State::Resting(rest) => rest.hand_back(shard),
            State::Ready(_) | State::Locked | State::Absent | State::Quarantined(_) if rested => {
                shard.close();
                return Err(problems::key_missing());
            }
            State::Ready(_) | State::Locked | State::Absent | State::Quarantined(_) => {}
        }
        *state = State::Ready(Arc::clone(shard));
        Ok(())
    }
}

/// Where another shard needs the room, those go that were not asked for within so many seconds.
const PRESSED_IDLE_S: u64 = 10;
