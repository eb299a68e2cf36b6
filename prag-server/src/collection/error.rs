//! What can go wrong inside a shard.
//!
//! Layer: collection.
//! Holds: one error for the leaf; it names records and limits.
//! Never: content, ids of documents, key material.
//! Invariant: anything that failed authentication is [`CollectionError::Tampered`].

use super::memory::Full;
use prag_index::IndexError;
use prag_store::StoreError;
use prag_trust::entropy::EntropyError;
use prag_trust::seal::SealError;

/// Why a shard refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// A stored record is missing, does not open at its place, or contradicts another. Not retryable.
    #[error("the stored {0} failed its check")]
    Tampered(&'static str),
    /// Older than what was anchored of it on the ledger: it was rolled back. Not retryable.
    #[error("rolled back: it has {size} batches, and {anchored} were anchored")]
    BehindAnchor {
        /// What it has.
        size: u64,
        /// What the ledger's anchor says.
        anchored: u64,
    },
    /// Another history than what was anchored of it. Not retryable.
    #[error("forked: its first {anchored} batches are not those that were anchored")]
    Forked {
        /// How many batches were anchored.
        anchored: u64,
    },
    /// Another worker restored the collection since, or this one did and was put back: not the writer any more.
    #[error(
        "superseded: its writer epoch is {ours}, and the ledger's is {ledger}: the collection was restored since"
    )]
    Superseded {
        /// What the catalogue says.
        ours: u64,
        /// What the ledger says.
        ledger: u64,
    },
    /// The heads behind the ledger's last anchor are not on this disk. Not retryable.
    #[error("the heads behind the last anchor were removed")]
    AnchorLost,
    /// A format that this build does not know.
    #[error("format {0} is unknown to this build")]
    Format(u32),
    /// The profile names a part that this build does not have.
    #[error("the collection's {0} is unknown to this build")]
    Unknown(&'static str),
    /// A batch over its limit; nothing was written.
    #[error("a batch of {bytes} bytes is over the limit of {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// As many idempotency keys were used within a day as are remembered. Nothing was written; a write without one is.
    #[error(
        "{max} idempotency keys were used within a day, as many as are remembered: send it without one"
    )]
    Keys {
        /// How many are.
        max: usize,
    },
    /// The memory limit leaves no room. Nothing was changed; retryable.
    #[error(transparent)]
    Memory(#[from] Full),
    /// As many shards are open as may be. Nothing was changed; retryable.
    #[error("{max} collections are open, as many as this process may have files for")]
    Crowded {
        /// How many may be.
        max: u64,
    },
    /// An earlier write failed half-way: reopen the shard.
    #[error("the shard is closed after a failed write")]
    Closed,
    /// Texts that are to go are still being read. Nothing is lost; retryable.
    #[error("texts that are to go are still being read; ask again")]
    Read,
    /// A text that is on disk was wanted from memory: a fault of this program.
    #[error(transparent)]
    Elsewhere(#[from] super::text::Elsewhere),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The index could not be built.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A record does not encode.
    #[error(transparent)]
    Record(#[from] super::record::RecordError),
    /// A batch does not fit the state.
    #[error(transparent)]
    Apply(#[from] super::state::ApplyError),
}
