//! Receipt files: what holds, and everything else.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::file::Shown;
use super::*;
use crate::error::ClientError;
use crate::trusted::Trusted;
use ed25519_dalek::SigningKey;
use prag_pki::tdx::Tdx;
use prag_protocol::wire::documents::Outcome;
use prag_protocol::wire::search::{Fusion, Mode};
use prag_protocol::{CollectionId, Lineage};
use prag_trust::evidence::{
    Binding, BindingPurpose, Evidence, EvidenceError, HardwareVerifier, Policy, Roots, Tee,
};
use prag_trust::head::Head;
use prag_trust::merkle::MerkleLog;
use prag_trust::receipt::{Asked, Batch, Deletion, Inclusion, Part, Written};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NOW: u64 = 1_800_000_000;
const SALT: [u8; 16] = [1; 16];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn binding(key: &SigningKey) -> Binding {
    Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: key.verifying_key().to_bytes(),
        tls_spki_sha256: [0; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [6; 32],
        policy_epoch: 0,
    }
}

fn attestation(evidence: &Evidence, binding: &Binding) -> Value {
    json!({
        "evidence": evidence,
        "worker_key": hex::encode(binding.sig_pk),
        "tls_spki_sha256": hex::encode(binding.tls_spki_sha256),
        "nonce": hex::encode(binding.nonce),
        "ledger_id": hex::encode(binding.ledger_id),
        "config_digest": hex::encode(binding.config_digest),
        "policy_epoch": binding.policy_epoch,
    })
}

fn simulated(key: &SigningKey, nonce: u8) -> Value {
    let binding = Binding { nonce: [nonce; 32], ..binding(key) };
    attestation(&SimTee::new("test").evidence(&binding, key).unwrap(), &binding)
}

fn trusted() -> Trusted {
    let measurements = vec![sim_measurement("test")];
    Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy { measurements, ..Policy::default() },
        first_use: true,
        warning: None,
    }
}

fn chunk(number: u32, text: &str) -> OpenedChunk {
    OpenedChunk {
        salt: hex::encode([u8::try_from(number).unwrap(); 16]),
        document: "doses.md".parse().unwrap(),
        title: "Doses".to_owned(),
        chunk: number,
        start: 0,
        end: 9,
        heading_path: vec!["Children".to_owned()],
        content_hash: hex::encode([7; 32]),
        text: text.to_owned(),
    }
}

fn hash(chunk: &OpenedChunk) -> [u8; 32] {
    chunk_hash(&ChunkParts {
        salt: &unhex(&chunk.salt, "salt").unwrap(),
        document: chunk.document.as_str(),
        title: &chunk.title,
        chunk: chunk.chunk,
        start: chunk.start,
        end: chunk.end,
        heading_path: &chunk.heading_path,
        content_hash: &unhex(&chunk.content_hash, "hash").unwrap(),
        text: &chunk.text,
    })
}

fn tree(leaves: &[[u8; 32]]) -> MerkleLog {
    let mut tree = MerkleLog::new();
    for leaf in leaves {
        tree.append(leaf);
    }
    tree
}

fn record(key: &SigningKey, time: u64, deed: Deed, opening: Opening) -> Record {
    let log = tree(&[[1; 32], [2; 32], [3; 32]]);
    let head = Head { lineage: Lineage([9; 16]), writer_epoch: 1, size: 3, root: log.root() };
    let receipt = Receipt {
        worker: [0; 32],
        collection: CollectionId([2; 16]),
        epoch: 1,
        head: Some(head),
        profile: [8; 32],
        time,
        units: 1,
        deed,
    };
    let signed = receipt.sign(key);
    let (signed, signature) = (STANDARD.encode(signed.bytes), STANDARD.encode(signed.signature));
    Record { signed, signature, opening }
}

fn batch(index: u64) -> Batch {
    let log = tree(&[[1; 32], [2; 32], [3; 32]]);
    let leaf = log.leaf_hashes()[usize::try_from(index).unwrap()];
    Batch { leaf, at: Inclusion { index, proof: log.inclusion(index, 3).unwrap() } }
}

fn retrieval(key: &SigningKey, time: u64, texts: &[&str]) -> Record {
    let chunks: Vec<OpenedChunk> =
        (0..).zip(texts).map(|(number, text)| chunk(number, text)).collect();
    let hashes: Vec<[u8; 32]> = chunks.iter().map(hash).collect();
    let tree = tree(&hashes);
    let passage = |(index, chunk): (u64, &[u8; 32])| {
        let at = Inclusion { index, proof: tree.inclusion(index, tree.size()).unwrap() };
        let part = Some(Part { root: tree.root(), size: tree.size(), at });
        Passage { chunk: *chunk, score: 812, part }
    };
    let filter: Filter =
        serde_json::from_value(json!({ "must": [{ "key": "year", "range": { "gt": 0.1 } }] }))
            .unwrap();
    let vector = vec![0.1f32, -0.7];
    let query = query_hash(&SALT, Some("how much?"), Some(&vector), Some(&filter.to_bytes()));
    let asked =
        Asked { budget: 0, k: 10, mode: Mode::Hybrid, exact: false, ef: 96, fusion: Fusion::Dbsf };
    let passages = (0..).zip(&hashes).map(passage).collect();
    let opened = OpenedRetrieval {
        salt: hex::encode(SALT),
        text: Some("how much?".to_owned()),
        vector: Some(vector),
        filter: Some(filter),
        chunks,
    };
    let deed = Deed::Retrieval(Retrieval { query, asked, passages });
    record(key, time, deed, Opening::Retrieval(Box::new(opened)))
}

fn write(key: &SigningKey) -> Record {
    let id = "doses.md";
    let opened = OpenedDocument {
        salt: hex::encode(SALT),
        id: id.parse().unwrap(),
        content_hash: hex::encode([7; 32]),
    };
    let document = document_hash(&SALT, id, &[7; 32]);
    let entry = Written { document, outcome: Outcome::Created, batch: Some(batch(2)) };
    record(key, NOW, Deed::Write(vec![entry]), Opening::Write(vec![opened]))
}

fn deletion(key: &SigningKey) -> Record {
    let id = "doses.md";
    let opened = OpenedId { salt: hex::encode(SALT), id: id.parse().unwrap() };
    let documents = vec![deleted_hash(&SALT, id)];
    let deed = Deed::Deletion(Deletion { purged: false, documents, batches: vec![batch(1)] });
    record(key, NOW, deed, Opening::Deletion(vec![opened]))
}

/// A file of these lines.
fn file(folder: &TempDir, lines: &[Value]) -> PathBuf {
    let path = folder.path().join("receipts");
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(&path, text.join("\n") + "\n").unwrap();
    path
}

fn whole(attestation: Value, records: &[&Record]) -> Vec<Value> {
    let start = [json!({ "prag_receipts": 1 }), json!({ "attestation": attestation })];
    start.into_iter().chain(records.iter().map(|one| json!({ "receipt": one }))).collect()
}

/// As a client keeps it that verified evidence over this nonce.
fn kept(key: &SigningKey, nonce: u8, record: Record) -> Kept {
    let shown: Shown = serde_json::from_value(simulated(key, nonce)).unwrap();
    let worker = shown.verify(&trusted(), NOW).unwrap();
    let checked = record.clone().check(&worker).unwrap();
    Kept { shown, record, checked }
}

/// How many receipts hold; else the first line that does not, and why.
fn judge(path: &Path, trusted: &Trusted) -> Result<usize, (usize, ClientError)> {
    verify(path, trusted, None, |_| ()).map_err(|error| match error {
        ClientError::ReceiptLine { line, reason } => (line, *reason),
        other => (0, other),
    })
}

fn refusal(folder: &TempDir, lines: &[Value]) -> (usize, Refusal) {
    match judge(&file(folder, lines), &trusted()) {
        Err((line, ClientError::Receipt(reason))) => (line, reason),
        other => panic!("{other:?}"),
    }
}

/// Receipts of every kind hold behind their worker's evidence, whichever nonce it answered.
#[test]
fn honest_receipts_hold() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let records = [retrieval(&key, NOW, &["5 mg", "10 mg"]), write(&key), deletion(&key)];
    for nonce in [3, 4] {
        let lines = whole(simulated(&key, nonce), &records.each_ref());
        assert_eq!(judge(&file(&folder, &lines), &trusted()).unwrap(), 3);
    }
}

/// A flipped bit anywhere in a file is refused, unless the file still says the very same.
#[test]
fn every_byte_counts() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let parse = |bytes: &[u8]| -> Option<Vec<Value>> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).ok()).collect()
    };
    let records = [retrieval(&key, NOW, &["5 mg", "10 mg"]), write(&key), deletion(&key)];
    for (number, record) in records.into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        ReceiptFile::create(&path).unwrap().keep(&kept(&key, 3, record)).unwrap();
        let good = fs::read(&path).unwrap();
        assert_eq!(judge(&path, &trusted()).unwrap(), 1);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= [0x01, 0x02, 0x20][at % 3];
            fs::write(&path, &bad).unwrap();
            let verdict = judge(&path, &trusted());
            let same = parse(&bad) == parse(&good);
            assert!(verdict.is_err() || same, "byte {at} of {}", good.len());
        }
    }
}

/// Chunks change places, within a receipt or with another receipt of the same worker: refused at the first.
#[test]
fn swapped_chunks_are_refused() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let good = retrieval(&key, NOW, &["5 mg", "10 mg"]);
    let other = retrieval(&key, NOW, &["50 mg", "10 mg"]);
    let (Opening::Retrieval(own), Opening::Retrieval(others)) = (&good.opening, &other.opening)
    else {
        panic!()
    };
    let with = |chunks: Vec<OpenedChunk>| {
        let opening = Opening::Retrieval(Box::new(OpenedRetrieval { chunks, ..*own.clone() }));
        let lines = whole(simulated(&key, 3), &[&Record { opening, ..good.clone() }]);
        refusal(&folder, &lines)
    };
    let opening = |number| Refusal::Opening { what: "chunk", number };
    let mut turned = own.chunks.clone();
    turned.reverse();
    assert_eq!(with(turned), (3, opening(1)));
    assert_eq!(with(others.chunks.clone()), (3, opening(1)));
    let mut second = own.chunks.clone();
    second[1].text.push('0');
    assert_eq!(with(second), (3, opening(2)));
    assert_eq!(with(own.chunks[..1].to_vec()), (3, Refusal::Entries));
    // Whole openings of one receipt under the signature of another, of the same kind and of another kind.
    let crossed = Record { opening: other.opening.clone(), ..good.clone() };
    assert_eq!(refusal(&folder, &whole(simulated(&key, 3), &[&crossed])), (3, opening(1)));
    let crossed = Record { opening: deletion(&key).opening, ..write(&key) };
    assert_eq!(refusal(&folder, &whole(simulated(&key, 3), &[&crossed])), (3, Refusal::Entries));
}

/// Another worker's receipt, another worker's evidence, evidence of another image or for other claims: refused.
#[test]
fn another_worker_is_refused() {
    let (folder, own, other) = (tempfile::tempdir().unwrap(), key(5), key(6));
    let (mine, theirs) = (write(&own), write(&other));
    let not_its = Refusal::Signed(ReceiptError::OtherWorker);
    assert_eq!(refusal(&folder, &whole(simulated(&own, 3), &[&mine, &theirs])), (4, not_its));
    assert_eq!(refusal(&folder, &whole(simulated(&other, 3), &[&mine])), (3, not_its));
    let forged = Record { signature: theirs.signature, ..mine.clone() };
    let unsigned = Refusal::Signed(ReceiptError::Signature);
    assert_eq!(refusal(&folder, &whole(simulated(&own, 3), &[&forged])), (3, unsigned));

    let evidence = |attestation, trusted: &Trusted| {
        let lines = whole(attestation, &[&mine]);
        match judge(&file(&folder, &lines), trusted) {
            Err((3, ClientError::EvidenceFile(why))) => why,
            other => panic!("{other:?}"),
        }
    };
    let mut renamed = simulated(&other, 3);
    renamed["worker_key"] = hex::encode(own.verifying_key().to_bytes()).into();
    assert_eq!(evidence(renamed, &trusted()), EvidenceError::Binding);
    for field in ["tls_spki_sha256", "nonce", "ledger_id", "config_digest"] {
        let mut moved = simulated(&own, 3);
        moved[field] = hex::encode([0xee; 32]).into();
        assert_eq!(evidence(moved, &trusted()), EvidenceError::Binding, "{field}");
    }
    let policy = Policy { measurements: vec![sim_measurement("other")], ..Policy::default() };
    let strict = Trusted { policy, ..trusted() };
    assert_eq!(evidence(simulated(&own, 3), &strict), EvidenceError::Measurement);
    let strict = Trusted { first_use: false, ..trusted() };
    assert_eq!(evidence(simulated(&own, 3), &strict), EvidenceError::Ledger);
    assert_eq!(evidence(simulated(&own, 3), &Trusted::default()), EvidenceError::Kind("sim"));
}

/// A file has its format first, an attestation before receipts, a receipt at least, and nothing else.
#[test]
fn files_have_one_form() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let good = whole(simulated(&key, 3), &[&write(&key)]);
    let refused = |lines: &[Value]| refusal(&folder, lines).0;
    assert_eq!(refused(&[good[0].clone(), good[2].clone()]), 2);
    assert_eq!(refused(&good[1..]), 1);
    assert_eq!(refused(&[&good[..], &good[..1]].concat()), 4);
    assert_eq!(refused(&good[..2]), 0);
    assert_eq!(refused(&[]), 1);
    let mut other = good.clone();
    other[0] = json!({ "prag_receipts": 2 });
    assert_eq!(refused(&other), 1);
    for (line, part) in [(1, "attestation"), (2, "receipt")] {
        let mut more = good.clone();
        more[line][part]["more"] = json!(1);
        let (at, why) = judge(&file(&folder, &more), &trusted()).unwrap_err();
        assert_eq!(at, line + 1, "{why}");
    }
    let mut unknown = good.clone();
    unknown[1]["attestation"]["evidence"]["kind"] = json!("paper");
    let (at, why) = judge(&file(&folder, &unknown), &trusted()).unwrap_err();
    assert!(at == 2 && matches!(why, ClientError::Attestation(_)), "{why}");
    let path = file(&folder, &good);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    assert_eq!(judge(&path, &trusted()).unwrap_err().0, 3);
    assert!(judge(&folder.path().join("absent"), &trusted()).is_err());
}

/// A receipt file is private and new, and says once what its worker proved.
#[test]
fn files_are_written_once() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let path = folder.path().join("new");
    let mut file = ReceiptFile::create(&path).unwrap();
    assert!(ReceiptFile::create(&path).is_err());
    file.keep(&kept(&key, 3, write(&key))).unwrap();
    file.keep(&kept(&key, 3, deletion(&key))).unwrap();
    file.keep(&kept(&key, 4, retrieval(&key, NOW, &["5 mg"]))).unwrap();
    drop(file);
    assert_eq!(judge(&path, &trusted()).unwrap(), 3);
    assert_eq!(fs::read_to_string(&path).unwrap().matches("\"attestation\"").count(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Receipt file format 1 is frozen: these lines, spelled by hand, are what is written.
#[test]
fn golden_lines() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let path = folder.path().join("new");
    let records = [retrieval(&key, NOW, &["5 mg"]), write(&key), deletion(&key)];
    let mut file = ReceiptFile::create(&path).unwrap();
    for record in records.clone() {
        file.keep(&kept(&key, 3, record)).unwrap();
    }
    let binding = binding(&key);
    let evidence = SimTee::new("test").evidence(&binding, &key).unwrap();
    let attestation = [
        format!(r#"{{"attestation":{{"evidence":{},"#, serde_json::to_string(&evidence).unwrap()),
        format!(r#""worker_key":"{}","#, hex::encode(binding.sig_pk)),
        format!(r#""tls_spki_sha256":"{}","nonce":"{}","#, "00".repeat(32), "03".repeat(32)),
        format!(r#""ledger_id":"{}","config_digest":"{}","#, "04".repeat(32), "06".repeat(32)),
        r#""policy_epoch":0}}"#.to_owned(),
    ];
    let (salt, content) = ("01".repeat(16), "07".repeat(32));
    let query = [
        format!(r#"{{"retrieval":{{"salt":"{salt}","text":"how much?","vector":[0.1,-0.7],"#),
        r#""filter":{"must":[{"key":"year","range":{"gt":0.1}}]},"chunks":["#.to_owned(),
        format!(
            r#"{{"salt":"{}","document":"doses.md","title":"Doses","chunk":0,"#,
            "00".repeat(16)
        ),
        r#""start":0,"end":9,"heading_path":["Children"],"#.to_owned(),
        format!(r#""content_hash":"{content}","text":"5 mg"}}]}}}}"#),
    ];
    let openings = [
        query.concat(),
        format!(r#"{{"write":[{{"salt":"{salt}","id":"doses.md","content_hash":"{content}"}}]}}"#),
        format!(r#"{{"deletion":[{{"salt":"{salt}","id":"doses.md"}}]}}"#),
    ];
    let receipt = |(record, opening): (&Record, &String)| {
        let Record { signed, signature, .. } = record;
        format!(
            r#"{{"receipt":{{"signed":"{signed}","signature":"{signature}","opening":{opening}}}}}"#
        )
    };
    let mut expected = vec![r#"{"prag_receipts":1}"#.to_owned(), attestation.concat()];
    expected.extend(records.iter().zip(&openings).map(receipt));
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.join("\n") + "\n");
}

/// Evidence in Intel's format is judged as of the receipt's own time, or of a time that the reader names; a policy
/// that does not list the image, and any other root, refuse it.
#[test]
fn hardware_is_judged_as_of_a_time() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key(5));
    let mut made = Tdx::new(1);
    made.td.report_data = binding(&key).report_data();
    let made = made.build();
    let evidence = Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None };
    let verifier =
        || HardwareVerifier::with_roots(Roots { tdx: Some(made.root.clone()), ..Roots::default() });
    let image = verifier().examine(&evidence, &Policy::default(), made.now).unwrap();
    let measurements = vec![image.hardware.image()];
    let trusted = |measurements| Trusted {
        verifier: Box::new(verifier()),
        policy: Policy { measurements, ..Policy::default() },
        first_use: true,
        warning: None,
    };
    let record = retrieval(&key, made.now, &["5 mg"]);
    let path = file(&folder, &whole(attestation(&evidence, &binding(&key)), &[&record]));
    let allowed = trusted(measurements);
    assert_eq!(judge(&path, &allowed).unwrap(), 1);
    let late = verify(&path, &allowed, Some(made.now + 10 * 365 * 86_400), |_| ());
    assert!(matches!(late, Err(ClientError::ReceiptLine { line: 3, .. })));
    let strangers = judge(&path, &trusted(vec![])).unwrap_err();
    assert!(matches!(strangers.1, ClientError::EvidenceFile(EvidenceError::Measurement)));
    assert!(judge(&path, &Trusted::default()).is_err());
}
