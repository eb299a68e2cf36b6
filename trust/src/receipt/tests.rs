//! Receipts: frozen bytes, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::merkle::MerkleLog;
use prag_protocol::Lineage;
use prag_protocol::limits::RECEIPT_ENTRIES_MAX;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A worker whose evidence verified, as far as this module knows.
fn worker(key: &SigningKey) -> Verified<Worker> {
    Verified::new(Worker {
        sig_pk: key.verifying_key().to_bytes(),
        measurement: [9; 32],
        kind: "tdx",
        config_digest: [5; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [2; 32],
        evidence_hash: [1; 32],
        policy_digest: [6; 32],
    })
}

fn log() -> MerkleLog {
    let mut log = MerkleLog::new();
    for index in 0..5u8 {
        log.append(&[index; 32]);
    }
    log
}

fn at(index: u64) -> Inclusion {
    Inclusion { index, proof: log().inclusion(index, 5).unwrap() }
}

fn batch(index: u64) -> Batch {
    Batch { leaf: log().leaf_hashes()[usize::try_from(index).unwrap()], at: at(index) }
}

fn receipt(deed: Deed) -> Receipt {
    let head = Head { lineage: Lineage([3; 16]), writer_epoch: 1, size: 5, root: log().root() };
    Receipt {
        worker: key().verifying_key().to_bytes(),
        collection: CollectionId([2; 16]),
        epoch: 300,
        head: Some(head),
        profile: [8; 32],
        time: 300,
        units: 1,
        deed,
    }
}

fn write() -> Receipt {
    let written = |outcome, batch| Written { document: [1; 32], outcome, batch };
    receipt(Deed::Write(vec![
        written(Outcome::Created, Some(batch(4))),
        written(Outcome::Unchanged, None),
        written(Outcome::Updated, Some(batch(0))),
    ]))
}

fn retrieval() -> Receipt {
    let asked = Asked {
        budget: 300,
        k: 10,
        mode: Mode::Hybrid,
        exact: true,
        ef: 96,
        fusion: Fusion::Linear { weight: 0.5 },
    };
    let passage = |index: u8, score| Passage {
        chunk: [index; 32],
        score,
        part: Some(Part { root: log().root(), size: 5, at: at(index.into()) }),
    };
    let passages = vec![passage(4, 812), passage(1, -3)];
    receipt(Deed::Retrieval(Retrieval { query: [6; 32], asked, passages }))
}

fn deletion() -> Receipt {
    let (documents, batches) = (vec![[4; 32], [5; 32]], vec![batch(3)]);
    receipt(Deed::Deletion(Deletion { purged: true, documents, batches }))
}

/// Version 1 is frozen: a version byte, then postcard, spelled here by hand.
#[test]
fn golden_bytes() {
    let head = |kind: u8| {
        let signer = key().verifying_key().to_bytes();
        let start = [&[1][..], &signer, &[2; 16], &[0xac, 2], &[1]].concat();
        let head = receipt(Deed::Write(vec![])).head.unwrap().to_bytes();
        [&start[..], &head, &[8; 32], &[0xac, 2], &[1], &[kind]].concat()
    };
    let inclusion = |index: u64, hashes: u8| {
        let proof = at(index).proof;
        assert_eq!(proof.len(), usize::from(hashes));
        [vec![u8::try_from(index).unwrap(), hashes], proof.concat()].concat()
    };
    let leaf = |index: usize| log().leaf_hashes()[index].to_vec();
    let expected = [
        head(0),
        vec![3],
        [vec![1; 32], vec![0, 1], leaf(4), inclusion(4, 1)].concat(),
        [vec![1; 32], vec![2, 0]].concat(),
        [vec![1; 32], vec![1, 1], leaf(0), inclusion(0, 3)].concat(),
    ];
    assert_eq!(write().to_bytes(), expected.concat());

    let asked = [&[0xac, 2, 10, 2, 1, 96, 0][..], &0.5f32.to_le_bytes()].concat();
    let root = log().root().to_vec();
    let expected = [
        head(1),
        vec![6; 32],
        asked,
        vec![2],
        [vec![4; 32], vec![0xd8, 0x0c, 1], root.clone(), vec![5], inclusion(4, 1)].concat(),
        [vec![1; 32], vec![5, 1], root, vec![5], inclusion(1, 3)].concat(),
    ];
    assert_eq!(retrieval().to_bytes(), expected.concat());

    let expected =
        [head(2), vec![1, 2], vec![4; 32], vec![5; 32], vec![1], leaf(3), inclusion(3, 3)];
    assert_eq!(deletion().to_bytes(), expected.concat());
    for receipt in [write(), retrieval(), deletion()] {
        assert_eq!(Receipt::from_bytes(&receipt.to_bytes()), Ok(receipt));
    }
    let signed = write().sign(&key());
    assert_eq!(signed.bytes.len(), 0x01c3);
    let message = [&b"PRAG-RECEIPT/v1"[..], &[0, 0, 1, 0xc3], &signed.bytes].concat();
    assert_eq!(key().sign(&message).to_bytes(), signed.signature);
}

/// Frozen hashes, computed by an independent program (Python: hashlib).
#[test]
fn golden_hashes() {
    let (salt, content_hash) = ([1; 16], [2; 32]);
    let headings = ["Above".to_owned(), "Below".to_owned()];
    let parts = ChunkParts {
        salt: &salt,
        document: "doc-1",
        title: "Title",
        chunk: 3,
        start: 5,
        end: 260,
        heading_path: &headings,
        content_hash: &content_hash,
        text: "dose: 5 mg",
    };
    let golden = [
        (chunk_hash(&parts), "5a7bb4d8e80b7d3a42a3380a8257da46b6a9a2533a0d493aae87ae9ecf533aaf"),
        (
            query_hash(&salt, Some("when?"), Some(&[0.5, -1.0]), Some(&[0xab])),
            "1e12d99b707fe5ff56e12f06488a80f84965dd4035fc7a57ab433d50e4e31c03",
        ),
        (
            query_hash(&salt, Some(""), None, None),
            "6604c86636e110930312596890c3b49b3a9b41a5ba538e33a12a77628f57db1c",
        ),
        (
            document_hash(&salt, "doc-1", &content_hash),
            "2066e3a458e468832d915d81b2c2362364c46022b9ba0db4f5125cfe22e7edde",
        ),
        (
            deleted_hash(&salt, "doc-1"),
            "64acb001023e6fa848e91748048eb54668f247132907c051cad775df0d935d24",
        ),
    ];
    for (hash, expected) in golden {
        assert_eq!(hex::encode(hash), expected);
    }
}

/// All that is shown of a chunk is in its hash, and so is the salt: without it nobody can tell a right guess from a
/// wrong one, so a purged chunk's hash is linked to nothing.
#[test]
fn a_hash_opens_to_one_chunk_and_only_with_its_salt() {
    let (salt, other, content_hash) = ([1; 16], [3; 16], [2; 32]);
    let (headings, fewer) = (["a".to_owned(), "b".to_owned()], ["ab".to_owned()]);
    let good = ChunkParts {
        salt: &salt,
        document: "d",
        title: "t",
        chunk: 0,
        start: 0,
        end: 1,
        heading_path: &headings,
        content_hash: &content_hash,
        text: "x",
    };
    let hash = chunk_hash(&good);
    let others = [
        ChunkParts { salt: &other, ..good },
        ChunkParts { document: "dt", title: "", ..good },
        ChunkParts { title: "u", ..good },
        ChunkParts { chunk: 1, ..good },
        ChunkParts { start: 1, ..good },
        ChunkParts { end: 2, ..good },
        ChunkParts { heading_path: &fewer, ..good },
        ChunkParts { content_hash: &[0; 32], ..good },
        ChunkParts { text: "y", ..good },
    ];
    for (row, one) in others.iter().enumerate() {
        assert_ne!(chunk_hash(one), hash, "row {row}");
    }
    // The text is known and every other salt of a byte is tried: none fits.
    for byte in (0..=255).filter(|byte| *byte != 1) {
        assert_ne!(chunk_hash(&ChunkParts { salt: &[byte; 16], ..good }), hash);
    }
    assert_ne!(query_hash(&salt, None, None, None), query_hash(&salt, Some(""), None, None));
    assert_ne!(query_hash(&salt, Some("q"), None, None), query_hash(&other, Some("q"), None, None));
    assert_ne!(deleted_hash(&salt, "d"), deleted_hash(&other, "d"));
}

/// What a verified worker signed verifies; any bit of it that is flipped, and any other worker, is refused.
#[test]
fn only_the_workers_own_bytes_verify() {
    for receipt in [write(), retrieval(), deletion()] {
        let signed = receipt.clone().sign(&key());
        assert_eq!(*signed.verify(&worker(&key())).unwrap(), receipt);
        for bit in 0..signed.bytes.len() * 8 {
            let mut bad = signed.clone();
            bad.bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(bad.verify(&worker(&key())).is_err(), "bit {bit}");
        }
        for bit in 0..512 {
            let mut bad = signed.clone();
            bad.signature[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(bad.verify(&worker(&key())).err(), Some(ReceiptError::Signature));
        }
        let stranger = SigningKey::from_bytes(&[8; 32]);
        let refused = signed.verify(&worker(&stranger)).err();
        assert_eq!(refused, Some(ReceiptError::OtherWorker));
        // In the name of the worker, under a stranger's signature.
        let forged = receipt.sign(&stranger);
        assert_eq!(forged.verify(&worker(&key())).err(), Some(ReceiptError::OtherWorker));
        let named = SignedReceipt { bytes: signed.bytes, signature: forged.signature };
        assert_eq!(named.verify(&worker(&key())).err(), Some(ReceiptError::Signature));
    }
}

/// A signature does not make a proof true: each entry's own must hold.
#[test]
fn proofs_are_checked_under_the_signature() {
    let refused = |receipt: Receipt| receipt.sign(&key()).verify(&worker(&key())).err();
    let mut bad = retrieval();
    let Deed::Retrieval(deed) = &mut bad.deed else { panic!() };
    deed.passages[1].chunk = [9; 32];
    assert_eq!(refused(bad), Some(ReceiptError::Inclusion(1)));
    let mut bad = retrieval();
    let Deed::Retrieval(deed) = &mut bad.deed else { panic!() };
    deed.passages[0].part.as_mut().unwrap().root[0] ^= 1;
    assert_eq!(refused(bad), Some(ReceiptError::Inclusion(0)));
    let mut bad = write();
    bad.head.as_mut().unwrap().root[0] ^= 1;
    assert_eq!(refused(bad), Some(ReceiptError::Inclusion(0)));
    let mut bad = write();
    let Deed::Write(documents) = &mut bad.deed else { panic!() };
    documents[2].batch.as_mut().unwrap().at.index = 1;
    assert_eq!(refused(bad), Some(ReceiptError::Inclusion(2)));
    let mut bad = deletion();
    let Deed::Deletion(deed) = &mut bad.deed else { panic!() };
    deed.batches[0].at.proof.pop();
    assert_eq!(refused(bad), Some(ReceiptError::Inclusion(0)));
}

/// Half a receipt is none, nor is one over its bounds or of another version.
#[test]
fn shapes_are_whole() {
    let reads = |receipt: &Receipt| Receipt::from_bytes(&receipt.to_bytes()).is_ok();
    for whole in [write(), retrieval(), deletion()] {
        assert!(reads(&whole));
        assert!(!reads(&Receipt { head: None, ..whole }));
    }
    let mut scoped = Receipt { head: None, ..retrieval() };
    let Deed::Retrieval(deed) = &mut scoped.deed else { panic!() };
    deed.passages.iter_mut().for_each(|passage| passage.part = None);
    assert!(reads(&scoped));
    assert!(!reads(&Receipt { head: write().head, ..scoped }));

    let written =
        |outcome, batch| receipt(Deed::Write(vec![Written { document: [1; 32], outcome, batch }]));
    assert!(!reads(&written(Outcome::Created, None)));
    assert!(!reads(&written(Outcome::Unchanged, Some(batch(0)))));
    let deleted = |count| {
        let documents = vec![[0; 32]; count];
        receipt(Deed::Deletion(Deletion { purged: false, documents, batches: vec![] }))
    };
    assert!(reads(&deleted(RECEIPT_ENTRIES_MAX)));
    assert!(!reads(&deleted(RECEIPT_ENTRIES_MAX + 1)));
    let proof = |hashes| {
        let at = Inclusion { index: 0, proof: vec![[0; 32]; hashes] };
        written(Outcome::Created, Some(Batch { leaf: [0; 32], at }))
    };
    assert!(reads(&proof(PROOF_HASHES_MAX)));
    assert!(!reads(&proof(PROOF_HASHES_MAX + 1)));

    let bytes = write().to_bytes();
    for end in 0..bytes.len() {
        assert_eq!(Receipt::from_bytes(&bytes[..end]), Err(ReceiptError::Malformed), "{end}");
    }
    assert!(Receipt::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Receipt::from_bytes(&[&[2], &bytes[1..]].concat()).is_err());
}
