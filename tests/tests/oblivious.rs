//! Oblivious collections, languages and recall probes, over the real channel.
//!
//! Layer: tests.
//! Holds: an oblivious collection beside a standard one with the same documents and the same life.
//! Never: a time that a slow machine could miss: a reply is held back for a quantum at least.
//! Invariant: but for what it refuses and a score's last digit, an oblivious collection answers as a standard one that
//! scans exactly.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::owner::NewCollection;
use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::{Search, VectorSource};
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::wire::search::Hit;
use prag_tests::{Lab, compact};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The same documents give the same hits: from the tail, from a segment, after deletions and replacements, after a
/// restart; under filters, with metadata and texts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_an_exact_scan_does() {
    let mut lab = Lab::start_with(|settings| settings.oblivious_quantum_ms = 1).await;
    let client = lab.client("owner").await;
    let veiled = make(&client, "veiled", Search::Oblivious).await;
    let plain = make(&client, "plain", Search::Standard).await;
    let shown = client.collection(veiled).await.unwrap().profile;
    assert_eq!((shown.search, shown.language()), (Search::Oblivious, "english"));
    assert_ne!(shown.digest, client.collection(plain).await.unwrap().profile.digest);
    for id in [veiled, plain] {
        for number in 0..30 {
            client.put_document(id, &document(number, 0)).await.unwrap();
        }
    }
    assert_eq!(compared(&client, veiled, plain).await, 30);
    for id in [veiled, plain] {
        compact(&client, id).await;
        let which = serde_json::from_value(json!({ "ids": ["d3", "d17"] })).unwrap();
        client.delete_documents(id, &which).await.unwrap();
        for number in [5, 29, 30, 31] {
            client.put_document(id, &document(number, 1)).await.unwrap();
        }
        let which = serde_json::from_value(json!({ "ids": ["d30"] })).unwrap();
        client.delete_documents(id, &which).await.unwrap();
    }
    assert_eq!(compared(&client, veiled, plain).await, 29);
    lab.restart().await;
    assert_eq!(compared(&client, veiled, plain).await, 29);
    compact(&client, veiled).await;
    assert_eq!(compared(&client, veiled, plain).await, 29);
}

/// Words are not searched, and a document that does not fit its room is refused before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_what_would_show() {
    let lab = Lab::start_with(|settings| settings.oblivious_quantum_ms = 1).await;
    let client = lab.client("owner").await;
    let id = make(&client, "veiled", Search::Oblivious).await;
    for mode in ["sparse", "hybrid"] {
        let query = json!({ "text": "harvest", "vector": [1.0, 0.0], "mode": mode });
        let refused = client.query(id, &serde_json::from_value(query).unwrap()).await;
        assert_eq!(code(refused.unwrap_err()), Code::InvalidField, "{mode}");
    }
    let many: Vec<u32> = (0..17).collect();
    let long = "x".repeat(4000);
    for (metadata, title) in [(json!({ "many": many }), ""), (json!({ "long": long }), "t")] {
        let mut put = serde_json::to_value(document(1, 0)).unwrap();
        put["metadata"] = metadata;
        put["title"] = Value::from(format!("{title}{}", "y".repeat(200)));
        let put = serde_json::from_value(put).unwrap();
        assert_eq!(code(client.put_document(id, &put).await.unwrap_err()), Code::TooLarge);
    }
    assert_eq!(client.collection(id).await.unwrap().documents, 0);
    client.put_document(id, &document(1, 0)).await.unwrap();
    let query = serde_json::from_value(json!({ "vector": [1.0, 0.0], "receipt": true })).unwrap();
    let (reply, _) = client.query_with_receipt(id, &query).await.unwrap();
    assert_eq!(reply.hits.len(), 2);
}

/// Answers and refusals alike, of queries and of contexts, wait for the end of a quantum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reply_waits_for_its_quantum() {
    let lab = Lab::start_with(|settings| settings.oblivious_quantum_ms = 400).await;
    let client = lab.client("owner").await;
    let id = make(&client, "veiled", Search::Oblivious).await;
    for (vector, fits) in [(vec![1.0, 0.0], true), (vec![1.0, 0.0, 0.0], false)] {
        let query = serde_json::from_value(json!({ "vector": vector })).unwrap();
        let asked = Instant::now();
        assert_eq!(client.query(id, &query).await.is_ok(), fits);
        assert!(asked.elapsed() >= Duration::from_millis(400), "{fits}");
    }
    let prompt = serde_json::from_value(json!({ "prompt": "harvest", "budget": 100 })).unwrap();
    let asked = Instant::now();
    assert_eq!(code(client.context(id, &prompt).await.unwrap_err()), Code::InvalidField);
    assert!(asked.elapsed() >= Duration::from_millis(400));
}

/// A collection's words are stemmed by its own language, before and after they lie in a segment, and an unknown
/// language is refused with the known ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_of_the_collections_language() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let vectors = VectorSource::Supplied(2);
    let new = |language: &str| NewCollection {
        name: language.to_owned(),
        vectors: vectors.clone(),
        language: Some(language.to_owned()),
        ..NewCollection::default()
    };
    let german = client.create(new("german")).await.unwrap();
    assert_eq!(german.profile.analyzer, "german-stem-1");
    let none = client.create(new("none")).await.unwrap().id;
    let error = client.create(new("klingon")).await.unwrap_err().to_string();
    assert!(error.contains("danish, dutch, english") && error.contains("none"), "{error}");
    let id = german.id;
    for id in [id, none] {
        let content = "Die Häuser am Fluss";
        let chunk = json!({ "start": 0, "end": content.len(), "vector": [1.0, 0.0] });
        let put = json!({ "id": "d", "content": content, "chunks": [chunk] });
        client.put_document(id, &serde_json::from_value(put).unwrap()).await.unwrap();
    }
    for step in 0..3 {
        assert_eq!(words(&client, id, "ein Haus").await, 1, "{step}");
        assert_eq!(words(&client, id, "die am").await, 0);
        assert_eq!(words(&client, none, "ein Haus").await, 0);
        assert_eq!(words(&client, none, "die am").await, 1);
        match step {
            0 => compact(&client, id).await,
            _ => lab.restart().await,
        }
    }
}

/// Probes of live queries show up as totals without a label once a window is full, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recall_is_probed() {
    let lab = Lab::start_with(|settings| settings.recall_probe = 1.0).await;
    let client = lab.client("owner").await;
    let id = make(&client, "plain", Search::Standard).await;
    for number in 0..12 {
        client.put_document(id, &document(number, 0)).await.unwrap();
    }
    compact(&client, id).await;
    let query = serde_json::from_value(json!({ "vector": [1.0, 0.5], "k": 5 })).unwrap();
    let (mut asked, mut shown) = (0, String::new());
    while !shown.contains("prag_recall_probed_thousandths") {
        assert!(asked < 5000, "{shown}");
        client.query(id, &query).await.unwrap();
        asked += 1;
        shown = lab.worker().metrics();
    }
    assert!(asked >= 50, "{asked}");
    assert!(shown.contains("\nprag_recall_probed_queries_total 50\n"));
    assert!(shown.contains("\nprag_recall_probed_thousandths 1000\n"));
}

async fn make(client: &Client, name: &str, search: Search) -> CollectionId {
    let vectors = VectorSource::Supplied(2);
    let new = NewCollection { name: name.to_owned(), vectors, search, ..NewCollection::default() };
    client.create(new).await.unwrap().id
}

/// Two chunks each; `life` tells versions of one document apart.
fn document(number: u32, life: u32) -> PutDocument {
    let content = format!("first of {number} in life {life}. second of it.");
    let cut = content.find('.').unwrap() + 1;
    let angle = f64::from(number * 2 + life) * 0.1;
    let chunk = |start: usize, end: usize, turn: f64| {
        let (sin, cos) = (angle + turn).sin_cos();
        json!({ "start": start, "end": end, "vector": [cos, sin] })
    };
    let put = json!({
        "id": format!("d{number}"),
        "title": format!("title {number}"),
        "content": content,
        "metadata": { "number": number, "third": [number.is_multiple_of(3), "x"], "life": life },
        "chunks": [chunk(0, cut, 0.0), chunk(cut, content.len(), 1.0)],
    });
    serde_json::from_value(put).unwrap()
}

/// The same hits, but for the last digit of scores: a standard collection keeps halves of floats, an oblivious one
/// floats, and both round to three digits.
fn agree(veiled: &[Hit], plain: &[Hit]) {
    assert_eq!(veiled.len(), plain.len());
    let places: HashSet<_> = veiled.iter().map(|hit| (hit.document.as_str(), hit.chunk)).collect();
    assert_eq!(places.len(), veiled.len(), "{veiled:?}");
    let near = |a: &Hit, b: &Hit| (a.score - b.score).abs() < 0.0015;
    assert!(veiled.iter().zip(plain).all(|(a, b)| near(a, b)), "{veiled:?} {plain:?}");
    for hit in veiled {
        let twin = plain.iter().find(|b| (&b.document, b.chunk) == (&hit.document, hit.chunk));
        match twin {
            Some(twin) => {
                assert!(near(hit, twin), "{hit:?} {twin:?}");
                assert_eq!(*hit, Hit { score: hit.score, ..twin.clone() });
            }
            // One as good as the last of them.
            None => assert!(near(hit, plain.last().unwrap()), "{hit:?} {plain:?}"),
        }
    }
}

/// Ask both the same, and see the same; answers how many documents there are.
async fn compared(client: &Client, veiled: CollectionId, plain: CollectionId) -> usize {
    let filters = [
        json!({}),
        json!({ "must": [{ "key": "number", "range": { "gte": 7, "lt": 26 } }] }),
        json!({ "must": [{ "key": "third", "match": { "value": true } }] }),
        json!({ "must_not": [{ "has_id": ["d1", "d5"] }, { "key": "life", "match": { "any": [1, 2] } }] }),
    ];
    for filter in filters {
        for (k, turn) in [(1, 0.3), (7, 2.0), (100, 4.4)] {
            let vector = [f64::cos(turn), f64::sin(turn)];
            let query = json!({
                "vector": vector, "k": k, "filter": filter, "exact": true, "with_metadata": true,
            });
            let ask = async |id| -> Vec<Hit> {
                let query = serde_json::from_value(query.clone()).unwrap();
                client.query(id, &query).await.unwrap().hits
            };
            agree(&ask(veiled).await, &ask(plain).await);
        }
    }
    let documents = client.collection(veiled).await.unwrap().documents;
    assert_eq!(documents, client.collection(plain).await.unwrap().documents);
    usize::try_from(documents).unwrap()
}

fn code(error: ClientError) -> Code {
    let ClientError::Problem(problem) = error else { panic!("{error}") };
    problem.code
}

async fn words(client: &Client, id: CollectionId, text: &str) -> usize {
    let query = serde_json::from_value(json!({ "text": text, "mode": "sparse" })).unwrap();
    client.query(id, &query).await.unwrap().hits.len()
}
