//! Whoever has a session of its own, and vouches in it for what its session key did not sign.
//!
//! Layer: tests.
//! Holds: a channel by hand: any secret, any statement, any request under it.
//! Never: another person's session key.
//! Invariant: by a code somebody searches in its own name, and nothing else happens.

use crate::scene::Scene;
use prag_client::Client;
use prag_client::envelope::{Answer, Request, decode, encode};
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_protocol::problem::Code;
use prag_protocol::wire::channel::{BOND_HEADER, RESUMED_REQUEST_TYPE, RESUMPTION_HEADER};
use prag_tests::{code, json as request};
use prag_trust::entropy::random;
use prag_trust::permit::{Expected, Permit};
use prag_trust::request::{Bond, RequestParts, Signer, sign_request};
use prag_trust::resumed::Resumption;
use serde_json::json;
use std::cell::Cell;

/// One client's way to the worker under a secret.
struct Way<'a> {
    client: &'a Client,
    keys: Resumption,
    bond: Bond,
    worker: [u8; 32],
    expected: Expected,
    next: Cell<u64>,
}

impl<'a> Way<'a> {
    /// Brings `secret` to the worker, with a statement by the session key of `client` for the secret `stated`.
    async fn open(client: &'a Client, secret: [u8; 32], stated: [u8; 32]) -> Self {
        let session = client.channel().session().await.unwrap();
        let worker = session.worker().sig_pk;
        let (bond, statement) = Bond::sign(client.identity().session(), &stated, &worker);
        let headers = [
            (RESUMPTION_HEADER.to_owned(), hex::encode(secret)),
            (BOND_HEADER.to_owned(), statement),
        ];
        let inner = encode(&request("GET", "/v1/models", b""), "worker", &headers).unwrap();
        let sender =
            ohttp::ClientRequest::from_encoded_config(&session.keys().ohttp_config).unwrap();
        let (message, opener) = sender.encapsulate(&inner).unwrap();
        let reply = post(client, "message/ohttp-req", message).await;
        assert_eq!(decode(&opener.decapsulate(&reply).unwrap()).unwrap().status, 200);
        let expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        let (keys, next) = (Resumption::new(&secret), Cell::new(0));
        Self { client, keys, bond, worker, expected, next }
    }

    fn permit_of(&self, client: &Client) -> Permit {
        let now = client.channel().now();
        client.identity().permit(Purpose::Data, &self.expected, now).unwrap()
    }

    /// Sends a request that `signer` vouches for, with `permit`.
    async fn ask(&self, signer: Signer<'_>, permit: &Permit, request: &Request<'_>) -> Answer {
        let parts = RequestParts {
            method: request.method,
            path: request.path,
            query: request.query,
            body: request.body,
        };
        let (now, nonce) = (self.client.channel().now(), random(&mut OsEntropy).unwrap());
        let signed = sign_request(signer, &parts, permit, &self.worker, now, nonce).unwrap();
        let inner = encode(request, "worker", &signed.headers).unwrap();
        let number = self.next.replace(self.next.get() + 1);
        let sealed = self.keys.seal_request(number, &inner).unwrap();
        let reply = post(self.client, RESUMED_REQUEST_TYPE, sealed).await;
        decode(&self.keys.open_answer(number, &reply).unwrap()).unwrap()
    }
}

async fn post(client: &Client, media_type: &str, body: Vec<u8>) -> Vec<u8> {
    let plain = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
    let post = plain.build().unwrap().post(format!("{}/gateway", client.channel().url()));
    let reply = post.header("content-type", media_type).body(body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    reply.bytes().await.unwrap().to_vec()
}

/// A code vouches for searches of whoever signed for the secret: not for another's permit, not for a secret that was not
/// signed for, and for no other route, whatever its caller may do there by signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vouches_for_what_its_key_should_sign() {
    let scene = Scene::with(5, |_| ()).await;
    let thief = scene.grantee("thief", json!({})).await;
    let query = format!("/v1/collections/{}/query", scene.id);
    let body = br#"{"vector":[1,0],"k":3}"#;
    let search = request("POST", &query, body);

    let way = Way::open(&thief, [1; 32], [1; 32]).await;
    let own = way.permit_of(&thief);
    assert_eq!(way.ask((&way.bond).into(), &own, &search).await.status, 200);
    let victims = way.permit_of(&scene.owner);
    let refused = way.ask((&way.bond).into(), &victims, &search).await;
    assert_eq!(code(&refused), Code::SignatureInvalid);
    // Of the secret that was signed for, not the one that came.
    let crossed = Way::open(&thief, [2; 32], [3; 32]).await;
    let refused = crossed.ask((&crossed.bond).into(), &own, &search).await;
    assert_eq!(code(&refused), Code::SignatureInvalid);
    // Another's bond, under one's own secret.
    let (foreign, _) = Bond::sign(scene.owner.identity().session(), &[1; 32], &way.worker);
    let refused = way.ask((&foreign).into(), &victims, &search).await;
    assert_eq!(code(&refused), Code::SignatureInvalid);

    let owners = Way::open(&scene.owner, [4; 32], [4; 32]).await;
    let documents = format!("/v1/collections/{}/documents", scene.id);
    let collection = format!("/v1/collections/{}", scene.id);
    let grants = format!("/v1/collections/{}/grants", scene.id);
    let document = json!({ "id": "new", "content": "new", "chunks": [] }).to_string();
    let key = scene.owner.identity().session();
    for (method, path, body) in [
        ("GET", &*documents, &b""[..]),
        ("PUT", &*documents, document.as_bytes()),
        ("DELETE", &*collection, b""),
        ("GET", &*grants, b""),
        ("POST", &*format!("{documents}/lookup"), br#"{"id":"d1"}"#),
        ("POST", "/v1/embeddings", br#"{"input":"text"}"#),
    ] {
        let asked = request(method, path, body);
        let refused = owners.ask((&owners.bond).into(), &victims, &asked).await;
        assert_eq!(code(&refused), Code::SignatureInvalid, "{method} {path}");
    }
    let listed = owners.ask(key.into(), &victims, &request("GET", &documents, b"")).await;
    assert_eq!(listed.status, 200, "a signature is taken in a session, too");
    assert_eq!(scene.owner.documents(scene.id).await.unwrap().len(), 5);
}
