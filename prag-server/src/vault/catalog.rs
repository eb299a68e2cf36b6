//! Which collections this worker serves, and where their shards lie.
//!
//! Layer: vault.
//! Holds: one sealed entry per collection.
//! Never: shares.
//! Invariant: an entry is written before its shard is created, and removed after the shard is gone.

use super::rows::Rows;
use prag_client::vault::VaultError;
use prag_protocol::limits::HIT_BYTES_MAX;
use prag_protocol::wire::collections::{Precision, Residency, Search, VectorSource};
use prag_protocol::{Address, CollectionId, Epoch, Lineage};
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::head::Head;
use prag_trust::key::{Key, Vault};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A collection as the catalogue knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The collection.
    pub id: CollectionId,
    /// The owner's name for it.
    pub name: String,
    /// The owner.
    pub owner: Address,
    /// Where its data lies.
    pub lineage: Lineage,
    /// The key epoch at its birth; the ledger says which one is current.
    pub epoch: Epoch,
    /// Where its vectors come from.
    pub vectors: VectorSource,
    /// Unix seconds.
    pub created: u64,
    /// True once the shard was created whole.
    pub ready: bool,
    /// True where the owner lets the ledger keep the owner's share too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub managed: bool,
    /// Class of its longest passage (`room`); the widest where nobody has counted.
    #[serde(default = "widest", skip_serializing_if = "is_widest")]
    pub hit_bytes: u32,
    /// The language of its terms; English if absent. The shard's own profile decides, once it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How it is searched.
    #[serde(default, skip_serializing_if = "Search::is_standard")]
    pub search: Search,
    /// Where its texts lie.
    #[serde(default, skip_serializing_if = "Residency::is_memory")]
    pub residency: Residency,
    /// What is kept of each component of its vectors.
    #[serde(default, skip_serializing_if = "Precision::is_f16")]
    pub precision: Precision,
    /// What a restoration from a snapshot changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// Shards that are not yet, or no more, the collection's: the next opening removes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spare: Vec<[u8; 16]>,
}

/// A shard that was restored.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// Name of its folder, in place of the lineage.
    pub shard: [u8; 16],
    /// Its writer epoch: one more than the writer's before.
    pub writer_epoch: u64,
    /// What was restored: the shard must continue it.
    pub head: Head,
}

impl Entry {
    /// Name of the shard that holds its data here.
    #[must_use]
    pub fn shard(&self) -> [u8; 16] {
        self.restored.map_or(self.lineage.0, |restored| restored.shard)
    }

    /// Writer epoch of that shard.
    #[must_use]
    pub fn writer_epoch(&self) -> u64 {
        self.restored.map_or(FIRST_WRITER, |restored| restored.writer_epoch)
    }
}

/// Who made a collection writes it first, without a claim on the ledger.
pub const FIRST_WRITER: u64 = 1;

/// The catalogue.
pub struct Catalog(Rows);

impl Catalog {
    /// The catalogue in `shard`.
    #[must_use]
    pub fn new(key: Arc<Key<Vault>>, shard: Arc<dyn Shard>, entropy: Box<dyn Entropy>) -> Self {
        Self(Rows::new(0x11, key, shard, entropy))
    }

    /// Keep an entry, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: nothing was kept.
    pub fn keep(&self, entry: &Entry) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(entry).map_err(|_| VaultError::Storage)?;
        self.0.put(entry.id, bytes)
    }

    /// Remove an entry; no copy is left.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, id: CollectionId) -> Result<(), VaultError> {
        self.0.shred(id)
    }

    /// Every entry.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if one fails its check.
    pub fn all(&self) -> Result<Vec<Entry>, VaultError> {
        let parse = |(id, plain): (CollectionId, _)| parse(id, &plain);
        self.0.all()?.into_iter().map(parse).collect()
    }
}

fn widest() -> u32 {
    HIT_BYTES_MAX
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes fields so
fn is_widest(hit_bytes: &u32) -> bool {
    *hit_bytes == HIT_BYTES_MAX
}

fn parse(
    id: CollectionId,
    plain: &prag_trust::seal::Plain<prag_trust::seal::VaultEntry>,
) -> Result<Entry, VaultError> {
    let entry: Entry = serde_json::from_slice(plain.expose()).map_err(|_| VaultError::Tampered)?;
    if entry.id == id { Ok(entry) } else { Err(VaultError::Tampered) }
}
