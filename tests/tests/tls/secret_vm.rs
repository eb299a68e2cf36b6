//! A worker in a SecretVM shows the VM's own quote, over a test PKI that signs in Intel's format.

use crate::between::{certificate, served};
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use prag_client::ClientError;
use prag_client::attest::Tls as Ends;
use prag_client::channel::Channel;
use prag_client::home::Home;
use prag_client::remembered::Remembered;
use prag_client::system::OsEntropy;
use prag_client::trusted::Trusted;
use prag_pki::tdx::Tdx as MadeTdx;
use prag_protocol::wire::attestation::{Attestation, EvidenceForm, KeySet};
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Evidence, EvidenceError, HardwareVerifier, Policy, Roots, sign_keys};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The time at which what the test PKI signs holds.
struct Then;

impl Clock for Then {
    fn now(&self) -> u64 {
        MadeTdx::new(1).now
    }
}

/// A worker: what it shows of itself, and the key that it signs with.
#[derive(Clone)]
struct Worker {
    evidence: Evidence,
    tls_spki_sha256: [u8; 32],
    signing: SigningKey,
}

/// The quote that a SecretVM asks for at its start.
fn quote(spki_sha256: &[u8; 32]) -> Evidence {
    let mut made = MadeTdx::new(1);
    made.td.rtmr[3] = [9; 48];
    made.td.report_data = [0; 64];
    made.td.report_data[..32].copy_from_slice(spki_sha256);
    let made = made.build();
    Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None }
}

async fn attest(
    State(worker): State<Arc<Worker>>,
    Query(query): Query<HashMap<String, String>>,
) -> axum::Json<Attestation> {
    let (config, not_after) = ([1, 2, 3], Then.now() + 3600);
    let signature = sign_keys(&worker.signing, &config, &[8; 32], not_after);
    axum::Json(Attestation {
        sealed: false,
        evidence: serde_json::to_value(&worker.evidence).unwrap(),
        form: EvidenceForm::SecretVm,
        worker_key: hex::encode(worker.signing.verifying_key().to_bytes()),
        tls_spki_sha256: hex::encode(worker.tls_spki_sha256),
        nonce: query["nonce"].clone(),
        ledger_id: hex::encode([4; 32]),
        config_digest: hex::encode([6; 32]),
        policy_epoch: 0,
        keys: KeySet {
            ohttp_config: STANDARD.encode(config),
            release_key: hex::encode([8; 32]),
            not_after,
            signature: STANDARD.encode(signature),
        },
        chain_id: "prag-embedded-test".to_owned(),
        contract: "secret1contract".to_owned(),
        simulated: false,
        metering: None,
        ledger: None,
        memory: None,
        time: Then.now(),
    })
}

struct Listener(TcpListener, TlsAcceptor);

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.0.accept().await.unwrap();
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Serves a worker behind a certificate; its URL.
async fn start(acceptor: TlsAcceptor, worker: Worker) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/attestation", get(attest)).with_state(Arc::new(worker));
    tokio::spawn(async move { axum::serve(Listener(listener, acceptor), routes).await });
    url
}

async fn connect(url: &str, policy: &Policy) -> Result<Channel, ClientError> {
    let roots = Roots { tdx: Some(MadeTdx::new(1).build().root), ..Roots::default() };
    let trusted = Trusted {
        verifier: Box::new(HardwareVerifier::with_roots(roots)),
        policy: policy.clone(),
        first_use: true,
        warning: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let remembered = Remembered::new(&Home::at(folder.path()));
    Channel::connect(url, trusted, remembered, Box::new(Then), Box::new(OsEntropy)).await
}

/// An owner's policy that lists the VM's image and takes the form.
fn policy(evidence: &Evidence) -> Policy {
    let roots = Roots { tdx: Some(MadeTdx::new(1).build().root), ..Roots::default() };
    let verifier = HardwareVerifier::with_roots(roots);
    let examined = verifier.examine(evidence, &Policy::default(), Then.now()).unwrap();
    let measurements = vec![examined.hardware.image()];
    Policy { measurements, secret_vm: true, tls_in_tee: true, ..Policy::default() }
}

fn why(answer: Result<Channel, ClientError>) -> &'static str {
    match answer.err().unwrap() {
        ClientError::Evidence(EvidenceError::SecretVm(why)) => why,
        other => panic!("{other}"),
    }
}

/// The worker's keys are taken over the VM's own connection, by an owner who takes the form, and by nobody else.
#[tokio::test]
async fn a_secret_vms_worker_is_taken_on_its_own_connection() {
    let (acceptor, spki) = served(&certificate());
    let worker = Worker {
        evidence: quote(&spki),
        tls_spki_sha256: spki,
        signing: SigningKey::from_bytes(&[5; 32]),
    };
    let policy = policy(&worker.evidence);
    let url = start(acceptor, worker.clone()).await;
    let session = connect(&url, &policy).await.unwrap().session().await.unwrap();
    assert_eq!(session.worker().sig_pk, worker.signing.verifying_key().to_bytes());
    assert_eq!(session.worker().evidence_hash, worker.evidence.hash());
    assert_eq!((session.worker().kind, session.tls()), ("tdx", Ends::InTee));

    let without = Policy { secret_vm: false, ..policy };
    assert_eq!(why(connect(&url, &without).await), "is not allowed by the policy");
}

/// Anybody may have the quote. Behind another certificate it vouches for nobody: neither for whoever says that his key
/// is the VM's, nor for whoever names his own.
#[tokio::test]
async fn a_secret_vms_quote_is_worth_nothing_elsewhere() {
    let (_, spki) = served(&certificate());
    let evidence = quote(&spki);
    let policy = policy(&evidence);
    let (acceptor, own) = served(&certificate());
    for named in [spki, own] {
        let thief = Worker {
            evidence: evidence.clone(),
            tls_spki_sha256: named,
            signing: SigningKey::from_bytes(&[6; 32]),
        };
        let url = start(acceptor.clone(), thief).await;
        let refused = why(connect(&url, &policy).await);
        assert_eq!(refused, "names another TLS key than this connection's");
    }
}
