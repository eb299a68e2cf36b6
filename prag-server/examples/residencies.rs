//! What texts on disk save and cost: the same chunks in both residencies, in one segment; what is counted a chunk, and
//! the median of a search with the texts of its ten hits, from a warm page cache.
//!
//! `cargo run -p prag-server --example residencies -- 20000`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring program, not a server

mod common;

use common::{profile, put, wrap};
use prag_client::system::OsEntropy;
use prag_protocol::wire::collections::{Profile, Residency};
use prag_protocol::{CollectionId, Lineage};
use prag_server::collection::memory::{Accounts, Component};
use prag_server::collection::profile::sealed_profile;
use prag_server::collection::shard::{Home, Identity};
use prag_server::collection::shelf::cited;
use prag_server::collection::{CollectionShard, freeze};
use prag_store::{Engine, Open, RocksEngine, ShardName};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let chunks: u32 = std::env::args().nth(1).map_or(2000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    println!(
        "{chunks} chunks of {WORDS} words, vectors of {DIMENSION}, one segment, {QUERIES} queries, k {K}"
    );
    println!(
        "| residency | texts, bytes a chunk | all counted, bytes a chunk | rank p50 | with texts p50 | p99 |"
    );
    println!("|---|---|---|---|---|---|");
    let made = [Residency::Memory, Residency::Disk].map(|residency| {
        let accounts = Accounts::unlimited();
        let shard = create(&engine, &accounts, residency, chunks);
        // Without what an open shard takes in the store.
        let all = accounts.total() - accounts.used(Component::Storage);
        (
            residency,
            shard,
            [accounts.used(Component::Texts), all].map(|bytes| bytes / u64::from(chunks)),
        )
    });
    // Interleaved, so that whatever else the machine does meets both.
    let mut times = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for query in 0..QUERIES + WARM {
        for ((_, shard, _), (ranks, wholes)) in made.iter().zip(&mut times) {
            let (rank, whole) = search(shard, &vector(1_000_000 + query));
            if query >= WARM {
                ranks.push(rank);
                wholes.push(whole);
            }
        }
    }
    for ((residency, _, bytes), (ranks, wholes)) in made.iter().zip(&mut times) {
        let [rank, whole, worst] = [at(ranks, 50), at(wholes, 50), at(wholes, 99)];
        let [texts, all] = bytes;
        println!(
            "| {} | {texts} | {all} | {rank:.1?} | {whole:.1?} | {worst:.1?} |",
            residency.name()
        );
    }
}

/// How long ranking took, and how long with the texts of the hits.
fn search(shard: &CollectionShard, query: &[f32]) -> (Duration, Duration) {
    let began = Instant::now();
    let (rows, shelf) = {
        let live = shard.read();
        let segment = &live.segments[0];
        let hits = segment.index.dense(query, &segment.live, 64, 96).unwrap();
        let rows: Vec<_> =
            hits.iter().take(K).map(|hit| segment.rows[hit.ordinal as usize].clone()).collect();
        (rows, segment.shelf.clone())
    };
    let rank = began.elapsed();
    let rows: Vec<_> = rows.iter().map(|row| (row, shelf.as_ref())).collect();
    let texts = cited(&rows).unwrap();
    let whole = began.elapsed();
    assert!(texts.iter().zip(&rows).all(|(text, (row, _))| {
        let kept = || row.document.kept_text(row.chunk).unwrap_or_default();
        text.as_deref().unwrap_or_else(kept).len() > WORDS
    }));
    (rank, whole)
}

fn create(
    engine: &RocksEngine,
    accounts: &Arc<Accounts>,
    residency: Residency,
    chunks: u32,
) -> CollectionShard {
    let name = [1 + residency as u8; 16];
    let mode = Open::Writer { expected_epoch: 0, claim: 1 };
    let store = engine.open(ShardName(name), mode).unwrap();
    let home = Home { store, accounts: Arc::clone(accounts), upkeep: Arc::default() };
    let (collection, lineage) = (CollectionId(name), Lineage(name));
    let identity = Identity { collection, lineage, epoch: 1, writer_epoch: 1 };
    let analyzer = "english-stem-1".to_owned();
    let profile = sealed_profile(Profile { residency, analyzer, ..profile() });
    let shard = CollectionShard::create(identity, profile, wrap(), home, &mut OsEntropy).unwrap();
    for number in 0..chunks {
        put(&shard, &format!("d{number}"), &[text(number)], vector(number));
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    shard
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Words of a made-up language of 4,096, the first ones often.
fn text(number: u32) -> String {
    let mut chance = Chance(u64::from(number) + 1);
    let mut word = || {
        let (a, b) = (chance.below(4096), chance.below(4096));
        let mut own = Chance(a.min(b) + 7);
        let letters = 2 + own.below(9);
        (0..letters).map(|_| char::from(97 + own.below(26) as u8)).collect::<String>()
    };
    (0..WORDS).map(|_| word()).collect::<Vec<_>>().join(" ")
}

fn vector(number: u32) -> Vec<f32> {
    let mut chance = Chance(u64::from(number) * 31 + 5);
    let raw: Vec<f32> = (0..DIMENSION)
        .map(|_| (0..3).map(|_| chance.below(1 << 20) as f32 / (1 << 20) as f32 - 0.5).sum())
        .collect();
    let length = raw.iter().map(|one: &f32| one * one).sum::<f32>().sqrt();
    raw.into_iter().map(|one| one / length).collect()
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

const WORDS: usize = 180;
const DIMENSION: usize = 384;
const QUERIES: u32 = 1000;
const WARM: u32 = 50;
const K: usize = 10;
