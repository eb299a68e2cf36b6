#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]
//! The whole way of a request: evidence, keys, signature, sealing, answer; against a small worker of
//! the test's own.

#[path = "channel/bond.rs"]
mod bond;
#[path = "channel/liar.rs"]
mod liar;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bhttp::{Message, Mode};
use ed25519_dalek::SigningKey;
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, Server, SymmetricSuite};
use prag_client::ClientError;
use prag_client::channel::Channel;
use prag_client::home::Home;
use prag_client::identity::{Identity, ShareStore};
use prag_client::remembered::Remembered;
use prag_client::sdk::Client;
use prag_client::system::{OsEntropy, SystemClock};
use prag_client::trusted::Trusted;
use prag_protocol::ledger::voucher::OfferedVoucher;
use prag_protocol::problem::Code;
use prag_protocol::wire::attestation::{Attestation, EvidenceForm, KeySet};
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Binding, BindingPurpose, Policy, Tee, sign_keys};
use prag_trust::permit::Expected;
use prag_trust::request::{NonceCache, RequestParts, verify_request};
use prag_trust::sim::{SimTee, SimVerifier, sim_measurement};
use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

struct Worker {
    key: SigningKey,
    /// Replaced to play a rotation.
    server: Mutex<Server>,
    nonces: Mutex<NonceCache>,
    seen: Mutex<Vec<(usize, String)>>,
    /// What it claims was used, where it meters.
    claims: Mutex<Option<OfferedVoucher>>,
    /// Where it lets its client go on under a secret.
    resumes: Mutex<Option<bond::Resumes>>,
}

fn server(key_id: u8) -> Server {
    let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::Aes128Gcm);
    Server::new(KeyConfig::new(key_id, Kem::X25519Sha256, vec![suite]).unwrap()).unwrap()
}

fn expected() -> Expected {
    Expected { chain_id: "prag-embedded-test".into(), contract: "secret1contract".into() }
}

async fn attest(
    State(worker): State<Arc<Worker>>,
    Query(query): Query<HashMap<String, String>>,
) -> axum::Json<Attestation> {
    let binding = Binding {
        purpose: BindingPurpose::Serve,
        sig_pk: worker.key.verifying_key().to_bytes(),
        tls_spki_sha256: [0; 32],
        nonce: hex::decode(&query["nonce"]).unwrap().try_into().unwrap(),
        ledger_id: [4; 32],
        config_digest: [6; 32],
        policy_epoch: 0,
    };
    let evidence = SimTee::new("test").evidence(&binding, &worker.key).unwrap();
    let config = worker.server.lock().unwrap().config().encode().unwrap();
    let now = SystemClock::default().now();
    let signature = sign_keys(&worker.key, &config, &[8; 32], now + 3600);
    axum::Json(Attestation {
        evidence: serde_json::to_value(evidence).unwrap(),
        form: EvidenceForm::Bound,
        worker_key: hex::encode(binding.sig_pk),
        tls_spki_sha256: hex::encode([0; 32]),
        nonce: query["nonce"].clone(),
        ledger_id: hex::encode([4; 32]),
        config_digest: hex::encode([6; 32]),
        policy_epoch: 0,
        keys: KeySet {
            ohttp_config: STANDARD.encode(config),
            release_key: hex::encode([8; 32]),
            not_after: now + 3600,
            signature: STANDARD.encode(signature),
        },
        chain_id: expected().chain_id,
        contract: expected().contract,
        simulated: true,
        sealed: false,
        metering: worker.claims.lock().unwrap().is_some().then(liar::terms),
        ledger: None,
        memory: None,
        time: now,
    })
}

async fn gateway(State(worker): State<Arc<Worker>>, body: Bytes) -> Response {
    if let Some(answer) = bond::answer(&worker, &body) {
        return answer;
    }
    let Ok((inner, seal)) = worker.server.lock().unwrap().decapsulate(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let asked = decoded(&inner);
    let target = text(asked.control().path().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let header = |name: &str| asked.header().get(name.as_bytes()).map(text);
    let method = text(asked.control().method().unwrap());
    let parts = RequestParts { method: &method, path, query, body: asked.content() };
    verify_request(
        &header,
        &parts,
        SystemClock::default().now(),
        &worker.key.verifying_key().to_bytes(),
        &expected(),
        &mut worker.nonces.lock().unwrap(),
    )
    .unwrap();
    bond::take(&worker, &header);
    worker.seen.lock().unwrap().push((inner.len(), format!("{method} {path}")));
    let claims = worker.claims.lock().unwrap().clone();
    let (status, reply) = match (path, claims) {
        ("/v1/collections", _) => (200u16, r#"{"data":[]}"#.to_owned()),
        (path, Some(claims)) if path.contains(liar::COLLECTION) => (200, liar::reply(path, claims)),
        _ => (403, r#"{"code":"forbidden","detail":"no"}"#.to_owned()),
    };
    let sealed = seal.encapsulate(&encoded(status, reply)).unwrap();
    ([("content-type", "message/ohttp-res")], sealed).into_response()
}

fn decoded(inner: &[u8]) -> Message {
    Message::read_bhttp::<_, Cursor<&[u8]>>(&mut Cursor::new(inner)).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// An answer in binary HTTP, padded.
fn encoded(status: u16, reply: String) -> Vec<u8> {
    let mut message = Message::response(status.try_into().unwrap());
    message.write_content(reply);
    let mut bytes = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
    bytes.resize(4096, 0);
    bytes
}

async fn start() -> (String, Arc<Worker>) {
    let worker = Arc::new(Worker {
        key: SigningKey::from_bytes(&[5; 32]),
        server: Mutex::new(server(1)),
        nonces: Mutex::new(NonceCache::new(64)),
        seen: Mutex::default(),
        claims: Mutex::default(),
        resumes: Mutex::default(),
    });
    let routes = Router::new()
        .route("/v1/attestation", get(attest))
        .route("/gateway", post(gateway))
        .with_state(Arc::clone(&worker));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, worker)
}

async fn connect(url: &str, home: &Home, trusted: Trusted) -> Result<Client, ClientError> {
    let clock = Box::new(SystemClock::default());
    let remembered = Remembered::new(home);
    let channel = Channel::connect(url, trusted, remembered, clock, Box::new(OsEntropy)).await?;
    let identity = Identity::from_secret("test", &[7; 64]).unwrap();
    Ok(Client::new(channel, identity, ShareStore::new(home, None)))
}

fn simulated() -> Trusted {
    let policy = Policy { measurements: vec![sim_measurement("test")], ..Policy::default() };
    Trusted { verifier: Box::new(SimVerifier), policy, first_use: true, warning: None }
}

/// Requests arrive signed and padded, answers and refusals come back typed, and a rotation of the
/// worker's keys costs one renewal that the caller does not notice.
#[tokio::test]
async fn requests_go_the_whole_way() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let (url, worker) = start().await;
    let client = connect(&url, &home, simulated()).await.unwrap();
    assert!(client.collections().await.unwrap().is_empty());
    let refused = client.collection(prag_protocol::CollectionId([1; 16])).await;
    assert_eq!(refused.unwrap_err().code(), Some(Code::Forbidden));

    let before = client.channel().session().await.unwrap().nonce();
    *worker.server.lock().unwrap() = server(2);
    assert!(client.collections().await.unwrap().is_empty());
    assert_ne!(client.channel().session().await.unwrap().nonce(), before);

    let seen = worker.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for (length, _) in seen.iter() {
        assert_eq!(prag_trust::padding::padded_len(*length), *length);
    }
}

/// Where the evidence is not believed, the worker sees no request.
#[tokio::test]
async fn nothing_is_sent_to_an_unverified_worker() {
    let folder = tempfile::tempdir().unwrap();
    let (url, worker) = start().await;
    let refused = connect(&url, &Home::at(folder.path()), Trusted::default()).await;
    assert_eq!(refused.err().unwrap().kind(), "evidence-refused");
    assert!(worker.seen.lock().unwrap().is_empty());
}
