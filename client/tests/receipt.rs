//! `prag receipt`, as anybody would run it: a file is shown as it is, and judged by what it holds.

#![allow(clippy::unwrap_used, clippy::panic)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use prag_pki::tdx::Tdx;
use prag_protocol::{CollectionId, Lineage};
use prag_trust::evidence::{Binding, BindingPurpose, Evidence};
use prag_trust::head::Head;
use prag_trust::receipt::{Deed, Deletion, Receipt, deleted_hash};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn prag(home: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_prag"))
        .args(arguments)
        .arg("--json")
        .env("PRAG_HOME", home)
        .output()
        .unwrap();
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), value)
}

/// A deletion by a worker on the test PKI's hardware: all of it holds but its root.
fn file(folder: &Path) -> String {
    let key = SigningKey::from_bytes(&[5; 32]);
    let binding = Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: key.verifying_key().to_bytes(),
        tls_spki_sha256: [0; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [6; 32],
        policy_epoch: 0,
    };
    let mut made = Tdx::new(1);
    made.td.report_data = binding.report_data();
    let made = made.build();
    let evidence = Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None };
    let documents = vec![deleted_hash(&[1; 16], "old.md")];
    let receipt = Receipt {
        worker: [0; 32],
        collection: CollectionId([2; 16]),
        epoch: 1,
        head: Some(Head {
            lineage: Lineage([9; 16]),
            writer_epoch: 1,
            size: 0,
            root: prag_trust::merkle::empty_root(),
        }),
        profile: [8; 32],
        time: made.now,
        units: 0,
        deed: Deed::Deletion(Deletion { purged: false, documents, batches: vec![] }),
    };
    let signed = receipt.sign(&key);
    let lines = [
        json!({ "prag_receipts": 1 }),
        json!({ "attestation": {
            "evidence": evidence,
            "worker_key": hex::encode(binding.sig_pk),
            "tls_spki_sha256": hex::encode(binding.tls_spki_sha256),
            "nonce": hex::encode(binding.nonce),
            "ledger_id": hex::encode(binding.ledger_id),
            "config_digest": hex::encode(binding.config_digest),
            "policy_epoch": binding.policy_epoch,
        }}),
        json!({ "receipt": {
            "signed": STANDARD.encode(signed.bytes),
            "signature": STANDARD.encode(signed.signature),
            "opening": { "deletion": [{ "salt": "01".repeat(16), "id": "old.md" }] },
        }}),
    ];
    let path = folder.join("receipts");
    std::fs::write(&path, lines.map(|line| line.to_string()).join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A receipt is shown without a verdict; its evidence leads to a stranger's root, which the verdict names with the
/// line.
#[test]
fn a_receipt_is_shown_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    let (code, said) = prag(folder.path(), &["receipt", "show", &file]);
    assert_eq!((code, &said["holds"]), (0, &Value::Null));
    let shown = &said["receipts"][0];
    assert_eq!((&shown["line"], &shown["kind"]), (&json!(3), &json!("deletion")));
    assert_eq!(shown["entries"], json!(["old.md"]));
    assert_eq!(shown["claims"]["collection"], "02".repeat(16));
    let output = Command::new(env!("CARGO_BIN_EXE_prag"))
        .args(["receipt", "show", &file])
        .env("PRAG_HOME", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("not checked"), "{text}");
    for line in ["line 3: deletion\n", "  units              0\n", "  [1] old.md\n"] {
        assert!(text.contains(line), "{text}");
    }

    let (code, said) = prag(folder.path(), &["receipt", "verify", &file]);
    let message = said["error"]["message"].as_str().unwrap();
    assert_eq!((code, &said["error"]["kind"]), (1, &json!("evidence-refused")));
    assert!(
        message.starts_with("line 3: ") && message.contains("does not lead to its root"),
        "{said}"
    );

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("prag_receipts\":1", "prag_receipts\":2")).unwrap();
    let (code, said) = prag(folder.path(), &["receipt", "verify", &file]);
    assert_eq!((code, &said["error"]["kind"]), (1, &json!("receipt-refused")));
    assert!(said["error"]["message"].as_str().unwrap().starts_with("line 1: "), "{said}");
}

/// What the command line itself gets wrong exits with 2; a file that is not there with 1.
#[test]
fn a_wrong_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path());
    assert_eq!(prag(folder.path(), &["receipt", "verify", &file, "--at", "noon"]).0, 2);
    let policy = folder.path().join("policy");
    std::fs::write(&policy, "{").unwrap();
    let policy = policy.to_str().unwrap();
    assert_eq!(prag(folder.path(), &["receipt", "verify", &file, "--policy", policy]).0, 2);
    let absent = folder.path().join("absent");
    assert_eq!(prag(folder.path(), &["receipt", "show", absent.to_str().unwrap()]).0, 1);
}
