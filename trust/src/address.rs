//! Who signs: wallets, session keys, and the addresses that wallets have.
//!
//! Layer: `trust`, above `entropy`.
//! Holds: secp256k1 wallet keys and Ed25519 session keys in memory that is wiped on drop.
//! Never: mnemonics, key files, or a signature over bytes that another module did not lay out.
//! Invariant: an address that is made here has a point of the curve behind it.
//!
//! Source: address = bech32("secret", RIPEMD-160(SHA-256(compressed public key))), as the Cosmos SDK does.

use crate::entropy::{Entropy, EntropyError};
use bech32::{Bech32, Hrp};
use k256::ecdsa::signature::Signer;
use prag_protocol::Address;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Why a key or an address is refused. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a compressed point of secp256k1.
    #[error("public key is not a compressed secp256k1 point")]
    PublicKey,
    /// Zero, or not below the order of secp256k1.
    #[error("wallet key is not a secp256k1 scalar")]
    WalletKey,
    /// Wrong prefix, length or checksum.
    #[error("address is not bech32 text of this network")]
    Text,
    /// The entropy source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// The address of a compressed secp256k1 public key.
///
/// # Errors
/// [`AddressError::PublicKey`] unless the 33 bytes are a point.
pub fn address_of(public_key: &[u8; 33]) -> Result<Address, AddressError> {
    k256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).map_err(|_| AddressError::PublicKey)?;
    Ok(encode(public_key))
}

/// Check an address's prefix, length and checksum.
///
/// # Errors
/// [`AddressError::Text`].
pub fn check_address(address: &Address) -> Result<(), AddressError> {
    let parsed = bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(address.as_str())
        .map_err(|_| AddressError::Text)?;
    // Contracts have 32 bytes, accounts 20.
    let bytes = parsed.byte_iter().len();
    if parsed.hrp().as_str() == PREFIX && matches!(bytes, 20 | 32) {
        Ok(())
    } else {
        Err(AddressError::Text)
    }
}

/// An owner's or reader's account key (secp256k1). Wiped on drop.
///
/// ```compile_fail,E0277
/// fn needs<T: std::fmt::Debug>() {}
/// needs::<prag_trust::address::WalletKey>();
/// ```
///
/// ```compile_fail,E0277
/// fn needs<T: Clone>() {}
/// needs::<prag_trust::address::WalletKey>();
/// ```
///
/// ```
/// let key = prag_trust::address::WalletKey::from_bytes(&[7; 32]).expect("a scalar");
/// assert!(key.address().as_str().starts_with("secret1"));
/// ```
pub struct WalletKey(k256::ecdsa::SigningKey);

impl WalletKey {
    /// The key whose scalar is these 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`AddressError::WalletKey`] if they are zero or not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, AddressError> {
        k256::ecdsa::SigningKey::from_slice(bytes).map(Self).map_err(|_| AddressError::WalletKey)
    }

    /// A fresh key.
    ///
    /// # Errors
    /// [`AddressError::Entropy`]; [`AddressError::WalletKey`] once in 2^127 draws.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, AddressError> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        entropy.fill(bytes.as_mut())?;
        Self::from_bytes(&bytes)
    }

    /// The secret bytes, for a key file of the owner's own.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The compressed public key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_encoded_point(true);
        point.as_bytes().try_into().expect("a compressed point has 33 bytes")
    }

    /// The account's address.
    #[must_use]
    pub fn address(&self) -> Address {
        encode(&self.public_key())
    }

    /// Signs a transaction: `document` is its whole amino JSON, as chains of the Cosmos SDK take it.
    #[must_use]
    pub fn sign_transaction(&self, document: &str) -> [u8; 64] {
        self.sign(document.as_bytes())
    }

    /// ECDSA over SHA-256 of `message`: deterministic (RFC 6979), low S, 64 bytes r ‖ s.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: k256::ecdsa::Signature = self.0.sign(message);
        signature.normalize_s().unwrap_or(signature).to_bytes().into()
    }
}

/// What a permit delegates to (Ed25519): it signs requests and key releases. Wiped on drop.
///
/// ```compile_fail,E0277
/// fn needs<T: serde::Serialize>() {}
/// needs::<prag_trust::address::SessionKey>();
/// ```
///
/// ```compile_fail,E0277
/// fn needs<T: PartialEq>() {}
/// needs::<prag_trust::address::SessionKey>();
/// ```
///
/// ```
/// let key = prag_trust::address::SessionKey::from_bytes(&[7; 32]);
/// assert_eq!(key.public_key().len(), 32);
/// ```
pub struct SessionKey(ed25519_dalek::SigningKey);

impl SessionKey {
    /// The key of this seed.
    #[must_use]
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// A fresh key.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(seed.as_mut())?;
        Ok(Self::from_bytes(&seed))
    }

    /// The seed, for a key file of the owner's own.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public key, as permits name it.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.0.sign(message).to_bytes()
    }
}

/// Ed25519, strictly: canonical encodings only, no key or commitment of small order.
pub(crate) fn ed25519_holds(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    ed25519_dalek::VerifyingKey::from_bytes(public_key)
        .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

fn encode(public_key: &[u8; 33]) -> Address {
    let account = Ripemd160::digest(Sha256::digest(public_key));
    let prefix = Hrp::parse(PREFIX).expect("the prefix is a valid human-readable part");
    let text = bech32::encode::<Bech32>(prefix, &account).expect("20 bytes fit bech32");
    Address::try_from(text).expect("bech32 text of 45 characters is an address")
}

/// Human-readable part of every address.
const PREFIX: &str = "secret";

#[cfg(test)]
mod tests;
