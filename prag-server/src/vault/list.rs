//! The configured vaults, in order.
//!
//! Layer: vault.
//! Holds: what is asked for keys after a restart, first to last; `owner` has no vault: where it stands, the worker waits.
//! Never: the order of work; `flow` walks the list.
//! Invariant: what is kept is kept by every vault that keeps, and forgotten by every one.

use prag_client::vault::{KeyVault, Shares, VaultError};
use prag_protocol::{CollectionId, Epoch};

/// The vaults of one worker.
pub struct Vaults(Vec<Box<dyn KeyVault>>);

impl Vaults {
    /// In this order.
    #[must_use]
    pub fn new(vaults: Vec<Box<dyn KeyVault>>) -> Self {
        Self(vaults)
    }

    /// First to last.
    pub fn iter(&self) -> impl Iterator<Item = &dyn KeyVault> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Keep the shares in every vault that keeps any, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: some vault kept nothing.
    pub fn keep(&self, id: CollectionId, epoch: Epoch, shares: &Shares) -> Result<(), VaultError> {
        self.iter().try_for_each(|vault| vault.keep(id, epoch, shares))
    }

    /// Forget every epoch of a collection before `current`.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn retire(&self, id: CollectionId, current: Epoch) -> Result<(), VaultError> {
        self.iter().try_for_each(|vault| vault.retire(id, current))
    }

    /// Forget a collection wherever something of it is kept.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn wipe(&self, id: CollectionId) -> Result<(), VaultError> {
        for vault in self.iter() {
            if vault.holds(id)? {
                vault.forget(id)?;
            }
        }
        Ok(())
    }

    /// Forget every epoch of a collection.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, id: CollectionId) -> Result<(), VaultError> {
        self.iter().try_for_each(|vault| vault.forget(id))
    }
}
