//! An engine that dies after so many steps: for tests that crash their subject at every step in turn.
//!
//! Layer: `prag-store`; wraps any engine.
//! Holds: how many changes of durable state are left before everything fails.
//! Never: a change after the last step; tells apart which call it was that died.
//! Invariant: a step happens whole or not at all, and after death no shard answers.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::batch::{Batch, KeyRange, Page};
use crate::error::{Closed, StoreError};
use crate::names::{BlobName, CheckpointId, Seq, ShardName};
use crate::traits::{BlobInfo, Blobs, Engine, Open, Reads, Shard, Status};

/// An engine that may die. Clones share their fate.
#[derive(Clone)]
pub struct FaultyEngine {
    inner: Arc<dyn Engine>,
    life: Life,
}

/// Steps left: a barrier, a blob written or deleted, an expunging, a shard claimed or destroyed.
#[derive(Clone)]
struct Life(Arc<AtomicU64>);

struct FaultyShard {
    name: ShardName,
    inner: Arc<dyn Shard>,
    life: Life,
}

impl FaultyEngine {
    /// `inner`, which does not die before [`FaultyEngine::die_after`] says so.
    #[must_use]
    pub fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, life: Life(Arc::new(AtomicU64::new(u64::MAX))) }
    }

    /// Let `steps` more steps happen; everything after them fails. `u64::MAX` is for ever.
    pub fn die_after(&self, steps: u64) {
        self.life.0.store(steps, Ordering::SeqCst);
    }

    /// Whether it has died: a step was asked for that was not to happen.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.life.0.load(Ordering::SeqCst) == DEAD
    }
}

impl Life {
    fn step(&self, shard: ShardName) -> Result<(), StoreError> {
        let spend = |left: u64| match left {
            u64::MAX => Some(u64::MAX),
            DEAD | 0 => Some(DEAD),
            left => Some(left - 1),
        };
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend) {
            Ok(DEAD | 0) | Err(_) => Err(dead(shard)),
            Ok(_) => Ok(()),
        }
    }

    fn alive(&self, shard: ShardName) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) == DEAD { Err(dead(shard)) } else { Ok(()) }
    }
}

impl Engine for FaultyEngine {
    fn open(&self, shard: ShardName, mode: Open) -> Result<Arc<dyn Shard>, StoreError> {
        match mode {
            Open::Writer { .. } => self.life.step(shard)?,
            Open::Follower | Open::At(_) => self.life.alive(shard)?,
        }
        let inner = self.inner.open(shard, mode)?;
        Ok(Arc::new(FaultyShard { name: shard, inner, life: self.life.clone() }))
    }

    fn destroy(&self, shard: ShardName) -> Result<(), StoreError> {
        self.life.step(shard)?;
        self.inner.destroy(shard)
    }

    fn list(&self) -> Result<Vec<ShardName>, StoreError> {
        self.inner.list()
    }

    fn reads(&self) -> Reads {
        self.inner.reads()
    }

    fn clone_range(
        &self,
        from: ShardName,
        to: ShardName,
        range: &KeyRange,
    ) -> Result<Seq, StoreError> {
        self.life.step(to)?;
        self.inner.clone_range(from, to, range)
    }
}

impl Shard for FaultyShard {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.life.alive(self.name)?;
        self.inner.get_many(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        self.life.alive(self.name)?;
        self.inner.scan(range, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        self.life.alive(self.name)?;
        self.inner.commit(batch)
    }

    fn durable(&self, seq: Seq) -> Result<(), StoreError> {
        self.life.step(self.name)?;
        self.inner.durable(seq)
    }

    fn checkpoint(&self) -> Result<CheckpointId, StoreError> {
        self.life.step(self.name)?;
        self.inner.checkpoint()
    }

    fn checkpoints(&self) -> Result<Vec<CheckpointId>, StoreError> {
        self.life.alive(self.name)?;
        self.inner.checkpoints()
    }

    fn drop_checkpoint(&self, id: CheckpointId) -> Result<(), StoreError> {
        self.life.step(self.name)?;
        self.inner.drop_checkpoint(id)
    }

    fn expunge(&self) -> Result<(), StoreError> {
        self.life.step(self.name)?;
        self.inner.expunge()
    }

    fn status(&self) -> Status {
        let status = self.inner.status();
        let closed = self.life.alive(self.name).err().map(|_| Closed::Io);
        Status { closed: status.closed.or(closed), ..status }
    }

    fn blobs(&self) -> &dyn Blobs {
        self
    }
}

impl Blobs for FaultyShard {
    fn put_new(&self, name: BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        self.life.step(self.name)?;
        self.inner.blobs().put_new(name, bytes)
    }

    fn get(&self, name: BlobName, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError> {
        self.life.alive(self.name)?;
        self.inner.blobs().get(name, range)
    }

    fn list(&self, after: Option<BlobName>, limit: usize) -> Result<Vec<BlobInfo>, StoreError> {
        self.life.alive(self.name)?;
        self.inner.blobs().list(after, limit)
    }

    fn delete(&self, name: BlobName) -> Result<(), StoreError> {
        self.life.step(self.name)?;
        self.inner.blobs().delete(name)
    }
}

fn dead(shard: ShardName) -> StoreError {
    StoreError::Io { shard, kind: io::ErrorKind::BrokenPipe }
}

/// Stands for no step left, and one more asked for.
const DEAD: u64 = u64::MAX - 1;
