//! Whoever has a session of its own, and speaks in it for what its session key did not sign.
//!
//! Layer: tests.
//! Holds: a channel by hand: any secret, any statement, any request under it.
//! Never: another person's session key.
//! Invariant: by a session's word somebody searches in its own name, and nothing else happens.

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
use prag_trust::request::{Bond, RequestParts, sign_request, vouched};
use prag_trust::resumed::Resumption;
use serde_json::json;
use std::cell::Cell;

/// One client's way to the worker under a secret.
struct Way<'a> {
    client: &'a Client,
    keys: Resumption,
    worker: [u8; 32],
    expected: Expected,
    next: Cell<u64>,
}

impl<'a> Way<'a> {
    /// Brings `secret` to the worker, with a statement by the session key of `client` for the secret `stated`.
    async fn open(client: &'a Client, secret: [u8; 32], stated: [u8; 32]) -> Self {
        let session = client.channel().session().await.unwrap();
        let worker = session.worker().sig_pk;
        let (_, statement) = Bond::sign(client.identity().session(), &stated, &worker);
        let headers = [
            (RESUMPTION_HEADER.to_owned(), hex::encode(secret)),
            (BOND_HEADER.to_owned(), statement),
        ];
        let opened = once(client, &request("GET", "/v1/models", b""), &headers).await;
        assert_eq!(opened.status, 200);
        let expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        let (keys, next) = (Resumption::new(&secret), Cell::new(0));
        Self { client, keys, worker, expected, next }
    }

    fn permit_of(&self, client: &Client) -> Permit {
        let now = client.channel().now();
        client.identity().permit(Purpose::Data, &self.expected, now).unwrap()
    }

    /// Sends a request that the session speaks for, by `permit`.
    async fn say(&self, permit: &Permit, request: &Request<'_>) -> Answer {
        let name = permit.known_as(&self.expected).unwrap();
        self.send(request, &[vouched(self.client.channel().now(), &name)]).await
    }

    /// Sends a request that the client's key signed.
    async fn sign(&self, permit: &Permit, request: &Request<'_>) -> Answer {
        let parts = RequestParts {
            method: request.method,
            path: request.path,
            query: request.query,
            body: request.body,
        };
        let (now, nonce) = (self.client.channel().now(), random(&mut OsEntropy).unwrap());
        let key = self.client.identity().session();
        let signed = sign_request(key, &parts, permit, &self.worker, now, nonce).unwrap();
        self.send(request, &signed.headers).await
    }

    async fn send(&self, request: &Request<'_>, headers: &[(String, String)]) -> Answer {
        let number = self.next.replace(self.next.get() + 1);
        self.send_as(number, request, headers).await.unwrap()
    }

    /// Sends a message of this number; `None` where the gateway does not open it.
    async fn send_as(
        &self,
        number: u64,
        request: &Request<'_>,
        headers: &[(String, String)],
    ) -> Option<Answer> {
        let inner = encode(request, "worker", headers).unwrap();
        let sealed = self.keys.seal_request(number, &inner).unwrap();
        let reply = post(self.client, RESUMED_REQUEST_TYPE, sealed).await;
        Some(decode(&self.keys.open_answer(number, &reply)?).unwrap())
    }
}

/// Sends a message of its own: encapsulated, under no secret.
async fn once(client: &Client, request: &Request<'_>, headers: &[(String, String)]) -> Answer {
    let session = client.channel().session().await.unwrap();
    let inner = encode(request, "worker", headers).unwrap();
    let sender = ohttp::ClientRequest::from_encoded_config(&session.keys().ohttp_config).unwrap();
    let (message, opener) = sender.encapsulate(&inner).unwrap();
    let reply = post(client, "message/ohttp-req", message).await;
    decode(&opener.decapsulate(&reply).unwrap()).unwrap()
}

async fn post(client: &Client, media_type: &str, body: Vec<u8>) -> Vec<u8> {
    let plain = reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty());
    let post = plain.build().unwrap().post(format!("{}/gateway", client.channel().url()));
    let reply = post.header("content-type", media_type).body(body).send().await.unwrap();
    reply.bytes().await.unwrap().to_vec()
}

/// A session speaks for searches of whoever signed for its secret: by a permit that its key has shown, not by another's,
/// not under a secret that was not signed for, not twice, not at another time, and for no other route, whatever its caller
/// may do there by signature.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speaks_for_what_its_key_should_sign() {
    let scene = Scene::with(5, |_| ()).await;
    let thief = scene.grantee("thief", json!({})).await;
    let query = format!("/v1/collections/{}/query", scene.id);
    let search = request("POST", &query, br#"{"vector":[1,0],"k":3}"#);
    let refused = |answer: &Answer| assert_eq!(code(answer), Code::SignatureInvalid);

    let way = Way::open(&thief, [1; 32], [1; 32]).await;
    let own = way.permit_of(&thief);
    assert_eq!(way.sign(&own, &search).await.status, 200);
    assert_eq!(way.say(&own, &search).await.status, 200);
    // The owner's permit is known here, too: she is at work.
    let victims = way.permit_of(&scene.owner);
    scene.owner.collections().await.unwrap();
    refused(&way.say(&victims, &search).await);
    // One that nobody has shown: another ledger's, of the same key.
    let elsewhere = Expected { chain_id: "elsewhere".to_owned(), ..way.expected.clone() };
    let now = thief.channel().now();
    let unknown = thief.identity().permit(Purpose::Data, &elsewhere, now).unwrap();
    refused(&way.say(&unknown, &search).await);
    let name = unknown.known_as(&elsewhere).unwrap();
    refused(&way.send(&search, &[vouched(now, &name)]).await);
    // The same message again, and one that is an hour old.
    let name = own.known_as(&way.expected).unwrap();
    assert!(way.send_as(0, &search, &[vouched(now, &name)]).await.is_none());
    let late = way.send(&search, &[vouched(now - 3600, &name)]).await;
    assert_eq!(code(&late), Code::ClockSkew);
    let twice = [vouched(now, &name), vouched(now, &name)];
    refused(&way.send(&search, &twice).await);
    // Of the secret that was signed for, not the one that came.
    let crossed = Way::open(&thief, [2; 32], [3; 32]).await;
    refused(&crossed.say(&own, &search).await);
    // Outside of any session of its own.
    refused(&once(&thief, &search, &[vouched(now, &name)]).await);

    let owners = Way::open(&scene.owner, [4; 32], [4; 32]).await;
    let documents = format!("/v1/collections/{}/documents", scene.id);
    let collection = format!("/v1/collections/{}", scene.id);
    let grants = format!("/v1/collections/{}/grants", scene.id);
    let document = json!({ "id": "new", "content": "new", "chunks": [] }).to_string();
    for (method, path, body) in [
        ("GET", &*documents, &b""[..]),
        ("PUT", &*documents, document.as_bytes()),
        ("DELETE", &*collection, b""),
        ("GET", &*grants, b""),
        ("POST", &*format!("{documents}/lookup"), br#"{"id":"d1"}"#),
        ("POST", "/v1/embeddings", br#"{"input":"text"}"#),
    ] {
        let asked = request(method, path, body);
        let answer = owners.say(&victims, &asked).await;
        assert_eq!(code(&answer), Code::SignatureInvalid, "{method} {path}");
    }
    let listed = owners.sign(&victims, &request("GET", &documents, b"")).await;
    assert_eq!(listed.status, 200, "a signature is taken in a session, too");
    assert_eq!(scene.owner.documents(scene.id).await.unwrap().len(), 5);
}
