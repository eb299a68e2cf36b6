#![allow(clippy::unwrap_used, clippy::panic)]
//! What is refused before anything is sent.

use super::*;
use crate::home::Home;
use crate::system::OsEntropy;
use ed25519_dalek::SigningKey;
use prag_protocol::wire::attestation::KeySet;
use prag_trust::evidence::{EvidenceError, Policy, Tee, sign_keys};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};

const NONCE: [u8; 32] = [3; 32];
const NOW: u64 = 1_800_000_000;

fn trusted() -> Trusted {
    let measurements = vec![sim_measurement("test")];
    Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy { measurements, ..Policy::default() },
        first_use: true,
        warning: None,
    }
}

/// A good attestation of a worker whose ledger is `ledger`.
fn attestation(version: &str, ledger: [u8; 32]) -> Attestation {
    attestation_for(BindingPurpose::Serve, [0; 32], version, ledger)
}

/// The same of a worker that names a TLS key.
fn attestation_naming(tls: [u8; 32], version: &str, ledger: [u8; 32]) -> Attestation {
    attestation_for(BindingPurpose::Serve, tls, version, ledger)
}

fn attestation_for(
    purpose: BindingPurpose,
    tls: [u8; 32],
    version: &str,
    ledger: [u8; 32],
) -> Attestation {
    let key = SigningKey::from_bytes(&[5; 32]);
    let binding = Binding {
        purpose,
        sig_pk: key.verifying_key().to_bytes(),
        tls_spki_sha256: tls,
        nonce: NONCE,
        ledger_id: ledger,
        config_digest: [6; 32],
        policy_epoch: 0,
    };
    let evidence = SimTee::new(version).evidence(&binding, &key).unwrap();
    let (config, release_key, not_after) = ([1, 2, 3], [8; 32], NOW + 3600);
    Attestation {
        evidence: serde_json::to_value(evidence).unwrap(),
        form: EvidenceForm::Bound,
        worker_key: hex::encode(binding.sig_pk),
        tls_spki_sha256: hex::encode(tls),
        nonce: hex::encode(NONCE),
        ledger_id: hex::encode(ledger),
        config_digest: hex::encode([6; 32]),
        policy_epoch: 0,
        keys: KeySet {
            ohttp_config: STANDARD.encode(config),
            release_key: hex::encode(release_key),
            not_after,
            signature: STANDARD.encode(sign_keys(&key, &config, &release_key, not_after)),
        },
        chain_id: "prag-embedded".to_owned(),
        contract: "secret1contract".to_owned(),
        simulated: true,
        sealed: purpose == BindingPurpose::Unlock,
        metering: None,
        ledger: None,
        memory: None,
        time: NOW,
    }
}

fn check(shown: &Attestation, trusted: &Trusted, home: &Home) -> Result<Session, ClientError> {
    check_for(BindingPurpose::Serve, shown, trusted, home)
}

fn check_for(
    purpose: BindingPurpose,
    shown: &Attestation,
    trusted: &Trusted,
    home: &Home,
) -> Result<Session, ClientError> {
    let remembered = Remembered::new(home);
    let context = Context { url: "http://w", trusted, remembered: &remembered, now: NOW, purpose };
    let transport = Transport::open(context.url).unwrap();
    verify(
        &serde_json::to_vec(shown).unwrap(),
        NONCE,
        &context,
        transport,
        ShortCut::new(&mut OsEntropy).unwrap(),
    )
}

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    (folder, home)
}

/// A good attestation gives its keys; a change anywhere in it is refused.
#[test]
fn only_what_is_bound_verifies() {
    let (_folder, home) = home();
    let good = attestation("test", [4; 32]);
    let session = check(&good, &trusted(), &home).unwrap();
    assert_eq!(session.keys().ohttp_config, [1, 2, 3]);
    assert_eq!(session.not_after(), NOW + 3600);

    let refused = |change: fn(&mut Attestation)| {
        let (_folder, home) = self::home();
        let mut bad = good.clone();
        change(&mut bad);
        check(&bad, &trusted(), &home).err().unwrap()
    };
    let binding = |error| matches!(error, ClientError::Evidence(EvidenceError::Binding));
    assert!(binding(refused(|one| one.worker_key = hex::encode([1; 32]))));
    assert!(binding(refused(|one| one.ledger_id = hex::encode([1; 32]))));
    assert!(binding(refused(|one| one.config_digest = hex::encode([1; 32]))));
    assert!(binding(refused(|one| one.tls_spki_sha256 = hex::encode([1; 32]))));
    assert!(binding(refused(|one| one.policy_epoch = 1)));
    let nonce = refused(|one| one.nonce = hex::encode([1; 32]));
    assert!(matches!(nonce, ClientError::Attestation(_)));
    let keys = |error| matches!(error, ClientError::Keys(_));
    assert!(keys(refused(|one| one.keys.release_key = hex::encode([1; 32]))));
    assert!(keys(refused(|one| one.keys.ohttp_config = STANDARD.encode([1]))));
    assert!(keys(refused(|one| one.keys.not_after += 1)));
    let parsed = refused(|one| one.evidence = serde_json::json!({ "kind": "paper" }));
    assert!(matches!(parsed, ClientError::Attestation(_)));
}

/// A worker that names a TLS key is not spoken to over a connection without one, whichever form its evidence has.
#[test]
fn a_stripped_connection_is_refused() {
    let (_folder, home) = home();
    let mut stripped = attestation_naming([7; 32], "test", [4; 32]);
    for form in [EvidenceForm::Bound, EvidenceForm::SecretVm] {
        stripped.form = form;
        let refused = check(&stripped, &trusted(), &home);
        assert!(matches!(refused, Err(ClientError::Tls(UNENCRYPTED))), "{form:?}");
    }
    assert!(Remembered::new(&home).pin("http://w").unwrap().is_none());
}

/// An image that is not listed is refused on first use too, and hardware's verifier takes no simulation.
#[test]
fn first_use_never_learns_a_measurement() {
    let (_folder, home) = home();
    let other = check(&attestation("other", [4; 32]), &trusted(), &home);
    assert!(matches!(other, Err(ClientError::Evidence(EvidenceError::Measurement))));
    let hardware = check(&attestation("test", [4; 32]), &Trusted::default(), &home);
    assert!(matches!(hardware, Err(ClientError::Evidence(_))));
    assert!(Remembered::new(&home).pin("http://w").unwrap().is_none());
}

/// The ledger that a URL showed first is the only one from then on, until a person accepts another.
#[test]
fn another_ledger_is_refused_later() {
    let (_folder, home) = home();
    check(&attestation("test", [4; 32]), &trusted(), &home).unwrap();
    let moved = attestation("test", [9; 32]);
    let refused = check(&moved, &trusted(), &home);
    assert!(matches!(refused, Err(ClientError::Pin("ledger"))));
    Remembered::new(&home).forget_pin("http://w");
    check(&moved, &trusted(), &home).unwrap();

    let strict = Trusted { first_use: false, ..trusted() };
    let refused = check(&moved, &strict, &home);
    assert!(matches!(refused, Err(ClientError::Evidence(EvidenceError::Ledger))));
}

/// Evidence of a sealed worker is good for its steward's unlock, evidence of an open one for everything else; a lie about
/// the stage is found out by the evidence. A sealed worker that names a ledger is refused.
#[test]
fn evidence_serves_its_own_purpose() {
    use BindingPurpose::{Serve, Unlock};
    let none = [0; 32];
    let sealed = attestation_for(Unlock, [0; 32], "test", none);
    let open = attestation_for(Serve, [0; 32], "test", none);
    let verdict = |purpose, shown: &Attestation| {
        let (_folder, home) = home();
        check_for(purpose, shown, &trusted(), &home)
    };
    assert!(verdict(Unlock, &sealed).is_ok());
    assert!(matches!(verdict(Serve, &sealed), Err(ClientError::WorkerSealed)));
    assert!(matches!(verdict(Unlock, &open), Err(ClientError::NotSealed)));
    let binding = |found| matches!(found, Err(ClientError::Evidence(EvidenceError::Binding)));
    assert!(binding(verdict(Serve, &Attestation { sealed: false, ..sealed })));
    assert!(binding(verdict(Unlock, &Attestation { sealed: true, ..open })));
    let word =
        Attestation { form: EvidenceForm::SecretVm, ..attestation_for(Unlock, none, "test", none) };
    assert!(matches!(verdict(Unlock, &word), Err(ClientError::Attestation(_))));
    let other = attestation_for(Unlock, [0; 32], "test", [4; 32]);
    let ledger = ClientError::Evidence(EvidenceError::Ledger);
    assert_eq!(verdict(Unlock, &other).err().unwrap().to_string(), ledger.to_string());
}

/// What a URL showed while it was sealed is pinned apart from what it shows open: no stage resets the other's pin.
#[test]
fn stages_are_pinned_apart() {
    use BindingPurpose::Unlock;
    let (_folder, home) = home();
    let sealed = attestation_for(Unlock, [0; 32], "test", [0; 32]);
    check_for(Unlock, &sealed, &trusted(), &home).unwrap();
    let open = attestation("test", [4; 32]);
    check(&open, &trusted(), &home).unwrap();
    check_for(Unlock, &sealed, &trusted(), &home).unwrap();
    check(&open, &trusted(), &home).unwrap();
    let moved = attestation("test", [5; 32]);
    assert!(matches!(check(&moved, &trusted(), &home), Err(ClientError::Pin("ledger"))));
}
