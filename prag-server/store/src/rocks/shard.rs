//! A handle on a shard, live or at a checkpoint.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: the shared core and the term it may write in, if any.
//! Never: the database.
//! Invariant: the last handle of a live shard closes the database under its slot's lock, so that whoever opens
//! the shard next does not meet it half closed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::Core;
use super::{SharedSlot, locked, rows};
use crate::batch::{Batch, KeyRange, Page, check_key};
use crate::error::{Closed, StoreError};
use crate::limits::{PAGE_ROWS_MAX, READ_KEYS_MAX};
use crate::names::{BlobName, CheckpointId, Seq};
use crate::traits::{BlobInfo, Blobs, Shard, Status};

pub(super) struct RocksShard {
    core: Arc<Core>,
    slot: Option<SharedSlot>,
    term: Option<u64>,
}

impl RocksShard {
    /// A reading handle on a live shard. The caller holds the slot's lock.
    pub(super) fn live(core: Arc<Core>, slot: SharedSlot) -> Self {
        core.handles.fetch_add(1, Ordering::SeqCst);
        Self { core, slot: Some(slot), term: None }
    }

    /// A handle on a checkpoint.
    pub(super) fn view(core: Arc<Core>) -> Self {
        Self { core, slot: None, term: None }
    }

    /// Make this the writer.
    pub(super) fn claim(mut self, expected: u64, claim: u64) -> Result<Self, StoreError> {
        self.term = Some(self.core.claim(expected, claim)?);
        Ok(self)
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    fn writer(&self) -> Result<u64, StoreError> {
        self.live_still()?;
        self.term.ok_or(StoreError::ReadOnly(self.core.name()))
    }

    fn live_still(&self) -> Result<(), StoreError> {
        self.core.check(self.term.unwrap_or_else(|| self.core.term()))
    }
}

impl Shard for RocksShard {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.len() > READ_KEYS_MAX {
            return Err(StoreError::Read);
        }
        keys.iter().try_for_each(|key| check_key(key))?;
        self.live_still()?;
        self.core.with(|db| rows::get_many(self.core.name(), db, keys))
    }

    fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        if limit == 0 || limit > PAGE_ROWS_MAX {
            return Err(StoreError::Limit);
        }
        self.live_still()?;
        self.core.with(|db| rows::scan(self.core.name(), db, range, after, limit))
    }

    fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        self.core.commit(self.writer()?, &batch)
    }

    fn durable(&self, seq: Seq) -> Result<(), StoreError> {
        self.core.durable(self.writer()?, seq)
    }

    fn checkpoint(&self) -> Result<CheckpointId, StoreError> {
        self.core.checkpoint(self.writer()?)
    }

    fn checkpoints(&self) -> Result<Vec<CheckpointId>, StoreError> {
        self.live_still()?;
        self.core.checkpoints()
    }

    fn drop_checkpoint(&self, id: CheckpointId) -> Result<(), StoreError> {
        self.core.drop_checkpoint(self.writer()?, id)
    }

    fn expunge(&self) -> Result<(), StoreError> {
        self.core.expunge(self.writer()?)
    }

    fn status(&self) -> Status {
        let status = self.core.status();
        let fenced = self.term.filter(|term| *term != self.core.term()).map(|_| Closed::Fenced);
        Status { closed: status.closed.or(fenced), ..status }
    }

    fn blobs(&self) -> &dyn Blobs {
        self
    }
}

impl Blobs for RocksShard {
    fn put_new(&self, name: BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        let term = self.writer()?;
        self.core.blobs.put_new(name, bytes)?;
        self.core.check(term)
    }

    fn get(&self, name: BlobName, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError> {
        self.live_still()?;
        self.core.blobs.get(name, range)
    }

    fn expect(&self, names: &[BlobName]) {
        self.core.blobs.expect(names);
    }

    fn list(&self, after: Option<BlobName>, limit: usize) -> Result<Vec<BlobInfo>, StoreError> {
        self.live_still()?;
        self.core.blobs.list(after, limit)
    }

    fn delete(&self, name: BlobName) -> Result<(), StoreError> {
        let term = self.writer()?;
        self.core.blobs.delete(name)?;
        self.core.check(term)
    }
}

impl Drop for RocksShard {
    fn drop(&mut self) {
        let Some(slot) = &self.slot else { return };
        let mut held = locked(slot);
        if self.core.handles.fetch_sub(1, Ordering::SeqCst) == 1 {
            drop(self.core.shut(Closed::Io));
            held.core.take_if(|core| Arc::ptr_eq(core, &self.core));
        }
    }
}
