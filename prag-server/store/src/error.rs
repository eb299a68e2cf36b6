//! What the store refuses, and why a shard closed.
//!
//! Layer: `prag-store`.
//! Holds: one error enum; each variant says what the caller can do.
//! Never: keys, values, names of blobs or paths in a message: the shard's name is the place.
//! Invariant: `Closed` is final for a handle; open the shard again.

use std::io;

use crate::limits::{
    BATCH_BYTES_MAX, BLOB_BYTES_MAX, BLOB_NAMES_MAX, KEY_BYTES_MAX, PAGE_ROWS_MAX, READ_BYTES_MAX,
    READ_KEYS_MAX, VALUE_BYTES_MAX,
};
use crate::names::{CheckpointId, Seq, ShardName};

/// Why a handle serves no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// Another writer opened the shard; what was not acknowledged may or may not be kept.
    Fenced,
    /// The bytes on disk are not what was written.
    Tampered,
    /// The disk failed; after a failed sync nothing is known of unacknowledged batches until the shard is opened again.
    Io,
    /// The shard was destroyed.
    Destroyed,
}

/// Everything that the store refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Not retryable.
    #[error("key of {bytes} bytes, allowed are 1 to {KEY_BYTES_MAX}")]
    Key {
        /// Its length.
        bytes: usize,
    },
    /// Not retryable.
    #[error("value of {bytes} bytes, allowed are {VALUE_BYTES_MAX}")]
    Value {
        /// Its length.
        bytes: usize,
    },
    /// Split it.
    #[error("batch of {bytes} bytes, allowed are {BATCH_BYTES_MAX}")]
    Batch {
        /// What it would come to.
        bytes: usize,
    },
    /// Split it.
    #[error("blob of {bytes} bytes, allowed are {BLOB_BYTES_MAX}")]
    Blob {
        /// Its length.
        bytes: u64,
    },
    /// Ask for fewer keys at once.
    #[error("more than {READ_KEYS_MAX} keys or {READ_BYTES_MAX} bytes in one read")]
    Read,
    /// Ask for a page within the bounds.
    #[error("page outside 1 to {PAGE_ROWS_MAX} rows or {BLOB_NAMES_MAX} names")]
    Limit,
    /// A claim is at least 1 and never below the epoch it follows. Not retryable.
    #[error("shard {shard}: epoch {claim} cannot follow {expected}")]
    Claim {
        /// The shard.
        shard: ShardName,
        /// What the caller expected.
        expected: u64,
        /// What it claimed.
        claim: u64,
    },
    /// Another writer claimed the shard, or the disk was rolled back: ask the ledger.
    #[error("shard {shard}: writer epoch is {found}, expected {expected}")]
    Epoch {
        /// The shard.
        shard: ShardName,
        /// What the caller expected.
        expected: u64,
        /// What the shard holds.
        found: u64,
    },
    /// No such shard here.
    #[error("shard {0} is absent")]
    Absent(ShardName),
    /// The shard to make is there already.
    #[error("shard {0} exists")]
    Exists(ShardName),
    /// Another process holds the shard; retry when it has ended.
    #[error("shard {0} is held by another process")]
    Busy(ShardName),
    /// Followers and checkpoints are read only. Not retryable.
    #[error("shard {0} is open for reading only")]
    ReadOnly(ShardName),
    /// No such batch was committed.
    #[error("shard {shard}: seq {seq} is ahead of {committed}")]
    Ahead {
        /// The shard.
        shard: ShardName,
        /// What was asked for.
        seq: Seq,
        /// The last one.
        committed: Seq,
    },
    /// No such checkpoint.
    #[error("shard {shard}: checkpoint {id} is absent")]
    Checkpoint {
        /// The shard.
        shard: ShardName,
        /// What was asked for.
        id: CheckpointId,
    },
    /// No such blob.
    #[error("shard {0}: blob is absent")]
    BlobAbsent(ShardName),
    /// Blobs are written once. Not retryable.
    #[error("shard {0}: blob exists")]
    BlobExists(ShardName),
    /// The range leaves the blob, which may have been cut on disk.
    #[error("shard {shard}: range to {end} of a blob of {len} bytes")]
    BlobRange {
        /// The shard.
        shard: ShardName,
        /// Where the range ends.
        end: u64,
        /// The blob's length.
        len: u64,
    },
    /// Open the shard again, if it may be.
    #[error("shard {shard} is closed: {why:?}")]
    Closed {
        /// The shard.
        shard: ShardName,
        /// Why.
        why: Closed,
    },
    /// The bytes on disk are not what was written. Quarantine the shard; not retryable.
    #[error("shard {0} was tampered with or damaged")]
    Tampered(ShardName),
    /// The disk failed or is full.
    #[error("shard {shard}: input or output failed: {kind}")]
    Io {
        /// The shard.
        shard: ShardName,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The engine's folder cannot be used.
    #[error("store folder: {0}")]
    Root(io::ErrorKind),
}
