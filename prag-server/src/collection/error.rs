//! What can go wrong inside a shard.
//!
//! Layer: collection.
//! Holds: one error for the leaf; it names records and limits.
//! Never: content, ids of documents, key material.
//! Invariant: anything that failed authentication is [`CollectionError::Tampered`].

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
    /// A format that this build does not know.
    #[error("format {0} is unknown to this build")]
    Format(u32),
    /// A batch over its limit; nothing was written.
    #[error("a batch of {bytes} bytes is over the limit of {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// An earlier write failed half-way: reopen the shard.
    #[error("the shard is closed after a failed write")]
    Closed,
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
