//! The embedded engine: one RocksDB for each shard, blobs as files beside it.
//!
//! Layer: `prag-store`.
//! Holds: which shards this process has open. Handles of one process share one database; a LOCK file keeps other
//! processes out.
//! Never: memory maps, compression (sealed bytes do not shrink), keys or values in RocksDB's log.
//! Invariant: a shard's folder appears and disappears by one rename, so after a crash it is whole or not there.
//!
//! Folder: `shards/<hex>/{LOCK, acknowledged, db/, blobs/<hex>, checkpoints/<hex>/{acknowledged, db/, blobs/}}`. RocksDB's checksums find
//! damage but have no key: who can write the disk can forge files that RocksDB parses, or put back old ones.
//! Seals, heads and anchors above find that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rocksdb::DB;

use crate::batch::KeyRange;
use crate::error::{Closed, StoreError};
use crate::names::{Seq, ShardName};
use crate::traits::{Engine, Open, Reads, Shard};

mod blobs;
mod core;
mod folder;
mod manifest;
mod mark;
mod options;
mod rows;
mod shard;
mod state;

use self::core::Core;
use self::folder::{Lock, exists, io, remove, sync_folder};
use self::options::Tuning;
use self::shard::RocksShard;
use self::state::StateRow;

/// Shards in a folder of the local disk.
pub struct RocksEngine {
    shards: PathBuf,
    tuning: Tuning,
    slots: Mutex<HashMap<ShardName, SharedSlot>>,
}

/// What this process has open of one shard.
#[derive(Default)]
struct Slot {
    core: Option<Arc<Core>>,
    views: Vec<Weak<Core>>,
}

type SharedSlot = Arc<Mutex<Slot>>;

impl RocksEngine {
    /// Use the folder `root`, made if absent. All its shards share a cache of a few megabytes.
    ///
    /// # Errors
    /// [`StoreError::Root`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StoreError> {
        let shards = root.as_ref().join("shards");
        folder::prepare_root(root.as_ref(), &shards)
            .map_err(|error| StoreError::Root(error.kind()))?;
        Ok(Self { shards, tuning: Tuning::new(), slots: Mutex::default() })
    }

    fn slot(&self, shard: ShardName) -> SharedSlot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(shard).or_default())
    }

    fn path(&self, shard: ShardName) -> PathBuf {
        self.shards.join(shard.to_string())
    }

    /// A reading handle on the live shard, made first if it is absent and `make`.
    fn attach(&self, shard: ShardName, make: bool) -> Result<RocksShard, StoreError> {
        let path = self.path(shard);
        if !make && !exists(&path) {
            return Err(StoreError::Absent(shard));
        }
        let slot = self.slot(shard);
        let mut held = locked(&slot);
        if let Some(core) = held.core.take_if(|core| core.closed().is_some()) {
            // A handle that failed does not stop the next one: the disk is asked again.
            drop(core.shut(Closed::Io));
        }
        let core = match &held.core {
            Some(core) => Arc::clone(core),
            None => {
                let lock = if make && !exists(&path) {
                    self.make(shard, None, |_| Ok(StateRow::default()))?.1
                } else {
                    Lock::take(shard, &path)?
                };
                Arc::clone(held.core.insert(Arc::new(Core::open(shard, path, lock, &self.tuning)?)))
            }
        };
        Ok(RocksShard::live(core, Arc::clone(&slot)))
    }

    /// Build a shard aside, filled by `fill` and with links to `blobs`, and move it to its place, still locked.
    fn make(
        &self,
        shard: ShardName,
        blobs: Option<&blobs::BlobFolder>,
        fill: impl FnOnce(&DB) -> Result<StateRow, StoreError>,
    ) -> Result<(StateRow, Lock), StoreError> {
        let path = self.path(shard);
        let aside = self.shards.join(format!("{shard}.{}", folder::NEW));
        folder::create(&aside).map_err(io(shard))?;
        let lock = Lock::take(shard, &aside)?;
        folder::empty_shard(&aside).map_err(io(shard))?;
        let db = self.tuning.create(shard, &aside.join(folder::ROWS))?;
        let state = fill(&db)?;
        core::settle(shard, &db, state)?;
        drop(db);
        mark::Mark::create(&aside, state).map_err(io(shard))?;
        if let Some(blobs) = blobs {
            blobs.link_all(&aside.join(folder::BLOBS))?;
        }
        for part in [folder::ROWS, folder::BLOBS, folder::CHECKPOINTS, "."] {
            sync_folder(&aside.join(part)).map_err(io(shard))?;
        }
        if exists(&path) {
            return Err(StoreError::Exists(shard));
        }
        std::fs::rename(&aside, &path).map_err(io(shard))?;
        sync_folder(&self.shards).map_err(io(shard))?;
        Ok((state, lock))
    }
}

impl Engine for RocksEngine {
    fn open(&self, shard: ShardName, mode: Open) -> Result<Arc<dyn Shard>, StoreError> {
        match mode {
            Open::Writer { expected_epoch: expected, claim } => {
                if claim == 0 || claim < expected {
                    return Err(StoreError::Claim { shard, expected, claim });
                }
                let handle = self.attach(shard, expected == 0)?;
                Ok(Arc::new(handle.claim(expected, claim)?))
            }
            Open::Follower => Ok(Arc::new(self.attach(shard, false)?)),
            Open::At(id) => {
                if !exists(&self.path(shard)) {
                    return Err(StoreError::Absent(shard));
                }
                let slot = self.slot(shard);
                let mut held = locked(&slot);
                let core = Arc::new(Core::open_at(shard, &self.path(shard), id, &self.tuning)?);
                held.views.retain(|view| view.strong_count() > 0);
                held.views.push(Arc::downgrade(&core));
                Ok(Arc::new(RocksShard::view(core)))
            }
        }
    }

    fn destroy(&self, shard: ShardName) -> Result<(), StoreError> {
        let path = self.path(shard);
        if !exists(&path) {
            return Err(StoreError::Absent(shard));
        }
        let slot = self.slot(shard);
        let mut held = locked(&slot);
        let lock = held.core.take().and_then(|core| core.shut(Closed::Destroyed));
        let lock = match lock {
            Some(lock) => lock,
            None => Lock::take(shard, &path)?,
        };
        for view in held.views.drain(..) {
            if let Some(core) = view.upgrade() {
                drop(core.shut(Closed::Destroyed));
            }
        }
        remove(&path).map_err(io(shard))?;
        drop(lock);
        Ok(())
    }

    fn list(&self) -> Result<Vec<ShardName>, StoreError> {
        let mut names = Vec::new();
        let entries =
            std::fs::read_dir(&self.shards).map_err(|error| StoreError::Root(error.kind()))?;
        for entry in entries {
            let entry = entry.map_err(|error| StoreError::Root(error.kind()))?;
            names.extend(entry.file_name().to_str().and_then(ShardName::from_hex));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn reads(&self) -> Reads {
        self.tuning.reads()
    }

    fn clone_range(
        &self,
        from: ShardName,
        to: ShardName,
        range: &KeyRange,
    ) -> Result<Seq, StoreError> {
        let source = self.attach(from, false)?;
        // Declared after `source`, so let go before it: a handle locks its own slot when it goes.
        let slot = self.slot(to);
        let held = locked(&slot);
        if held.core.is_some() || exists(&self.path(to)) {
            return Err(StoreError::Exists(to));
        }
        let core = source.core();
        let _blobs_stay = core.blobs.keep_all();
        let (state, _lock) = core.with(|db| {
            self.make(to, Some(&core.blobs), |target| {
                rows::copy(core.name(), db, to, target, range)
            })
        })?;
        Ok(state.seq)
    }
}

fn locked(slot: &SharedSlot) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
