//! What one worker hands to another: both shares, and what the new holder must know of the collection.
//!
//! Layer: vault.
//! Holds: one frozen layout: the ledger's share 32, the owner's 32, then JSON of the catalogue's entry and the head.
//! Never: outside a sealed answer.
//! Invariant: a handover names one collection, one key epoch and the newest durable head of its shard.

use super::Entry;
use prag_client::vault::{Fetched, Shares, VaultError};
use prag_protocol::CollectionId;
use prag_protocol::ledger::CollectionRecord;
use prag_protocol::limits::{HIT_BYTES_MAX, HIT_BYTES_MIN, NAME_BYTES_MAX};
use prag_trust::head::Head;
use prag_trust::key::Share;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the giver says of the collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Its name, owner, lineage, key epoch and vectors.
    pub entry: Entry,
    /// Its newest durable head: a copy of the shard that does not continue it is old, or another.
    pub head: Head,
}

impl Handover {
    /// The secret of an answer.
    ///
    /// # Errors
    /// [`VaultError::Storage`] if the entry does not encode.
    pub fn pack(&self, shares: &Shares) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let text = serde_json::to_vec(self).map_err(|_| VaultError::Storage)?;
        let mut out = Zeroizing::new(Vec::with_capacity(SHARES_BYTES + text.len()));
        out.extend_from_slice(shares.chain.expose());
        out.extend_from_slice(shares.owner.expose());
        out.extend_from_slice(&text);
        Ok(out)
    }

    /// What a peer said of collection `id`, whose record the ledger has.
    ///
    /// # Errors
    /// [`VaultError::Answer`] where it is of another collection or owner, born in an epoch that is yet to come, does not
    /// fit together, or names shards to be removed.
    pub fn parse(
        bytes: &[u8],
        id: CollectionId,
        record: &CollectionRecord,
    ) -> Result<Self, VaultError> {
        let said: Self = serde_json::from_slice(bytes).map_err(|_| VaultError::Answer)?;
        let entry = &said.entry;
        let fits = entry.id == id
            && entry.owner == record.owner
            // Its birth, which rotations leave behind.
            && (1..=record.epoch).contains(&entry.epoch)
            && entry.lineage == said.head.lineage
            && (1..=NAME_BYTES_MAX).contains(&entry.name.len())
            && (HIT_BYTES_MIN..=HIT_BYTES_MAX).contains(&entry.hit_bytes)
            && entry.spare.is_empty();
        if fits { Ok(said) } else { Err(VaultError::Answer) }
    }
}

/// Shares and what stands behind them, of an answer's secret; the ledger's has nothing there.
pub(super) fn unpack(secret: &[u8]) -> Result<Fetched, VaultError> {
    let (chain, rest) = secret.split_first_chunk::<32>().ok_or(VaultError::Answer)?;
    let (owner, rest) = rest.split_first_chunk::<32>().ok_or(VaultError::Answer)?;
    let shares = Shares { chain: Share::from_bytes(chain), owner: Share::from_bytes(owner) };
    Ok(Fetched { shares, handover: Zeroizing::new(rest.to_vec()) })
}

const SHARES_BYTES: usize = 64;
