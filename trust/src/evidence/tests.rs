#![allow(clippy::unwrap_used, clippy::panic)]

use super::GpuPolicy;
use super::{
    Binding, BindingPurpose, Evidence, EvidenceError, Gpu, KEY_SET_SECONDS_MAX, KeySetError,
    Policy, READER_SECONDS_MAX, Reader, ReaderBinding, ReaderPolicy, Worker, sign_keys,
    verify_keys,
};
use crate::verified::Verified;
use ed25519_dalek::{Signer, SigningKey};
use prag_quote::nvidia::GpuClaims;
use prag_quote::snp::{Minimum, Tcb};
use prag_quote::tdx::TcbStatus;

const NOW: u64 = 1_700_000_000;

/// A worker's claims; its keys are made up.
pub(super) fn binding() -> Binding {
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

/// Allows them, from two images that nobody has.
pub(super) fn policy() -> Policy {
    Policy {
        epoch: 6,
        measurements: vec![[8; 32], [9; 32]],
        ledger_ids: vec![[4; 32]],
        config_digests: vec![[5; 32]],
        ..Policy::default()
    }
}

/// Allows the GPU of `claims`, and asks for it.
pub(super) fn gpu_policy(claims: GpuClaims) -> GpuPolicy {
    GpuPolicy {
        required: true,
        devices: vec![claims.device],
        drivers: vec![claims.driver_version],
        vbioses: vec![claims.vbios_version],
    }
}

fn worker(signer: &SigningKey) -> Verified<Worker> {
    Verified::new(Worker {
        sig_pk: signer.verifying_key().to_bytes(),
        measurement: [9; 32],
        kind: "tdx",
        config_digest: [5; 32],
        ledger_id: [4; 32],
        tls_spki_sha256: [2; 32],
        evidence_hash: [1; 32],
        policy_digest: [6; 32],
    })
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

fn reader() -> ReaderBinding {
    ReaderBinding { session_key: [1; 32], sealing_key: [2; 32], nonce: [3; 32], worker: [4; 32] }
}

/// Frozen bytes, computed by an independent program.
#[test]
fn golden_reader_report_data() {
    let first = "3ec5c8565a85ba0bb602cc238627d5757e6a1ebda51ef651f03a11fbe380016f";
    let gpu = "a42455d8649ca5382e85027e66b1847ef8583c9bc1bbf96fd667816b0605abc1";
    assert_eq!(hex::encode(reader().report_data()), format!("{first}{}", "0".repeat(64)));
    assert_eq!(hex::encode(reader().report_data_with_gpu()), format!("{first}{gpu}"));
    assert_eq!(hex::encode(reader().gpu_nonce()), gpu);
}

/// Every claim of a reader changes the report data, and no two claims change places.
#[test]
fn every_claim_of_a_reader_is_bound() {
    let good = reader();
    let others = [
        ReaderBinding { session_key: [0; 32], ..good },
        ReaderBinding { sealing_key: [0; 32], ..good },
        ReaderBinding { nonce: [0; 32], ..good },
        ReaderBinding { worker: [0; 32], ..good },
        ReaderBinding { session_key: good.sealing_key, sealing_key: good.session_key, ..good },
        ReaderBinding { nonce: good.worker, worker: good.nonce, ..good },
    ];
    for (row, other) in others.iter().enumerate() {
        assert_ne!(other.report_data(), good.report_data(), "row {row}");
        assert_ne!(other.gpu_nonce(), good.gpu_nonce(), "row {row}");
    }
}

/// A session ends after what the policy says, and within the hour whatever it says.
#[test]
fn sessions_end() {
    let evidence = Evidence::Snp { report: vec![], vcek: vec![], gpu: None };
    let ends = |session_s| {
        let policy = ReaderPolicy { session_s, ..ReaderPolicy::default() };
        Reader::attested(&evidence, [9; 32], &reader(), &policy, NOW).expires - NOW
    };
    assert_eq!(ends(1), 1);
    assert_eq!(ends(READER_SECONDS_MAX), READER_SECONDS_MAX);
    assert_eq!(ends(u64::MAX), READER_SECONDS_MAX);
}

/// What a worker asks of readers is covered by the digest of its settings.
#[test]
fn the_readers_policy_is_digested() {
    let base = ReaderPolicy::default();
    let others = [
        ReaderPolicy { tdx_tcb: vec![TcbStatus::OutOfDate], ..base.clone() },
        ReaderPolicy {
            snp_minimum: Minimum { milan: Some(Tcb::default()), ..Minimum::default() },
            ..base.clone()
        },
        ReaderPolicy { gpu: GpuPolicy { required: true, ..GpuPolicy::default() }, ..base.clone() },
        ReaderPolicy { session_s: 60, ..base.clone() },
    ];
    for (row, other) in others.iter().enumerate() {
        assert_ne!(other.digest(), base.digest(), "row {row}");
    }
    assert!(serde_json::from_str::<ReaderPolicy>(r#"{"measurements":[]}"#).is_err());
}

/// Every claim changes the report data.
#[test]
fn every_claim_is_bound() {
    let good = binding();
    let others = [
        Binding { purpose: BindingPurpose::Register, ..good },
        Binding { purpose: BindingPurpose::Peer, ..good },
        Binding { purpose: BindingPurpose::Unlock, ..good },
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
    let encrypted = Policy { tls_in_tee: true, ..policy() };
    assert_eq!(verdict(&encrypted), Ok(()));
    let open = Binding { tls_spki_sha256: [0; 32], ..binding() };
    assert_eq!(policy().allow(&[9; 32], &open), Ok(()));
    assert_eq!(encrypted.allow(&[9; 32], &open), Err(EvidenceError::TlsMissing));
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
        Policy { tdx_tcb: vec![TcbStatus::OutOfDate], ..policy() },
        Policy {
            snp_minimum: Minimum { milan: Some(Tcb::default()), ..Minimum::default() },
            ..policy()
        },
        Policy { gpu: GpuPolicy { required: true, ..GpuPolicy::default() }, ..policy() },
        Policy { gpu: GpuPolicy { devices: vec!["a".into()], ..GpuPolicy::default() }, ..policy() },
        Policy { gpu: GpuPolicy { drivers: vec!["a".into()], ..GpuPolicy::default() }, ..policy() },
        Policy { gpu: GpuPolicy { vbioses: vec!["a".into()], ..GpuPolicy::default() }, ..policy() },
        Policy { tls_in_tee: true, ..policy() },
        Policy { secret_vm: true, ..policy() },
    ];
    for (row, one) in others.iter().enumerate() {
        assert!(others[row + 1..].iter().all(|two| two.digest() != one.digest()), "row {row}");
    }
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

/// Evidence is tagged by its kind; unknown kinds and fields are refused.
#[test]
fn evidence_json_is_tagged() {
    let snp = Evidence::Snp { report: b"report".to_vec(), vcek: b"prag".to_vec(), gpu: None };
    let text = serde_json::to_string(&snp).unwrap();
    assert_eq!(text, r#"{"kind":"snp","report":"cmVwb3J0","vcek":"cHJhZw=="}"#);
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
    let snp = |report: &[u8], vcek: &[u8], gpu: Option<Box<Gpu>>| {
        Evidence::Snp { report: report.to_vec(), vcek: vcek.to_vec(), gpu }.hash()
    };
    assert_ne!(snp(b"ab", b"c", None), snp(b"a", b"bc", None));
    let tdx = Evidence::Tdx { quote: b"ab".to_vec(), collateral: b"c".to_vec(), gpu: None };
    assert_ne!(snp(b"ab", b"c", None), tdx.hash());
    let gpu = Gpu { report: b"r".to_vec(), chain: b"c".to_vec(), signature: [0; 64] };
    assert_ne!(snp(b"ab", b"c", Some(Box::new(gpu))), snp(b"ab", b"c", None));
}

/// Keys that the attested key signed are believed while they are in date, and no others.
#[test]
fn worker_keys_are_signed_and_short_lived() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let worker = worker(&signer);
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

/// `PRAG-KEYS/v1` is frozen: what is signed, and by which scheme. An independent program (Python: cryptography)
/// computed the signature; it verifies for ever.
#[test]
fn golden_key_set() {
    let signer = SigningKey::from_bytes(&[7; 32]);
    let end = NOW + KEY_SET_SECONDS_MAX;
    let transcript = [
        &b"PRAG-KEYS/v1"[..],
        &[0, 0, 0, 6],
        b"config",
        &[0, 0, 0, 32],
        &[3; 32],
        &[0, 0, 0, 8],
        &1_700_007_200u64.to_be_bytes(),
    ];
    let signature = sign_keys(&signer, b"config", &[3; 32], end);
    assert_eq!(signature, signer.sign(&transcript.concat()).to_bytes());
    assert_eq!(hex::encode(signature), KEY_SET);
    assert!(verify_keys(&worker(&signer), b"config", &[3; 32], end, &signature, NOW).is_ok());
}

const KEY_SET: &str = concat!(
    "2500a4c321ae62b1a043bb8514b4abd77d9589521d063142baae829c1c58255abad52e566e6d",
    "f93a295fe858f2369b06ccd2ccb1834353f2ed8660d651085404",
);
