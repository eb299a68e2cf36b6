//! One open database and the rules of writing to it.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: the database, its lock, the epoch, the last seq and the barrier that syncs wait at.
//! Never: hands out the database; it is lent to a closure, so that it can be taken away.
//! Invariant: commits happen one by one under `writing`, each with its state row; a term that has passed
//! neither commits nor is told that anything is durable.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use rocksdb::{DB, WriteBatch, WriteOptions};

use super::blobs::BlobFolder;
use super::folder::{self, Lock, exists};
use super::mark::Mark;
use super::options::{Tuning, failed};
use super::state::{STATE_KEY, StateRow, on_disk};
use crate::barrier::Barrier;
use crate::batch::Batch;
use crate::error::{Closed, StoreError};
use crate::names::{CheckpointId, Seq, ShardName};
use crate::traits::Status;

mod checkpoints;
mod expunge;

/// A live shard, or a checkpoint of one.
pub(super) struct Core {
    name: ShardName,
    checkpoints: PathBuf,
    opened: RwLock<Option<Opened>>,
    writing: Mutex<StateRow>,
    /// The seq of `writing`, to be read without waiting for a commit.
    committed: AtomicU64,
    epoch: AtomicU64,
    term: AtomicU64,
    barrier: Barrier,
    closed: Mutex<Option<Closed>>,
    /// Handles on a live shard, counted under its slot's lock.
    pub(super) handles: AtomicUsize,
    pub(super) blobs: BlobFolder,
    mark: Mark,
}

/// Dropped in this order: the lock outlives the database.
struct Opened {
    db: DB,
    lock: Option<Lock>,
}

impl Core {
    /// Open the live shard in the folder `path`. All that RocksDB recovers, it makes durable.
    pub(super) fn open(
        name: ShardName,
        path: PathBuf,
        lock: Lock,
        tuning: &Tuning,
    ) -> Result<Self, StoreError> {
        let blobs = BlobFolder::new(name, path.join(folder::BLOBS), tuning.blob_reads());
        blobs.sweep()?;
        let checkpoints = path.join(folder::CHECKPOINTS);
        for leftover in [folder::NEW, folder::GONE] {
            folder::sweep(&checkpoints, leftover).map_err(folder::owned(name))?;
        }
        let rows = path.join(folder::ROWS);
        // Looked at first without writing: what is refused stays as it was found.
        let mark = Mark::open(name, &path)?;
        if !mark.reaches(state(name, &tuning.look(name, &rows)?)?) {
            return Err(StoreError::Tampered(name));
        }
        let db = tuning.open(name, &rows)?;
        let core = Self::new(name, checkpoints, db, Some(lock), blobs, mark)?;
        core.raise(*core.writing())?;
        Ok(core)
    }

    /// Open a checkpoint of the shard in the folder `path`.
    pub(super) fn open_at(
        name: ShardName,
        path: &Path,
        id: CheckpointId,
        tuning: &Tuning,
    ) -> Result<Self, StoreError> {
        let checkpoints = path.join(folder::CHECKPOINTS);
        let path = checkpoints.join(id.to_string());
        if !exists(&path) {
            return Err(StoreError::Checkpoint { shard: name, id });
        }
        let blobs = BlobFolder::new(name, path.join(folder::BLOBS), tuning.blob_reads());
        let mark = Mark::open(name, &path)?;
        let db = tuning.open_read_only(name, &path.join(folder::ROWS))?;
        let core = Self::new(name, checkpoints, db, None, blobs, mark)?;
        if core.status().committed != id.0 || !core.mark.reaches(*core.writing()) {
            return Err(StoreError::Tampered(name));
        }
        Ok(core)
    }

    fn new(
        name: ShardName,
        checkpoints: PathBuf,
        db: DB,
        lock: Option<Lock>,
        blobs: BlobFolder,
        mark: Mark,
    ) -> Result<Self, StoreError> {
        let state = state(name, &db)?;
        Ok(Self {
            name,
            checkpoints,
            opened: RwLock::new(Some(Opened { db, lock })),
            writing: Mutex::new(state),
            committed: AtomicU64::new(state.seq),
            epoch: AtomicU64::new(state.epoch),
            term: AtomicU64::new(0),
            barrier: Barrier::new(state.seq),
            closed: Mutex::new(None),
            handles: AtomicUsize::new(0),
            blobs,
            mark,
        })
    }

    pub(super) fn name(&self) -> ShardName {
        self.name
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn term(&self) -> u64 {
        self.term.load(Ordering::SeqCst)
    }

    pub(super) fn status(&self) -> Status {
        Status {
            epoch: self.epoch.load(Ordering::SeqCst),
            committed: self.committed.load(Ordering::SeqCst),
            durable: self.barrier.durable(),
            closed: self.closed(),
        }
    }

    /// Close for good and let go of the database; the lock, if it was held here.
    pub(super) fn shut(&self, why: Closed) -> Option<Lock> {
        self.close(why);
        let opened = self.opened.write().unwrap_or_else(PoisonError::into_inner).take()?;
        drop(opened.db);
        // A mark that is not synced is at worst an older one.
        let _ = self.mark.settle();
        opened.lock
    }

    /// Lend the database; damage that is found closes the shard.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&DB) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let result = match (self.closed(), opened.as_ref()) {
            (Some(why), _) => {
                return Err(StoreError::Closed { shard: self.name, why });
            }
            (None, Some(opened)) => work(&opened.db),
            (None, None) => {
                return Err(StoreError::Closed { shard: self.name, why: Closed::Io });
            }
        };
        if result.as_ref().err() == Some(&StoreError::Tampered(self.name)) {
            self.close(Closed::Tampered);
        }
        result
    }

    /// Become the writer: the new term. Makes all that is committed durable.
    pub(super) fn claim(&self, expected: u64, claim: u64) -> Result<u64, StoreError> {
        let mut state = self.writing();
        if state.epoch != expected && state.epoch != claim {
            return Err(StoreError::Epoch { shard: self.name, expected, found: state.epoch });
        }
        let next = StateRow { epoch: claim, ..*state };
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let mut write = WriteBatch::default();
        write.put(STATE_KEY, next.to_bytes());
        self.write(write, &synced)?;
        self.closing(self.raise(next))?;
        *state = next;
        self.epoch.store(claim, Ordering::SeqCst);
        self.barrier.raise(next.seq);
        Ok(self.term.fetch_add(1, Ordering::SeqCst) + 1)
    }

    pub(super) fn commit(&self, term: u64, batch: &Batch) -> Result<Seq, StoreError> {
        let mut write = WriteBatch::default();
        for (key, value) in batch.operations() {
            match value {
                Some(value) => write.put(on_disk(key), value),
                None => write.delete(on_disk(key)),
            }
        }
        let mut state = self.writing();
        self.check(term)?;
        let next = StateRow { seq: state.seq + 1, ..*state };
        write.put(STATE_KEY, next.to_bytes());
        self.write(write, &WriteOptions::default())?;
        *state = next;
        self.committed.store(next.seq, Ordering::SeqCst);
        Ok(next.seq)
    }

    pub(super) fn durable(&self, term: u64, seq: Seq) -> Result<(), StoreError> {
        self.check(term)?;
        let committed = self.committed.load(Ordering::SeqCst);
        if seq > committed {
            return Err(StoreError::Ahead { shard: self.name, seq, committed });
        }
        self.barrier.wait(seq, || self.sync())?;
        // Whoever fenced this writer meanwhile may not have seen what it acknowledges now.
        self.check(term)
    }

    /// Whether the writer of this term is the writer still.
    pub(super) fn check(&self, term: u64) -> Result<(), StoreError> {
        let fenced = (term != self.term()).then_some(Closed::Fenced);
        match self.closed().or(fenced) {
            Some(why) => Err(StoreError::Closed { shard: self.name, why }),
            None => Ok(()),
        }
    }

    /// One sync of the log; the last seq that it covers.
    fn sync(&self) -> Result<Seq, StoreError> {
        // Both were durable or will be by this sync: an epoch is synced before it is stored.
        let epoch = self.epoch.load(Ordering::SeqCst);
        let covered = self.committed.load(Ordering::SeqCst);
        let result = self.with(|db| db.flush_wal(true).map_err(|error| failed(self.name, &error)));
        self.closing(result.and_then(|()| self.raise(StateRow { epoch, seq: covered })))?;
        Ok(covered)
    }

    /// Note outside the log how far it is durable.
    fn raise(&self, state: StateRow) -> Result<(), StoreError> {
        self.mark.raise(state).map_err(folder::io(self.name))
    }

    fn write(&self, write: WriteBatch, options: &WriteOptions) -> Result<(), StoreError> {
        let result =
            self.with(|db| db.write_opt(write, options).map_err(|error| failed(self.name, &error)));
        self.closing(result)
    }

    /// A write or sync that fails leaves the disk unknown: close.
    fn closing(&self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(StoreError::Io { .. } | StoreError::Busy(_)) = result {
            self.close(Closed::Io);
        }
        result
    }

    fn close(&self, why: Closed) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if why == Closed::Destroyed {
            *closed = Some(why);
        }
        closed.get_or_insert(why);
    }

    fn writing(&self) -> MutexGuard<'_, StateRow> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state row of an open database.
fn state(shard: ShardName, db: &DB) -> Result<StateRow, StoreError> {
    let row = db.get(STATE_KEY).map_err(|error| failed(shard, &error))?;
    row.as_deref().and_then(StateRow::from_bytes).ok_or(StoreError::Tampered(shard))
}

/// Write the first state row of a new database and leave all of it in files that are synced.
pub(super) fn settle(shard: ShardName, db: &DB, state: StateRow) -> Result<(), StoreError> {
    db.put(STATE_KEY, state.to_bytes())
        .and_then(|()| db.flush())
        .and_then(|()| db.flush_wal(true))
        .map_err(|error| failed(shard, &error))
}
