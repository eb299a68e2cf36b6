//! Hostile messages, bodies, lines and targets.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::channel::KeyRing;
use crate::fixture::Counting;
use crate::http::documents::parse_lines;
use crate::http::gateway::decode;
use crate::http::json::parse;
use crate::http::target::{Listing, collection_id, token};
use base64::Engine;
use bhttp::{Message, Mode};
use ed25519_dalek::SigningKey;
use prag_fuzz::fuzz;
use prag_protocol::limits::BULK_LINES_MAX;
use prag_protocol::wire::collections::{CreateCollection, OpenCorpus, ReleaseKeys};
use prag_protocol::wire::documents::{DeleteDocuments, Lookup, PutDocument};
use prag_protocol::wire::grants::{PutGrant, RevokeGrant};
use prag_protocol::wire::models::EmbeddingsRequest;
use prag_protocol::wire::search::{ContextRequest, QueriesRequest, QueryRequest};
use prag_trust::resumed::Resumption;

fn message(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let part = |text: &str| text.as_bytes().to_vec();
    let mut message = Message::request(part(method), part("https"), part("here"), part(path));
    message.put_header("content-type", "application/json");
    message.put_header("prag-permit", "AAAA");
    message.write_content(body);
    let mut out = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut out).unwrap();
    out.resize(out.len() + 7, 0);
    out
}

/// What opens at the gateway is a request within its bounds, or refused.
#[test]
fn binary_http() {
    let good = [
        message("POST", "/v1/collections/0a/query", br#"{"text":"x","k":5}"#),
        message("GET", "/v1/collections?limit=1&cursor=a", b""),
        message("PUT", "/v1/collections/0a/documents", &[b'x'; 300]),
    ];
    assert!(good.iter().all(|bytes| decode(bytes).is_ok()));
    fuzz(1, &good, |bytes| {
        if let Ok((_, request)) = decode(bytes) {
            assert!(request.uri().path().starts_with('/') && request.headers().len() <= 64);
            let _ = Listing::parse(request.uri());
        }
    });
}

/// What is sent to the gateway itself opens once, or is refused.
#[test]
fn sealed_messages() {
    let ring = KeyRing::new(Box::new(Counting(0)), 100).unwrap();
    let keys = ring.key_set(&SigningKey::from_bytes(&[7; 32]), 100).unwrap();
    let config = base64::engine::general_purpose::STANDARD.decode(keys.ohttp_config).unwrap();
    let sealed = || {
        let sender = ohttp::ClientRequest::from_encoded_config(&config).unwrap();
        sender.encapsulate(&message("GET", "/v1/models", b"")).unwrap().0
    };
    let good = [sealed(), sealed()];
    for bytes in &good {
        assert!(ring.decapsulate(bytes, 100).is_ok());
    }
    fuzz(20, &good, |bytes| {
        assert!(ring.decapsulate(bytes, 100).is_err(), "opened before, or changed")
    });
    let first = ring.decapsulate(&sealed(), 100).unwrap();
    first.resume(&[9; 32], None, 100);
    let keys = Resumption::new(&[9; 32]);
    let good = [0, 1].map(|number| keys.seal_request(number, b"more").unwrap());
    for bytes in &good {
        assert!(ring.resume(bytes, 100).is_ok());
    }
    fuzz(21, &good, |bytes| assert!(ring.resume(bytes, 100).is_err(), "opened before, or changed"));
}

/// Bodies of every route are read or refused, and a refusal repeats no value.
#[test]
fn bodies() {
    let (id, marker) = ("0a".repeat(16), "hush");
    let good: Vec<Vec<u8>> = [
        format!(r#"{{"text":"{marker}","k":5,"mode":"hybrid","fusion":{{"linear":{{"weight":0.5}}}},"exact":true}}"#),
        format!(r#"{{"vector":[0.5,-1,1e3],"filter":{{"must":[{{"key":"a","match":{{"value":"{marker}"}}}}]}}}}"#),
        format!(r#"{{"queries":[{{"text":"{marker}","k":5}},{{"vector":[1,2],"filter":{{"must":[{{"has_id":["{marker}"]}}]}}}}]}}"#),
        format!(r#"{{"prompt":"{marker}","budget":300,"passages":3,"fusion":"dbsf"}}"#),
        format!(r#"{{"id":"a","title":"{marker}","format":"markdown","content":"{marker}","metadata":{{"a":["b",1]}}}}"#),
        r#"{"id":"a","content":"b","chunks":[{"start":0,"end":1,"vector":[1,0]}]}"#.to_owned(),
        r#"{"ids":["a","b"]}"#.to_owned(),
        format!(r#"{{"grantee":"secret1a","read":true,"max_k":5,"expires":99,"scope":{{"must":[{{"has_id":["{marker}"]}}]}}}}"#),
        format!(r#"{{"id":"{id}","name":"{marker}","vectors":{{"supplied":3}},"share":{{}}}}"#),
        format!(r#"{{"corpus":"{id}","manifest":"AAAA","share":{{"a":[1,2]}}}}"#),
        format!(r#"{{"input":["{marker}","b"],"model":"m","input_type":"query"}}"#),
    ]
    .map(String::into_bytes)
    .into();
    fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) {
        if let Err(problem) = parse::<T>(bytes) {
            assert!(!problem.detail.contains("hush"), "{}", problem.detail);
        }
    }
    fuzz(2, &good, |bytes| {
        read::<QueryRequest>(bytes);
        read::<QueriesRequest>(bytes);
        read::<ContextRequest>(bytes);
        read::<PutDocument>(bytes);
        read::<DeleteDocuments>(bytes);
        read::<Lookup>(bytes);
        read::<PutGrant>(bytes);
        read::<RevokeGrant>(bytes);
        read::<CreateCollection>(bytes);
        read::<ReleaseKeys>(bytes);
        read::<OpenCorpus>(bytes);
        read::<EmbeddingsRequest>(bytes);
    });
}

/// Line i of a bulk body is entry i, whatever the others are.
#[test]
fn bulk_lines() {
    let corpus = "0a".repeat(16);
    let good = format!(
        "{{\"id\":\"a\",\"content\":\"x\"}}\n{{\"corpus\":\"{corpus}\",\"record\":3,\"sealed\":\"AA\"}}\r\n\n{{\"id\":\"c\",\"content\":\"x\"}}\n"
    );
    fuzz(1, &[good.into_bytes()], |bytes| {
        if let Ok(lines) = parse_lines(bytes) {
            let ends =
                bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n').count();
            assert!(lines.len() == ends && ends <= BULK_LINES_MAX);
        }
    });
}

/// Ids, cursors and queries of targets are read or refused.
#[test]
fn targets() {
    let good = [b"limit=1000&cursor=abc%2D1".to_vec(), "0a".repeat(16).into_bytes()];
    fuzz(1, &good, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(id) = collection_id(&text) {
            assert_eq!(id.to_string(), text);
        }
        let _ = token(&text, "cursor");
        if let Ok(uri) = format!("/v1/x?{text}").parse() {
            let _ = Listing::parse(&uri);
        }
    });
}
