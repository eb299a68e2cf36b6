//! Requests within a session of the channel: vouched for by a key that only its two ends have.
//!
//! Layer: `trust::request`.
//! Holds: the session key's one signature for a secret that it shares with a worker (`resumed`), and HMAC-SHA256 under
//! what follows from that secret (RFC 9421, section 3.3.3).
//! Never: evidence for anybody else: the worker could have made such a code itself. What a ledger or a third party is
//! to be shown is signed by the key.
//! Invariant: a [`Bond`] that opened is one that its key signed, for this secret and this worker.

use crate::address::{SessionKey, ed25519_holds};
use crate::encoding::transcript;
use crate::resumed::{Resumption, SECRET_BYTES, vouching_key};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A session key, and what vouches for its requests to one worker from now on.
pub struct Bond {
    key: [u8; 32],
    code: Zeroizing<[u8; 32]>,
}

impl Bond {
    /// The client's side: the bond of `key` with the worker whose signing key is `worker` by `secret`, and the statement
    /// over it, base64url text that comes to the worker in the sealed message that brings the secret.
    #[must_use]
    pub fn sign(
        key: &SessionKey,
        secret: &[u8; SECRET_BYTES],
        worker: &[u8; 32],
    ) -> (Self, String) {
        let own = key.public_key();
        let signature = key.sign(&statement(&own, secret, worker));
        let text = URL_SAFE_NO_PAD.encode([&own[..], &signature[..]].concat());
        (Self { key: own, code: vouching_key(secret) }, text)
    }

    /// The worker's side: the bond, if the statement that came with `secret` holds for it and for `own`, this worker's
    /// signing key.
    #[must_use]
    pub fn open(text: &[u8], secret: &[u8; SECRET_BYTES], own: &[u8; 32]) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (key, signature) = bytes.split_first_chunk::<32>()?;
        let holds = ed25519_holds(key, &statement(key, secret, own), signature.try_into().ok()?);
        holds.then(|| Self { key: *key, code: vouching_key(secret) })
    }

    /// The session key that signed for it.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// The code over a signature base.
    pub(super) fn vouch(&self, base: &[u8]) -> [u8; 32] {
        self.over(base).finalize().into_bytes().into()
    }

    /// Whether `code` is the one over `base`, for requests of `key`. Takes as long whatever the code is.
    pub(super) fn holds(&self, key: &[u8; 32], base: &[u8], code: &[u8]) -> bool {
        self.key == *key && self.over(base).verify_slice(code).is_ok()
    }

    fn over(&self, base: &[u8]) -> Hmac<Sha256> {
        let code = Hmac::<Sha256>::new_from_slice(self.code.as_ref());
        code.expect("HMAC takes keys of any length").chain_update(base)
    }
}

/// What the session key signs. The secret stands in it by what names it, which tells nothing of it.
fn statement(key: &[u8; 32], secret: &[u8; SECRET_BYTES], worker: &[u8; 32]) -> Vec<u8> {
    transcript(DOMAIN, &[key, &Resumption::name_of(secret), worker])
}

/// Key 32 and signature 64, in base64url without padding.
const TEXT_BYTES: usize = 128;
const DOMAIN: &str = "PRAG-SESSION-BOND/v1";

#[cfg(test)]
mod tests;
