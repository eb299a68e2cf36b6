//! A handle on a shard in memory.
//!
//! Layer: `prag-store`, memory engine.
//! Holds: the shared state and the role that the handle was opened in.
//! Never: a lock across calls.
//! Invariant: a handle whose term has passed, or whose state is closed, does nothing.

use std::ops::{Bound, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use super::locked;
use super::state::{BlobMap, Frozen, Rows, Shared, State};
use crate::batch::{Batch, KeyRange, Page, check_key};
use crate::error::{Closed, StoreError};
use crate::limits::{
    BLOB_BYTES_MAX, BLOB_NAMES_MAX, PAGE_BYTES_MAX, PAGE_ROWS_MAX, READ_BYTES_MAX, READ_KEYS_MAX,
};
use crate::names::{BlobName, CheckpointId, Seq, ShardName};
use crate::traits::{BlobInfo, Blobs, Reads, Shard, Status};

pub(super) enum Role {
    Writer { term: u64 },
    Follower,
    At(Arc<Frozen>),
}

/// What was read through all handles of an engine.
#[derive(Default)]
pub(super) struct Counters {
    rows: AtomicU64,
    blobs: AtomicU64,
}

impl Counters {
    pub(super) fn reads(&self) -> Reads {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reads { rows: count(&self.rows), blobs: count(&self.blobs) }
    }
}

pub(super) struct MemoryShard {
    name: ShardName,
    shared: Shared,
    role: Role,
    counters: Arc<Counters>,
}

impl MemoryShard {
    pub(super) fn new(
        name: ShardName,
        shared: Shared,
        role: Role,
        counters: Arc<Counters>,
    ) -> Self {
        Self { name, shared, role, counters }
    }

    fn why(&self, state: &State) -> Option<Closed> {
        match self.role {
            Role::Writer { term } if term != state.term() => {
                state.closed().or(Some(Closed::Fenced))
            }
            Role::Writer { .. } | Role::Follower | Role::At(_) => state.closed(),
        }
    }

    fn live(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = locked(&self.shared);
        match self.why(&state) {
            Some(why) => Err(StoreError::Closed { shard: self.name, why }),
            None => Ok(state),
        }
    }

    fn writer(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.live()?;
        match self.role {
            Role::Writer { .. } => Ok(state),
            Role::Follower | Role::At(_) => Err(StoreError::ReadOnly(self.name)),
        }
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Rows, &BlobMap) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let state = self.live()?;
        match &self.role {
            Role::Writer { .. } | Role::Follower => read(&state.rows, &state.blobs),
            Role::At(frozen) => read(&frozen.rows, &frozen.blobs),
        }
    }
}

impl Shard for MemoryShard {
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.len() > READ_KEYS_MAX {
            return Err(StoreError::Read);
        }
        keys.iter().try_for_each(|key| check_key(key))?;
        self.counters.rows.fetch_add(keys.len() as u64, Ordering::Relaxed);
        self.read(|rows, _| {
            let mut bytes = 0;
            keys.iter()
                .map(|key| {
                    let value = rows.get(*key).map(|value| value.to_vec());
                    bytes += value.as_ref().map_or(0, Vec::len);
                    if bytes > READ_BYTES_MAX { Err(StoreError::Read) } else { Ok(value) }
                })
                .collect()
        })
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
        self.read(|rows, _| {
            let (mut page, mut bytes) = (Page::default(), 0);
            let start = range.resume(after);
            for (key, value) in
                rows.range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded))
            {
                if !range.contains(key) {
                    break;
                }
                if page.rows.len() == limit || bytes >= PAGE_BYTES_MAX {
                    page.more = true;
                    break;
                }
                bytes += key.len() + value.len();
                page.rows.push((key.clone(), value.to_vec()));
            }
            self.counters.rows.fetch_add(page.rows.len() as u64 + 1, Ordering::Relaxed);
            Ok(page)
        })
    }

    fn commit(&self, batch: Batch) -> Result<Seq, StoreError> {
        Ok(self.writer()?.commit(batch))
    }

    fn durable(&self, seq: Seq) -> Result<(), StoreError> {
        let mut state = self.writer()?;
        let committed = state.committed();
        if seq > committed {
            return Err(StoreError::Ahead { shard: self.name, seq, committed });
        }
        if seq > state.status().durable { state.sync() } else { Ok(()) }
    }

    fn checkpoint(&self) -> Result<CheckpointId, StoreError> {
        self.writer()?.checkpoint()
    }

    fn checkpoints(&self) -> Result<Vec<CheckpointId>, StoreError> {
        Ok(self.live()?.checkpoints())
    }

    fn drop_checkpoint(&self, id: CheckpointId) -> Result<(), StoreError> {
        self.writer()?.drop_checkpoint(id);
        Ok(())
    }

    fn expunge(&self) -> Result<(), StoreError> {
        self.writer()?.sync()
    }

    fn status(&self) -> Status {
        let state = locked(&self.shared);
        let closed = self.why(&state);
        match &self.role {
            Role::Writer { .. } | Role::Follower => Status { closed, ..state.status() },
            Role::At(frozen) => Status { closed, ..frozen.status },
        }
    }

    fn blobs(&self) -> &dyn Blobs {
        self
    }
}

impl Blobs for MemoryShard {
    fn put_new(&self, name: BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        let mut state = self.writer()?;
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(StoreError::Blob { bytes: bytes.len() as u64 });
        }
        if state.blobs.contains_key(&name) {
            return Err(StoreError::BlobExists(self.name));
        }
        state.blobs.insert(name, Arc::from(bytes));
        Ok(())
    }

    fn get(&self, name: BlobName, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError> {
        self.counters.blobs.fetch_add(1, Ordering::Relaxed);
        self.read(|_, blobs| {
            let blob = blobs.get(&name).ok_or(StoreError::BlobAbsent(self.name))?;
            let len = blob.len() as u64;
            let range = range.unwrap_or(0..len);
            let slice = usize::try_from(range.start)
                .ok()
                .zip(usize::try_from(range.end).ok())
                .and_then(|(start, end)| blob.get(start..end));
            let slice =
                slice.ok_or(StoreError::BlobRange { shard: self.name, end: range.end, len })?;
            Ok(slice.to_vec())
        })
    }

    fn list(&self, after: Option<BlobName>, limit: usize) -> Result<Vec<BlobInfo>, StoreError> {
        if limit == 0 || limit > BLOB_NAMES_MAX {
            return Err(StoreError::Limit);
        }
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.read(|_, blobs| {
            let infos = blobs
                .range((first, Bound::Unbounded))
                .take(limit)
                .map(|(name, bytes)| BlobInfo { name: *name, bytes: bytes.len() as u64 });
            Ok(infos.collect())
        })
    }

    fn delete(&self, name: BlobName) -> Result<(), StoreError> {
        self.writer()?.blobs.remove(&name);
        Ok(())
    }
}
