//! Sealed rows, keyed by collection.
//!
//! Layer: vault.
//! Holds: seal, open and list of one table.
//! Never: knows what a row means.
//! Invariant: a row opens only in its own table and under its own collection.

use prag_client::vault::VaultError;
use prag_protocol::place::{Kind, Place};
use prag_protocol::{CollectionId, Lineage};
use prag_store::{Batch, KeyRange, Shard};
use prag_trust::entropy::Entropy;
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
        let mut nonce = [0; 12];
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        entropy.fill(&mut nonce).map_err(|_| VaultError::Storage)?;
        let sealed = Plain::<VaultEntry>::new(plain)
            .seal(&self.key, self.place(id), nonce)
            .map_err(|_| VaultError::Storage)?;
        let mut write = Batch::new();
        write.put(self.row(id), sealed.into_bytes()).map_err(|_| VaultError::Storage)?;
        self.commit(write)
    }

    pub(super) fn get(&self, id: CollectionId) -> Result<Option<Plain<VaultEntry>>, VaultError> {
        let row = self.shard.get_many(&[&self.row(id)]).map_err(|_| VaultError::Storage)?;
        row.into_iter().flatten().next().map(|bytes| self.open(id, bytes)).transpose()
    }

    pub(super) fn delete(&self, id: CollectionId) -> Result<(), VaultError> {
        let mut write = Batch::new();
        write.delete(self.row(id)).map_err(|_| VaultError::Storage)?;
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
                let id = key.get(1..).and_then(|id| <[u8; 16]>::try_from(id).ok());
                let id = CollectionId(id.ok_or(VaultError::Tampered)?);
                out.push((id, self.open(id, value)?));
            }
        }
    }

    fn open(&self, id: CollectionId, bytes: Vec<u8>) -> Result<Plain<VaultEntry>, VaultError> {
        Sealed::<VaultEntry>::from_bytes(bytes)
            .open(&self.key, self.place(id))
            .map_err(|_| VaultError::Tampered)
    }

    fn commit(&self, write: Batch) -> Result<(), VaultError> {
        let durable = self.shard.commit(write).and_then(|seq| self.shard.durable(seq));
        durable.map_err(|_| VaultError::Storage)
    }

    fn place(&self, collection: CollectionId) -> Place {
        let mut id = [0; 16];
        id[0] = self.table;
        let lineage = Lineage([0; 16]);
        Place { collection, lineage, kind: Kind::VaultEntry, id, seq: 0, epoch: 1 }
    }

    fn row(&self, id: CollectionId) -> Vec<u8> {
        [&[self.table], &id.0[..]].concat()
    }
}
