//! How far this worker has followed a chain.
//!
//! Layer: vault.
//! Holds: a sealed row with the newest header that was verified, and of which chain it is.
//! Never: a header that only a node told of.
//! Invariant: an older row that the host puts back costs blocks to verify, or is past the trusting period by the worker's
//! clock and refused. At boot that clock is the host's: who sets it back too can show a fork by validators of then.

use super::rows::Rows;
use prag_client::vault::VaultError;
use prag_protocol::CollectionId;
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Vault};
use std::sync::Arc;

/// The row of one chain: another chain's is none.
pub struct ChainHeader {
    rows: Rows,
    chain: [u8; 32],
}

impl ChainHeader {
    /// The row in `shard` about the chain called `chain_id`.
    #[must_use]
    pub fn new(
        key: Arc<Key<Vault>>,
        shard: Arc<dyn Shard>,
        entropy: Box<dyn Entropy>,
        chain_id: &str,
    ) -> Self {
        let chain = blake3::derive_key("prag 2026 followed chain v1", chain_id.as_bytes());
        Self { rows: Rows::new(0x19, key, shard, entropy), chain }
    }

    /// Height and hash of the newest header that was kept.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if the row fails its check.
    pub fn fetch(&self) -> Result<Option<(u64, [u8; 32])>, VaultError> {
        let Some(row) = self.rows.get(HERE)? else { return Ok(None) };
        let parts = row.expose().split_first_chunk::<32>();
        let (chain, rest) = parts.ok_or(VaultError::Tampered)?;
        if *chain != self.chain {
            return Ok(None);
        }
        let (height, hash) = rest.split_first_chunk::<8>().ok_or(VaultError::Tampered)?;
        let hash = hash.try_into().map_err(|_| VaultError::Tampered)?;
        Ok(Some((u64::from_be_bytes(*height), hash)))
    }

    /// Keep a verified header, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: the row before stays.
    pub fn keep(&self, height: u64, hash: &[u8; 32]) -> Result<(), VaultError> {
        self.rows.put(HERE, [&self.chain[..], &height.to_be_bytes(), hash].concat())
    }
}

const HERE: CollectionId = CollectionId([0; 16]);
