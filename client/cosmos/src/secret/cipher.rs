//! The cipher between a client and Secret's enclaves.
//!
//! Layer: `cosmos::secret`.
//! Holds: one X25519 key per message, the key that it shares with the network, AES-128-SIV.
//! Never: a nonce used twice, a shared secret of small order; `Debug` of a secret.
//! Invariant: `nonce32 ‖ public32 ‖ ciphertext`; question and answer are under one key, and no other message is.
//!
//! Source: key = HKDF-SHA256(ikm = X25519(private, network) ‖ nonce, salt below, no info), 32 bytes; AES-SIV (RFC 5297)
//! with one empty header; plaintext = code hash in hex ‖ JSON. As secretjs 1.22 does it (`vectors/secret.json`).

use crate::CosmosError;
use aes_siv::KeyInit;
use aes_siv::siv::Aes128Siv;
use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use prag_trust::entropy::Entropy;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// The network's public key for messages (`/registration/v1beta1/tx-key`). A wrong one means that nobody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkKey(pub [u8; 32]);

/// SHA-256 of the contract's code: enclaves refuse a message that was meant for other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeHash(pub [u8; 32]);

/// A message as the chain carries it: `nonce32 ‖ public32 ‖ ciphertext`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// What opens the answer to one message. Its key is wiped on drop.
///
/// ```compile_fail,E0277
/// fn needs<T: std::fmt::Debug>() {}
/// needs::<prag_cosmos::secret::Session>();
/// ```
///
/// ```compile_fail,E0277
/// fn needs<T: Clone>() {}
/// needs::<prag_cosmos::secret::Session>();
/// ```
pub struct Session {
    key: Zeroizing<[u8; 32]>,
}

impl Session {
    /// Seals one message: a query, an execute, or an instantiate. `json` is at most [`MESSAGE_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`CosmosError::Cipher`] for a network key of small order, or without randomness; [`CosmosError::Large`].
    pub fn seal(
        network: &NetworkKey,
        code: &CodeHash,
        json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(Sealed, Self), CosmosError> {
        let mut private = Zeroizing::new([0u8; 32]);
        let mut nonce = [0u8; 32];
        let drawn = entropy.fill(&mut private[..]).and_then(|()| entropy.fill(&mut nonce));
        drawn.map_err(|_| CosmosError::Cipher)?;
        seal_with(network, code, json, &private, &nonce)
    }

    /// The answer to a query: JSON.
    ///
    /// # Errors
    /// [`CosmosError::Cipher`] for an answer to another question, or changed on its way; [`CosmosError::Large`].
    pub fn open_query(&self, answer: &[u8]) -> Result<Vec<u8>, CosmosError> {
        self.open_base64(answer)
    }

    /// The data of an execute's or instantiate's reply; empty where the contract set none.
    ///
    /// # Errors
    /// As [`Session::open_query`].
    pub fn open_data(&self, data: &[u8]) -> Result<Vec<u8>, CosmosError> {
        if data.is_empty() { Ok(Vec::new()) } else { self.open_base64(data) }
    }

    /// A contract's refusal, as [`super::encrypted_error`] found it in a log: JSON text.
    ///
    /// # Errors
    /// As [`Session::open_query`].
    pub fn open_error(&self, error: &[u8]) -> Result<String, CosmosError> {
        let plain = self.open(error)?;
        // Some versions of the chain write base64 here, as everywhere else, and some the text itself.
        let text = STANDARD.decode(&plain).unwrap_or(plain);
        String::from_utf8(text).map_err(|_| CosmosError::Cipher)
    }

    fn open_base64(&self, sealed: &[u8]) -> Result<Vec<u8>, CosmosError> {
        STANDARD.decode(self.open(sealed)?).map_err(|_| CosmosError::Cipher)
    }

    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, CosmosError> {
        bounded("an answer", sealed.len(), ANSWER_BYTES_MAX)?;
        let mut siv = Aes128Siv::new(&(*self.key).into());
        siv.decrypt([b""], sealed).map_err(|_| CosmosError::Cipher)
    }
}

/// [`Session::seal`] with what chance gives.
fn seal_with(
    network: &NetworkKey,
    code: &CodeHash,
    json: &[u8],
    private: &[u8; 32],
    nonce: &[u8; 32],
) -> Result<(Sealed, Session), CosmosError> {
    bounded("a message", json.len(), MESSAGE_BYTES_MAX)?;
    let private = StaticSecret::from(*private);
    let key = shared_key(&private, &network.0, nonce)?;
    let plain = [hex::encode(code.0).as_bytes(), json].concat();
    let mut siv = Aes128Siv::new(&(*key).into());
    let sealed = siv.encrypt([b""], &plain).map_err(|_| CosmosError::Cipher)?;
    let public = PublicKey::from(&private);
    let bytes = [nonce, public.as_bytes(), sealed.as_slice()].concat();
    Ok((Sealed(bytes), Session { key }))
}

/// The key of one message: both sides come to it.
fn shared_key(
    own: &StaticSecret,
    other: &[u8; 32],
    nonce: &[u8; 32],
) -> Result<Zeroizing<[u8; 32]>, CosmosError> {
    let shared = own.diffie_hellman(&PublicKey::from(*other));
    if !shared.was_contributory() {
        return Err(CosmosError::Cipher);
    }
    let mut input = Zeroizing::new([0u8; 64]);
    input[..32].copy_from_slice(shared.as_bytes());
    input[32..].copy_from_slice(nonce);
    let mut key = Zeroizing::new([0u8; 32]);
    Hkdf::<Sha256>::new(Some(&SALT), &input[..])
        .expand(&[], &mut key[..])
        .map_err(|_| CosmosError::Cipher)?;
    Ok(key)
}

/// Whether secrets shared with this key are secret: it is not of small order.
pub(crate) fn contributes(key: &[u8; 32]) -> bool {
    // Whether a key is of small order shows with any private key.
    StaticSecret::from([1; 32]).diffie_hellman(&PublicKey::from(*key)).was_contributory()
}

fn bounded(what: &'static str, bytes: usize, max: usize) -> Result<(), CosmosError> {
    if bytes <= max { Ok(()) } else { Err(CosmosError::Large { what, max }) }
}

/// Longest message, bytes of JSON.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Longest answer, sealed bytes.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// The block hash of Bitcoin's third halving, which Secret took for its salt.
const SALT: [u8; 32] = [
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x4b, 0xea, 0xd8, 0xdf, 0x69, 0x99,
    0x08, 0x52, 0xc2, 0x02, 0xdb, 0x0e, 0x00, 0x97, 0xc1, 0xa1, 0x2e, 0xa6, 0x37, 0xd7, 0xe9, 0x6d,
];

#[cfg(test)]
pub(crate) mod tests;
