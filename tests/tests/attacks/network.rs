//! The network, and whoever ends TLS: sees sizes and times, and can send what it has seen elsewhere and again.
//!
//! Layer: tests.
//! Holds: a recording proxy, and one that leads two requests of one client to two workers.
//! Never: a key.
//! Invariant: what it changes or misleads is not answered; what it measures follows from the request's parameters.

use crate::scene::{Scene, parse};
use prag_client::Client;
use prag_client::error::ClientError;
use prag_client::identity::Purpose;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_tests::{Lab, Wiretap, ask, json as request};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Queries of many lengths are of few sizes, by Padmé; a longer one is never smaller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weighs_queries() {
    let scene = Scene::with(3, |_| ()).await;
    let tap = Wiretap::before(scene.lab.address()).await;
    let owner = scene.lab.client_at("owner", &tap.url()).await;
    let path = format!("/v1/collections/{}/query", scene.id);
    // A session's first message has a secret with it.
    owner.collections().await.unwrap();
    let mut sizes = BTreeMap::new();
    for length in (1..2000).step_by(37) {
        let body = json!({ "text": "x".repeat(length), "mode": "sparse" }).to_string();
        let before = tap.sent().len();
        let answer = ask(&owner, Purpose::Data, &request("POST", &path, body.as_bytes())).await;
        assert_eq!(answer.status, 200);
        sizes.insert(length, tap.sent().len() - before);
    }
    let mut distinct: Vec<usize> = sizes.values().copied().collect();
    assert!(distinct.is_sorted());
    distinct.dedup();
    assert!(distinct.len() * 2 <= sizes.len(), "{} sizes of {}", distinct.len(), sizes.len());
}

/// Replies to queries are of one length for all collections, found or refused. It grows for all at once, when a passage
/// is stored that is longer by a class than any before, and never falls: not by a deletion, nor by a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weighs_replies() {
    let mut scene = Scene::with(3, |_| ()).await;
    let source = VectorSource::Supplied(2);
    let other = scene.owner.create_collection("other", source).await.unwrap().id;
    let tap = Wiretap::before(scene.lab.address()).await;
    let owner = scene.lab.client_at("owner", &tap.url()).await;
    let stranger = scene.lab.client_at("stranger", &tap.url()).await;
    let weigh = async |client: &Client, id: CollectionId| {
        let path = format!("/v1/collections/{id}/query");
        let asked = request("POST", &path, br#"{"vector":[1,0]}"#);
        let before = tap.received_len();
        let status = ask(client, Purpose::Data, &asked).await.status;
        (status, tap.received_len() - before)
    };
    let all = async || {
        let (found, first) = weigh(&owner, scene.id).await;
        let (empty, second) = weigh(&owner, other).await;
        let (refused, third) = weigh(&stranger, other).await;
        assert_eq!((found, empty, refused), (200, 200, 403));
        assert!(first == second && second == third, "{first}, {second}, {third}");
        first
    };
    let short = all().await;
    let put = async |id: &str, bytes: usize| {
        let content = "\"".repeat(bytes);
        let chunk = json!({ "start": 0, "end": bytes, "vector": [1.0, 0.0] });
        let document = parse(json!({ "id": id, "content": content, "chunks": [chunk] }));
        scene.owner.put_document(scene.id, &document).await.unwrap();
    };
    put("short", 100).await;
    assert_eq!(all().await, short);
    put("long", 1000).await;
    let long = all().await;
    assert!(long >= 2 * short, "{long}, {short}");
    let which = parse(json!({ "ids": ["long"], "purge": true }));
    scene.owner.delete_documents(scene.id, &which).await.unwrap();
    assert_eq!(all().await, long);
    scene.lab.restart().await;
    let again = scene.lab.client_at("owner", &tap.url()).await;
    assert_eq!(weigh(&again, other).await, (200, long));
}

/// The attestation is led to one worker and the messages to another, as a proxy that ends TLS could: the other cannot
/// open a byte, and the client says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_one_worker_and_talks_to_another() {
    let (shown, real) = (Lab::start().await, Lab::start().await);
    let crossroads = crossroads(shown.address(), real.address()).await;
    let client = shown.client_at("owner", &format!("http://{crossroads}")).await;
    let refused = client.collections().await.unwrap_err();
    assert!(matches!(refused, ClientError::Gateway(400)), "{refused}");
    let honest = crossroads_to_one(&shown).await;
    let client = shown.client_at("other", &format!("http://{honest}")).await;
    assert!(client.collections().await.unwrap().is_empty(), "the proxy itself breaks nothing");
}

/// A sealed message of one worker, sent to another: it does not open there. Nor does one that goes on under a secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_a_sealed_message_to_another_worker() {
    let (one, other) = (Lab::start().await, Lab::start().await);
    let tap = Wiretap::before(one.address()).await;
    let client = one.client_at("owner", &tap.url()).await;
    for form in ["message/ohttp-req", "message/prag1-req"] {
        let before = tap.sent().len();
        client.collections().await.unwrap();
        let message = tap.sent().split_off(before);
        assert!(message.windows(form.len()).any(|part| part == form.as_bytes()), "{form}");
        for (lab, status) in [(&other, &b"HTTP/1.1 400"[..]), (&one, b"HTTP/1.1 401")] {
            let mut stream = TcpStream::connect(lab.address()).await.unwrap();
            stream.write_all(&message).await.unwrap();
            let mut reply = [0; 12];
            stream.read_exact(&mut reply).await.unwrap();
            assert_eq!(reply, status, "another's does not open, and its own does so once");
        }
    }
}

/// Leads whatever goes on under a secret to a worker that never got it: the message is sealed to the attested key
/// again, over the way that is still there, the client is served as ever, and what it asked for is done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leads_the_short_cut_astray() {
    let (one, other) = (Lab::start().await, Lab::start().await);
    let (here, there) = (one.address(), other.address());
    let resumed = b"message/prag1-req";
    let goes_on = move |head: &[u8]| head.windows(resumed.len()).any(|part| part == resumed);
    let proxy = proxy(move |head| if goes_on(head) { there } else { here }, None).await;
    let client = one.client_at("owner", &format!("http://{proxy}")).await;
    for number in 0..3 {
        assert_eq!(client.collections().await.unwrap().len(), number);
        let source = VectorSource::Supplied(2);
        client.create_collection(&format!("c{number}"), source).await.unwrap();
    }
    assert_eq!(client.collections().await.unwrap().len(), 3);
}

/// Changes any one byte of a reply: the client takes it for no answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_a_reply() {
    let scene = Scene::with(3, |_| ()).await;
    for at in [200, 500, 5000] {
        let proxy = changing(scene.lab.address(), at).await;
        let client = scene.lab.client_at("owner", &format!("http://{proxy}")).await;
        let query = parse(json!({ "vector": [1.0, 0.0] }));
        let refused = client.query(scene.id, &query).await.unwrap_err();
        assert!(matches!(refused, ClientError::Reply(_) | ClientError::Gateway(_)), "{refused}");
    }
}

async fn crossroads_to_one(lab: &Lab) -> SocketAddr {
    crossroads(lab.address(), lab.address()).await
}

/// Leads what asks for an attestation to one worker, and all else to another.
async fn crossroads(attests: SocketAddr, serves: SocketAddr) -> SocketAddr {
    proxy(move |head| if head.starts_with(b"GET /v1/attestation") { attests } else { serves }, None)
        .await
}

/// Changes the byte at `at` of every reply of the gateway.
async fn changing(worker: SocketAddr, at: usize) -> SocketAddr {
    proxy(move |_| worker, Some(at)).await
}

/// One request a connection, to wherever `target` says.
async fn proxy(
    target: impl Fn(&[u8]) -> SocketAddr + Clone + Send + 'static,
    change: Option<usize>,
) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let request = read_request(&mut client).await;
                let mut worker = TcpStream::connect(target(&request)).await.unwrap();
                worker.write_all(&request).await.unwrap();
                let mut reply = Vec::new();
                worker.read_to_end(&mut reply).await.unwrap();
                if let Some(at) = change.filter(|_| request.starts_with(b"POST /gateway")) {
                    reply[at] ^= 1;
                }
                client.write_all(&reply).await.unwrap();
            });
        }
    });
    address
}

/// A whole request, that asks for the connection to be closed after it.
async fn read_request(from: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = from.read(&mut buffer).await.unwrap();
        assert!(count > 0, "a whole request");
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = length.map_or(0, |length| length.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return [&bytes[..end], b"\r\nconnection: close", &bytes[end..]].concat();
        }
    }
}
