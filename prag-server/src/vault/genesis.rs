//! What is chosen once, at the birth of a data directory.
//!
//! Layer: vault.
//! Holds: the embedded ledger's genesis and the worker's account.
//! Never: changes.
//! Invariant: lost with the directory; another directory is another ledger.

use super::rows::Rows;
use prag_client::vault::VaultError;
use prag_protocol::{Address, CollectionId};
use prag_store::Shard;
use prag_trust::address::WalletKey;
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::{Key, Vault};
use std::sync::Arc;

/// The choices.
pub struct Genesis {
    /// Fixes the embedded ledger's id.
    pub ledger: [u8; 32],
    /// The worker's account on the ledger.
    pub account: Address,
    /// Its key: on a chain it signs and pays for what the worker sends.
    pub wallet: WalletKey,
}

impl Genesis {
    /// Read the choices, or make them.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if they are there and fail their check: the sealing key may be another one.
    pub fn load_or_make(
        key: Arc<Key<Vault>>,
        shard: Arc<dyn Shard>,
        mut entropy: Box<dyn Entropy>,
    ) -> Result<Self, VaultError> {
        let fresh: [u8; 32] = random(entropy.as_mut()).map_err(|_| VaultError::Storage)?;
        let wallet = WalletKey::random(entropy.as_mut()).map_err(|_| VaultError::Storage)?;
        let rows = Rows::new(0x14, key, shard, entropy);
        if let Some(plain) = rows.get(HERE)? {
            return parse(plain.expose());
        }
        rows.put(HERE, [&fresh[..], &wallet.expose()[..]].concat())?;
        Ok(Self { ledger: fresh, account: wallet.address(), wallet })
    }
}

fn parse(bytes: &[u8]) -> Result<Genesis, VaultError> {
    let (ledger, secret) = bytes.split_first_chunk::<32>().ok_or(VaultError::Tampered)?;
    let secret = <&[u8; 32]>::try_from(secret).map_err(|_| VaultError::Tampered)?;
    let wallet = WalletKey::from_bytes(secret).map_err(|_| VaultError::Tampered)?;
    Ok(Genesis { ledger: *ledger, account: wallet.address(), wallet })
}

const HERE: CollectionId = CollectionId([0; 16]);
