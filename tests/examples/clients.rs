//! What a query by vector costs the processor, both ends together, and how long its client waits.
//!
//! Layer: tests; an experiment that prints, since times are no assertion.
//! Holds: clients with sessions of their own, each of which asks one query after the other: `clients [CLIENTS [SECONDS]]`.
//! Never: the cost of filling the collection.
//! Invariant: each answer has ten hits with their passages.

#![allow(clippy::unwrap_used)]

use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::grants::PutGrant;
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{Lab, compact, hour_grant};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The worker's.
#[global_allocator]
static ALLOCATOR: prag_server::Allocator = prag_server::Allocator;

const ROWS: u32 = 20_000;
const CHUNKS: u32 = 8;
const DIMENSION: usize = 384;
const K: u32 = 10;
const EF: u32 = 24;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap());
    let clients = arguments.next().unwrap_or(16);
    let time = Duration::from_secs(arguments.next().unwrap_or(5));
    let lab =
        Lab::start_with(|settings| (settings.rate_per_s, settings.rate_burst) = (10_000, 100_000))
            .await;
    let owner = lab.client("owner").await;
    let id = fill(&owner).await;
    let mut readers = Vec::new();
    for _ in 0..clients {
        readers.push(Arc::new(lab.client("reader").await));
    }
    let grant = PutGrant { max_k: K, ..hour_grant(&readers[0]) };
    owner.put_grant(id, &grant).await.unwrap();
    for round in ["warm-up", "1", "2", "3"] {
        let (began, used) = (Instant::now(), processor_s());
        let asking: Vec<_> = (0..)
            .zip(&readers)
            .map(|(first, client)| tokio::spawn(asks(client.clone(), id, first, time)))
            .collect();
        let mut waits = Vec::new();
        for client in asking {
            waits.extend(client.await.unwrap());
        }
        waits.sort();
        let (count, seconds) = (waits.len(), began.elapsed().as_secs_f64());
        println!(
            "{round}: {:.0} answers a second; {:.0} us of processor each; p50 {:.0?}, p99 {:.0?}",
            count as f64 / seconds,
            (processor_s() - used) / count as f64 * 1e6,
            waits[count / 2],
            waits[count * 99 / 100],
        );
    }
}

async fn asks(client: Arc<Client>, id: CollectionId, first: u32, time: Duration) -> Vec<Duration> {
    let (began, mut waits, mut query) = (Instant::now(), Vec::new(), first * 1000);
    while began.elapsed() < time {
        let vector = Some(vector(query % ROWS, 77));
        let request = QueryRequest { vector, k: Some(K), ef: Some(EF), ..QueryRequest::default() };
        let asked = Instant::now();
        let answer = client.query(id, &request).await.unwrap();
        waits.push(asked.elapsed());
        assert_eq!(answer.hits.len(), K as usize);
        query += 1;
    }
    waits
}

async fn fill(owner: &Client) -> CollectionId {
    let id = owner
        .create_collection("clients", VectorSource::Supplied(DIMENSION as u32))
        .await
        .unwrap()
        .id;
    let lines: Vec<_> =
        (0..ROWS / CHUNKS).map(|number| BulkLine::Document(document(number))).collect();
    for part in lines.chunks(48) {
        owner.bulk(id, part).await.unwrap();
    }
    compact(owner, id).await;
    id
}

/// Passages of some 60 words.
fn document(number: u32) -> PutDocument {
    let (mut content, mut chunks) = (String::new(), Vec::new());
    for row in number * CHUNKS..(number + 1) * CHUNKS {
        let start = content.len() as u32;
        let mut bits = u64::from(row);
        for _ in 0..60 {
            content += WORDS[below(&mut bits, WORDS.len())];
            content.push(' ');
        }
        chunks.push(SuppliedChunk { start, end: content.len() as u32, vector: vector(row, 0) });
    }
    PutDocument {
        id: format!("document-{number}").parse().unwrap(),
        title: String::new(),
        format: Format::Text,
        content,
        metadata: Default::default(),
        chunks: Some(chunks),
    }
}

/// Near one of 256 centres; another `turn` is another place near the same one.
fn vector(row: u32, turn: u64) -> Vec<f32> {
    let (mut centre, mut near) = (u64::from(row % 256), u64::from(row) << 8 | turn);
    let number = |bits: &mut u64| below(bits, 1 << 20) as f32 / (1 << 19) as f32 - 1.0;
    let sum: Vec<f32> =
        (0..DIMENSION).map(|_| number(&mut centre) + 0.7 * number(&mut near)).collect();
    let length = sum.iter().map(|each| each * each).sum::<f32>().sqrt();
    sum.iter().map(|each| each / length).collect()
}

/// `SplitMix64`.
fn below(bits: &mut u64, end: usize) -> usize {
    *bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *bits;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % end as u64) as usize
}

/// What all threads took so far, where `/proc` says it.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        after.split_whitespace().skip(11).take(2).filter_map(|each| each.parse::<u64>().ok());
    ticks.sum::<u64>() as f64 / 100.0
}

const WORDS: [&str; 16] = [
    "attested", "worker", "sealed", "index", "passage", "a", "of", "the", "grant", "reader",
    "that", "proves", "key", "memory", "and", "searches",
];
