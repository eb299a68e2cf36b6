//! How long a search takes while a collection is filled as fast as it can be, against one that is left alone.
//!
//! `cargo run -p prag-server --example under_ingest -- 20000` (rows; 384 dimensions, dense, k 10)
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring program, not a server

mod common;

use common::{profile, wrap};
use prag_client::system::OsEntropy;
use prag_protocol::{CollectionId, Lineage};
use prag_server::collection::memory::Accounts;
use prag_server::collection::shard::{Home, Identity};
use prag_server::collection::state::Part;
use prag_server::collection::tiers::Shape;
use prag_server::collection::upkeep::Upkeep;
use prag_server::collection::{CollectionShard, freeze};
use prag_store::{Engine, Open, RocksEngine, ShardName};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let rows: u32 = std::env::args().nth(1).map_or(20_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let shape = Shape { freeze_rows: (rows / 4).max(1) as usize, fan: 8 };
    let upkeep = Arc::new(Upkeep::new(shape, cores.div_ceil(2), 128 << 20));
    let store =
        engine.open(ShardName([1; 16]), Open::Writer { expected_epoch: 0, claim: 1 }).unwrap();
    let home = Home { store, accounts: Accounts::unlimited(), upkeep };
    let (collection, lineage) = (CollectionId([1; 16]), Lineage([1; 16]));
    let identity = Identity { collection, lineage, epoch: 1, writer_epoch: 1 };
    let shard = CollectionShard::create(identity, profile(), wrap(), home, &mut OsEntropy).unwrap();
    for number in 0..rows {
        put(&shard, number);
    }
    freeze::maintain(&shard, &mut OsEntropy).unwrap();
    println!("cores              {cores}, rows {rows}, segments {}", shard.read().segments.len());
    searches("idle", &shard, || false);

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in rows..2 * rows {
                put(&shard, number);
            }
            done.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            // As `flow/upkeep.rs` runs it.
            let _ = rustix::process::nice(10);
            while !done.load(Ordering::SeqCst) {
                freeze::maintain(&shard, &mut OsEntropy).unwrap();
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        searches("under full ingest", &shard, || !done.load(Ordering::SeqCst));
    });
    println!(
        "rows then          {}, segments {}, tail {}",
        shard.read().chunks(),
        shard.read().segments.len(),
        shard.read().tail.rows.len()
    );
    searches("idle, as it is then", &shard, || false);
}

fn searches(what: &str, shard: &CollectionShard, goes_on: impl Fn() -> bool) {
    let mut took = Vec::new();
    let mut number = 5_000_000;
    while took.len() < 1000 || goes_on() {
        let query = vector(number);
        number += 1;
        let began = Instant::now();
        let live = shard.read();
        for part in live.parts() {
            match part {
                Part::Segment(one) => one.index.dense(&query, &one.live, 10, 64).unwrap(),
                Part::Tail(tail) => tail.index.dense_exact(&query, &tail.live, 10).unwrap(),
            };
        }
        drop(live);
        took.push(began.elapsed());
        std::thread::sleep(Duration::from_millis(2));
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<18} {} searches: p50 {:.2?}, p99 {:.2?}, longest {:.2?}",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn put(shard: &CollectionShard, number: u32) {
    let content = format!("passage {number} about something that nobody asks for");
    common::put(shard, &format!("d{number}"), &[content], vector(number));
}

fn vector(number: u32) -> Vec<f32> {
    let mut seed = u64::from(number) + 1;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let raw: Vec<f32> = (0..384).map(|_| next()).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}
