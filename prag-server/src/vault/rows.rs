//! Sealed rows, keyed by collection, and by a key of its own where a collection has many.
//!
//! Layer: vault.
//! Holds: seal, open and list of one table.
//! Never: knows what a row means.
//! Invariant: a row opens only in its own table, under its own collection and its own key.

use prag_client::vault::VaultError;
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Lineage};
use prag_store::{Batch, KeyRange, Shard};
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::{Key, Vault};
use prag_trust::seal::{Plain, Sealed, VaultEntry};
use std::sync::{Arc, Mutex, PoisonError};

/// One table of sealed rows.
pub(super) struct Rows {
    table: u8,
    key: Arc<Key<Vault>>,
    shard: Arc<dyn Shard>,
    entropy: Mutex<Box<dyn Entropy>>,
}

impl Rows {
    pub(super) fn new(
        table: u8,
        key: Arc<Key<Vault>>,
        shard: Arc<dyn Shard>,
        entropy: Box<dyn Entropy>,
    ) -> Self {
        Self { table, key, shard, entropy: Mutex::new(entropy) }
    }

    pub(super) fn put(&self, id: CollectionId, plain: Vec<u8>) -> Result<(), VaultError> {
        self.put_at(id, &[], plain)
    }

    /// As [`Rows::put`]: one of the collection's rows, by its key.
    pub(super) fn put_at(
        &self,
        id: CollectionId,
        key: &[u8],
        plain: Vec<u8>,
    ) -> Result<(), VaultError> {
        let nonce = {
            let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
            random(entropy.as_mut()).map_err(|_| VaultError::Storage)?
        };
        let sealed = Plain::<VaultEntry>::new(plain)
            .seal(&self.key, self.place(id, key), nonce)
            .map_err(|_| VaultError::Storage)?;
        let mut write = Batch::new();
        write.put(self.row(id, key), sealed.into_bytes()).map_err(|_| VaultError::Storage)?;
        self.commit(write)
    }

    pub(super) fn get(&self, id: CollectionId) -> Result<Option<Plain<VaultEntry>>, VaultError> {
        self.get_at(id, &[])
    }

    pub(super) fn get_at(
        &self,
        id: CollectionId,
        key: &[u8],
    ) -> Result<Option<Plain<VaultEntry>>, VaultError> {
        let row = self.shard.get_many(&[&self.row(id, key)]).map_err(|_| VaultError::Storage)?;
        row.into_iter().flatten().next().map(|bytes| self.open(id, key, bytes)).transpose()
    }

    pub(super) fn delete(&self, id: CollectionId) -> Result<(), VaultError> {
        self.delete_at(id, &[])
    }

    pub(super) fn delete_at(&self, id: CollectionId, key: &[u8]) -> Result<(), VaultError> {
        let mut write = Batch::new();
        write.delete(self.row(id, key)).map_err(|_| VaultError::Storage)?;
        self.commit(write)
    }

    /// Delete, and leave no copy in the store's files.
    pub(super) fn shred(&self, id: CollectionId) -> Result<(), VaultError> {
        self.delete(id)?;
        self.shard.expunge().map_err(|_| VaultError::Storage)
    }

    /// Replace, and leave no copy of what was there.
    pub(super) fn shred_to(&self, id: CollectionId, plain: Vec<u8>) -> Result<(), VaultError> {
        self.put(id, plain)?;
        self.shard.expunge().map_err(|_| VaultError::Storage)
    }

    pub(super) fn all(&self) -> Result<Vec<(CollectionId, Plain<VaultEntry>)>, VaultError> {
        let rows = self.all_keyed()?.into_iter();
        // A row with a key has no place in a table without.
        rows.map(|(id, key, row)| key.is_empty().then_some((id, row)).ok_or(VaultError::Tampered))
            .collect()
    }

    /// Every row, with its key.
    pub(super) fn all_keyed(&self) -> Result<Vec<Keyed>, VaultError> {
        let range = KeyRange::prefix(&[self.table]);
        let mut out = Vec::new();
        let mut after = None;
        loop {
            let page = self.shard.scan(&range, after.as_deref(), 512);
            let page = page.map_err(|_| VaultError::Storage)?;
            let Some((last, _)) = page.rows.last() else {
                return Ok(out);
            };
            after = Some(last.clone());
            for (key, value) in page.rows {
                let (id, key) = key
                    .get(1..)
                    .and_then(|rest| rest.split_first_chunk::<16>())
                    .ok_or(VaultError::Tampered)?;
                let id = CollectionId(*id);
                out.push((id, key.to_vec(), self.open(id, key, value)?));
            }
        }
    }

    fn open(
        &self,
        id: CollectionId,
        key: &[u8],
        bytes: Vec<u8>,
    ) -> Result<Plain<VaultEntry>, VaultError> {
        Sealed::<VaultEntry>::from_bytes(bytes)
            .open(&self.key, self.place(id, key))
            .map_err(|_| VaultError::Tampered)
    }

    fn commit(&self, write: Batch) -> Result<(), VaultError> {
        let durable = self.shard.commit(write).and_then(|seq| self.shard.durable(seq));
        durable.map_err(|_| VaultError::Storage)
    }

    fn place(&self, collection: CollectionId, key: &[u8]) -> Place {
        let mut id = [0; 16];
        id[0] = self.table;
        if !key.is_empty() {
            id[1..].copy_from_slice(&blake3::hash(key).as_bytes()[..15]);
        }
        let lineage = Lineage([0; 16]);
        Place { collection, lineage, kind: Kind::VaultEntry, id, seq: 0, epoch: 1 }
    }

    fn row(&self, id: CollectionId, key: &[u8]) -> Vec<u8> {
        [&[self.table], &id.0[..], key].concat()
    }
}

/// A row under its collection and key.
pub(super) type Keyed = (CollectionId, Vec<u8>, Plain<VaultEntry>);
