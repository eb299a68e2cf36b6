//! Sealed replies: what a reader was answered, for its attested key alone.
//!
//! Layer: `trust`, above `evidence` and `request`.
//! Holds: the envelope with the worker's signature, and the reader's key that opens it.
//! Never: a reply for a key that no evidence binds; a reply without a sender (HPKE alone has none).
//! Invariant: a reply opens only at the reader that asked, for the request, worker and collection it answers.

use crate::address::ed25519_holds;
use crate::encoding::{digest, transcript};
use crate::entropy::{Entropy, EntropyError};
use crate::evidence::{Reader, Worker};
use crate::verified::Verified;
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use prag_protocol::CollectionId;
use prag_seal::envelope::{Opener, seal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Why a reply is not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The reader's sealing key is no X25519 key. Open a session with another.
    #[error("sealing key is not usable")]
    Key,
    /// The entropy source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// Not base64, or too short for its parts. Not retryable.
    #[error("sealed reply is malformed")]
    Malformed,
    /// Not signed by the worker for this reader, request and collection. Not retryable.
    #[error("sealed reply is not the worker's answer to this request")]
    Signature,
    /// The envelope does not open. Not retryable.
    #[error("sealed reply does not open")]
    Open,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The request: [`crate::request::Caller::request`].
    pub request: [u8; 32],
    /// What it asked.
    pub collection: CollectionId,
}

/// A reply on its way to one reader; as JSON in the place of the body that it seals.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedReply {
    /// Base64 of encapsulated key 32 ‖ signature 64 ‖ ciphertext.
    sealed: String,
}

/// A reader's X25519 key that replies are sealed to. Made in its TEE for one session; wiped on drop.
///
/// ```compile_fail,E0277
/// fn needs<T: Clone>() {}
/// needs::<prag_trust::reply::ReplyKey>();
/// ```
///
/// ```
/// fn public(key: &prag_trust::reply::ReplyKey) -> [u8; 32] { key.public_key() }
/// ```
pub struct ReplyKey(Opener);

impl ReplyKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn random(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        Opener::random(entropy).map(Self)
    }

    /// The public key, for [`crate::evidence::ReaderBinding`].
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }
}

/// Seal `reply` to a reader whose evidence verified, signed by the worker's key of this boot.
///
/// Nobody else's key will do: a session key that no evidence binds makes no [`Reader`].
///
/// ```compile_fail,E0308
/// # use prag_trust::{entropy::Entropy, evidence::Reader, reply::{Terms, seal_reply}};
/// # fn forged(reader: &Reader, terms: &Terms, worker: &ed25519_dalek::SigningKey, chance: &mut dyn Entropy) {
/// let _ = seal_reply(b"{}", reader, terms, worker, chance);
/// # }
/// ```
///
/// ```
/// # use prag_trust::{entropy::Entropy, evidence::Reader, reply::{Terms, seal_reply}, verified::Verified};
/// # fn sealed(reader: &Verified<Reader>, terms: &Terms, worker: &ed25519_dalek::SigningKey, chance: &mut dyn Entropy) {
/// let _ = seal_reply(b"{}", reader, terms, worker, chance);
/// # }
/// ```
///
/// # Errors
/// [`ReplyError::Key`], [`ReplyError::Entropy`].
pub fn seal_reply(
    reply: &[u8],
    reader: &Verified<Reader>,
    terms: &Terms,
    worker: &SigningKey,
    entropy: &mut dyn Entropy,
) -> Result<SealedReply, ReplyError> {
    let data = terms.data(&worker.verifying_key().to_bytes(), &reader.session_key);
    let sealed = seal(reply, &reader.sealing_key, INFO, &data, entropy)?;
    let (encapsulated, ciphertext) = sealed.ok_or(ReplyError::Key)?;
    let signature = worker.sign(&message(&data, &encapsulated, &ciphertext)).to_bytes();
    let parts = [&encapsulated[..], &signature, &ciphertext].concat();
    Ok(SealedReply { sealed: STANDARD.encode(parts) })
}

/// Open the reply of a verified worker to the request that `session_key` signed.
///
/// # Errors
/// [`ReplyError`], one per rule, the envelope last.
pub fn open_reply(
    reply: &SealedReply,
    key: &ReplyKey,
    session_key: &[u8; 32],
    worker: &Verified<Worker>,
    terms: &Terms,
) -> Result<Zeroizing<Vec<u8>>, ReplyError> {
    let bytes = STANDARD.decode(&reply.sealed).map_err(|_| ReplyError::Malformed)?;
    let (encapsulated, rest) = bytes.split_first_chunk().ok_or(ReplyError::Malformed)?;
    let (signature, ciphertext) = rest.split_first_chunk().ok_or(ReplyError::Malformed)?;
    let data = terms.data(&worker.sig_pk, session_key);
    if !ed25519_holds(&worker.sig_pk, &message(&data, encapsulated, ciphertext), signature) {
        return Err(ReplyError::Signature);
    }
    key.0.open(encapsulated, ciphertext, INFO, &data).ok_or(ReplyError::Open)
}

impl Terms {
    /// What HPKE binds: request, worker, collection, reader.
    fn data(&self, worker: &[u8; 32], session_key: &[u8; 32]) -> [u8; 32] {
        digest("PRAG-REPLY/v1", &[&self.request, worker, &self.collection.0, session_key])
    }
}

/// What the worker signs; the ciphertext by its digest, since Ed25519 reads a message twice.
fn message(data: &[u8; 32], encapsulated: &[u8; 32], ciphertext: &[u8]) -> Vec<u8> {
    transcript("PRAG-REPLY-SIGN/v1", &[data, encapsulated, &Sha256::digest(ciphertext)])
}

impl fmt::Debug for SealedReply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SealedReply(…)")
    }
}

const INFO: &[u8] = b"prag reply v1";

#[cfg(test)]
mod tests;
