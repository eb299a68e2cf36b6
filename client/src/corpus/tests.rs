#![allow(clippy::unwrap_used, clippy::panic)]
//! The file's bytes are frozen, and it opens only whole, in place and under its key.

use super::*;
use crate::home::Home;
use crate::identity::{Identity, ShareStore};
use crate::system::OsEntropy;
use prag_protocol::wire::documents::Format;
use prag_trust::entropy::EntropyError;
use std::path::Path;

/// Counts up, so that a sealed file has the same bytes every time.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn document(id: &str, content: &str) -> PutDocument {
    PutDocument {
        id: id.parse().unwrap(),
        title: "T".to_owned(),
        format: Format::Text,
        content: content.to_owned(),
        metadata: Default::default(),
        chunks: None,
    }
}

fn seal_two(folder: &Path, entropy: &mut dyn Entropy) -> (Sealing, ShareStore) {
    let identity = Identity::from_secret("golden", &[7; 64]).unwrap();
    let shares = ShareStore::new(&Home::at(folder), None);
    let documents = [document("a.txt", "dose: 5 mg"), document("b.txt", "second")];
    let out = folder.join("out.prag");
    let documents = documents.into_iter();
    let sealing =
        seal_documents(documents, &out, &identity, &shares, 1_700_000_000, entropy).unwrap();
    (sealing, shares)
}

/// The whole file, byte for byte: header, records, manifest, signature.
#[test]
fn golden_file() {
    let folder = tempfile::tempdir().unwrap();
    let (sealing, _) = seal_two(folder.path(), &mut Counting(0));
    assert_eq!((sealing.records, sealing.skipped.len()), (2, 0));
    let bytes = std::fs::read(folder.path().join("out.prag")).unwrap();
    let header = "50524147434f52500001000102030405060708090a0b0c0d0e0f0000000000000002";
    assert_eq!(hex::encode(&bytes[..34]), header);
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), GOLDEN_FILE);
}

/// What was sealed opens with its key at its number, and the manifest counts and roots the records.
#[test]
fn opens_in_place_only() {
    let folder = tempfile::tempdir().unwrap();
    let (sealing, shares) = seal_two(folder.path(), &mut OsEntropy);
    let key = corpus_key(&shares.fetch(sealing.corpus, CORPUS_EPOCH).unwrap(), sealing.corpus);
    let mut reader = CorpusReader::open(&folder.path().join("out.prag")).unwrap();
    let corpus = reader.header().corpus;
    let manifest = open_manifest(reader.manifest().to_vec(), &key, corpus).unwrap();
    assert_eq!((manifest.records, manifest.created), (2, 1_700_000_000));
    let identity = Identity::from_secret("golden", &[7; 64]).unwrap();
    assert_eq!(&manifest.owner, identity.address());
    assert_eq!(manifest.signer, identity.session().public_key());

    let mut log = prag_trust::merkle::MerkleLog::new();
    let (zero, first) = reader.next_record().unwrap().unwrap();
    let (one, second) = reader.next_record().unwrap().unwrap();
    assert!(reader.next_record().unwrap().is_none());
    log.append(&first);
    log.append(&second);
    assert_eq!(log.root(), manifest.root);
    assert_eq!(open_record(first.clone(), &key, corpus, zero).unwrap().content, "dose: 5 mg");
    assert_eq!(open_record(second, &key, corpus, one).unwrap().id.as_str(), "b.txt");

    assert_eq!(open_record(first.clone(), &key, corpus, 1).unwrap_err(), CorpusError::Record(1));
    let other = CollectionId([9; 16]);
    assert!(open_record(first.clone(), &key, other, 0).is_err());
    let wrong = corpus_key(&Share::from_bytes(&[1; 32]), corpus);
    assert!(open_record(first, &wrong, corpus, 0).is_err());
    assert!(open_manifest(reader.manifest().to_vec(), &wrong, corpus).is_err());
}

/// A truncated, extended or altered file is refused by name, and no byte of it makes a panic.
#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (sealing, shares) = seal_two(folder.path(), &mut Counting(3));
    let key = corpus_key(&shares.fetch(sealing.corpus, CORPUS_EPOCH).unwrap(), sealing.corpus);
    let good = std::fs::read(folder.path().join("out.prag")).unwrap();
    let path = folder.path().join("bad.prag");
    let read = |bytes: &[u8]| -> Result<u64, CorpusError> {
        std::fs::write(&path, bytes).unwrap();
        let mut reader = CorpusReader::open(&path)?;
        let corpus = reader.header().corpus;
        let manifest = open_manifest(reader.manifest().to_vec(), &key, corpus)?;
        while let Some((number, sealed)) = reader.next_record()? {
            open_record(sealed, &key, corpus, number)?;
        }
        Ok(manifest.records)
    };
    assert_eq!(read(&good), Ok(2));
    for cut in 0..good.len() {
        assert!(read(&good[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(read(&bad).is_err(), "altered at {at}");
    }
    let mut long = good.clone();
    long.push(0);
    assert_eq!(read(&long), Err(CorpusError::Length));
}

/// A failed sealing leaves no file behind, neither the named nor the staged one.
#[test]
fn unfinished_files_vanish() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.prag");
    let mut writer = CorpusWriter::create(&path, CollectionId([1; 16])).unwrap();
    writer.append(b"sealed").unwrap();
    assert_eq!(writer.append(&vec![0; RECORD_BYTES_MAX + 1]), Err(CorpusError::TooLarge(1)));
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(!CorpusReader::recognises(&path));
}

const GOLDEN_FILE: &str = "8c1f4b9f1580b7f6c2383a317582cef98fbe65e9ab7b44977237b8fa855d6ac7";
