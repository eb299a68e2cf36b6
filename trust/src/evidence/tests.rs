#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Binding, BindingPurpose, Evidence, EvidenceError, HardwareVerifier, KEY_SET_SECONDS_MAX,
    KeySetError, Policy, Verifier, Worker, sign_keys, verify_keys,
};
use crate::verified::Verified;
use ed25519_dalek::SigningKey;

const NOW: u64 = 1_700_000_000;

fn binding() -> Binding {
    Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: [1; 32],
        tls_spki_sha256: [2; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 6,
    }
}

fn policy() -> Policy {
    Policy {
        epoch: 6,
        measurements: vec![[8; 32], [9; 32]],
        ledger_ids: vec![[4; 32]],
        config_digests: vec![[5; 32]],
    }
}

/// Frozen bytes, computed by an independent program.
#[test]
fn golden_report_data() {
    let first = "cd728bb38d2e55a377b025454091d43712f8c6a1498a9c667a091bdf3ed2ac74";
    let gpu = "91ce9f64fd2d3d2fa112bcd800ae8bbd52332acdc1df343c045bc4ce4b41e171";
    assert_eq!(hex::encode(binding().report_data()), format!("{first}{}", "0".repeat(64)));
    assert_eq!(hex::encode(binding().report_data_with_gpu()), format!("{first}{gpu}"));
    assert_eq!(hex::encode(binding().gpu_nonce()), gpu);
}

/// Every claim changes the report data.
#[test]
fn every_claim_is_bound() {
    let good = binding();
    let others = [
        Binding { purpose: BindingPurpose::Register, ..good },
        Binding { purpose: BindingPurpose::Peer, ..good },
        Binding { sig_pk: [0; 32], ..good },
        Binding { tls_spki_sha256: [0; 32], ..good },
        Binding { nonce: [0; 32], ..good },
        Binding { ledger_id: [0; 32], ..good },
        Binding { config_digest: [0; 32], ..good },
        Binding { policy_epoch: 7, ..good },
    ];
    for (row, other) in others.iter().enumerate() {
        assert_ne!(other.report_data(), good.report_data(), "row {row}");
        assert_ne!(other.gpu_nonce(), good.gpu_nonce(), "row {row}");
    }
}

/// What is in the lists is allowed; an empty list allows nothing.
#[test]
fn policy_allows_by_name() {
    let verdict = |policy: &Policy| policy.allow(&[9; 32], &binding());
    assert_eq!(verdict(&policy()), Ok(()));
    assert_eq!(policy().allow(&[7; 32], &binding()), Err(EvidenceError::Measurement));
    let none = Policy { measurements: vec![], ..policy() };
    assert_eq!(verdict(&none), Err(EvidenceError::Measurement));
    let none = Policy { ledger_ids: vec![], ..policy() };
    assert_eq!(verdict(&none), Err(EvidenceError::Ledger));
    let none = Policy { config_digests: vec![], ..policy() };
    assert_eq!(verdict(&none), Err(EvidenceError::Configuration));
    assert_eq!(verdict(&Policy { epoch: 5, ..policy() }), Ok(()));
    let newer = EvidenceError::PolicyEpoch { worker: 6, policy: 7 };
    assert_eq!(verdict(&Policy { epoch: 7, ..policy() }), Err(newer));
    assert!(Policy::default().allow(&[0; 32], &binding()).is_err());
}

/// A policy's digest covers every list, and is blind to order only.
#[test]
fn policy_digest_covers_the_policy() {
    let good = policy().digest();
    let turned = Policy { measurements: vec![[9; 32], [8; 32], [9; 32]], ..policy() };
    assert_eq!(turned.digest(), good);
    let others = [
        Policy { epoch: 7, ..policy() },
        Policy { measurements: vec![[8; 32]], ..policy() },
        Policy { ledger_ids: vec![[5; 32]], config_digests: vec![[4; 32]], ..policy() },
        Policy { ledger_ids: vec![[4; 32], [5; 32]], config_digests: vec![], ..policy() },
    ];
    for other in others {
        assert_ne!(other.digest(), good);
    }
}

/// Policies read back, and hold nothing that they do not name: no word for simulated evidence.
#[test]
fn policy_json_is_closed() {
    let text = serde_json::to_string(&policy()).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy());
    let extra = text.replacen('{', r#"{"kinds":["sim"],"#, 1);
    assert!(serde_json::from_str::<Policy>(&extra).is_err());
}

/// Hardware evidence that this build cannot verify is not believed.
#[test]
fn unverifiable_evidence_is_refused() {
    let tdx = Evidence::Tdx { quote: vec![1] };
    let snp = Evidence::Snp { report: vec![1], certificates: vec![] };
    for evidence in [tdx, snp] {
        let verdict = HardwareVerifier.verify(&evidence, &binding(), &policy(), NOW);
        assert_eq!(verdict.unwrap_err(), EvidenceError::Unsupported(evidence.kind()));
    }
}

/// Evidence is tagged by its kind; unknown kinds and fields are refused.
#[test]
fn evidence_json_is_tagged() {
    let snp = Evidence::Snp { report: b"report".to_vec(), certificates: b"prag".to_vec() };
    let text = serde_json::to_string(&snp).unwrap();
    assert_eq!(text, r#"{"kind":"snp","report":"cmVwb3J0","certificates":"cHJhZw=="}"#);
    assert!(serde_json::from_str::<Evidence>(&text).unwrap() == snp);
    for bad in [
        text.replace("snp", "sgx"),
        text.replace("\"kind\":\"snp\",", ""),
        text.replace("snp", "tdx"),
        text.replacen('{', "{\"quote\":\"\",", 1),
    ] {
        assert!(serde_json::from_str::<Evidence>(&bad).is_err(), "{bad}");
    }
    #[cfg(not(feature = "sim"))]
    assert!(serde_json::from_str::<Evidence>(r#"{"kind":"sim"}"#).is_err());
}

/// The same bytes as another kind, or cut elsewhere, have another hash.
#[test]
fn evidence_hash_is_unambiguous() {
    let snp = |report: &[u8], certificates: &[u8]| {
        Evidence::Snp { report: report.to_vec(), certificates: certificates.to_vec() }.hash()
    };
    assert_ne!(snp(b"ab", b"c"), snp(b"a", b"bc"));
    assert_ne!(snp(b"ab", b""), Evidence::Tdx { quote: b"ab".to_vec() }.hash());
}

/// Keys that the attested key signed are believed while they are in date, and no others.
#[test]
fn worker_keys_are_signed_and_short_lived() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let worker = Verified::new(Worker {
        sig_pk: signer.verifying_key().to_bytes(),
        measurement: [9; 32],
        kind: "tdx",
        config_digest: [5; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [2; 32],
        evidence_hash: [1; 32],
        policy_digest: [6; 32],
    });
    let end = NOW + KEY_SET_SECONDS_MAX;
    let signature = sign_keys(&signer, b"config", &[3; 32], end);
    let verify = |config: &[u8], key: u8, end: u64, now: u64| {
        verify_keys(&worker, config, &[key; 32], end, &signature, now)
    };
    let keys = verify(b"config", 3, end, NOW).unwrap();
    assert_eq!((keys.ohttp_config.as_slice(), keys.release_key), (b"config".as_slice(), [3; 32]));
    assert_eq!((keys.sig_pk, keys.not_after), (worker.sig_pk, end));
    assert!(verify(b"config", 3, end, end - 1).is_ok());
    assert_eq!(verify(b"config", 3, end, end).unwrap_err(), KeySetError::Expired);
    assert_eq!(verify(b"config", 3, end, NOW - 1).unwrap_err(), KeySetError::TooLong);
    assert_eq!(verify(b"confih", 3, end, NOW).unwrap_err(), KeySetError::Signature);
    assert_eq!(verify(b"config", 4, end, NOW).unwrap_err(), KeySetError::Signature);
    assert_eq!(verify(b"config", 3, end - 1, NOW).unwrap_err(), KeySetError::Signature);
    let other = SigningKey::from_bytes(&[8; 32]);
    let theirs = sign_keys(&other, b"config", &[3; 32], end);
    let verdict = verify_keys(&worker, b"config", &[3; 32], end, &theirs, NOW);
    assert_eq!(verdict.unwrap_err(), KeySetError::Signature);
}
