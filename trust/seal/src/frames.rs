//! Blobs sealed in frames of 64 KiB.
//!
//! Layer: above `seal`; same records, keys and places, for what is too large to seal as one.
//! Holds: bytes = header 8 ‖ salt 16 ‖ frames, each nonce 12 ‖ ciphertext ‖ tag 16; frozen as format 1.
//! Never: a frame's plaintext before the frame authenticated, or a part of a blob as the whole.
//! Invariant: every frame is bound to header, place, salt, total padded length, number of frames and its index, so
//! truncated, extended, reordered, repeated or swapped frames (even of another write at that place) do not open.

mod opening;
mod some;
#[cfg(test)]
mod tests;

pub use opening::{Frame, Opening};
pub use some::Framed;

use crate::entropy::{Entropy, random};
use crate::key::{Key, Purpose};
use crate::padding;
use crate::seal::envelope::{Cipher, Form, HEADER_BYTES, NONCE_BYTES, TAG_BYTES, header, is_at};
use crate::seal::{Plain, Record, SealError};
use crate::wiped::Wiped;
use prag_protocol::place::Place;
use zeroize::Zeroize;

/// Plaintext of a frame, bytes; the last one of a blob may be shorter.
pub const FRAME_BYTES: usize = 64 << 10;

/// Length of what [`seal_frames`] makes of `length` bytes.
#[must_use]
pub fn sealed_len(length: usize) -> usize {
    let padded = padding::padded_data_len(length);
    padded.saturating_add(PREFIX_BYTES + padded.div_ceil(FRAME_BYTES) * FRAME_OVERHEAD_BYTES)
}

/// Pad and seal a blob, so that it opens at `place` only.
///
/// `entropy` gives a salt for the blob and a nonce for every frame.
///
/// # Errors
/// [`SealError::Kind`] if the place is for another kind of record; [`SealError::Entropy`];
/// [`SealError::TooLong`] beyond 2^32 frames.
pub fn seal_frames<R: Record>(
    plain: &[u8],
    key: &Key<R::Purpose>,
    place: Place,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    is_at(place, R::KIND)?;
    let salt = random::<SALT_BYTES>(entropy)?;
    let total = padding::padded_data_len(plain.len());
    let mut bound = Bound::new::<R>(place, salt, total)?;
    let cipher = Cipher::new(key);
    let mut out = Vec::with_capacity(sealed_len(plain.len()));
    out.extend_from_slice(&bound.header());
    out.extend_from_slice(&salt);
    for index in 0..bound.frames {
        let start = index as usize * FRAME_BYTES;
        let nonce = random::<NONCE_BYTES>(entropy)?;
        out.extend_from_slice(&nonce);
        let text_start = out.len();
        append_padded_range(plain, start, FRAME_BYTES.min(total - start), &mut out);
        let text = &mut out[text_start..];
        let Some(tag) = cipher.seal(&nonce, &[bound.at(index)], text) else {
            text.zeroize();
            return Err(SealError::TooLong { place, max: FRAME_BYTES });
        };
        out.extend_from_slice(&tag);
    }
    Ok(out)
}

/// Open a blob that [`seal_frames`] sealed under `key` at `place`.
///
/// `max_len`: most bytes of plaintext that the caller is ready to hold; checked before anything is allocated.
///
/// # Errors
/// [`SealError::TooLong`], [`SealError::Truncated`], [`SealError::Format`] or [`SealError::Kind`] before any key is
/// used; [`SealError::Open`] if key, place or any frame differs, and then nothing of the blob is returned;
/// [`SealError::Padding`] if a holder of the key padded it wrongly. None is retryable.
pub fn open_frames<R: Record>(
    sealed: &[u8],
    key: &Key<R::Purpose>,
    place: Place,
    max_len: usize,
) -> Result<Plain<R>, SealError> {
    if sealed.len() > sealed_len(max_len) {
        is_at(place, R::KIND)?;
        return Err(SealError::TooLong { place, max: max_len });
    }
    let mut opening = Opening::begin(sealed.to_vec(), key, place, max_len)?;
    opening.frames().for_each(Frame::open);
    opening.finish()
}

/// The associated data of a blob's frames; only the index changes from one to the next.
#[derive(Clone)]
struct Bound {
    bytes: [u8; BOUND_BYTES],
    frames: u32,
}

impl Bound {
    fn new<R: Record>(
        place: Place,
        salt: [u8; SALT_BYTES],
        total: usize,
    ) -> Result<Self, SealError> {
        let frames = u32::try_from(total.div_ceil(FRAME_BYTES))
            .map_err(|_| SealError::TooLong { place, max: u32::MAX as usize })?;
        let mut bytes = [0u8; BOUND_BYTES];
        let fields: [&[u8]; 5] = [
            &header(Form::Frames, R::Purpose::TAG),
            &place.to_bytes(),
            &salt,
            &(total as u64).to_be_bytes(),
            &frames.to_be_bytes(),
        ];
        bytes[..INDEX_START].copy_from_slice(&fields.concat());
        Ok(Self { bytes, frames })
    }

    fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&self.bytes[..HEADER_BYTES]);
        header
    }

    fn at(&mut self, index: u32) -> &[u8] {
        self.bytes[INDEX_START..].copy_from_slice(&index.to_be_bytes());
        &self.bytes
    }
}

/// Bytes `start..start + length` of the padded form of `plain`, without building the whole.
fn append_padded_range(plain: &[u8], start: usize, length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    let field = padding::length_field(plain);
    out.extend_from_slice(field.get(start..).unwrap_or_default());
    let from = start.saturating_sub(padding::LENGTH_BYTES);
    let rest = plain.get(from..).unwrap_or_default();
    out.extend_from_slice(&rest[..rest.len().min(end.saturating_sub(out.len()))]);
    out.resize(end, 0);
}

/// How much text this many bytes of frames hold; `None` if the last one has no text.
fn text_len(body: usize) -> Option<usize> {
    let last = body % SEALED_FRAME_BYTES;
    if body == 0 || (1..=FRAME_OVERHEAD_BYTES).contains(&last) {
        return None;
    }
    Some(body - body.div_ceil(SEALED_FRAME_BYTES) * FRAME_OVERHEAD_BYTES)
}

const SALT_BYTES: usize = 16;
const PREFIX_BYTES: usize = HEADER_BYTES + SALT_BYTES;
const FRAME_OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;
const SEALED_FRAME_BYTES: usize = FRAME_BYTES + FRAME_OVERHEAD_BYTES;
const INDEX_START: usize = HEADER_BYTES + Place::BYTES + SALT_BYTES + 8 + 4;
const BOUND_BYTES: usize = INDEX_START + 4;
