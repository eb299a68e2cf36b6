//! The engine of tests and simulation: shards in memory, with crashes to order.
//!
//! Layer: `prag-store`.
//! Holds: for each shard the rows as seen, the rows as durable, and the batches between the two.
//! Never: the disk.
//! Invariant: after a crash a shard is its durable rows and a prefix of the batches not yet durable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batch::KeyRange;
use crate::error::{Closed, StoreError};
use crate::names::{Seq, ShardName};
use crate::traits::{Engine, Open, Reads, Shard};

mod shard;
mod state;

use shard::{Counters, MemoryShard, Role};
use state::{Shared, State};

/// Shards in memory. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    shards: Arc<Mutex<BTreeMap<ShardName, Shared>>>,
    counters: Arc<Counters>,
}

impl MemoryEngine {
    /// An engine without shards.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Crash: every batch that was not durable is lost, and all handles are closed.
    pub fn crash(&self) {
        self.crash_keeping(0);
    }

    /// Crash, but the first `batches` not yet durable of each shard had reached the disk.
    pub fn crash_keeping(&self, batches: usize) {
        for shared in self.lock().values_mut() {
            let survivor = locked(shared).crash(batches);
            *shared = Arc::new(Mutex::new(survivor));
        }
    }

    /// Let the next sync of `shard` fail, as a broken disk does; it closes the shard.
    pub fn fail_next_sync(&self, shard: ShardName) {
        if let Some(shared) = self.lock().get(&shard) {
            locked(shared).fail_next_sync();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShardName, Shared>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryEngine {
    fn open(&self, shard: ShardName, mode: Open) -> Result<Arc<dyn Shard>, StoreError> {
        let mut shards = self.lock();
        if let Some(shared) = shards.get_mut(&shard) {
            // A handle that failed does not stop the next one: the disk is asked again.
            let broken = locked(shared).closed() == Some(Closed::Io);
            if broken {
                let survivor = locked(shared).crash(0);
                *shared = Arc::new(Mutex::new(survivor));
            }
        }
        let role = match mode {
            Open::Writer { expected_epoch, claim } => {
                if claim == 0 || claim < expected_epoch {
                    return Err(StoreError::Claim { shard, expected: expected_epoch, claim });
                }
                if expected_epoch == 0 {
                    shards.entry(shard).or_insert_with(|| Arc::new(Mutex::new(State::new(shard))));
                }
                let shared = shards.get(&shard).ok_or(StoreError::Absent(shard))?;
                Role::Writer { term: locked(shared).claim(expected_epoch, claim)? }
            }
            Open::Follower => Role::Follower,
            Open::At(id) => {
                let shared = shards.get(&shard).ok_or(StoreError::Absent(shard))?;
                Role::At(locked(shared).frozen(id)?)
            }
        };
        let shared = shards.get(&shard).ok_or(StoreError::Absent(shard))?;
        let counters = Arc::clone(&self.counters);
        Ok(Arc::new(MemoryShard::new(shard, Arc::clone(shared), role, counters)))
    }

    fn destroy(&self, shard: ShardName) -> Result<(), StoreError> {
        let shared = self.lock().remove(&shard).ok_or(StoreError::Absent(shard))?;
        locked(&shared).close(Closed::Destroyed);
        Ok(())
    }

    fn list(&self) -> Result<Vec<ShardName>, StoreError> {
        Ok(self.lock().keys().copied().collect())
    }

    fn reads(&self) -> Reads {
        self.counters.reads()
    }

    fn clone_range(
        &self,
        from: ShardName,
        to: ShardName,
        range: &KeyRange,
    ) -> Result<Seq, StoreError> {
        let mut shards = self.lock();
        let source = shards.get(&from).ok_or(StoreError::Absent(from))?;
        if shards.contains_key(&to) {
            return Err(StoreError::Exists(to));
        }
        let target = locked(source).clone_range(to, range);
        let seq = target.committed();
        shards.insert(to, Arc::new(Mutex::new(target)));
        Ok(seq)
    }
}

fn locked(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
