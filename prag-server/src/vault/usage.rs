//! What metered sessions have used, and which keys have vouched for it.
//!
//! Layer: vault.
//! Holds: a sealed row for each session of a collection; the public keys of this worker's boots, newest last.
//! Never: what a row means; a collection or a session in a row's name: each query rewrites one, and the host looks on.
//! Invariant: the key of a boot is kept, durably, before it signs a voucher.

use super::rows::{Keyed, Rows};
use prag_client::vault::VaultError;
use prag_protocol::CollectionId;
use prag_store::Shard;
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::{Key, Vault};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The rows.
pub struct UsageRows {
    sessions: Rows,
    /// Makes names of rows; as secret as they are.
    blind: Zeroizing<[u8; 32]>,
    boots: Vec<[u8; 32]>,
}

/// A session's row: its collection, its key, and what it has used.
pub type UsageRow = (CollectionId, [u8; 32], Vec<u8>);

impl UsageRows {
    /// The rows in `shard`, and the keys of all boots: `boot` is that of this one.
    ///
    /// # Errors
    /// [`VaultError::Storage`]; [`VaultError::Tampered`] if what is kept fails its check.
    pub fn open(
        key: &Arc<Key<Vault>>,
        shard: &Arc<dyn Shard>,
        entropy: impl Fn() -> Box<dyn Entropy>,
        boot: [u8; 32],
    ) -> Result<Self, VaultError> {
        let rows = |table| Rows::new(table, Arc::clone(key), Arc::clone(shard), entropy());
        let kept = rows(0x17);
        let (blind, mut boots) = match kept.get(NOBODY)? {
            None => (random(entropy().as_mut()).map_err(|_| VaultError::Storage)?, Vec::new()),
            Some(row) => match row.expose().as_chunks::<32>() {
                ([blind, boots @ ..], []) => (*blind, boots.to_vec()),
                _ => return Err(VaultError::Tampered),
            },
        };
        let blind = Zeroizing::new(blind);
        boots.push(boot);
        boots.drain(..boots.len().saturating_sub(BOOTS_MAX));
        kept.put(NOBODY, [&blind[..], boots.as_flattened()].concat())?;
        Ok(Self { sessions: rows(0x16), blind, boots })
    }

    /// Whether `key` is that of a boot of this worker.
    #[must_use]
    pub fn is_own(&self, key: &[u8; 32]) -> bool {
        self.boots.contains(key)
    }

    /// Keep a session's row, durably.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: whether it was kept shows after a restart.
    pub fn keep(
        &self,
        collection: CollectionId,
        session: &[u8; 32],
        row: &[u8],
    ) -> Result<(), VaultError> {
        let row = [&collection.0[..], session, row].concat();
        self.sessions.put_at(NOBODY, &self.name(collection, session), row)
    }

    /// Forget a session.
    ///
    /// # Errors
    /// [`VaultError::Storage`]: call again.
    pub fn forget(&self, collection: CollectionId, session: &[u8; 32]) -> Result<(), VaultError> {
        self.sessions.delete_at(NOBODY, &self.name(collection, session))
    }

    /// A session's row.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if it fails its check.
    pub fn get(
        &self,
        collection: CollectionId,
        session: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let row = self.sessions.get_at(NOBODY, &self.name(collection, session))?;
        let named = [&collection.0[..], session].concat();
        row.map(|row| row.expose().strip_prefix(&named[..]).map(<[u8]>::to_vec))
            .map(|row| row.ok_or(VaultError::Tampered))
            .transpose()
    }

    /// Every session's row.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if one fails its check.
    pub fn all(&self) -> Result<Vec<UsageRow>, VaultError> {
        let rows = self.sessions.all_keyed()?.into_iter();
        let whole = |(_, name, row): Keyed| {
            let (collection, rest) = row.expose().split_first_chunk::<16>()?;
            let (session, row) = rest.split_first_chunk::<32>()?;
            let collection = CollectionId(*collection);
            let named = name == self.name(collection, session);
            named.then(|| (collection, *session, row.to_vec()))
        };
        rows.map(|row| whole(row).ok_or(VaultError::Tampered)).collect()
    }

    fn name(&self, collection: CollectionId, session: &[u8; 32]) -> [u8; 32] {
        *blake3::keyed_hash(&self.blind, &[&collection.0[..], session].concat()).as_bytes()
    }
}

/// As the host sees them, rows are of no collection.
const NOBODY: CollectionId = CollectionId([0; 16]);
/// Boots whose vouchers are known again.
const BOOTS_MAX: usize = 1024;
