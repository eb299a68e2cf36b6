//! Documents that are none.
//!
//! Layer: tests.
//! Holds: puts, bulk lines, deletions and idempotency keys.
//! Never: sealed records (see `sealed`).
//! Invariant: a bad line of a bulk request spoils no other.

use crate::letter::Letter;
use crate::{Scene, is_problem, rows};
use base64::Engine as _;
use prag_client::Client;
use prag_protocol::limits::{BULK_LINES_MAX, CHUNK_BYTES_MAX, DOCUMENT_BYTES_MAX};
use prag_protocol::problem::Code;
use serde_json::{Value, json};

/// Bodies that are no document, and documents over a bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_checked() {
    let scene = Scene::new().await;
    let text = |text: &str| json!({"id": "x", "content": text}).to_string();
    let title = json!({"id": "x", "content": "text", "title": "t".repeat(513)}).to_string();
    let id = json!({"id": "x".repeat(257), "content": "text"}).to_string();
    let fields: serde_json::Map<String, Value> =
        (0..65).map(|n| (format!("f{n}"), json!(n))).collect();
    let fields = json!({"id": "x", "content": "text", "metadata": fields}).to_string();
    let levels = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let objects = format!(r#"{{"id":"x","content":"text","metadata":{objects}}}"#);
    let mut table = vec![
        (levels, Code::TooDeep),
        (objects, Code::TooDeep),
        (text(""), Code::EmptyText),
        (text(" \n\t\u{a0}"), Code::EmptyText),
        (text("\u{0}\u{7}"), Code::EmptyText),
        // No whitespace, and yet nobody sees it: the model has no token for it.
        (text("\u{200b}\u{200d}"), Code::EmptyText),
        (text(&"a".repeat(DOCUMENT_BYTES_MAX + 1)), Code::TooLarge),
        (title, Code::TooLarge),
        (id, Code::InvalidField),
        (fields, Code::InvalidField),
    ];
    table.extend(rows(
        [
            "",
            "{",
            "{\"id\":\"x\",\"content\":\"\\ud800\"}",
            r#"{"id":"x","content":"text"} {}"#,
            r#"{"id":"x","content":NaN}"#,
        ],
        Code::Malformed,
    ));
    table.extend(rows(
        [r#"{"id":"x","content":"text","colour":1}"#, r#"{"id":"x","content":"text","chunk":[]}"#],
        Code::UnknownField,
    ));
    table.extend(rows(
        [
            "[]",
            "7",
            "null",
            // Fields by position are no document, though serde would read them.
            r#"["x","","text","content",{},null]"#,
            r#"{"id":"x"}"#,
            r#"{"content":"text"}"#,
            r#"{"id":"","content":"text"}"#,
            r#"{"id":"a\u0007b","content":"text"}"#,
            r#"{"id":7,"content":"text"}"#,
            r#"{"id":"x","id":"y","content":"text"}"#,
            r#"{"id":"x","content":["text"]}"#,
            r#"{"id":"x","content":"text","format":"pdf"}"#,
            r#"{"id":"x","content":"text","metadata":{"a":{"b":1}}}"#,
            r#"{"id":"x","content":"text","metadata":{"a":[[1]]}}"#,
            r#"{"id":"x","content":"text","metadata":{"a":{"datetime":"yesterday"}}}"#,
            r#"{"id":"x","content":"text","metadata":{"a":18446744073709551615}}"#,
            r#"{"id":"x","content":"text","metadata":{"a":1e999}}"#,
            r#"{"id":"x","content":"text","metadata":{"":1}}"#,
            r#"{"id":"x","content":"text","metadata":{"a":1,"a":2}}"#,
            r#"{"id":"x","content":"text","chunks":[{"start":0,"end":4,"vector":[1,0]}]}"#,
        ],
        Code::InvalidField,
    ));
    let empty = rows(
        [
            r#"{"id":"x","content":"<p> </p><br>","format":"html"}"#,
            r#"{"id":"x","content":"\n\n\n","format":"markdown"}"#,
        ],
        Code::EmptyText,
    );
    table.extend(empty);
    scene.table("PUT", &scene.path("/documents"), &table).await;
    let mut latin = br#"{"id":"x","content":"caf"#.to_vec();
    latin.extend(b"\xe9\"}");
    let latin = Letter::new("PUT", &scene.path("/documents"), latin);
    scene.refused(&latin, Code::Malformed).await;
}

/// Vectors that point nowhere, and spans of nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_are_checked() {
    let scene = Scene::new().await;
    let path = format!("/v1/collections/{}", scene.supplied);
    let vectors = [
        ("[]", Code::WrongDimension),
        ("[1]", Code::WrongDimension),
        ("[1,2,3]", Code::WrongDimension),
        ("[0,0]", Code::BadVector),
        ("[0,-0.0]", Code::BadVector),
        ("[1e-40,0]", Code::BadVector),
        ("[1e999,0]", Code::BadVector),
        ("[-1e999,0]", Code::BadVector),
        ("[1e300,0]", Code::BadVector),
        ("[null,0]", Code::BadVector),
        (r#"["NaN",0]"#, Code::BadVector),
        ("[NaN,0]", Code::Malformed),
        ("[Infinity,0]", Code::Malformed),
    ];
    let put = |start: u64, end: u64, content: &str, vector: &str| {
        format!(
            r#"{{"id":"x","content":"{content}","chunks":[{{"start":{start},"end":{end},"vector":{vector}}}]}}"#
        )
    };
    let (mut puts, mut queries) = (Vec::new(), Vec::new());
    for (vector, code) in vectors {
        puts.push((put(0, 4, "text", vector), code));
        queries.push((format!(r#"{{"vector":{vector},"mode":"dense"}}"#), code));
    }
    let long = "a".repeat(CHUNK_BYTES_MAX + 1);
    let chunk = r#"{"start":0,"end":4,"vector":[1,0]}"#;
    let many = vec![chunk; 8193].join(",");
    puts.extend([
        (put(2, 9, "text", "[1,0]"), Code::InvalidField),
        (put(3, 1, "text", "[1,0]"), Code::InvalidField),
        (put(2, 2, "text", "[1,0]"), Code::InvalidField),
        (put(0, 1, "étude", "[1,0]"), Code::InvalidField),
        (put(0, 3, "   text", "[1,0]"), Code::InvalidField),
        (put(0, 1 << 32, "text", "[1,0]"), Code::InvalidField),
        (put(0, 4097, &long, "[1,0]"), Code::TooLarge),
        (format!(r#"{{"id":"x","content":"text","chunks":[{many}]}}"#), Code::TooLarge),
    ]);
    puts.extend(rows(
        [
            r#"{"id":"x","content":"text"}"#,
            r#"{"id":"x","content":"text","chunks":[]}"#,
            r#"{"id":"x","content":"text","chunks":[{"start":0,"end":4}]}"#,
            r#"{"id":"x","content":"text","chunks":[{"start":-1,"end":4,"vector":[1,0]}]}"#,
        ],
        Code::InvalidField,
    ));
    queries.extend(rows([r#"{"text":"x"}"#, r#"{"text":"x","mode":"dense"}"#], Code::InvalidField));
    scene.table("PUT", &format!("{path}/documents"), &puts).await;
    scene.table("POST", &format!("{path}/query"), &queries).await;
}

/// Every bad line has its own status, and the good ones around them stand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_lines_spoil_no_others() {
    let scene = Scene::new().await;
    let path = scene.path("/documents/bulk");
    let sealed = format!(r#"{{"corpus":"{}","record":0,"sealed":"AAAA"}}"#, "1".repeat(32));
    let deep = "[".repeat(10_000);
    let lines = [
        (r#"{"id":"one","content":"A first good line."}"#, None),
        ("{", Some(Code::Malformed)),
        ("", Some(Code::Malformed)),
        (&deep, Some(Code::TooDeep)),
        (r#"{"id":"x","content":" "}"#, Some(Code::EmptyText)),
        (r#"{"id":"x","content":"\u200b"}"#, Some(Code::EmptyText)),
        (r#"{"id":"x"}"#, Some(Code::InvalidField)),
        (r#"{"id":"x","content":"text","colour":1}"#, Some(Code::UnknownField)),
        (&sealed, Some(Code::CorpusNotOpen)),
        (r#"{"id":"two","content":"A second good line."}"#, None),
    ];
    let body: Vec<&str> = lines.iter().map(|(line, _)| *line).collect();
    let mut letter = Letter::new("POST", &path, body.join("\n"));
    letter.media_type = "application/x-ndjson";
    let before = scene.owner.collection(scene.embedded).await.unwrap();
    let answer = letter.send(&scene.owner).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 200, "{text}");
    let statuses: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(statuses.len(), lines.len());
    for ((line, code), status) in lines.iter().zip(&statuses) {
        match code {
            None => assert_eq!(status["ok"]["outcome"], "created", "{line}: {status}"),
            Some(code) => assert_eq!(status["problem"]["code"], code.as_str(), "{line}"),
        }
    }
    let after = scene.owner.collection(scene.embedded).await.unwrap();
    assert_eq!(after.documents, before.documents + 2);

    let line = r#"{"id":"x","content":"text"}"#;
    let over = vec![line; BULK_LINES_MAX + 1].join("\n");
    let whole = [
        (over, Code::TooLarge),
        (String::new(), Code::Malformed),
        (" \n".to_owned(), Code::Malformed),
    ];
    scene.table("POST", &path, &whole).await;
}

/// Deletions that name nothing, or everything; handles that nobody was given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletions_are_checked() {
    let scene = Scene::new().await;
    let path = scene.path("/documents");
    let ids = json!({"ids": vec!["absent"; 1001]}).to_string();
    let mut table =
        rows(["{}", r#"{"ids":["a"],"filter":{}}"#, r#"{"ids":"first"}"#], Code::InvalidField);
    table.extend(rows(
        [
            r#"{"filter":{}}"#,
            r#"{"filter":{"must":[]}}"#,
            r#"{"filter":{"must":[{"must":[]}]}}"#,
            r#"{"filter":{"must":[{"key":"lang","range":{"lt":"f"}}]}}"#,
        ],
        Code::BadFilter,
    ));
    table.push((ids, Code::TooLarge));
    table.push((r#"{"all":true}"#.into(), Code::UnknownField));
    scene.table("DELETE", &path, &table).await;
    for (handle, code) in [
        ("0".repeat(32), Code::DocumentNotFound),
        ("first".to_owned(), Code::DocumentNotFound),
        ("a".repeat(513), Code::InvalidField),
        ("%00".to_owned(), Code::InvalidField),
        ("%ff".to_owned(), Code::InvalidField),
    ] {
        for method in ["GET", "DELETE"] {
            let letter = Letter::new(method, &format!("{path}/{handle}"), "");
            scene.refused(&letter, code).await;
        }
    }
    let lookup = [
        (r#"{"id":"absent"}"#.to_owned(), Code::DocumentNotFound),
        (r#"{"id":""}"#.to_owned(), Code::InvalidField),
    ];
    scene.table("POST", &scene.path("/documents/lookup"), &lookup).await;
}

/// An idempotency key stands for the body that it came with first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotency_keys_hold() {
    let scene = Scene::new().await;
    let letter = |key: &str, content: &str| {
        let body = json!({"id": "keyed", "content": content}).to_string();
        let mut letter = Letter::new("PUT", &scene.path("/documents"), body);
        letter.extra = vec![("idempotency-key".into(), key.into())];
        letter
    };
    let first = letter("key-1", "The first body.");
    assert_eq!(first.send(&scene.owner).await.status, 200);
    let second = letter("key-1", "The second body.");
    scene.refused(&second, Code::IdempotencyMismatch).await;
    assert_eq!(first.send(&scene.owner).await.status, 200);
    for bad in [String::new(), "k".repeat(513)] {
        let letter = letter(&bad, "The third body.");
        scene.refused(&letter, Code::InvalidField).await;
    }
    let mut twice = letter("key-2", "The third body.");
    twice.extra.extend(twice.extra.clone());
    scene.refused(&twice, Code::InvalidField).await;
}

/// Base64, as bodies carry bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A bulk request of these lines; the status of each.
pub(crate) async fn bulk(client: &Client, path: &str, lines: &[Value]) -> Vec<Value> {
    let body: Vec<String> = lines.iter().map(Value::to_string).collect();
    let mut letter = Letter::new("POST", path, body.join("\n"));
    letter.media_type = "application/x-ndjson";
    let answer = letter.send(client).await;
    if answer.status != 200 {
        is_problem(answer.status, &answer.body, Code::Forbidden, path);
        return Vec::new();
    }
    let text = String::from_utf8(answer.body).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
