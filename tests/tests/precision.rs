//! Collections whose vectors are kept in 8 bits a component, over the real channel.
//!
//! Layer: tests.
//! Holds: one of them beside a twin of 16 bits, with the same documents and the same life.
//! Never: a nearest row that was not computed here, from the vectors as they were sent.
//! Invariant: what is lost is lost once: no merge, rewrite or restart moves a score.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::owner::NewCollection;
use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::{Precision, Search, VectorSource};
use prag_protocol::wire::documents::PutDocument;
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{Lab, compact};
use serde_json::json;

/// Both find what is nearest, exactly or not; the one of 8 bits has other scores, close by, which stay to the last
/// digit through freezing, merging, rewriting and restarts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_bits_find_and_keep_their_scores() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let eight = make(&client, "eight", Precision::I8).await;
    let sixteen = make(&client, "sixteen", Precision::F16).await;
    let [of_eight, of_sixteen] =
        [client.collection(eight).await.unwrap(), client.collection(sixteen).await.unwrap()]
            .map(|one| one.profile);
    assert_eq!((of_eight.precision, of_sixteen.precision), (Precision::I8, Precision::F16));
    assert_ne!(of_eight.digest, of_sixteen.digest);
    for id in [eight, sixteen] {
        for number in 0..ROWS / EACH {
            client.put_document(id, &document(number)).await.unwrap();
        }
    }
    let in_tail = answers(&client, eight, true).await;
    let (found, missed) = (recall(&in_tail), recall(&answers(&client, sixteen, true).await));
    assert!(found >= 0.95 && missed >= 0.99, "{found} by 8 bits, {missed} by 16");
    for (kept, (_, score)) in in_tail.iter().flatten().enumerate() {
        let truth = nearest(kept / K)[kept % K].1;
        assert!((score - truth).abs() < 0.01, "{score} is far from {truth}");
    }
    compact(&client, eight).await;
    assert_eq!(answers(&client, eight, true).await, in_tail);
    assert!(recall(&answers(&client, eight, false).await) >= 0.9);
    // Another document, so that there is something to merge, and away again.
    for round in 0..3 {
        let one = PutDocument { id: "other".parse().unwrap(), ..document(round) };
        client.put_document(eight, &one).await.unwrap();
        compact(&client, eight).await;
        let which = serde_json::from_value(json!({ "ids": ["other"] })).unwrap();
        client.delete_documents(eight, &which).await.unwrap();
        compact(&client, eight).await;
        assert_eq!(answers(&client, eight, true).await, in_tail, "rewrite {round}");
    }
    lab.restart().await;
    let seen = client.collection(eight).await.unwrap();
    assert_eq!(seen.profile, of_eight);
    assert_eq!(answers(&client, eight, true).await, in_tail);
}

/// An oblivious scan reads whole numbers: the two do not go together, and nothing is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oblivious_collections_are_refused() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let new = NewCollection { search: Search::Oblivious, ..chosen("both", Precision::I8) };
    let ClientError::Problem(problem) = client.create(new).await.unwrap_err() else { panic!() };
    assert_eq!((problem.code, problem.field.as_deref()), (Code::InvalidField, Some("precision")));
    assert!(client.collections().await.unwrap().is_empty());
}

fn chosen(name: &str, precision: Precision) -> NewCollection {
    let vectors = VectorSource::Supplied(DIMENSION as u32);
    NewCollection { name: name.to_owned(), vectors, precision, ..NewCollection::default() }
}

async fn make(client: &Client, name: &str, precision: Precision) -> CollectionId {
    client.create(chosen(name, precision)).await.unwrap().id
}

/// Of each query the rows that were found, and their scores.
async fn answers(client: &Client, id: CollectionId, exact: bool) -> Vec<Vec<(usize, f64)>> {
    let mut all = Vec::new();
    for query in 0..QUERIES {
        let (vector, k) = (Some(sought(query)), Some(K as u32));
        let request = QueryRequest { vector, k, exact, ..QueryRequest::default() };
        let reply = client.query(id, &request).await.unwrap();
        let hits = reply.hits.iter().map(|hit| {
            let number: usize = hit.text.strip_prefix("row ").unwrap().parse().unwrap();
            (number, f64::from(hit.score))
        });
        all.push(hits.collect());
    }
    all
}

/// The share of the nearest rows among what was found.
fn recall(answers: &[Vec<(usize, f64)>]) -> f64 {
    let both = |(query, found): (usize, &Vec<(usize, f64)>)| {
        let nearest = nearest(query);
        found.iter().filter(|(row, _)| nearest.iter().any(|near| near.0 == *row)).count()
    };
    let found: usize = answers.iter().enumerate().map(both).sum();
    found as f64 / (QUERIES * K) as f64
}

/// The nearest rows to a query, and how near they are.
fn nearest(query: usize) -> Vec<(usize, f64)> {
    let query = sought(query);
    let mut all: Vec<(usize, f64)> = (0..ROWS)
        .map(|row| {
            let products = unit(row as u64).into_iter().zip(&query);
            (row, products.map(|(a, b)| f64::from(a) * f64::from(*b)).sum())
        })
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.truncate(K);
    all
}

/// A row, moved.
fn sought(query: usize) -> Vec<f32> {
    let (row, other) = (unit(query as u64 * 7), unit(1_000_000 + query as u64));
    scaled(row.iter().zip(other).map(|(a, b)| a + 0.5 * b).collect())
}

/// A direction for each number.
fn unit(number: u64) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bf0_3635;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    scaled((0..DIMENSION).map(|_| next() + next()).collect())
}

fn scaled(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

fn document(number: usize) -> PutDocument {
    let (mut content, mut chunks) = (String::new(), Vec::new());
    for row in number * EACH..(number + 1) * EACH {
        let start = content.len();
        content.push_str(&format!("row {row}"));
        chunks.push(json!({ "start": start, "end": content.len(), "vector": unit(row as u64) }));
        content.push('\n');
    }
    let document = json!({ "id": format!("d{number}"), "content": content, "chunks": chunks });
    serde_json::from_value(document).unwrap()
}

const DIMENSION: usize = 96;
const ROWS: usize = 1200;
/// Rows of a document.
const EACH: usize = 40;
const QUERIES: usize = 30;
const K: usize = 10;
