//! The key vault seam: where a worker keeps, or gets back, the shares of one (collection, epoch).
//!
//! Layer: client; the worker's vaults implement it.
//! Holds: the trait and its kinds.
//! Never: a KEK; shares of other epochs than the one asked for.
//! Invariant: a vault that cannot answer says which kind it is and never guesses.

use prag_protocol::{CollectionId, Epoch};
use prag_trust::key::Share;

/// Both shares of one (collection, epoch).
pub struct Shares {
    /// The ledger's share.
    pub chain: Share,
    /// The owner's share.
    pub owner: Share,
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
}

/// Keeps shares between boots.
pub trait KeyVault: Send + Sync {
    /// Keep the shares, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: nothing was kept.
    fn keep(
        &self,
        collection: CollectionId,
        epoch: Epoch,
        shares: &Shares,
    ) -> Result<(), VaultError>;

    /// The shares, if this vault has them. The caller has checked with a fresh ledger view that the
    /// collection and epoch are alive.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where the owner must release again.
    fn fetch(&self, collection: CollectionId, epoch: Epoch) -> Result<Shares, VaultError>;

    /// Forget the shares of every epoch of `collection` before `current`.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    fn retire(&self, collection: CollectionId, current: Epoch) -> Result<(), VaultError>;

    /// Forget the shares of every epoch of `collection`.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    fn forget(&self, collection: CollectionId) -> Result<(), VaultError>;
}
