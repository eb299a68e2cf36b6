//! The two shares of a collection's key, and the key that they make.
//!
//! Layer: inside `key`.
//! Holds: shares in wiped heap memory, and HKDF-SHA256 over both.
//! Never: a key from one share alone; a share printed, cloned, serialized or compared.
//! Invariant: shares are fresh for every (collection, epoch), so destroying them shreds the epoch.
//!
//! Source: RFC 5869.

use super::{Kek, Key, length_prefixed};
use crate::entropy::{Entropy, EntropyError};
use hkdf::Hkdf;
use prag_protocol::{CollectionId, Epoch};
use sha2::Sha256;
use zeroize::Zeroize;

/// One half of a collection's key in one epoch: 32 secret bytes, wiped on drop.
///
/// ```compile_fail,E0277
/// fn show(share: &prag_seal::key::Share) -> String { format!("{share:?}") }
/// ```
/// ```
/// fn read(share: &prag_seal::key::Share) -> usize { share.expose().len() }
/// ```
pub struct Share(Box<[u8; 32]>);

impl Share {
    /// A fresh share.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails; no share is made.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut share = Self(Box::new([0; 32]));
        entropy.fill(&mut share.0[..])?;
        Ok(share)
    }

    /// The share of these bytes. The caller wipes `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut share = Self(Box::new([0; 32]));
        share.0.copy_from_slice(bytes);
        share
    }

    /// The secret bytes, to be sealed or released and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The key of (collection, epoch), from its two shares. Deterministic.
///
/// Check it with [`Key::opens`] against the ledger's commitment before use.
#[must_use]
pub fn derive_kek(
    chain: &Share,
    owner: &Share,
    collection: CollectionId,
    epoch: Epoch,
) -> Key<Kek> {
    let ikm = length_prefixed(&[chain.expose(), owner.expose()]);
    let info = length_prefixed(&[&collection.0, &epoch.to_be_bytes()]);
    Key::filled(|out| {
        Hkdf::<Sha256>::new(Some(b"prag/kek/v1"), &ikm)
            .expand(&info, out)
            .expect("32 bytes are within HKDF's 255 blocks of 32");
    })
}
