//! The storage traits: what every engine does, local or remote.
//!
//! Layer: `prag-store`.
//! Holds: `Engine`, `Shard`, `Blobs` and the words they use.
//! Never: column families, range deletes, merge operators, TTL or reverse scans, so that an engine on object
//! storage can follow.
//! Invariant: one writer. Opening one fences the one before it, and a fenced writer's `durable` fails.

use std::ops::Range;
use std::sync::Arc;

use crate::batch::{Batch, KeyRange, Page};
use crate::error::{Closed, StoreError};
use crate::names::{BlobName, CheckpointId, Seq, ShardName};

/// How a shard is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// The one writer, which fences the one before it.
    Writer {
        /// The writer epoch that the shard must hold now; 0 for a shard that may have to be made.
        expected_epoch: u64,
        /// The writer epoch from now on, at least 1 and at least `expected_epoch`. A shard that holds `claim`
        /// already is opened too: the same claimer tries again.
        claim: u64,
    },
    /// Reads what the writer has made durable, and maybe what it has only committed.
    Follower,
    /// Reads one checkpoint.
    At(CheckpointId),
}

/// A shard as a handle sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Writer epoch.
    pub epoch: u64,
    /// Last batch committed.
    pub committed: Seq,
    /// Last batch that survives a crash.
    pub durable: Seq,
    /// Why the handle serves no more, if so.
    pub closed: Option<Closed>,
}

/// A blob in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub name: BlobName,
    /// Its length, bytes.
    pub bytes: u64,
}

/// What an engine has read for its callers since it was opened, over all shards. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Rows looked up or scanned, the engine's own included.
    pub rows: u64,
    /// Blobs, or parts of blobs.
    pub blobs: u64,
}

/// A place that holds shards. Every call blocks the thread.
pub trait Engine: Send + Sync {
    /// Open a shard. Only a writer that expects epoch 0 makes one that is absent.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Checkpoint`], [`StoreError::Claim`]; [`StoreError::Epoch`] if the
    /// shard holds neither epoch; [`StoreError::Busy`] while another process holds it;
    /// [`StoreError::Tampered`] and [`StoreError::Io`] if it cannot be read.
    fn open(&self, shard: ShardName, mode: Open) -> Result<Arc<dyn Shard>, StoreError>;

    /// Remove a shard with its checkpoints and blobs, and close all its handles.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Busy`], [`StoreError::Io`]. After a crash it is there whole or gone.
    fn destroy(&self, shard: ShardName) -> Result<(), StoreError>;

    /// The shards, ascending.
    ///
    /// # Errors
    /// [`StoreError::Root`].
    fn list(&self) -> Result<Vec<ShardName>, StoreError>;

    /// How much was read. Writing, syncing and [`Shard::status`] read nothing that is counted.
    fn reads(&self) -> Reads;

    /// Make the shard `to` of the rows of `from` within `range`, in one snapshot, and of all its blobs. It goes on
    /// from the seq returned, and its writer epoch is 0. After a crash `to` is there whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Absent`] and [`StoreError::Exists`], and those of [`Engine::open`].
    fn clone_range(
        &self,
        from: ShardName,
        to: ShardName,
        range: &KeyRange,
    ) -> Result<Seq, StoreError>;
}

/// An open shard: ordered rows under one writer. Every call blocks the thread; every call on a closed handle
/// except [`Shard::status`] is [`StoreError::Closed`].
pub trait Shard: Send + Sync {
    /// The values at `keys`, in their order and in one snapshot; `None` where there is no row.
    ///
    /// # Errors
    /// [`StoreError::Key`]; [`StoreError::Read`] over `READ_KEYS_MAX` or `READ_BYTES_MAX`.
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Up to `limit` (1..=`PAGE_ROWS_MAX`) rows of `range` after the key `after`, ascending. A page is one
    /// snapshot and ends early at `PAGE_BYTES_MAX`; the next page sees later batches too.
    ///
    /// # Errors
    /// [`StoreError::Limit`].
    fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page, StoreError>;

    /// Apply a batch, all or nothing, after all earlier ones. It is seen at once and survives a crash only once
    /// [`Shard::durable`] says so; a crash before that loses it with all later ones, or keeps it with all earlier ones.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`]; [`StoreError::Io`] and [`StoreError::Tampered`] close the shard.
    fn commit(&self, batch: Batch) -> Result<Seq, StoreError>;

    /// Wait until batch `seq` and all before it survive a crash. One sync serves all who wait.
    ///
    /// # Errors
    /// [`StoreError::Ahead`] for a seq not committed; [`Closed::Fenced`] even for what is durable;
    /// [`StoreError::Io`] closes the shard: a failed sync is never tried again.
    fn durable(&self, seq: Seq) -> Result<(), StoreError>;

    /// Keep the rows and blobs as they are, durably, under an id. Commits wait meanwhile. Again at the same seq,
    /// it is the same checkpoint.
    ///
    /// # Errors
    /// As [`Shard::durable`].
    fn checkpoint(&self) -> Result<CheckpointId, StoreError>;

    /// The checkpoints, ascending.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    fn checkpoints(&self) -> Result<Vec<CheckpointId>, StoreError>;

    /// Remove a checkpoint, there or not. Handles at it may fail from now on.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], [`StoreError::Io`].
    fn drop_checkpoint(&self, id: CheckpointId) -> Result<(), StoreError>;

    /// Make what was deleted or replaced physically absent: when this returns, no file of the shard holds the value of
    /// a row, or a blob, that was deleted or replaced before the call. Rows and blobs that are there stay, and what is
    /// committed is durable. Rewrites all rows: slow, and apart from commits. Checkpoints keep what they hold: drop
    /// them first. What a disk remembers of blocks that it has freed is beyond this.
    ///
    /// # Errors
    /// As [`Shard::durable`]; [`StoreError::Io`] too if a file could not be removed: call again.
    fn expunge(&self) -> Result<(), StoreError>;

    /// Where the shard stands; never fails.
    fn status(&self) -> Status;

    /// The blobs beside the rows.
    fn blobs(&self) -> &dyn Blobs;
}

/// Blobs of a shard: written once, then read or deleted. They belong to no batch; put a blob before the row that
/// names it, and delete it after the row is durably gone.
pub trait Blobs: Send + Sync {
    /// Write a blob; when this returns it survives a crash, whole.
    ///
    /// # Errors
    /// [`StoreError::BlobExists`], [`StoreError::Blob`], [`StoreError::ReadOnly`], [`StoreError::Io`].
    fn put_new(&self, name: BlobName, bytes: &[u8]) -> Result<(), StoreError>;

    /// The bytes of `range`, or all for `None`.
    ///
    /// # Errors
    /// [`StoreError::BlobAbsent`]; [`StoreError::BlobRange`] if the range leaves the blob;
    /// [`StoreError::Tampered`] if what lies there is no blob.
    fn get(&self, name: BlobName, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError>;

    /// These will be read soon, whole: an engine may begin to fetch them. A hint; where it fails, reading tells.
    fn expect(&self, names: &[BlobName]) {
        let _ = names;
    }

    /// Up to `limit` (1..=`BLOB_NAMES_MAX`) blobs after the name `after`, ascending.
    ///
    /// # Errors
    /// [`StoreError::Limit`], [`StoreError::Io`].
    fn list(&self, after: Option<BlobName>, limit: usize) -> Result<Vec<BlobInfo>, StoreError>;

    /// Delete a blob, there or not; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], [`StoreError::Io`].
    fn delete(&self, name: BlobName) -> Result<(), StoreError>;
}
