//! What was anchored: the heads behind a root on the ledger.
//!
//! Layer: vault.
//! Holds: one sealed row for each root that the ledger has, or may have after a crash.
//! Never: heads that were not durable when they were taken.
//! Invariant: a root's heads are kept, durably, before the ledger hears of the root.

use super::rows::Rows;
use prag_client::vault::VaultError;
use prag_protocol::{CollectionId, Lineage};
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::head::Head;
use prag_trust::key::{Key, Vault};
use prag_trust::merkle::MerkleLog;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Heads of all shards at one moment, blinded for the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchored {
    /// Random for each anchor: equal heads give other roots.
    blind: [u8; 32],
    /// In the order of their lineages.
    heads: Vec<Head>,
}

impl Anchored {
    /// One head for each lineage.
    #[must_use]
    pub fn new(blind: [u8; 32], heads: BTreeMap<Lineage, Head>) -> Self {
        Self { blind, heads: heads.into_values().collect() }
    }

    /// All heads.
    #[must_use]
    pub fn heads(&self) -> BTreeMap<Lineage, Head> {
        self.heads.iter().map(|head| (head.lineage, *head)).collect()
    }

    /// The head of one shard, if it was there.
    #[must_use]
    pub fn of(&self, lineage: Lineage) -> Option<&Head> {
        self.heads.iter().find(|head| head.lineage == lineage)
    }

    /// The root for the ledger: RFC 9162's over the blinded heads (BLAKE3 keyed by the blind, over [`Head::to_bytes`]).
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut log = MerkleLog::new();
        for head in &self.heads {
            log.append(blake3::keyed_hash(&self.blind, &head.to_bytes()).as_bytes());
        }
        log.root()
    }
}

/// The rows.
pub struct Anchors(Rows);

impl Anchors {
    /// The anchors in `shard`.
    #[must_use]
    pub fn new(key: Arc<Key<Vault>>, shard: Arc<dyn Shard>, entropy: Box<dyn Entropy>) -> Self {
        Self(Rows::new(0x15, key, shard, entropy))
    }

    /// Keep what is about to be anchored, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: nothing was kept, do not anchor.
    pub fn keep(&self, anchored: &Anchored) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(anchored).map_err(|_| VaultError::Storage)?;
        self.0.put(row(&anchored.root()), bytes)
    }

    /// What stands behind a root.
    ///
    /// # Errors
    /// [`VaultError::Missing`] if nothing is kept for it; [`VaultError::Tampered`] if what is kept has another root.
    pub fn fetch(&self, root: &[u8; 32]) -> Result<Anchored, VaultError> {
        let plain = self.0.get(row(root))?.ok_or(VaultError::Missing)?;
        let anchored: Anchored =
            serde_json::from_slice(plain.expose()).map_err(|_| VaultError::Tampered)?;
        if anchored.root() == *root { Ok(anchored) } else { Err(VaultError::Tampered) }
    }

    /// Forget every root but this one.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn keep_only(&self, root: &[u8; 32]) -> Result<(), VaultError> {
        for (id, _) in self.0.all()? {
            if id != row(root) {
                self.0.delete(id)?;
            }
        }
        Ok(())
    }
}

/// Rows are keyed by 16 bytes; roots are hashes, so half of one is name enough.
fn row(root: &[u8; 32]) -> CollectionId {
    let mut id = [0; 16];
    id.copy_from_slice(&root[..16]);
    CollectionId(id)
}
