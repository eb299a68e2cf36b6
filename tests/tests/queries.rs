//! Several queries in one request: as good as one after another, refused as one, counted as many.
//!
//! Layer: tests.
//! Holds: a worker with an embedded and a supplied collection, an owner and a grantee, over the real channel.
//! Never: a comparison with anything but the same queries asked alone.
//! Invariant: reply i is the reply to query i.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::limits::QUERIES_MAX;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, PutDocument};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::search::{QueryReply, QueryRequest};
use prag_tests::{Lab, hour_grant};
use prag_trust::receipt::Deed;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Words, vectors, filters, breadths, with and without metadata, in any number and order: each answer is what the query
/// gets alone, to an owner and to a grantee with a scope.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_answered_as_if_alone() {
    let lab = Lab::start().await;
    let (owner, reader) = (lab.client("owner").await, lab.client("reader").await);
    let id = owner.create_collection("notes", VectorSource::default()).await.unwrap().id;
    let topics = ["river", "copper lantern", "granite harvest", "signal timber", "violet glacier"];
    for (number, topic) in (0..25).zip(topics.iter().cycle()) {
        let text = format!("Note {number} on the {topic}. ").repeat(1 + number % 4);
        put(&owner, id, number, &text).await;
    }
    let scope = json!({ "must": [{ "key": "half", "match": { "value": 1 } }] });
    let grant = PutGrant { scope: Some(parse(scope)), ..hour_grant(&reader) };
    owner.put_grant(id, &grant).await.unwrap();
    let half = json!({ "must": [{ "key": "half", "match": { "value": 0 } }] });
    let mut all: Vec<QueryRequest> = Vec::new();
    for (number, topic) in topics.iter().enumerate() {
        all.push(parse(json!({ "text": topic, "k": 1 + number })));
        all.push(parse(json!({ "text": topic, "mode": "sparse", "k": 3, "with_metadata": true })));
        all.push(parse(json!({ "text": topic, "mode": "dense", "k": 4, "exact": true })));
        all.push(parse(json!({ "text": topic, "k": 2, "filter": half })));
        let vector: Vec<f32> = (0..384u16).map(|at| f32::from(at % 7 + 1)).collect();
        all.push(parse(json!({ "vector": vector, "k": 3, "ef": 200 })));
    }
    for client in [&owner, &reader] {
        let mut alone = Vec::new();
        for query in &all {
            alone.push(client.query(id, query).await.unwrap());
        }
        for size in [1, 2, 3, 7, all.len()] {
            let mut together = Vec::new();
            for some in all.chunks(size) {
                together.extend(client.queries(id, some).await.unwrap());
            }
            same(&together, &alone);
        }
    }
    let found = owner.queries(id, &all[..1]).await.unwrap();
    assert_eq!(found[0].hits[0].metadata, None);
    assert!(found[0].hits[0].text.contains("river"));
}

/// Walked graphs, too: what many threads find together is what one finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_find_what_one_finds() {
    let lab = Lab::start_with(|settings| settings.freeze_rows = 200).await;
    let owner = lab.client("owner").await;
    let id = owner.create_collection("points", VectorSource::Supplied(8)).await.unwrap().id;
    let point = |number: u32| -> Vec<f32> {
        (0..8u32).map(|axis| ((number * 37 + axis * 101) % 211) as f32 / 211.0 - 0.4).collect()
    };
    let line = |number: u32| {
        BulkLine::Document(parse(json!({
            "id": number.to_string(), "content": "a point",
            "chunks": [{ "start": 0, "end": 7, "vector": point(number) }],
        })))
    };
    let lines: Vec<BulkLine> = (0..900).map(line).collect();
    owner.bulk(id, &lines).await.unwrap();
    let query = |number: u32| parse(json!({ "vector": point(1000 + number), "k": 5 }));
    let all: Vec<QueryRequest> = (0..64).map(query).collect();
    let mut alone = Vec::new();
    for query in &all {
        alone.push(owner.query(id, query).await.unwrap());
    }
    same(&owner.queries(id, &all).await.unwrap(), &alone);
}

/// One query that is not acceptable refuses all by its number, and nothing is taken from the quota; what is answered
/// takes a unit for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_refused_or_all_are_counted() {
    let lab = Lab::start().await;
    let (owner, reader) = (lab.client("owner").await, lab.client("reader").await);
    let id = owner.create_collection("notes", VectorSource::default()).await.unwrap().id;
    put(&owner, id, 0, "A river runs to the sea.").await;
    let grant = PutGrant { quota: Some(10), max_k: 5, ..hour_grant(&reader) };
    owner.put_grant(id, &grant).await.unwrap();
    let used = async || owner.grants(id).await.unwrap()[0].used;
    let good = || parse::<QueryRequest>(json!({ "text": "river", "k": 2 }));
    for (bad, code, field) in [
        (json!({ "text": "river", "k": 6 }), Code::InvalidField, "queries[2].k"),
        (json!({ "text": " " }), Code::EmptyText, "queries[2].text"),
        (json!({ "text": "word ".repeat(3000) }), Code::TooLarge, "queries[2].text"),
        (json!({ "vector": [1] }), Code::WrongDimension, "queries[2].vector"),
        (json!({ "text": "x", "token": "1.x.1" }), Code::InvalidField, "queries[2].token"),
        (json!({ "text": "x", "metering": {} }), Code::InvalidField, "queries[2].metering"),
    ] {
        let error = reader.queries(id, &[good(), good(), parse(bad)]).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
        let prag_client::error::ClientError::Problem(problem) = &error else { panic!("{error}") };
        assert_eq!(problem.field.as_deref(), Some(field));
    }
    assert_eq!(used().await, 0);
    assert_eq!(reader.queries(id, &vec![good(); 7]).await.unwrap().len(), 7);
    assert_eq!(used().await, 7);
    let over = reader.queries(id, &vec![good(); 4]).await.unwrap_err();
    assert_eq!((over.code(), used().await), (Some(Code::QuotaExhausted), 7));
    reader.queries(id, &vec![good(); 3]).await.unwrap();
    assert_eq!(used().await, 10);
    // Bounds of the list itself, which the owner meets as well.
    for (queries, code) in [
        (Vec::new(), Code::InvalidField),
        (vec![good(); QUERIES_MAX + 1], Code::InvalidField),
        (vec![QueryRequest { k: Some(501), ..good() }; 2], Code::TooLarge),
    ] {
        let error = owner.queries(id, &queries).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
    }
}

/// A grantee's pace counts queries, not requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_counts_queries() {
    let pace = |settings: &mut prag_server::settings::Settings| {
        (settings.rate_per_s, settings.rate_burst) = (1, 20);
    };
    let lab = Lab::start_with(pace).await;
    let (owner, reader) = (lab.client("owner").await, lab.client("reader").await);
    let id = owner.create_collection("points", VectorSource::Supplied(2)).await.unwrap().id;
    owner.put_grant(id, &hour_grant(&reader)).await.unwrap();
    let query: QueryRequest = parse(json!({ "vector": [1, 0] }));
    let many = |count| vec![query.clone(); count];
    let code = |error: prag_client::error::ClientError| error.code();
    assert_eq!(
        reader.queries(id, &many(21)).await.map_err(code).unwrap_err(),
        Some(Code::RateLimited)
    );
    reader.queries(id, &many(12)).await.unwrap();
    let refused = reader.queries(id, &many(19)).await.map_err(code);
    assert_eq!(refused.unwrap_err(), Some(Code::RateLimited));
    owner.queries(id, &many(64)).await.unwrap();
}

/// Each answer has a receipt of its own, which shows its query and its hits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_has_its_receipt() {
    let lab = Lab::start().await;
    let owner = lab.client("owner").await;
    let id = owner.create_collection("notes", VectorSource::default()).await.unwrap().id;
    for (number, text) in ["A river runs to the sea.", "A lantern of copper."].iter().enumerate() {
        put(&owner, id, number, text).await;
    }
    let query = |text: &str, k: u32| parse::<QueryRequest>(json!({ "text": text, "k": k }));
    let queries = [query("river", 1), query("lantern", 2), query("sea", 1)];
    let answers = owner.queries_with_receipts(id, &queries).await.unwrap();
    for (query, (reply, kept)) in queries.iter().zip(&answers) {
        let Deed::Retrieval(deed) = &kept.checked.receipt.deed else { panic!() };
        assert_eq!(Some(deed.asked.k), query.k);
        assert_eq!(
            (reply.hits.len(), deed.passages.len()),
            (deed.passages.len(), deed.asked.k as usize)
        );
        let prag_client::receipt::Opening::Retrieval(opened) = &kept.checked.opening else {
            panic!()
        };
        assert_eq!(opened.text, query.text);
    }
}

/// Equal but for what is random or says when.
#[track_caller]
fn same(these: &[QueryReply], those: &[QueryReply]) {
    assert_eq!(these.len(), those.len());
    for (number, (this, that)) in these.iter().zip(those).enumerate() {
        assert_eq!(this.hits, that.hits, "query {number}");
        assert_eq!(this.profile, that.profile);
    }
}

async fn put(client: &Client, id: CollectionId, number: usize, text: &str) {
    let document = json!({
        "id": format!("d{number}"), "content": text, "metadata": { "half": number % 2 },
    });
    client.put_document(id, &parse::<PutDocument>(document)).await.unwrap();
}

fn parse<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
