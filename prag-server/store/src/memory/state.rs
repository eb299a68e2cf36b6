//! What one shard in memory is, and how it changes.
//!
//! Layer: `prag-store`, memory engine.
//! Holds: rows as seen and as durable, pending batches, checkpoints, blobs.
//! Never: handles or locks.
//! Invariant: `rows` = `durable_rows` with `pending` applied in order.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};

use crate::batch::{Batch, KeyRange};
use crate::error::{Closed, StoreError};
use crate::names::{BlobName, CheckpointId, Seq, ShardName};
use crate::traits::Status;

pub(super) type Shared = Arc<Mutex<State>>;
pub(super) type Rows = BTreeMap<Vec<u8>, Arc<[u8]>>;
pub(super) type BlobMap = BTreeMap<BlobName, Arc<[u8]>>;

/// Rows and blobs of a checkpoint.
pub(super) struct Frozen {
    pub(super) rows: Rows,
    pub(super) blobs: BlobMap,
    pub(super) status: Status,
}

pub(super) struct State {
    name: ShardName,
    pub(super) rows: Rows,
    pub(super) blobs: BlobMap,
    durable_rows: Rows,
    pending: VecDeque<Batch>,
    checkpoints: BTreeMap<CheckpointId, Arc<Frozen>>,
    epoch: u64,
    term: u64,
    committed: Seq,
    durable: Seq,
    closed: Option<Closed>,
    next_sync_fails: bool,
}

impl State {
    pub(super) fn new(name: ShardName) -> Self {
        Self {
            name,
            rows: Rows::new(),
            blobs: BlobMap::new(),
            durable_rows: Rows::new(),
            pending: VecDeque::new(),
            checkpoints: BTreeMap::new(),
            epoch: 0,
            term: 0,
            committed: 0,
            durable: 0,
            closed: None,
            next_sync_fails: false,
        }
    }

    pub(super) fn closed(&self) -> Option<Closed> {
        self.closed
    }

    pub(super) fn close(&mut self, why: Closed) {
        self.closed.get_or_insert(why);
    }

    pub(super) fn term(&self) -> u64 {
        self.term
    }

    pub(super) fn committed(&self) -> Seq {
        self.committed
    }

    pub(super) fn status(&self) -> Status {
        Status {
            epoch: self.epoch,
            committed: self.committed,
            durable: self.durable,
            closed: self.closed,
        }
    }

    pub(super) fn fail_next_sync(&mut self) {
        self.next_sync_fails = true;
    }

    /// Become the writer: the new term.
    pub(super) fn claim(&mut self, expected: u64, claim: u64) -> Result<u64, StoreError> {
        if self.epoch != expected && self.epoch != claim {
            return Err(StoreError::Epoch { shard: self.name, expected, found: self.epoch });
        }
        self.sync()?;
        self.epoch = claim;
        self.term += 1;
        Ok(self.term)
    }

    pub(super) fn commit(&mut self, batch: Batch) -> Seq {
        apply(&mut self.rows, &batch);
        self.pending.push_back(batch);
        self.committed += 1;
        self.committed
    }

    /// Make everything committed durable.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        if self.next_sync_fails {
            self.next_sync_fails = false;
            self.close(Closed::Io);
            return Err(StoreError::Io { shard: self.name, kind: io::ErrorKind::Other });
        }
        for batch in self.pending.drain(..) {
            apply(&mut self.durable_rows, &batch);
        }
        self.durable = self.committed;
        Ok(())
    }

    pub(super) fn checkpoint(&mut self) -> Result<CheckpointId, StoreError> {
        self.sync()?;
        let id = CheckpointId(self.committed);
        let frozen =
            Frozen { rows: self.rows.clone(), blobs: self.blobs.clone(), status: self.status() };
        self.checkpoints.entry(id).or_insert_with(|| Arc::new(frozen));
        Ok(id)
    }

    pub(super) fn checkpoints(&self) -> Vec<CheckpointId> {
        self.checkpoints.keys().copied().collect()
    }

    pub(super) fn drop_checkpoint(&mut self, id: CheckpointId) {
        self.checkpoints.remove(&id);
    }

    pub(super) fn frozen(&self, id: CheckpointId) -> Result<Arc<Frozen>, StoreError> {
        self.checkpoints.get(&id).cloned().ok_or(StoreError::Checkpoint { shard: self.name, id })
    }

    /// What a crash leaves if the first `batches` pending ones had reached the disk. Closes this state.
    pub(super) fn crash(&mut self, batches: usize) -> Self {
        let mut rows = self.durable_rows.clone();
        let mut committed = self.durable;
        for batch in self.pending.iter().take(batches) {
            apply(&mut rows, batch);
            committed += 1;
        }
        self.close(Closed::Io);
        Self {
            blobs: self.blobs.clone(),
            checkpoints: self.checkpoints.clone(),
            durable_rows: rows.clone(),
            rows,
            epoch: self.epoch,
            committed,
            durable: committed,
            ..Self::new(self.name)
        }
    }

    pub(super) fn clone_range(&self, name: ShardName, range: &KeyRange) -> Self {
        let rows: Rows = self
            .rows
            .iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(key, value)| (key.clone(), Arc::clone(value)))
            .collect();
        Self {
            blobs: self.blobs.clone(),
            durable_rows: rows.clone(),
            rows,
            committed: self.committed,
            durable: self.committed,
            ..Self::new(name)
        }
    }
}

fn apply(rows: &mut Rows, batch: &Batch) {
    for (key, value) in batch.operations() {
        match value {
            Some(value) => rows.insert(key.to_vec(), Arc::from(value)),
            None => rows.remove(key),
        };
    }
}
