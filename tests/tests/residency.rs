//! Collections whose texts lie on disk, over the real channel.
//!
//! Layer: tests.
//! Holds: one of them beside a twin in memory, with the same documents and the same life; and what its owner and its
//! neighbours see when the disk is damaged.
//! Never: a text that was compared with anything but the twin's, or with what was sent.
//! Invariant: where texts lie shows in the profile alone.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::owner::NewCollection;
use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::{CollectionState, Residency, Search, VectorSource};
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::wire::search::QueryReply;
use prag_tests::{Lab, compact};
use serde_json::{Value, json};
use std::path::Path;

/// Queries of every kind, contexts, receipts, documents and pages are the same, from tail and segments, after
/// deletions, a rotation with re-encryption, and restarts; and no figure of the worker's tells that anything was read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_from_memory() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let disk = make(&client, "disk", Residency::Disk).await.unwrap();
    let memory = make(&client, "memory", Residency::Memory).await.unwrap();
    let profiles =
        [client.collection(disk).await.unwrap(), client.collection(memory).await.unwrap()];
    let [on_disk, in_memory] = profiles.map(|one| one.profile);
    assert_eq!((on_disk.residency, in_memory.residency), (Residency::Disk, Residency::Memory));
    assert_ne!(on_disk.digest, in_memory.digest);
    for id in [disk, memory] {
        for number in 0..30 {
            client.put_document(id, &document(number, 0)).await.unwrap();
        }
    }
    compare(&client, disk, memory).await;
    for id in [disk, memory] {
        compact(&client, id).await;
        let which = parse(json!({ "ids": ["d3", "d17"] }));
        client.delete_documents(id, &which).await.unwrap();
        for number in [5, 29, 30] {
            client.put_document(id, &document(number, 1)).await.unwrap();
        }
    }
    compare(&client, disk, memory).await;
    lab.restart().await;
    compare(&client, disk, memory).await;
    for id in [disk, memory] {
        client.rotate(id).await.unwrap();
        let which = parse(json!({ "ids": ["d4"], "purge": true }));
        client.delete_documents(id, &which).await.unwrap();
    }
    let before = storage(&lab);
    compare(&client, disk, memory).await;
    assert_eq!(storage(&lab), before, "what was read for answers is in no figure");
    lab.restart().await;
    compare(&client, disk, memory).await;
    assert_eq!(client.collection(disk).await.unwrap().documents, 28);
}

/// A damaged text is an error of its collection, which serves and takes nothing from then on; its neighbour does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_found_when_it_is_read() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let hurt = make(&client, "hurt", Residency::Disk).await.unwrap();
    let whole = make(&client, "whole", Residency::Memory).await.unwrap();
    for id in [hurt, whole] {
        for number in 0..10 {
            client.put_document(id, &document(number, 0)).await.unwrap();
        }
        compact(&client, id).await;
    }
    let query = parse(json!({ "vector": [1.0, 0.0], "k": 3 }));
    assert_eq!(client.query(hurt, &query).await.unwrap().hits.len(), 3);
    damage(&lab.path().join("shards"));
    assert_eq!(client.query(whole, &query).await.unwrap().hits.len(), 3);
    let refused = client.query(hurt, &query).await.unwrap_err();
    assert_eq!(code(refused), Code::ShardUnavailable);
    let seen = client.collection(hurt).await.unwrap();
    assert_eq!(seen.state, CollectionState::Quarantined);
    let put = client.put_document(hurt, &document(11, 0)).await.unwrap_err();
    assert_eq!(code(put), Code::ShardUnavailable);
    assert_eq!(client.query(whole, &query).await.unwrap().hits.len(), 3);
    assert_eq!(client.collection(whole).await.unwrap().state, CollectionState::Ready);
}

/// Reading one document finds damage too, and gives no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_document_is_not_shown() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = make(&client, "hurt", Residency::Disk).await.unwrap();
    client.put_document(id, &document(1, 0)).await.unwrap();
    compact(&client, id).await;
    let shown = client.lookup(id, "d1".parse().unwrap()).await.unwrap();
    assert_eq!(shown.content.unwrap(), document(1, 0).content);
    damage(&lab.path().join("shards"));
    let refused = client.lookup(id, "d1".parse().unwrap()).await.unwrap_err();
    assert_eq!(code(refused), Code::ShardUnavailable);
    assert_eq!(client.collection(id).await.unwrap().state, CollectionState::Quarantined);
}

/// What an oblivious search hides, reads of the disk would show: the two do not go together, and nothing is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oblivious_collections_are_refused() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let new = NewCollection { search: Search::Oblivious, ..chosen("both", Residency::Disk) };
    let ClientError::Problem(problem) = client.create(new).await.unwrap_err() else { panic!() };
    assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidField, Some("residency")));
    assert!(client.collections().await.unwrap().is_empty());
}

fn chosen(name: &str, residency: Residency) -> NewCollection {
    let vectors = VectorSource::Supplied(2);
    NewCollection { name: name.to_owned(), vectors, residency, ..NewCollection::default() }
}

async fn make(
    client: &Client,
    name: &str,
    residency: Residency,
) -> Result<CollectionId, ClientError> {
    Ok(client.create(chosen(name, residency)).await?.id)
}

/// Two chunks each, some of them longer than a frame.
fn document(number: u32, life: u32) -> PutDocument {
    let long = if number % 7 == 2 { 9000 } else { 3 };
    let second = format!("second of it, in signs: é漢🦀. {}", "more words. ".repeat(long));
    let content = format!("first of {number} in life {life}. {second}");
    let cut = content.find('.').unwrap() + 1;
    let angle = f64::from(number * 2 + life) * 0.1;
    let chunk = |start: usize, end: usize, turn: f64| {
        let (sin, cos) = (angle + turn).sin_cos();
        json!({ "start": start, "end": end, "vector": [cos, sin] })
    };
    let end = content.char_indices().map(|(at, _)| at).take_while(|at| *at < cut + 900).last();
    parse(json!({
        "id": format!("d{number}"),
        "title": format!("title {number}"),
        "content": content,
        "metadata": { "number": number },
        "chunks": [chunk(0, cut, 0.0), chunk(cut, end.unwrap(), 1.0)],
    }))
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Ask both the same, and see the same.
async fn compare(client: &Client, disk: CollectionId, memory: CollectionId) {
    let asked = [
        json!({ "vector": [0.3, 0.9], "k": 1 }),
        json!({ "vector": [0.6, -0.8], "k": 60, "with_metadata": true }),
        json!({ "vector": [1.0, 0.1], "k": 7, "exact": true,
            "filter": { "must": [{ "key": "number", "range": { "gte": 7 } }] } }),
        json!({ "text": "first signs of it", "mode": "sparse", "k": 20 }),
        json!({ "text": "second life", "vector": [0.2, 0.4], "mode": "hybrid", "k": 20 }),
    ];
    for query in asked {
        let ask =
            async |id| -> QueryReply { client.query(id, &parse(query.clone())).await.unwrap() };
        let (found, twin) = (ask(disk).await, ask(memory).await);
        assert!(!found.hits.is_empty());
        assert_eq!(found.hits, twin.hits, "{query}");
        assert!(found.hits.iter().all(|hit| !hit.text.is_empty()));
        let query: Value = [("receipt".to_owned(), json!(true))]
            .into_iter()
            .chain(query.as_object().unwrap().clone())
            .collect();
        // The client checks hashes and proofs against the hits before it hands a receipt out.
        let (reply, _kept) = client.query_with_receipt(disk, &parse(query)).await.unwrap();
        assert_eq!(reply.hits, twin.hits);
    }
    let prompt = json!({ "prompt": "second life of signs", "budget": 2000 });
    let ask = async |id| client.context(id, &parse(prompt.clone())).await.unwrap();
    let (found, twin) = (ask(disk).await, ask(memory).await);
    assert_eq!((found.context, found.citations), (twin.context, twin.citations));
    let (mut one, mut other) =
        (client.documents(disk).await.unwrap(), client.documents(memory).await.unwrap());
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter_mut().zip(&mut other) {
        let read = async |id| client.lookup(id, other.id.clone()).await.unwrap();
        let (whole, twin) = (read(disk).await, read(memory).await);
        assert_eq!((&whole.content, whole.bytes), (&twin.content, twin.bytes));
        assert!(whole.content.unwrap().len() as u64 == twin.bytes && one.id == other.id);
    }
}

/// A bit in every frame of each blob under `folder`.
fn damage(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            damage(&path);
        } else if path.file_name().is_some_and(|name| name.len() == 64) {
            let mut bytes = std::fs::read(&path).unwrap();
            for at in (60..bytes.len()).step_by(30_000) {
                bytes[at] ^= 1;
            }
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

fn code(error: ClientError) -> Code {
    let ClientError::Problem(problem) = error else { panic!("{error}") };
    problem.code
}

/// What the worker says that it read: rows and blobs.
fn storage(lab: &Lab) -> [u64; 2] {
    let text = lab.worker().metrics();
    ["prag_storage_rows_read_total ", "prag_storage_blobs_read_total "].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.parse().unwrap()
    })
}
