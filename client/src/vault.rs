//! The key vault seam: where a worker keeps, or gets back, the shares of one (collection, epoch).
//!
//! Layer: client; the worker's vaults implement it.
//! Holds: the trait, what is asked of a vault, and why it may not answer.
//! Never: a KEK; shares of other epochs than the one asked for.
//! Invariant: a vault that cannot answer says why in one word, and never guesses. Whatever it answers is worth nothing
//! until it opens the ledger's commitment.

use async_trait::async_trait;
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::{CollectionId, Epoch};
use prag_trust::key::Share;
use zeroize::Zeroizing;

/// Both shares of one (collection, epoch).
pub struct Shares {
    /// The ledger's share.
    pub chain: Share,
    /// The owner's share.
    pub owner: Share,
}

/// What is asked of a vault. The caller has checked with a fresh ledger view that it is alive and placed on this worker.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whose shares.
    pub collection: CollectionId,
    /// Of which key epoch.
    pub epoch: Epoch,
    /// Images that may serve the collection, where its owner put a policy on the ledger.
    pub images: Option<&'a [[u8; 32]]>,
}

/// What a vault gave.
pub struct Fetched {
    /// The shares.
    pub shares: Shares,
    /// What a peer said of the collection; empty from every other kind.
    pub handover: Zeroizing<Vec<u8>>,
}

impl From<Shares> for Fetched {
    fn from(shares: Shares) -> Self {
        Self { shares, handover: Zeroizing::default() }
    }
}

/// Why a vault did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The vault has no entry: the owner must release the share.
    #[error("no share for this collection and epoch")]
    Missing,
    /// An entry failed its check.
    #[error("a vault entry failed its check")]
    Tampered,
    /// The vault's storage failed.
    #[error("the vault's storage failed")]
    Storage,
    /// Nobody answered in time. Worth a retry.
    #[error("the giver cannot be reached")]
    Unreachable,
    /// The giver's evidence was refused; nothing was asked of it.
    #[error("the giver's evidence was refused")]
    Evidence,
    /// This machine gave no evidence of its own. Worth one retry.
    #[error("this worker has no evidence to show")]
    NoEvidence,
    /// The giver refused: not placed, an image or settings it does not take, another epoch, or nothing there.
    #[error("the giver refused")]
    Refused,
    /// The giver's ledger view is too old. Worth a retry.
    #[error("the giver's ledger view is too old")]
    Stale,
    /// What came back is not the giver's answer to this request.
    #[error("the answer does not open")]
    Answer,
    /// The ledger keeps no shares for workers.
    #[error("this ledger releases no shares")]
    Unsupported,
    /// The ledger holds its own share alone: the owner must release the other.
    #[error("the ledger holds its own share only")]
    OwnerShare,
}

impl VaultError {
    /// One word for owners and scripts. Stable.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Tampered => "tampered",
            Self::Storage => "storage",
            Self::Unreachable => "unreachable",
            Self::Evidence => "evidence-refused",
            Self::NoEvidence => "no-evidence",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Answer => "answer-invalid",
            Self::Unsupported => "unsupported",
            Self::OwnerShare => "owner-share-missing",
        }
    }
}

/// Keeps shares between boots, or gets them back from somebody who does.
#[async_trait]
pub trait KeyVault: Send + Sync {
    /// Which kind it is.
    fn kind(&self) -> VaultKind;

    /// Keep the shares, durably. A vault that others fill does nothing.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: nothing was kept.
    fn keep(&self, _: CollectionId, _: Epoch, _: &Shares) -> Result<(), VaultError> {
        Ok(())
    }

    /// The shares, if this vault has them or gets them.
    ///
    /// # Errors
    /// [`VaultError`]; [`VaultError::Missing`] where the owner must release again.
    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError>;

    /// Forget the shares of every epoch of `collection` before `current`. A vault that others fill does nothing.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    fn retire(&self, _: CollectionId, _: Epoch) -> Result<(), VaultError> {
        Ok(())
    }

    /// Whether it keeps shares of `collection` itself, of any epoch. A vault that others fill keeps none.
    ///
    /// # Errors
    /// [`VaultError::Storage`], [`VaultError::Tampered`].
    fn holds(&self, _: CollectionId) -> Result<bool, VaultError> {
        Ok(false)
    }

    /// Forget the shares of every epoch of `collection`. A vault that others fill does nothing.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    fn forget(&self, _: CollectionId) -> Result<(), VaultError> {
        Ok(())
    }
}
