//! How well times tell a foreign collection from one that does not exist, and a busy neighbour from a quiet one.
//!
//! Layer: tests; an experiment that prints, since times are no assertion.
//! Holds: pairs of requests in random order, and how often the first kind took longer.
//! Never: a judgement; 0.5 means that the times of both kinds are alike.
//! Invariant: both kinds of a pair are asked in the same minute, by the same caller, with bodies of the same length.

#![allow(clippy::unwrap_used)]

use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::BulkLine;
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{Lab, document};
use std::time::Instant;

const PAIRS: usize = 1500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let lab = Lab::start().await;
    let (alice, bob) = (lab.client("alice").await, lab.client("bob").await);
    let foreign = make(&alice, 2000).await;
    let own = make(&bob, 50).await;
    let absent = CollectionId([0xab; 16]);

    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        let mut times = [0.0; 2];
        for turn in 0..2 {
            let kind = (turn + number.wrapping_mul(0x9e37_79b9) / 7) % 2;
            times[kind] = time(&bob, [foreign, absent][kind]).await;
        }
        pairs.push(times);
    }
    show("foreign against absent", &pairs);

    let mut pairs = Vec::new();
    let quiet = make(&alice, 1).await;
    for number in 0..PAIRS {
        let mut times = [0.0; 2];
        for turn in 0..2 {
            let kind = (turn + number.wrapping_mul(0x9e37_79b9) / 7) % 2;
            // What a neighbour has, not what it does: both are at rest while the question is asked.
            time(&alice, [foreign, quiet][kind]).await;
            times[kind] = time(&bob, own).await;
        }
        pairs.push(times);
    }
    show("after a large against after a small neighbour", &pairs);
}

async fn make(client: &Client, documents: u32) -> CollectionId {
    let name = format!("c{documents}");
    let id = client.create_collection(&name, VectorSource::Supplied(2)).await.unwrap().id;
    let lines: Vec<_> = (0..documents).map(|it| BulkLine::Document(document(it))).collect();
    for part in lines.chunks(500) {
        client.bulk(id, part).await.unwrap();
    }
    id
}

/// Microseconds of one query, answered or refused.
async fn time(client: &Client, id: CollectionId) -> f64 {
    let query =
        QueryRequest { vector: Some(vec![1.0, 1.0]), k: Some(5), ..QueryRequest::default() };
    let begin = Instant::now();
    let _ = client.query(id, &query).await;
    begin.elapsed().as_secs_f64() * 1e6
}

/// Medians, and the chance that one of the first kind took longer than one of the second.
fn show(what: &str, pairs: &[[f64; 2]]) {
    let median = |kind: usize| {
        let mut times: Vec<f64> = pairs.iter().map(|pair| pair[kind]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let longer = pairs.iter().filter(|[first, second]| first > second).count();
    let share = longer as f64 / pairs.len() as f64;
    println!(
        "{what}: medians {:.0} and {:.0} us, first longer in {share:.3}",
        median(0),
        median(1)
    );
}
