//! The sealed corpus: documents sealed on their owner's machine.
//!
//! Layer: client; the worker opens records through [`corpus_key`], [`open_manifest`] and [`open_record`].
//! Holds: the key's derivation, the places of records, the signed manifest and the file's layout.
//! Never: a plain document in the file, nor a key.
//! Invariant: a record opens only in its corpus and at its number, and the manifest counts them all.

mod file;
mod manifest;
mod seal;

pub use file::{CorpusReader, CorpusWriter, Header};
pub use manifest::Manifest;
pub use seal::{Sealing, Skipped, seal_documents, seal_folder};

use prag_protocol::place::{Kind, Place};
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::{CollectionId, Lineage};
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::{Corpus, Key, Share, derive_kek};
use prag_trust::seal::{CorpusManifest, CorpusRecord, Plain, Sealed};

/// Largest sealed record: as base64 it fits into one request.
pub const RECORD_BYTES_MAX: usize = 3_000_000;
/// Largest sealed manifest.
pub const MANIFEST_BYTES_MAX: usize = 4096;
/// The only key epoch of a corpus file.
pub const CORPUS_EPOCH: u32 = 1;

/// Why a sealed corpus was refused. Not retryable with the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// Not a corpus file, or of another version.
    #[error("not a sealed corpus of version 1")]
    Format,
    /// The file ends before its manifest, or goes on after it.
    #[error("the file is truncated or extended")]
    Length,
    /// A length over its limit.
    #[error("record {0} is over the limit of {RECORD_BYTES_MAX} bytes")]
    TooLarge(u64),
    /// Wrong key, place or bytes; on purpose we do not say which.
    #[error("record {0} does not open")]
    Record(u64),
    /// The manifest does not open, or its signature does not verify.
    #[error("the manifest does not verify")]
    Manifest,
    /// The records are not those that the manifest was signed over.
    #[error("the records do not match the manifest")]
    Mismatch,
    /// The file could not be read or written.
    #[error("the corpus file cannot be read or written")]
    File,
}

/// The key of a corpus, from the share that its owner keeps and releases.
///
/// A corpus has no share on the ledger: the other half is a fixed, public constant. The worker calls
/// this with the share that was released for `collection = corpus`, epoch [`CORPUS_EPOCH`].
#[must_use]
pub fn corpus_key(share: &Share, corpus: CollectionId) -> Key<Corpus> {
    let no_ledger = Share::from_bytes(b"prag/corpus/v1: no ledger share ");
    derive_kek(&no_ledger, share, corpus, CORPUS_EPOCH).derive::<Corpus>()
}

/// Where record `record` of `corpus` is sealed.
#[must_use]
pub fn record_place(corpus: CollectionId, record: u64) -> Place {
    place(corpus, Kind::CorpusRecord, record)
}

/// Where the manifest of `corpus` is sealed.
#[must_use]
pub fn manifest_place(corpus: CollectionId) -> Place {
    place(corpus, Kind::CorpusManifest, 0)
}

/// Seals one document.
///
/// # Errors
/// [`CorpusError::TooLarge`] where the sealed record would not fit into one request.
pub fn seal_record(
    document: &PutDocument,
    key: &Key<Corpus>,
    corpus: CollectionId,
    record: u64,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, CorpusError> {
    let plain = serde_json::to_vec(document).map_err(|_| CorpusError::Record(record))?;
    let nonce = random(entropy).map_err(|_| CorpusError::Record(record))?;
    let sealed = Plain::<CorpusRecord>::new(plain)
        .seal(key, record_place(corpus, record), nonce)
        .map_err(|_| CorpusError::Record(record))?;
    let bytes = sealed.as_bytes().to_vec();
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(CorpusError::TooLarge(record));
    }
    Ok(bytes)
}

/// Opens one record.
///
/// # Errors
/// [`CorpusError::Record`] unless it was sealed at this number of this corpus under this key.
pub fn open_record(
    sealed: Vec<u8>,
    key: &Key<Corpus>,
    corpus: CollectionId,
    record: u64,
) -> Result<PutDocument, CorpusError> {
    if sealed.len() > RECORD_BYTES_MAX {
        return Err(CorpusError::TooLarge(record));
    }
    let plain = Sealed::<CorpusRecord>::from_bytes(sealed)
        .open(key, record_place(corpus, record))
        .map_err(|_| CorpusError::Record(record))?;
    serde_json::from_slice(plain.expose()).map_err(|_| CorpusError::Record(record))
}

/// Opens a manifest and checks its signature.
///
/// Who the signer is, and whether the caller is the owner it names, is for the caller to compare.
///
/// # Errors
/// [`CorpusError::Manifest`].
pub fn open_manifest(
    sealed: Vec<u8>,
    key: &Key<Corpus>,
    corpus: CollectionId,
) -> Result<Manifest, CorpusError> {
    if sealed.len() > MANIFEST_BYTES_MAX {
        return Err(CorpusError::Manifest);
    }
    let plain = Sealed::<CorpusManifest>::from_bytes(sealed)
        .open(key, manifest_place(corpus))
        .map_err(|_| CorpusError::Manifest)?;
    let manifest = Manifest::from_signed_bytes(plain.expose())?;
    if manifest.corpus == corpus { Ok(manifest) } else { Err(CorpusError::Manifest) }
}

fn place(corpus: CollectionId, kind: Kind, seq: u64) -> Place {
    Place {
        collection: corpus,
        lineage: Lineage([0; 16]),
        kind,
        id: [0; 16],
        seq,
        epoch: CORPUS_EPOCH,
    }
}

#[cfg(test)]
mod tests;
