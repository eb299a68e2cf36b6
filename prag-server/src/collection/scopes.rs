//! What grantees are narrowed to, where the ledger only carries it sealed.
//!
//! Layer: collection, above `keys`.
//! Holds: sealing a scope for the ledger, and opening what the ledger has.
//! Never: a scope under a key of another key epoch than the one in which it is made.
//! Invariant: the key that seals a scope is on disk, wrapped, before anybody hears of the scope. It is made with the
//! first scope of an epoch and stays for as long as the shard does: the ledger's text cannot be sealed anew without its
//! owner's word. So who had the keys of earlier epochs reads the scopes of those, and none that were made since.

use super::CollectionError;
use super::keys::Keys;
use super::shard::CollectionShard;
use prag_protocol::{Address, Epoch};
use prag_store::Batch;
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Scope};
use prag_trust::scope::{OpenedScope, ScopeError, ScopeTerms, SealedScope};
use std::sync::Arc;

/// What seals the scopes of grants that are made in one key epoch.
#[derive(Clone)]
pub struct ScopeKey {
    /// That epoch.
    pub birth: Epoch,
    /// The key.
    pub key: Arc<Key<Scope>>,
}

/// Id of the key for scopes that was born in `epoch`: twelve bytes `fe`, then the epoch.
pub(super) fn scope_key_id(epoch: Epoch) -> [u8; 16] {
    let [a, b, c, d] = epoch.to_be_bytes();
    let mut id = [0xfe; 16];
    id[12..].copy_from_slice(&[a, b, c, d]);
    id
}

/// Whether this is the id of a key for scopes. A random id is one once in 2^96 draws, and is drawn again.
pub(super) fn is_scope_key(id: [u8; 16]) -> bool {
    id.starts_with(&[0xfe; 12])
}

impl Keys {
    /// The key for scopes that was born in `epoch`, if any was sealed then.
    fn scope_key(&self, epoch: Epoch) -> Option<&ScopeKey> {
        self.scopes.iter().find(|one| one.birth == epoch)
    }
}

impl CollectionShard {
    /// A scope for the ledger, under the key of the current epoch; the same for the same terms. Blocks on the disk where
    /// it is the first one of the epoch.
    ///
    /// # Errors
    /// As of any write. [`ScopeError`] for a scope that is too long.
    pub fn seal_scope(
        &self,
        terms: &ScopeTerms<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Result<String, ScopeError>, CollectionError> {
        let key = self.scope_key(entropy)?;
        Ok(terms.seal(&key.key, self.lineage(), key.birth))
    }

    /// What `grantee` is narrowed to by a text of the ledger.
    ///
    /// # Errors
    /// [`ScopeError`]; one that was sealed under a key that this shard has not, does not open.
    pub fn open_scope(&self, text: &str, grantee: &Address) -> Result<OpenedScope, ScopeError> {
        let sealed = SealedScope::parse(text)?;
        let keys = self.keys();
        let key = keys.scope_key(sealed.epoch()).ok_or(ScopeError::Open)?;
        sealed.open(&key.key, keys.lineage, keys.collection, grantee)
    }

    /// Make sure that the key for scopes of the current epoch is there.
    ///
    /// # Errors
    /// As of any write.
    pub fn scope_key(&self, entropy: &mut dyn Entropy) -> Result<ScopeKey, CollectionError> {
        let mut writer = self.writer();
        let keys: &Keys = &self.keys();
        if let Some(known) = keys.scope_key(keys.epoch()) {
            return Ok(known.clone());
        }
        let birth = keys.epoch();
        let fresh = ScopeKey { birth, key: Arc::new(Key::<Scope>::random(entropy)?) };
        let mut write = Batch::new();
        keys.wrap(scope_key_id(birth), birth, &fresh.key, &mut write, entropy)?;
        self.commit(&mut writer, write)?;
        let mut keys = keys.clone();
        keys.scopes.push(fresh.clone());
        self.change_keys(keys);
        Ok(fresh)
    }
}
