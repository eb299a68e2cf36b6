//! The malicious writer: writes into what is not its own, and sends what should break a parser.
//!
//! Layer: tests.
//! Holds: a grantee who may write within a scope, and documents that are small to send and large to read.
//! Never: the owner's permit.
//! Invariant: every document is taken or refused in bounded time, and nobody else's is touched.

use crate::scene::{Scene, parse};
use prag_client::identity::Purpose;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_tests::{ask, json as request};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Writes into another collection, outside its scope, over others' documents, and deletes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_where_it_may_not() {
    let scene = Scene::with(10, |_| ()).await;
    let scope = json!({ "must": [{ "key": "even", "match": { "value": true } }] });
    let writer = scene.grantee("writer", json!({ "write": true, "scope": scope })).await;
    let other = scene.owner.create_collection("other", VectorSource::Supplied(2)).await.unwrap().id;
    let before = scene.owner.documents(scene.id).await.unwrap();
    let put = |id: &str, even: bool| -> Value {
        let chunk = json!({ "start": 0, "end": 4, "vector": [1.0, 0.0] });
        json!({ "id": id, "content": "mine now", "metadata": { "even": even }, "chunks": [chunk] })
    };
    let elsewhere = writer.put_document(other, &parse(put("d2", true))).await.unwrap_err();
    assert_eq!(elsewhere.code(), Some(Code::Forbidden));
    for outside in [put("new", false), put("d3", true), put("d2", false)] {
        assert!(writer.put_document(scene.id, &parse(outside)).await.is_err());
    }
    let ids = parse(json!({ "ids": ["d1", "d3", "d5"] }));
    assert_eq!(writer.delete_documents(scene.id, &ids).await.unwrap().deleted, 0);
    let all =
        parse(json!({ "filter": { "must_not": [{ "key": "even", "match": { "value": true } }] } }));
    assert_eq!(writer.delete_documents(scene.id, &all).await.unwrap().deleted, 0);
    let grants = writer.grants(scene.id).await.unwrap_err();
    assert_eq!(grants.code(), Some(Code::Forbidden));
    let after = scene.owner.documents(scene.id).await.unwrap();
    assert_eq!(json!(before), json!(after));
    writer.put_document(scene.id, &parse(put("d2", true))).await.unwrap();
}

/// Markup that is nested, unclosed, or all of one kind: each document is answered within seconds, and a search goes on
/// meanwhile. Little of it is text: a megabyte of text takes minutes to embed, which is work, not a fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_markup_bombs() {
    let scene = Scene::with(3, |_| ()).await;
    let made = scene.owner.create_collection("embedded", VectorSource::default()).await;
    let id = made.unwrap().id;
    let path = format!("/v1/collections/{id}/documents");
    let bombs = [
        ("html", "<div>".repeat(100_000)),
        ("html", "<p>".repeat(150_000) + "x"),
        ("html", format!("<a {}>x", "a=b ".repeat(100_000))),
        ("html", format!("<table>{}", "<tr><td>".repeat(50_000))),
        ("html", format!("{}<script>", "<!--".repeat(100_000))),
        ("html", "&".repeat(3_000)),
        ("markdown", format!("{}x", "> ".repeat(2_000))),
        ("markdown", "[".repeat(3_000)),
        ("markdown", "*a ".repeat(2_000)),
        ("markdown", format!("{}x", "- ".repeat(2_000))),
        ("markdown", format!("|{}\n|{}\n", "a|".repeat(1_500), "-|".repeat(1_500))),
        ("markdown", "`".repeat(2_000) + &"~".repeat(2_000)),
        ("jsonl", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("jsonl", "{\"a\":".repeat(30_000)),
        ("text", "\u{202e}\u{200d}".repeat(2_000)),
        ("text", format!("e{}", "\u{301}".repeat(2_000))),
    ];
    for (format, content) in bombs {
        let body = json!({ "id": "bomb", "format": format, "content": content }).to_string();
        let label = format!("{format} {}", content.chars().take(12).collect::<String>());
        let start = Instant::now();
        let bomb = request("PUT", &path, body.as_bytes());
        let sending = ask(&scene.owner, Purpose::Data, &bomb);
        let near = scene.near(1);
        let searching = scene.owner.query(scene.id, &near);
        let (answer, searched) = tokio::join!(sending, searching);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!((200..500).contains(&answer.status), "{label}: {} {text}", answer.status);
        assert!(start.elapsed() < PATIENCE, "{label}: {:?}", start.elapsed());
        assert_eq!(searched.unwrap().hits.len(), 3, "{label}");
    }
}

/// What is left to embed may take a while on a busy machine; parsing takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);
