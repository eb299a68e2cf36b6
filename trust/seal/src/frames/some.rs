//! A range of a framed blob, opened without the rest.
//!
//! Layer: inside `frames`.
//! Holds: where the frames of a range lie, and their opening.
//! Never: a frame of another blob, of another write of this one, or of another index than the range's.
//! Invariant: a frame opens as it does in the whole blob: lengths, count and index bound, and the salt of that write.

use super::*;
use std::marker::PhantomData;
use std::ops::Range;

/// What of a blob that was sealed or opened whole must be kept to open ranges of it.
pub struct Framed<R: Record>(Place, [u8; SALT_BYTES], usize, PhantomData<fn() -> R>);

impl<R: Record> Framed<R> {
    /// Of the whole blob `sealed`, `length` bytes of plaintext at `place`.
    ///
    /// # Errors
    /// [`SealError::Kind`]; [`SealError::Truncated`] where it is not of that length.
    pub fn of(sealed: &[u8], place: Place, length: usize) -> Result<Self, SealError> {
        is_at(place, R::KIND)?;
        let salt = sealed.get(HEADER_BYTES..PREFIX_BYTES).and_then(<[u8]>::first_chunk);
        let salt = salt.filter(|_| sealed.len() == sealed_len(length));
        Ok(Self(place, *salt.ok_or(SealError::Truncated(place))?, length, PhantomData))
    }

    /// Where the frames lie, in the sealed blob, that hold bytes `range`; `None` if it is empty or leaves the blob.
    #[must_use]
    pub fn sealed(&self, range: &Range<usize>) -> Option<Range<u64>> {
        let at = |frame: usize| (PREFIX_BYTES + frame * SEALED_FRAME_BYTES) as u64;
        let end = range.end.checked_add(padding::LENGTH_BYTES)?.div_ceil(FRAME_BYTES);
        let lies = at(first(range))..at(end).min(sealed_len(self.2) as u64);
        (range.start < range.end && range.end <= self.2).then_some(lies)
    }

    /// Bytes `range` of the blob; `sealed` is what lies at [`Framed::sealed`].
    ///
    /// # Errors
    /// [`SealError::Truncated`] where that is of another length; [`SealError::Open`] as for the whole.
    pub fn open(
        &self,
        range: &Range<usize>,
        sealed: &[u8],
        key: &Key<R::Purpose>,
    ) -> Result<Plain<R>, SealError> {
        let Self(place, salt, length, _) = *self;
        let lies = self.sealed(range).filter(|lies| lies.end - lies.start == sealed.len() as u64);
        lies.ok_or(SealError::Truncated(place))?;
        let mut bound = Bound::new::<R>(place, salt, padding::padded_data_len(length))?;
        let (cipher, first) = (Cipher::new(key), first(range));
        let mut text = Wiped::new(Vec::with_capacity(sealed.len()));
        for (index, frame) in
            (0u32..bound.frames).skip(first).zip(sealed.chunks(SEALED_FRAME_BYTES))
        {
            let (nonce, frame) = frame.split_at(NONCE_BYTES);
            let (frame, tag) = frame.split_at(frame.len() - TAG_BYTES);
            let start = text.len();
            text.extend_from_slice(frame);
            let opened = cipher.open(nonce, &[bound.at(index)], &mut text[start..], tag);
            opened.ok_or(SealError::Open(place))?;
        }
        let start = range.start + padding::LENGTH_BYTES - first * FRAME_BYTES;
        Ok(Plain::new(text[start..start + range.len()].to_vec()))
    }
}

/// The first frame of a range.
fn first(range: &Range<usize>) -> usize {
    range.start.saturating_add(padding::LENGTH_BYTES) / FRAME_BYTES
}
