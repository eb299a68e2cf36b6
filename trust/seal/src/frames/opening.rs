//! A whole blob that is opened in place, its frames in any order and by as many threads as the caller has.
//!
//! Layer: inside `frames`.
//! Holds: the sealed bytes, which turn into the plaintext where they lie.
//! Never: threads of its own; plaintext before every frame authenticated.
//! Invariant: [`Opening::finish`] answers only when each frame was opened once, at its index.

use super::*;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

/// A blob whose frames are to be opened.
pub struct Opening<R: Record> {
    bytes: Wiped,
    cipher: Cipher,
    bound: Bound,
    place: Place,
    opened: AtomicU32,
    record: PhantomData<fn() -> R>,
}

/// One of its frames.
pub struct Frame<'a> {
    bytes: &'a mut [u8],
    index: u32,
    cipher: &'a Cipher,
    bound: Bound,
    opened: &'a AtomicU32,
}

impl<R: Record> Opening<R> {
    /// Takes the blob `sealed`, which should open under `key` at `place`, and checks its form.
    ///
    /// `max_len`: most bytes of plaintext that the caller is ready to hold.
    ///
    /// # Errors
    /// [`SealError::TooLong`], [`SealError::Truncated`], [`SealError::Format`], [`SealError::Kind`].
    pub fn begin(
        sealed: Vec<u8>,
        key: &Key<R::Purpose>,
        place: Place,
        max_len: usize,
    ) -> Result<Self, SealError> {
        is_at(place, R::KIND)?;
        if sealed.len() > sealed_len(max_len) {
            return Err(SealError::TooLong { place, max: max_len });
        }
        let (found, rest) =
            sealed.split_first_chunk::<HEADER_BYTES>().ok_or(SealError::Truncated(place))?;
        if *found != header(Form::Frames, R::Purpose::TAG) {
            return Err(SealError::Format(place));
        }
        let (salt, body) =
            rest.split_first_chunk::<SALT_BYTES>().ok_or(SealError::Truncated(place))?;
        let total = text_len(body.len()).ok_or(SealError::Truncated(place))?;
        let bound = Bound::new::<R>(place, *salt, total)?;
        let (cipher, opened) = (Cipher::new(key), AtomicU32::new(0));
        let bytes = Wiped::new(sealed);
        Ok(Self { bytes, cipher, bound, place, opened, record: PhantomData })
    }

    /// Its frames, each of which is to be opened ([`Frame::open`]).
    pub fn frames(&mut self) -> impl Iterator<Item = Frame<'_>> {
        let (cipher, bound, opened) = (&self.cipher, &self.bound, &self.opened);
        let body = self.bytes.get_mut(PREFIX_BYTES..).unwrap_or_default();
        let frames = body.chunks_mut(SEALED_FRAME_BYTES).zip(0u32..);
        frames.map(|(bytes, index)| Frame { bytes, index, cipher, bound: bound.clone(), opened })
    }

    /// The blob's plaintext.
    ///
    /// # Errors
    /// [`SealError::Open`] unless every frame opened, and then nothing of the blob is returned; [`SealError::Padding`].
    pub fn finish(mut self) -> Result<Plain<R>, SealError> {
        let place = self.place;
        if *self.opened.get_mut() != self.bound.frames {
            return Err(SealError::Open(place));
        }
        let (mut from, mut to) = (PREFIX_BYTES, 0);
        while from < self.bytes.len() {
            let end = self.bytes.len().min(from + SEALED_FRAME_BYTES);
            let text = from + NONCE_BYTES..end - TAG_BYTES;
            let length = text.len();
            self.bytes.copy_within(text, to);
            (from, to) = (end, to + length);
        }
        self.bytes.truncate(to);
        Plain::unpadded(self.bytes).map_err(|_| SealError::Padding(place))
    }
}

impl Frame<'_> {
    /// Opens the frame where it lies. Whether it did, [`Opening::finish`] tells.
    pub fn open(mut self) {
        let Some((nonce, rest)) = self.bytes.split_at_mut_checked(NONCE_BYTES) else { return };
        let Some(length) = rest.len().checked_sub(TAG_BYTES) else { return };
        let (text, tag) = rest.split_at_mut(length);
        if self.cipher.open(nonce, &[self.bound.at(self.index)], text, tag).is_some() {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
    }
}
