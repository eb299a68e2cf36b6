//! The door: what comes to the listener outside the channel, and what comes through it broken.
//!
//! Layer: tests.
//! Holds: noise, replays, truncation, sizes, routes, methods and media types.
//! Never: a client library's help; these bytes are made here.
//! Invariant: what is too large is refused while it arrives, not after.

use crate::letter::{Letter, SEALED, exchange, http, seal, through};
use crate::{Scene, is_problem};
use bhttp::{Message, Mode};
use prag_client::ClientError;
use prag_client::envelope::{self, Request};
use prag_protocol::limits::BODY_BYTES_MAX;
use prag_protocol::problem::Code;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A message that was changed, cut, or sent before is not opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_messages_are_refused() {
    let scene = Scene::new().await;
    let address = scene.lab.address();
    let letter = Letter::new("POST", &scene.path("/query"), r#"{"text":"river"}"#);
    let headers = letter.sign(&scene.owner).await;
    let inner = envelope::encode(&request(&letter), "here", &headers).unwrap();
    let (message, opener) = seal(&scene.owner, &inner).await;
    let mut broken = vec![Vec::new(), vec![7], vec![0; 500]];
    // Key id, KEM, KDF, AEAD, ephemeral key, ciphertext, tag.
    for at in [0, 1, 3, 5, 7, 38, 39, message.len() / 2, message.len() - 1] {
        let mut changed = message.clone();
        changed[at] ^= 1;
        broken.push(changed);
    }
    for length in [6, 7, 23, 39, 40, 55, message.len() / 2, message.len() - 1] {
        broken.push(message[..length].to_vec());
    }
    broken.push([&message[..], b"x"].concat());
    scene
        .stands(async |_| {
            for bytes in &broken {
                let reply = exchange(address, "POST /gateway", SEALED, bytes).await;
                let label = format!("{} bytes", bytes.len());
                is_problem(reply.status, &reply.body, Code::ChannelInvalid, &label);
            }
        })
        .await;
    let reply = exchange(address, "POST /gateway", SEALED, &message).await;
    let answer = opener.decapsulate(&reply.body).unwrap();
    assert_eq!(envelope::decode(&answer).unwrap().status, 200);
    scene
        .stands(async |_| {
            for _ in 0..2 {
                let reply = exchange(address, "POST /gateway", SEALED, &message).await;
                is_problem(reply.status, &reply.body, Code::Replayed, "the same message");
            }
        })
        .await;
}

/// A message that opens, and holds something else than one request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_requests_are_refused_inside() {
    let scene = Scene::new().await;
    let letter = Letter::new("POST", &scene.path("/query"), r#"{"text":"river"}"#);
    let headers = letter.sign(&scene.owner).await;
    let good = envelope::encode(&request(&letter), "here", &headers).unwrap();
    let written = |message: &Message| {
        let mut bytes = Vec::new();
        message.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
        bytes
    };
    let to = |method: &str, target: &str| {
        let part = |text: &str| text.as_bytes().to_vec();
        Message::request(part(method), part("https"), part("here"), part(target))
    };
    let response = written(&Message::response(200u16.try_into().unwrap()));
    let mut crowded = to("GET", "/v1/models");
    for number in 0..65 {
        crowded.put_header(format!("x-{number}"), "1");
    }
    let mut split = to("GET", "/v1/models");
    split.put_header("x", "a\r\nb: c");
    let mut large = to("PUT", &scene.path("/documents"));
    large.put_header("content-type", "application/json");
    large.write_content(vec![b' '; BODY_BYTES_MAX + 1]);
    let trailing = [&good[..], b"x"].concat();
    let cases = [
        (vec![], Code::Malformed),
        (vec![0xff; 100], Code::Malformed),
        (good[..50].to_vec(), Code::Malformed),
        (trailing, Code::Malformed),
        (response, Code::Malformed),
        (written(&to("GE T", "/v1/models")), Code::Malformed),
        (written(&to("GET", "v1/models")), Code::Malformed),
        (written(&to("GET", "http://there/v1/models")), Code::Malformed),
        (written(&crowded), Code::Malformed),
        (written(&split), Code::Malformed),
        (written(&large), Code::TooLarge),
    ];
    let (owner, address) = (&scene.owner, scene.lab.address());
    scene
        .stands(async |_| {
            for (number, (inner, code)) in cases.iter().enumerate() {
                let answer = through(owner, address, inner).await;
                let label = format!("case {number}");
                is_problem(answer.status, &answer.body, *code, &label);
            }
        })
        .await;
    // The SDK does not even send what is over the limit.
    let body = vec![b' '; BODY_BYTES_MAX + 1];
    let over = Letter::new("PUT", &scene.path("/documents"), body);
    let session = owner.channel().session().await.unwrap();
    let sent = owner.channel().send(&session, &request(&over), &[]).await;
    assert!(matches!(sent, Err(ClientError::TooLarge { .. })));
}

/// A document of 100 MB is turned away while it arrives, and is never in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vast_bodies_are_turned_away() {
    let scene = Scene::new().await;
    let address = scene.lab.address();
    let plain = vec![b'a'; 1 << 20];
    let chunk = [b"100000\r\n", &plain[..], b"\r\n"].concat();
    let head = |line: &str, framing: &str| {
        format!(
            "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {SEALED}\r\n{framing}\r\n\r\n"
        )
    };
    let length = format!("content-length: {}", PARTS << 20);
    let chunked = "transfer-encoding: chunked";
    let outside = format!("PUT {}", scene.path("/documents"));
    let cases = [
        (head("POST /gateway", &length), &plain, Code::TooLarge),
        (head("POST /gateway", chunked), &chunk, Code::TooLarge),
        (head(&outside, &length), &plain, Code::ChannelRequired),
        (head(&outside, chunked), &chunk, Code::ChannelRequired),
        (head("POST /v1/attestation", &length), &plain, Code::MethodNotAllowed),
    ];
    scene
        .stands(async |_| {
            for (head, part, code) in &cases {
                let scales = Scales::on();
                let reply = http(address, head.clone(), part, PARTS).await;
                let grown = scales.off();
                let line = head.lines().next().unwrap();
                is_problem(reply.status, &reply.body, *code, line);
                assert!(reply.taken < TAKEN_BYTES_MAX, "{line}: {}", reply.taken);
                assert!(grown < GROWTH_BYTES_MAX, "{line}: {grown} bytes more");
            }
            // Ten at once, and none of them whole.
            let scales = Scales::on();
            let (head, part, _) = &cases[0];
            let mut sending = tokio::task::JoinSet::new();
            for _ in 0..10 {
                let (head, part) = (head.clone(), (*part).clone());
                sending.spawn(async move { http(address, head, &part, PARTS).await.status });
            }
            assert_eq!(sending.join_all().await, [413; 10]);
            let grown = scales.off();
            assert!(grown < 3 * GROWTH_BYTES_MAX, "ten: {grown} bytes more");
        })
        .await;
}

/// Outside the channel there is nothing but the attestation; inside, only what the routes take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_are_closed() {
    let scene = Scene::new().await;
    let address = scene.lab.address();
    let (query, documents) = (scene.path("/query"), scene.path("/documents"));
    let json = "application/json";
    let outside = [
        (format!("POST {query}"), json, Code::ChannelRequired),
        (format!("PUT {documents}"), json, Code::ChannelRequired),
        ("GET /v1/collections".into(), json, Code::ChannelRequired),
        ("GET /v1/models".into(), json, Code::ChannelRequired),
        ("GET /v1/nothing".into(), json, Code::ChannelRequired),
        ("GET /v1/attestation".into(), json, Code::InvalidField),
        ("GET /v1/attestation?nonce=00".into(), json, Code::InvalidField),
        ("GET /v2".into(), json, Code::RouteNotFound),
        ("GET /".into(), json, Code::RouteNotFound),
        ("GET /docs/../secret".into(), json, Code::RouteNotFound),
        ("GET /gateway".into(), SEALED, Code::MethodNotAllowed),
        ("DELETE /healthz".into(), json, Code::MethodNotAllowed),
        ("POST /gateway".into(), json, Code::MediaType),
        ("POST /gateway".into(), "text/plain", Code::MediaType),
    ];
    scene
        .stands(async |_| {
            for (line, media_type, code) in &outside {
                let reply = exchange(address, line, media_type, b"{}").await;
                is_problem(reply.status, &reply.body, *code, line);
            }
        })
        .await;
    for (method, path, code) in [
        ("GET", query.as_str(), Code::MethodNotAllowed),
        ("PATCH", &documents, Code::MethodNotAllowed),
        ("POST", "/v1/models", Code::MethodNotAllowed),
        ("GET", "/v1/nothing", Code::RouteNotFound),
        ("GET", "/v1/collections/", Code::RouteNotFound),
        ("POST", "/gateway", Code::RouteNotFound),
        ("GET", "/metrics", Code::RouteNotFound),
        ("GET", "/v1/collections/none", Code::InvalidField),
        ("GET", "/v1/operations/none", Code::OperationNotFound),
        ("GET", "/v1/attestation", Code::InvalidField),
    ] {
        scene.refused(&Letter::new(method, path, ""), code).await;
    }
    for (method, rest, body) in [
        ("PUT", "/documents", r#"{"id":"x","content":"text"}"#),
        ("POST", "/query", r#"{"text":"x"}"#),
        ("POST", "/documents/bulk", r#"{"id":"x","content":"text"}"#),
    ] {
        for media_type in ["text/plain", "application/jsonp", "x"] {
            let mut letter = Letter::new(method, &scene.path(rest), body);
            letter.media_type = media_type;
            scene.refused(&letter, Code::MediaType).await;
        }
    }
}

fn request(letter: &Letter) -> Request<'_> {
    Request {
        method: letter.method,
        path: &letter.path,
        query: &letter.query,
        media_type: letter.media_type,
        body: &letter.body,
    }
}

/// Weighs this process, worker and all, until it is told to stop.
struct Scales {
    before: u64,
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    weighing: std::thread::JoinHandle<()>,
}

impl Scales {
    fn on() -> Self {
        let before = resident();
        let most = Arc::new(AtomicU64::new(before));
        let stop = Arc::new(AtomicBool::new(false));
        let weighing = std::thread::spawn({
            let (most, stop) = (Arc::clone(&most), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    most.fetch_max(resident(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Self { before, most, stop, weighing }
    }

    /// How many bytes more than before there were at most.
    fn off(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.weighing.join().unwrap();
        self.most.load(Ordering::Relaxed).max(resident()) - self.before
    }
}

/// Bytes of memory that the process has (`proc_pid_statm(5)`, second field).
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * PAGE_BYTES
}

const PAGE_BYTES: u64 = 4096;
/// Of 1 MiB each.
const PARTS: usize = 100;
/// What the worker reads before it refuses, and what the two sockets hold.
const TAKEN_BYTES_MAX: usize = 32 << 20;
const GROWTH_BYTES_MAX: u64 = 32 << 20;
