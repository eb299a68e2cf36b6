//! Sealed records: what a worker writes down, bound to the one place where it opens.
//!
//! Layer: above `key` and `padding`.
//! Holds: the closed list of record types; each fixes its kind and the purpose of its key.
//! Never: a nonce of its own making, plaintext in memory that is not wiped, a reason why opening failed.
//! Invariant: bytes = header 8 ‖ nonce 12 ‖ AES-256-GCM-SIV(padded plaintext) ‖ tag 16, with header ‖ place as
//! associated data; frozen as format 1.

pub(crate) mod envelope;

#[cfg(test)]
mod tests;

use crate::entropy::EntropyError;
use crate::key::{Corpus, Dek, Key, Ledger, Purpose, Scope, Vault};
use crate::padding::{self, PaddingError};
use crate::wiped::Wiped;
use envelope::{Cipher, Form, HEADER_BYTES, NONCE_BYTES, TAG_BYTES, header, is_at};
use prag_protocol::place::{Kind, Place};
use std::marker::PhantomData;
use std::ops::Range;
use zeroize::Zeroize;

/// Why a record was not sealed or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Wrong key, place or bytes; on purpose we do not say which. Not retryable.
    #[error("record at {0:?} failed authentication")]
    Open(Place),
    /// Too few bytes for the form, or, where the length is fixed, too many. Not retryable.
    #[error("record at {0:?} is truncated")]
    Truncated(Place),
    /// Another format version, form or purpose. Not retryable with this software.
    #[error("record at {0:?} is not of a known format")]
    Format(Place),
    /// The caller names a place of another kind. A bug of the caller.
    #[error("place {place:?} is not one for a record of kind {expected:?}")]
    Kind {
        /// The place that was named.
        place: Place,
        /// The kind that this record is.
        expected: Kind,
    },
    /// Authentic, but not padded as every record is. Not retryable.
    #[error("record at {0:?} is not padded as it must be")]
    Padding(Place),
    /// Longer than the bound. Not retryable.
    #[error("record at {place:?} is longer than {max} bytes")]
    TooLong {
        /// Where it was to be.
        place: Place,
        /// The bound, bytes of plaintext.
        max: usize,
    },
    /// No randomness to seal with.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// What a record is: its kind, and the purpose of the key that seals it. Closed.
pub trait Record: closed::Record {
    /// The kind that its place must have.
    const KIND: Kind;
    /// The purpose of its key.
    type Purpose: Purpose;
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident: $kind:ident under $purpose:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub enum $name {}
        impl closed::Record for $name {}
        impl Record for $name {
            const KIND: Kind = Kind::$kind;
            type Purpose = $purpose;
        }
    )*};
}

records! {
    /// One atomic write batch of a shard's tail.
    BatchRecord: Batch under Dek,
    /// A shard's manifest.
    ManifestRecord: Manifest under Dek,
    /// A part of an immutable index segment; sealed in frames.
    SegmentRecord: Segment under Dek,
    /// A shard's head.
    HeadRecord: HeadRow under Dek,
    /// One document of a sealed corpus file.
    CorpusRecord: CorpusRecord under Corpus,
    /// The manifest of a sealed corpus file.
    CorpusManifest: CorpusManifest under Corpus,
    /// The embedded ledger's state.
    LedgerState: LedgerState under Ledger,
    /// An entry of a worker's local vault.
    VaultEntry: VaultEntry under Vault,
    /// A snapshot's index, or rows packed for one; sealed in frames.
    SnapshotRecord: Snapshot under Dek,
    /// What a grant is narrowed to.
    ScopeRecord: Scope under Scope,
}

/// The plaintext of a record, wiped on drop.
///
/// ```compile_fail,E0277
/// use prag_seal::seal::{BatchRecord, Plain};
/// fn show(plain: &Plain<BatchRecord>) -> String { format!("{plain:?}") }
/// ```
/// ```compile_fail,E0599
/// use prag_seal::seal::{BatchRecord, Plain};
/// fn copy(plain: Plain<BatchRecord>) -> Plain<BatchRecord> { plain.clone() }
/// ```
///
/// A record does not go under a key of another purpose:
///
/// ```compile_fail,E0308
/// use prag_protocol::place::Place;
/// use prag_seal::{key::{Corpus, Key}, seal::{BatchRecord, Plain, SealError, Sealed}};
/// fn seal(key: &Key<Corpus>, at: Place) -> Result<Sealed<BatchRecord>, SealError> {
///     Plain::<BatchRecord>::new(vec![1]).seal(key, at, [0; 12])
/// }
/// ```
/// ```
/// use prag_protocol::place::Place;
/// use prag_seal::{key::{Dek, Key}, seal::{BatchRecord, Plain, SealError, Sealed}};
/// fn seal(key: &Key<Dek>, at: Place) -> Result<Sealed<BatchRecord>, SealError> {
///     Plain::<BatchRecord>::new(vec![1]).seal(key, at, [0; 12])
/// }
/// ```
pub struct Plain<R: Record> {
    bytes: Wiped,
    /// Where the plaintext lies in them.
    text: Range<usize>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Plain<R> {
    /// The record with this plaintext.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { text: 0..bytes.len(), bytes: Wiped::new(bytes), record: PhantomData }
    }

    /// The record whose padded plaintext `bytes` are: what was opened is read where it lies.
    pub(crate) fn unpadded(bytes: Wiped) -> Result<Self, PaddingError> {
        let start = padding::LENGTH_BYTES;
        let end = start + padding::unpad(&bytes)?.len();
        Ok(Self { bytes, text: start..end, record: PhantomData })
    }

    /// The plaintext.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(self.text.clone()).unwrap_or_default()
    }

    /// Pad and seal, so that the record opens at `place` only.
    ///
    /// `nonce`: random; a repeated one tells at most that the same text was sealed at the same place.
    ///
    /// # Errors
    /// [`SealError::Kind`] if the place is for another kind of record; [`SealError::TooLong`] beyond 64 GiB.
    pub fn seal(
        &self,
        key: &Key<R::Purpose>,
        place: Place,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Sealed<R>, SealError> {
        is_at(place, R::KIND)?;
        let header = header(Form::Record, R::Purpose::TAG);
        // One allocation of the final size: plaintext is written once and encrypted where it lies.
        let mut out =
            Vec::with_capacity(OVERHEAD_BYTES + padding::padded_data_len(self.text.len()));
        out.extend_from_slice(&header);
        out.extend_from_slice(&nonce);
        padding::append_padded(self.expose(), &mut out);
        let text = &mut out[TEXT_START..];
        let Some(tag) = Cipher::new(key).seal(&nonce, &[&header, &place.to_bytes()], text) else {
            text.zeroize();
            return Err(SealError::TooLong { place, max: 1 << 36 });
        };
        out.extend_from_slice(&tag);
        Ok(Sealed::from_bytes(out))
    }
}

/// A sealed record: bytes that anybody may hold.
pub struct Sealed<R: Record> {
    bytes: Vec<u8>,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Sealed<R> {
    /// What was read back; nothing is checked until [`Sealed::open`].
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, record: PhantomData }
    }

    /// The bytes to store or send.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to store or send.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Open the record that was sealed under `key` at `place`.
    ///
    /// # Errors
    /// [`SealError::Truncated`], [`SealError::Format`] or [`SealError::Kind`] before any key is used;
    /// [`SealError::Open`] if key, place or bytes differ; [`SealError::Padding`] if a holder of the key padded it
    /// wrongly. None is retryable.
    pub fn open(&self, key: &Key<R::Purpose>, place: Place) -> Result<Plain<R>, SealError> {
        is_at(place, R::KIND)?;
        if self.bytes.len() < OVERHEAD_BYTES {
            return Err(SealError::Truncated(place));
        }
        let header = header(Form::Record, R::Purpose::TAG);
        let (found, rest) = self.bytes.split_at(HEADER_BYTES);
        if found != header {
            return Err(SealError::Format(place));
        }
        let (nonce, rest) = rest.split_at(NONCE_BYTES);
        let (text, tag) = rest.split_at(rest.len() - TAG_BYTES);
        let mut text = Wiped::new(text.to_vec());
        Cipher::new(key)
            .open(nonce, &[&header, &place.to_bytes()], &mut text, tag)
            .ok_or(SealError::Open(place))?;
        Plain::unpadded(text).map_err(|_| SealError::Padding(place))
    }
}

const TEXT_START: usize = HEADER_BYTES + NONCE_BYTES;
const OVERHEAD_BYTES: usize = TEXT_START + TAG_BYTES;

mod closed {
    pub trait Record: 'static {}
}
