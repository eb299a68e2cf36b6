//! Envelopes: bytes that the holder of one X25519 key opens, and nobody else.
//!
//! Layer: `prag-seal`, above `entropy`; `trust` puts released shares and readers' replies in them.
//! Holds: HPKE in base mode, and the private key that opens.
//! Never: a sender: HPKE alone has none, so whoever uses this signs what it sealed.
//! Invariant: an envelope opens only with the key, the domain and the associated data that it was sealed with.
//!
//! Source: RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

mod chance;

use crate::entropy::{Entropy, EntropyError};
use chance::Chance;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

/// What was sealed: HPKE's encapsulated key, and the ciphertext with its tag.
pub type Sealed = ([u8; 32], Vec<u8>);

/// An X25519 key that opens envelopes; wiped on drop.
pub struct Opener {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: [u8; 32],
}

impl Opener {
    /// A fresh key.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(seed.as_mut())?;
        let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_ref());
        Ok(Self { private, public: public.to_bytes().into() })
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// What was sealed to this key with the same `info` and `data`.
    #[must_use]
    pub fn open(
        &self,
        encapsulated: &[u8; 32],
        ciphertext: &[u8],
        info: &[u8],
        data: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let (mode, private) = (OpModeR::Base, &self.private);
        hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &mode, private, &key, info, ciphertext, data,
        )
        .ok()
        .map(Zeroizing::new)
    }
}

/// Seal `plain` to `recipient`, bound to `info` and `data`; `None` if that is no X25519 key.
///
/// # Errors
/// [`EntropyError`] if the source fails.
pub fn seal(
    plain: &[u8],
    recipient: &[u8; 32],
    info: &[u8],
    data: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Option<Sealed>, EntropyError> {
    let Ok(recipient) = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(recipient) else {
        return Ok(None);
    };
    let mut chance = Chance::new(entropy);
    let sealed = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        info,
        plain,
        data,
        &mut chance,
    );
    // First of all: without chance the envelope is sealed under a key that others can guess.
    chance.finish()?;
    Ok(sealed.ok().map(|(encapsulated, ciphertext)| (encapsulated.to_bytes().into(), ciphertext)))
}

#[cfg(test)]
mod tests;
