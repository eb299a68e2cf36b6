#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use axum::Router;
use axum::routing::post;
use base64::Engine;
use ed25519_dalek::SigningKey;
use ohttp::ClientRequest;
use prag_trust::address::SessionKey;
use prag_trust::entropy::{Entropy, EntropyError};
use prag_trust::request::Word;
use prag_trust::resumed::Resumption;
use tower::ServiceExt;

struct Fixed;

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.fill(5);
        Ok(())
    }
}

fn fixture() -> (KeyRing, Vec<u8>) {
    let ring = KeyRing::new(Box::new(Fixed), 100).unwrap();
    let keys = ring.key_set(&SigningKey::from_bytes(&[7; 32]), 100).unwrap();
    let config = base64::engine::general_purpose::STANDARD.decode(keys.ohttp_config).unwrap();
    (ring, config)
}

const OWN: [u8; 32] = [10; 32];

/// Answers a query with as many bytes as its body says, and repeats a header.
fn routes() -> Router {
    async fn answer(request: Request) -> Response {
        let mark = request.headers()["x-mark"].clone();
        let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let bytes = value["bytes"].as_u64().unwrap() as usize;
        ([("x-mark", mark)], vec![b'x'; bytes]).into_response()
    }
    let refuse = || async { Refusal(Problem::new(Code::Forbidden, "no")).into_response() };
    Router::new()
        .route("/v1/collections/a/query", post(answer))
        .route("/v1/collections/b/query", post(refuse))
}

fn request(path: &str, body: &str, padding: usize) -> Vec<u8> {
    let mut out = request_with(path, body, &[]);
    out.resize(out.len() + padding, 0);
    out
}

fn request_with(path: &str, body: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut message = Message::request(
        b"POST".to_vec(),
        b"https".to_vec(),
        b"worker".to_vec(),
        path.as_bytes().to_vec(),
    );
    message.put_header("x-mark", "m");
    for (name, value) in headers {
        message.put_header(*name, value.as_bytes());
    }
    message.write_content(body);
    let mut out = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut out).unwrap();
    out
}

/// One way through the channel: length of the sealed reply, status, header, content.
async fn round(plain: &[u8]) -> (usize, u16, Vec<u8>, Vec<u8>) {
    let (ring, config) = fixture();
    let client = ClientRequest::from_encoded_config(&config).unwrap();
    let (message, opener) = client.encapsulate(plain).unwrap();
    let inner = |request| async { routes().oneshot(request).await.unwrap() };
    let sealed =
        exchange((&ring, &Room::widest(), &OWN, 100), (&message, false), inner).await.unwrap();
    let reply = opener.decapsulate(&sealed).unwrap();
    // Padding is plain RFC 9292: the crate that clients use reads it as it is.
    let message = Message::read_bhttp(&mut Cursor::new(&reply[..])).unwrap();
    let status = message.control().status().unwrap().code();
    let mark = message.header().get(b"x-mark").unwrap_or_default().to_vec();
    (sealed.len(), status, mark, message.content().to_vec())
}

const QUERY: &str = "/v1/collections/a/query";

/// Status, headers and body come back through the channel, with or without padding of the request.
#[tokio::test]
async fn answers_through_the_channel() {
    for padding in [0, 1, 1000] {
        let (_, status, mark, content) = round(&request(QUERY, "{\"bytes\":3}", padding)).await;
        assert_eq!((status, mark, content), (200, b"m".to_vec(), b"xxx".to_vec()));
    }
}

/// Whoever sent a secret goes on under it, and is answered in the same lengths; the secret goes no further than the door.
#[tokio::test]
async fn a_secret_is_a_short_cut() {
    let (ring, config) = fixture();
    let secret = [3; SECRET_BYTES];
    let first = request_with(QUERY, "{\"bytes\":3}", &[(RESUMPTION_HEADER, hex::encode(secret))]);
    let (message, opener) =
        ClientRequest::from_encoded_config(&config).unwrap().encapsulate(&first).unwrap();
    let inner = |request: Request| async {
        assert!(!request.headers().contains_key(RESUMPTION_HEADER));
        routes().oneshot(request).await.unwrap()
    };
    let channel = (&ring, &Room::widest(), &OWN, 100);
    let reply = exchange(channel, (&message, false), inner).await.unwrap();
    let reply = opener.decapsulate(&reply).unwrap();

    let keys = Resumption::new(&secret);
    let sealed = keys.seal_request(0, &request(QUERY, "{\"bytes\":3}", 0)).unwrap();
    let answer = exchange(channel, (&sealed, true), inner).await.unwrap();
    assert_eq!(keys.open_answer(0, &answer).unwrap()[..], reply[..]);
    let again = exchange(channel, (&sealed, true), inner).await.map_err(|problem| problem.code);
    assert_eq!(again.unwrap_err(), Code::Replayed);
    // What is no secret is no offer.
    for offer in ["", "03", &"0g".repeat(32), &"03".repeat(33)] {
        let (ring, config) = fixture();
        let first = request_with(QUERY, "{\"bytes\":3}", &[(RESUMPTION_HEADER, offer.to_owned())]);
        let sender = ClientRequest::from_encoded_config(&config).unwrap();
        let (message, _) = sender.encapsulate(&first).unwrap();
        let channel = (&ring, &Room::widest(), &OWN, 100);
        assert!(exchange(channel, (&message, false), inner).await.is_ok());
        let sealed = keys.seal_request(0, &request(QUERY, "{\"bytes\":3}", 0)).unwrap();
        let unknown = exchange(channel, (&sealed, true), inner).await;
        assert_eq!(unknown.map_err(|problem| problem.code).unwrap_err(), Code::ChannelInvalid);
    }
}

/// What is sent under a secret carries the bond that came with it, where that is this worker's; nothing else does.
#[tokio::test]
async fn a_bond_comes_with_its_secret() {
    let key = SessionKey::from_bytes(&[9; 32]);
    let secret = [3; SECRET_BYTES];
    let statement = |worker| Bond::sign(&key, &secret, worker).1;
    let mut cut = statement(&OWN);
    cut.pop();
    for (sent, bound) in [
        (Some(statement(&OWN)), true),
        (Some(statement(&[11; 32])), false),
        (Some(Bond::sign(&key, &[4; SECRET_BYTES], &OWN).1), false),
        (Some(cut), false),
        (None, false),
    ] {
        let (ring, config) = fixture();
        let channel = (&ring, &Room::widest(), &OWN, 100);
        let inner = |wanted: bool| {
            move |request: Request| async move {
                assert!(!request.headers().contains_key(BOND_HEADER));
                let word = request.extensions().get::<Arc<Word>>();
                assert_eq!(word.is_some(), wanted);
                routes().oneshot(request).await.unwrap()
            }
        };
        let mut offer = vec![(RESUMPTION_HEADER, hex::encode(secret))];
        offer.extend(sent.map(|statement| (BOND_HEADER, statement)));
        let first = request_with(QUERY, "{\"bytes\":3}", &offer);
        let sender = ClientRequest::from_encoded_config(&config).unwrap();
        let (message, _) = sender.encapsulate(&first).unwrap();
        assert!(exchange(channel, (&message, false), inner(false)).await.is_ok());
        let keys = Resumption::new(&secret);
        let sealed = keys.seal_request(0, &request(QUERY, "{\"bytes\":3}", 0)).unwrap();
        assert!(exchange(channel, (&sealed, true), inner(bound)).await.is_ok());
    }
}

/// Hit or miss, granted or forbidden, short or long: one length for one set of parameters.
#[tokio::test]
async fn lengths_tell_nothing() {
    let (length, ..) = round(&request(QUERY, "{\"bytes\":0}", 0)).await;
    let (long, status, ..) = round(&request(QUERY, "{\"bytes\":60000}", 0)).await;
    assert_eq!((long, status), (length, 200));
    let foreign = request("/v1/collections/b/query", "{\"bytes\":0}", 0);
    let (refused, status, ..) = round(&foreign).await;
    assert_eq!((refused, status), (length, 403));
    // What outgrows the bucket is refused inside it.
    let (over, status, _, content) = round(&request(QUERY, "{\"bytes\":200000}", 0)).await;
    assert_eq!((over, status), (length, 413));
    let problem: Problem = serde_json::from_slice(&content).unwrap();
    assert_eq!(problem.code, Code::TooLarge);
}

/// Bytes that are no request are refused inside the channel, and all such refusals have one length.
#[tokio::test]
async fn noise_is_refused_inside() {
    let mut lengths = std::collections::BTreeSet::new();
    let mut trailing = request(QUERY, "{}", 4);
    trailing.extend_from_slice(b"x");
    let response = [1, 0x40, 0xc8].to_vec();
    let relative = request("v1/models", "{}", 0);
    let absolute = request("http://elsewhere/v1/models", "{}", 0);
    for noise in [trailing, response, relative, absolute, vec![], vec![9; 40], vec![0; 40]] {
        let (length, status, _, content) = round(&noise).await;
        assert_eq!(status, 400);
        let problem: Problem = serde_json::from_slice(&content).unwrap();
        assert_eq!(problem.code, Code::Malformed);
        lengths.insert(length);
    }
    assert_eq!(lengths.len(), 1);
}

/// A message that does not open, or opened before, is refused outside.
#[tokio::test]
async fn strangers_are_refused_outside() {
    let (ring, config) = fixture();
    let client = ClientRequest::from_encoded_config(&config).unwrap();
    let (message, _) = client.encapsulate(&request(QUERY, "{\"bytes\":1}", 0)).unwrap();
    let ask = async |message: &[u8]| {
        let inner = |request| async { routes().oneshot(request).await.unwrap() };
        exchange((&ring, &Room::widest(), &OWN, 100), (message, false), inner)
            .await
            .map_err(|problem| problem.code)
    };
    assert_eq!(ask(b"noise").await.unwrap_err(), Code::ChannelInvalid);
    assert!(ask(&message).await.is_ok());
    assert_eq!(ask(&message).await.unwrap_err(), Code::Replayed);
}
