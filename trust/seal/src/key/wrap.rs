//! Data keys and name keys, wrapped for storage.
//!
//! Layer: inside `key`; knows the envelope.
//! Holds: one fixed-size form: header 8, nonce 12, ciphertext 32, tag 16.
//! Never: a key's bytes in memory that is not wiped.
//! Invariant: a wrapped key opens only as the same purpose, at the same place.

use super::{Key, Wrap, Wrapped};
use crate::seal::SealError;
use crate::seal::envelope::{Cipher, Form, HEADER_BYTES, NONCE_BYTES, TAG_BYTES, header, is_at};
use prag_protocol::place::{Kind, Place};

/// Length of a wrapped key.
pub const WRAPPED_BYTES: usize = HEADER_BYTES + NONCE_BYTES + 32 + TAG_BYTES;

impl<P: Wrapped> Key<P> {
    /// This key, wrapped: [`WRAPPED_BYTES`] bytes that open at `place` only.
    ///
    /// `nonce`: random.
    ///
    /// # Errors
    /// [`SealError::Kind`] unless the place is a [`Kind::DekWrap`].
    pub fn wrap(
        &self,
        wrapper: &Key<Wrap>,
        place: Place,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        is_at(place, Kind::DekWrap)?;
        let header = header(Form::KeyWrap, P::TAG);
        let mut out = Vec::with_capacity(WRAPPED_BYTES);
        out.extend_from_slice(&header);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(self.expose());
        let cipher = Cipher::new(wrapper);
        let tag = cipher.seal(&nonce, &[&header, &place.to_bytes()], &mut out[TEXT_START..]);
        let tag = tag.ok_or(SealError::TooLong { place, max: 32 })?;
        out.extend_from_slice(&tag);
        Ok(out)
    }

    /// The key that [`Key::wrap`] wrapped.
    ///
    /// # Errors
    /// [`SealError::Truncated`] for any other length, [`SealError::Format`] for another purpose or
    /// version, [`SealError::Open`] for another key, place or bytes. None is retryable.
    pub fn unwrap(wrapper: &Key<Wrap>, place: Place, wrapped: &[u8]) -> Result<Self, SealError> {
        is_at(place, Kind::DekWrap)?;
        let wrapped: &[u8; WRAPPED_BYTES] =
            wrapped.try_into().map_err(|_| SealError::Truncated(place))?;
        let header = header(Form::KeyWrap, P::TAG);
        let (found, rest) = wrapped.split_at(HEADER_BYTES);
        if found != header {
            return Err(SealError::Format(place));
        }
        let (nonce, rest) = rest.split_at(NONCE_BYTES);
        let (text, tag) = rest.split_at(32);
        let mut key = Self::zeros();
        key.bytes.copy_from_slice(text);
        let opened = Cipher::new(wrapper).open(
            nonce,
            &[&header, &place.to_bytes()],
            &mut key.bytes[..],
            tag,
        );
        opened.map(|()| key).ok_or(SealError::Open(place))
    }
}

const TEXT_START: usize = HEADER_BYTES + NONCE_BYTES;
