//! Vault kind `local`: shares sealed beside the data.
//!
//! Layer: vault.
//! Holds: the shares of the current epoch of each collection, and of the next while a rotation is under way.
//! Never: opens by itself; `flow` asks only after a fresh ledger view says that the epoch is alive.
//! Invariant: one row per collection, with one entry for each epoch: the epoch (u32, big-endian), then its shares. What
//! is forgotten is in no file of the store any more.

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
        keep(&self.0, id, epoch, &[share])
    }

    /// The share of one epoch.
    ///
    /// # Errors
    /// [`VaultError::Missing`] for another epoch too.
    pub fn fetch(&self, id: CollectionId, epoch: Epoch) -> Result<Share, VaultError> {
        let [share] = fetch(&self.0, id, epoch)?;
        Ok(share)
    }

    /// Forget the shares of every epoch before `current`.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn retire(&self, id: CollectionId, current: Epoch) -> Result<(), VaultError> {
        retire::<1>(&self.0, id, current)
    }

    /// Forget a collection's shares.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, id: CollectionId) -> Result<(), VaultError> {
        self.0.shred(id)
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
        keep(&self.0, collection, epoch, &[&shares.chain, &shares.owner])
    }

    async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, VaultError> {
        let [chain, owner] = fetch(&self.0, wanted.collection, wanted.epoch)?;
        Ok(Shares { chain, owner }.into())
    }

    fn retire(&self, collection: CollectionId, current: Epoch) -> Result<(), VaultError> {
        retire::<2>(&self.0, collection, current)
    }

    fn holds(&self, collection: CollectionId) -> Result<bool, VaultError> {
        Ok(self.0.get(collection)?.is_some())
    }

    fn forget(&self, collection: CollectionId) -> Result<(), VaultError> {
        self.0.shred(collection)
    }
}

/// Keep the shares of an epoch beside those of others.
fn keep<const N: usize>(
    rows: &Rows,
    id: CollectionId,
    epoch: Epoch,
    shares: &[&Share; N],
) -> Result<(), VaultError> {
    let kept = rows.get(id)?;
    let most = kept.as_ref().map_or(0, |kept| kept.expose().len()) + entry_bytes(N);
    // Room for all of it: a vector that grows leaves shares behind in memory that nobody wipes.
    let mut row = Vec::with_capacity(most);
    if let Some(kept) = &kept {
        let others = entries::<N>(kept.expose())?.filter(|(other, _)| *other != epoch);
        others.for_each(|(other, bytes)| push(&mut row, other, bytes));
    }
    row.extend_from_slice(&epoch.to_be_bytes());
    shares.iter().for_each(|share| row.extend_from_slice(share.expose()));
    rows.put(id, row)
}

fn fetch<const N: usize>(
    rows: &Rows,
    id: CollectionId,
    epoch: Epoch,
) -> Result<[Share; N], VaultError> {
    let kept = rows.get(id)?.ok_or(VaultError::Missing)?;
    let (_, bytes) =
        entries::<N>(kept.expose())?.find(|(kept, _)| *kept == epoch).ok_or(VaultError::Missing)?;
    let shares: Vec<Share> = bytes.as_chunks::<32>().0.iter().map(Share::from_bytes).collect();
    shares.try_into().map_err(|_| VaultError::Tampered)
}

fn retire<const N: usize>(rows: &Rows, id: CollectionId, current: Epoch) -> Result<(), VaultError> {
    let Some(kept) = rows.get(id)? else { return Ok(()) };
    if entries::<N>(kept.expose())?.all(|(epoch, _)| epoch >= current) {
        return Ok(());
    }
    let mut row = Vec::with_capacity(kept.expose().len());
    let stay = entries::<N>(kept.expose())?.filter(|(epoch, _)| *epoch >= current);
    stay.for_each(|(epoch, bytes)| push(&mut row, epoch, bytes));
    if row.is_empty() { rows.shred(id) } else { rows.shred_to(id, row) }
}

/// The entries of a row: each an epoch and the bytes of N shares.
fn entries<const N: usize>(row: &[u8]) -> Result<impl Iterator<Item = (Epoch, &[u8])>, VaultError> {
    let length = entry_bytes(N);
    if row.is_empty() || !row.len().is_multiple_of(length) {
        return Err(VaultError::Tampered);
    }
    Ok(row.chunks(length).filter_map(|entry| {
        let (epoch, shares) = entry.split_first_chunk::<4>()?;
        Some((Epoch::from_be_bytes(*epoch), shares))
    }))
}

/// Length of an epoch and so many shares.
const fn entry_bytes(shares: usize) -> usize {
    4 + 32 * shares
}

fn push(row: &mut Vec<u8>, epoch: Epoch, shares: &[u8]) {
    row.extend_from_slice(&epoch.to_be_bytes());
    row.extend_from_slice(shares);
}
