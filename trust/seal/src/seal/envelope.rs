//! What every sealed form shares: the header, the cipher, the check of a place's kind.
//!
//! Layer: inside `seal`; also used by `frames`, `resumed` and `key::wrap`.
//! Holds: AES-256-GCM-SIV (RFC 8452) over buffers in place.
//! Never: a nonce of its own making, or bytes that did not authenticate.
//! Invariant: the header says version, form and purpose, and is authenticated with the place.

use super::SealError;
use crate::key::{Key, Purpose};
use aes_gcm_siv::{AeadInOut, Aes256GcmSiv, KeyInit, Nonce, Tag};
use prag_protocol::place::{Kind, Place};

/// Length of [`header`].
pub(crate) const HEADER_BYTES: usize = 8;
/// Length of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Length of an authentication tag.
pub(crate) const TAG_BYTES: usize = 16;

/// How the bytes behind the header are laid out; frozen.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Form {
    /// Nonce, one ciphertext, tag.
    Record = 1,
    /// Nonce, 32 bytes of ciphertext, tag.
    KeyWrap = 2,
    /// Salt, then frames of nonce, ciphertext, tag.
    Frames = 3,
}

/// "PRAG", format version, form, purpose, zero.
pub(crate) const fn header(form: Form, purpose: u8) -> [u8; HEADER_BYTES] {
    [b'P', b'R', b'A', b'G', VERSION, form as u8, purpose, 0]
}

/// Refuse a place that is not for this kind of record.
pub(crate) fn is_at(place: Place, expected: Kind) -> Result<(), SealError> {
    if place.kind == expected { Ok(()) } else { Err(SealError::Kind { place, expected }) }
}

/// One key, ready to seal or open many texts.
pub(crate) struct Cipher(Aes256GcmSiv);

impl Cipher {
    /// The cipher of this key.
    pub(crate) fn new<P: Purpose>(key: &Key<P>) -> Self {
        Self(Aes256GcmSiv::new(key.expose().into()))
    }

    /// The cipher of a key that is no collection's: [`crate::resumed`]'s, which it makes itself.
    pub(crate) fn of_bytes(key: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(key.into()))
    }

    /// Encrypt `text` in place and return its tag; `None` beyond 64 GiB (RFC 8452).
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        bound: &[&[u8]],
        text: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let nonce = Nonce::from(*nonce);
        let tag = self.0.encrypt_inout_detached(&nonce, &bound.concat(), text.into()).ok()?;
        Some(tag.into())
    }

    /// Decrypt `text` in place; `None` if anything differs, and `text` is then worthless.
    pub(crate) fn open(
        &self,
        nonce: &[u8],
        bound: &[&[u8]],
        text: &mut [u8],
        tag: &[u8],
    ) -> Option<()> {
        let nonce = Nonce::try_from(nonce).ok()?;
        let tag = Tag::try_from(tag).ok()?;
        self.0.decrypt_inout_detached(&nonce, &bound.concat(), text.into(), &tag).ok()
    }
}

const VERSION: u8 = 1;
