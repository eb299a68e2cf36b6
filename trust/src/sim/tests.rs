#![allow(clippy::unwrap_used, clippy::panic)]

use super::{SimTee, SimVerifier, sim_measurement};
use crate::evidence::{
    Binding, BindingPurpose, Evidence, EvidenceError, HardwareVerifier, Policy, ReaderBinding,
    ReaderPolicy, Tee, Verifier,
};
use ed25519_dalek::SigningKey;

const NOW: u64 = 1_700_000_000;

fn binding() -> Binding {
    Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: [1; 32],
        tls_spki_sha256: [0; 32],
        nonce: [3; 32],
        ledger_id: [4; 32],
        config_digest: [5; 32],
        policy_epoch: 1,
    }
}

fn policy() -> Policy {
    Policy {
        epoch: 1,
        measurements: vec![sim_measurement("demo 1")],
        ledger_ids: vec![[4; 32]],
        config_digests: vec![[5; 32]],
        ..Policy::default()
    }
}

fn evidence() -> Evidence {
    of_version("demo 1")
}

fn of_version(version: &str) -> Evidence {
    SimTee::new(version).evidence(&binding(), &SigningKey::from_bytes(&[1; 32])).unwrap()
}

fn refused(evidence: &Evidence, binding: &Binding, policy: &Policy) -> EvidenceError {
    SimVerifier.verify(evidence, binding, policy, NOW).unwrap_err()
}

/// Simulated evidence verifies for what it binds, and says what it is.
#[test]
fn verifies_and_says_sim() {
    let evidence = evidence();
    let text = serde_json::to_string(&evidence).unwrap();
    assert!(text.starts_with(r#"{"kind":"sim","#));
    assert!(serde_json::from_str::<Evidence>(&text).unwrap() == evidence);
    let worker = SimVerifier.verify(&evidence, &binding(), &policy(), NOW).unwrap();
    assert_eq!((worker.kind, worker.sig_pk), ("sim", [1; 32]));
    assert_eq!(worker.measurement, sim_measurement("demo 1"));
    assert_eq!(worker.evidence_hash, evidence.hash());
    assert_eq!(worker.policy_digest, policy().digest());
    assert_eq!(SimTee::new("demo 1").kind(), "sim");
}

/// No verifier of hardware takes it, whatever the policy; the simulated one takes no hardware.
#[test]
fn is_never_hardware() {
    let verdict = HardwareVerifier::default().verify(&evidence(), &binding(), &policy(), NOW);
    assert_eq!(verdict.unwrap_err(), EvidenceError::Kind("sim"));
    let tdx = Evidence::Tdx { quote: vec![], collateral: vec![], gpu: None };
    assert_eq!(refused(&tdx, &binding(), &policy()), EvidenceError::Kind("tdx"));
}

/// Another key, nonce, image, ledger or setting: refused, each by its name.
#[test]
fn refuses_what_differs() {
    let other = Binding { nonce: [9; 32], ..binding() };
    assert_eq!(refused(&evidence(), &other, &policy()), EvidenceError::Binding);
    let other = Binding { sig_pk: [9; 32], ..binding() };
    assert_eq!(refused(&evidence(), &other, &policy()), EvidenceError::Binding);

    let changed = of_version("demo 2");
    assert_eq!(refused(&changed, &binding(), &policy()), EvidenceError::Measurement);
    let elsewhere = Policy { ledger_ids: vec![[9; 32]], ..policy() };
    assert_eq!(refused(&evidence(), &binding(), &elsewhere), EvidenceError::Ledger);
    let looser = Policy { config_digests: vec![[9; 32]], ..policy() };
    assert_eq!(refused(&evidence(), &binding(), &looser), EvidenceError::Configuration);
    assert_eq!(refused(&evidence(), &binding(), &Policy::default()), EvidenceError::Measurement);
}

/// A changed measurement or signature does not verify.
#[test]
fn forgeries_are_refused() {
    let Evidence::Sim { report_data, measurement, signature } = evidence() else {
        panic!("simulated evidence")
    };
    let lie = Evidence::Sim { report_data, measurement: [9; 32], signature };
    assert_eq!(refused(&lie, &binding(), &policy()), EvidenceError::Signature);
    let mut bent = signature;
    bent[0] ^= 1;
    let lie = Evidence::Sim { report_data, measurement, signature: bent };
    assert_eq!(refused(&lie, &binding(), &policy()), EvidenceError::Signature);
}

/// A simulated reader and a simulated worker's own image follow the same rules, and hardware takes neither.
#[test]
fn readers_and_images() {
    let binding = ReaderBinding {
        session_key: [1; 32],
        sealing_key: [2; 32],
        nonce: [3; 32],
        worker: [4; 32],
    };
    let (evidence, policy) = (SimTee::new("reader 1").read(&binding), ReaderPolicy::default());
    let reader = SimVerifier.verify_reader(&evidence, &binding, &policy, NOW).unwrap();
    assert_eq!((reader.kind, reader.measurement), ("sim", sim_measurement("reader 1")));
    let other = ReaderBinding { session_key: [9; 32], ..binding };
    let refused = SimVerifier.verify_reader(&evidence, &other, &policy, NOW).unwrap_err();
    assert_eq!(refused, EvidenceError::Binding);
    let hardware = HardwareVerifier::default();
    let refused = hardware.verify_reader(&evidence, &binding, &policy, NOW).unwrap_err();
    assert_eq!(refused, EvidenceError::Kind("sim"));

    let worker = self::evidence();
    assert_eq!(SimVerifier.image(&worker, &self::binding(), NOW), Ok(sim_measurement("demo 1")));
    let refused = SimVerifier.image(&evidence, &self::binding(), NOW);
    assert_eq!(refused, Err(EvidenceError::Binding));
    let refused = hardware.image(&worker, &self::binding(), NOW);
    assert_eq!(refused, Err(EvidenceError::Kind("sim")));
}
