//! Hostile answers of a worker, and hostile files.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::cli::evidence::{read_gpu, unwrapped};
use crate::corpus::{CorpusReader, Manifest, corpus_key, open_manifest, seal_documents};
use crate::envelope;
use crate::home::Home;
use crate::identity::{Identity, ShareStore};
use crate::secrets;
use crate::system::OsEntropy;
use bhttp::{Message, Mode};
use prag_fuzz::fuzz;
use prag_protocol::CollectionId;
use prag_protocol::problem::Problem;
use prag_protocol::wire::attestation::Attestation;
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::wire::search::{ContextReply, QueryReply};
use prag_trust::evidence::Evidence;
use prag_trust::key::Share;

/// What a worker, or who sits in its place, answers.
#[test]
fn replies_and_attestations() {
    let mut message = Message::response(200u16.try_into().unwrap());
    message.put_header("content-type", "application/json");
    message.write_content(br#"{"hits":[],"profile":"x"}"#);
    let mut answer = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut answer).unwrap();
    answer.resize(answer.len() + 9, 0);
    fuzz(1, &[answer], |bytes| {
        if let Ok(answer) = envelope::decode(bytes) {
            let _ = serde_json::from_slice::<QueryReply>(&answer.body);
            let _ = serde_json::from_slice::<ContextReply>(&answer.body);
            let _ = serde_json::from_slice::<Problem>(&answer.body);
        }
    });
    let hash = "0a".repeat(32);
    let attestation = format!(
        concat!(
            r#"{{"evidence":{{"kind":"tdx","quote":"AA==","collateral":"e30="}},"worker_key":"{0}","#,
            r#""tls_spki_sha256":"{0}","nonce":"{0}","ledger_id":"{0}","config_digest":"{0}","policy_epoch":1,"#,
            r#""keys":{{"ohttp_config":"AA==","release_key":"{0}","not_after":9,"signature":"AA=="}},"#,
            r#""chain_id":"c","contract":"d","simulated":false,"time":9}}"#
        ),
        hash
    );
    assert!(serde_json::from_str::<Attestation>(&attestation).is_ok());
    fuzz(1, &[attestation.into_bytes()], |bytes| {
        if let Ok(attestation) = serde_json::from_slice::<Attestation>(bytes) {
            let _ = serde_json::from_value::<Evidence>(attestation.evidence);
        }
    });
}

/// A file is read record by record, or refused: never more than it holds, and never without end.
#[test]
fn corpus_files() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::from_secret("fuzz", &[7; 64]).unwrap();
    let shares = ShareStore::new(&Home::at(folder.path()), None);
    let path = folder.path().join("good");
    let documents = ["one", "two", "three"].map(|id| {
        let text = format!(r#"{{"id":"{id}","content":"the text of {id}"}}"#);
        serde_json::from_str::<PutDocument>(&text).unwrap()
    });
    seal_documents(documents.into_iter(), &path, &identity, &shares, 9, &mut OsEntropy).unwrap();
    let file = folder.path().join("hostile");
    let wrong = corpus_key(&Share::from_bytes(&[1; 32]), CollectionId([1; 16]));
    fuzz(10, &[std::fs::read(&path).unwrap()], |bytes| {
        std::fs::write(&file, bytes).unwrap();
        let _ = CorpusReader::recognises(&file);
        let Ok(mut reader) = CorpusReader::open(&file) else { return };
        let mut read = reader.manifest().len();
        while let Ok(Some((_, record))) = reader.next_record() {
            read += record.len();
        }
        assert!(read <= bytes.len());
        let manifest = reader.manifest().to_vec();
        assert!(open_manifest(manifest, &wrong, reader.header().corpus).is_err());
    });
}

/// A manifest that holds is the one that was signed.
#[test]
fn corpus_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::from_secret("fuzz", &[7; 64]).unwrap();
    let shares = ShareStore::new(&Home::at(folder.path()), None);
    let path = folder.path().join("good");
    let document = serde_json::from_str::<PutDocument>(r#"{"id":"a","content":"b"}"#).unwrap();
    seal_documents(std::iter::once(document), &path, &identity, &shares, 9, &mut OsEntropy)
        .unwrap();
    let reader = CorpusReader::open(&path).unwrap();
    let corpus = reader.header().corpus;
    let key = corpus_key(&shares.fetch(corpus, crate::corpus::CORPUS_EPOCH).unwrap(), corpus);
    let whole = open_manifest(reader.manifest().to_vec(), &key, corpus).unwrap();
    let signed = whole.to_signed_bytes(|bytes| identity.sign_manifest(bytes));
    fuzz(10, &[signed], |bytes| {
        if let Ok(manifest) = Manifest::from_signed_bytes(bytes) {
            // Whoever signs anew is named: only this signer's word is compared with the owner's.
            assert!(manifest == whole || manifest.signer != whole.signer);
        }
    });
}

/// GPU evidence as tools write it, and quotes in hex, base64 or raw.
#[test]
fn evidence_files() {
    let gpu = br#"{"nonce":"00","arch":"HOPPER","evidence_list":[{"certificate":"LS0tLQ==","evidence":"EeAAAQ=="}]}"#;
    assert!(read_gpu(gpu).is_ok());
    fuzz(1, &[gpu.to_vec()], |bytes| drop(read_gpu(bytes)));
    let forms = [b"0x0401 0203\n".to_vec(), b"BAECAw==".to_vec(), vec![4, 1, 2, 3]];
    fuzz(1, &forms, |bytes| assert!(unwrapped(bytes.to_vec()).len() <= bytes.len()));
}

/// A secret file asks for no more memory and time than its bounds.
#[test]
fn secret_files() {
    let good = br#"{"version":1,"purpose":"identity","body":"AAAA"}"#.to_vec();
    let locked = br#"{"version":1,"purpose":"identity","argon2id":{"memory_kib":19456,"passes":2,"lanes":1,"salt":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]},"body":"AAAA"}"#.to_vec();
    fuzz(1, &[good, locked], |bytes| drop(secrets::decode("identity", bytes, None)));
}
