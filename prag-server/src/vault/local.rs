//! Vault kind `local`: shares sealed beside the data.
//!
//! Layer: vault.
//! Holds: both shares of the current epoch of each collection.
//! Never: opens by itself; `flow` asks only after a fresh ledger view says that the epoch is alive.
//! Invariant: one entry per collection, for one epoch; another epoch is `Missing`.

use super::rows::Rows;
use async_trait::async_trait;
use prag_client::vault::{Fetched, KeyVault, Shares, VaultError, Wanted};
use prag_protocol::wire::collections::VaultKind;
use prag_protocol::{CollectionId, Epoch};
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Share, Vault};
use std::sync::Arc;

/// The embedded ledger's shares: what a chain would keep in its contract.
pub struct ChainShares(Rows);

impl ChainShares {
    /// The shares in `shard`.
    #[must_use]
    pub fn new(key: Arc<Key<Vault>>, shard: Arc<dyn Shard>, entropy: Box<dyn Entropy>) -> Self {
        Self(Rows::new(0x13, key, shard, entropy))
    }

    /// Keep one share, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: nothing was kept.
    pub fn keep(&self, id: CollectionId, epoch: Epoch, share: &Share) -> Result<(), VaultError> {
        self.0.put(id, [&epoch.to_be_bytes()[..], share.expose()].concat())
    }

    /// The share of one epoch.
    ///
    /// # Errors
    /// [`VaultError::Missing`] for another epoch too.
    pub fn fetch(&self, id: CollectionId, epoch: Epoch) -> Result<Share, VaultError> {
        let plain = self.0.get(id)?.ok_or(VaultError::Missing)?;
        let (kept, share) = plain.expose().split_first_chunk::<4>().ok_or(VaultError::Tampered)?;
        if Epoch::from_be_bytes(*kept) != epoch {
            return Err(VaultError::Missing);
        }
        Ok(Share::from_bytes(share.try_into().map_err(|_| VaultError::Tampered)?))
    }

    /// Forget a collection's share.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, id: CollectionId) -> Result<(), VaultError> {
        self.0.delete(id)
    }
}

/// Both shares in the worker's own shard.
pub struct LocalVault(Rows);

impl LocalVault {
    /// The vault in `shard`.
    #[must_use]
    pub fn new(key: Arc<Key<Vault>>, shard: Arc<dyn Shard>, entropy: Box<dyn Entropy>) -> Self {
        Self(Rows::new(0x12, key, shard, entropy))
    }
}

#[async_trait]
impl KeyVault for LocalVault {
    fn kind(&self) -> VaultKind {
        VaultKind::Local
    }

    fn keep(
        &self,
        collection: CollectionId,
        epoch: Epoch,
        shares: &Shares,
    ) -> Result<(), VaultError> {
        let mut entry = Vec::with_capacity(68);
        entry.extend_from_slice(&epoch.to_be_bytes());
        entry.extend_from_slice(shares.chain.expose());
        entry.extend_from_slice(shares.owner.expose());
        self.0.put(collection, entry)
    }

    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError> {
        let plain = self.0.get(wanted.collection)?.ok_or(VaultError::Missing)?;
        let (kept, rest) = plain.expose().split_first_chunk::<4>().ok_or(VaultError::Tampered)?;
        if Epoch::from_be_bytes(*kept) != wanted.epoch {
            return Err(VaultError::Missing);
        }
        let (chain, owner) = rest.split_first_chunk::<32>().ok_or(VaultError::Tampered)?;
        let owner = owner.try_into().map_err(|_| VaultError::Tampered)?;
        let shares = Shares { chain: Share::from_bytes(chain), owner: Share::from_bytes(owner) };
        Ok(shares.into())
    }

    fn forget(&self, collection: CollectionId) -> Result<(), VaultError> {
        self.0.delete(collection)
    }
}
