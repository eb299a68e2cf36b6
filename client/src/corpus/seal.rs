//! Sealing documents into a corpus file, on their owner's machine.
//!
//! Layer: client, below `corpus`.
//! Holds: the order: share kept, records sealed, manifest signed and sealed, file named.
//! Never: leaves a named file whose share was not kept first.
//! Invariant: the manifest's root is over exactly the records in the file.

use super::file::CorpusWriter;
use super::{CORPUS_EPOCH, CorpusError, Manifest, corpus_key, manifest_place, seal_record};
use crate::error::ClientError;
use crate::identity::{Identity, ShareStore};
use crate::sources::{self, Source, Unusable};
use prag_protocol::CollectionId;
use prag_protocol::wire::documents::PutDocument;
use prag_trust::entropy::{Entropy, random};
use prag_trust::key::Share;
use prag_trust::merkle::MerkleLog;
use prag_trust::seal::{CorpusManifest, Plain};
use std::path::Path;

/// What became of a sealing.
#[derive(Debug)]
pub struct Sealing {
    /// The corpus's id; its share lies under this name.
    pub corpus: CollectionId,
    /// Records in the file.
    pub records: u64,
    /// Bytes of the sealed records.
    pub bytes: u64,
    /// Files that could not be sealed.
    pub skipped: Vec<Skipped>,
}

/// A file that could not be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The id that it would have had.
    pub id: String,
    /// Why.
    pub reason: Unusable,
}

/// Seals every document under `folder` into the file `out`; `progress` hears of each file done.
///
/// # Errors
/// [`ClientError`]; no file has the name `out` then, unless it had before.
pub fn seal_folder(
    folder: &Path,
    out: &Path,
    identity: &Identity,
    shares: &ShareStore,
    now: u64,
    entropy: &mut dyn Entropy,
    progress: &mut dyn FnMut(&Source),
) -> Result<Sealing, ClientError> {
    let found = sources::find(&[folder.to_owned()])?;
    let mut skipped = Vec::new();
    let documents = found.sources.iter().filter_map(|source| {
        progress(source);
        match sources::load(source) {
            Ok(document) => Some(document),
            Err(reason) => {
                let id = source.id.clone();
                skipped.push(Skipped { id, reason });
                None
            }
        }
    });
    let mut sealing = seal_documents(documents, out, identity, shares, now, entropy)?;
    skipped.append(&mut sealing.skipped);
    Ok(Sealing { skipped, ..sealing })
}

/// Seals `documents`, in order, into the file `out`.
///
/// # Errors
/// As [`seal_folder`].
pub fn seal_documents(
    documents: impl Iterator<Item = PutDocument>,
    out: &Path,
    identity: &Identity,
    shares: &ShareStore,
    now: u64,
    entropy: &mut dyn Entropy,
) -> Result<Sealing, ClientError> {
    let corpus = CollectionId(random(entropy)?);
    let share = Share::random(entropy)?;
    shares.keep(corpus, CORPUS_EPOCH, &share, entropy)?;
    let key = corpus_key(&share, corpus);
    let mut writer = CorpusWriter::create(out, corpus)?;
    let mut log = MerkleLog::new();
    let (mut skipped, mut bytes) = (Vec::new(), 0);
    for document in documents {
        let sealed = match seal_record(&document, &key, corpus, writer.next(), entropy) {
            Ok(sealed) => sealed,
            Err(CorpusError::TooLarge(_)) => {
                let id = document.id.as_str().to_owned();
                skipped.push(Skipped { id, reason: Unusable::Sealed });
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        writer.append(&sealed)?;
        log.append(&sealed);
        bytes += sealed.len() as u64;
    }
    let manifest = Manifest {
        corpus,
        records: writer.next(),
        root: log.root(),
        created: now,
        owner: identity.address().clone(),
        signer: identity.session().public_key(),
    };
    let signed = manifest.to_signed_bytes(|bytes| identity.sign_manifest(bytes));
    let sealed = Plain::<CorpusManifest>::new(signed)
        .seal(&key, manifest_place(corpus), random(entropy)?)
        .map_err(|_| ClientError::Crypto("sealing the manifest"))?;
    let header = writer.finish(sealed.as_bytes())?;
    Ok(Sealing { corpus, records: header.records, bytes, skipped })
}
