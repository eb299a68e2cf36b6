//! How long a large collection takes from a cold process to its first answer, beside what the disk alone would take.
//!
//! ```sh
//! million fill DIR 1000000        # once: writes, freezes and merges as upkeep does
//! echo 3 > /proc/sys/vm/drop_caches && million disk DIR
//! echo 3 > /proc/sys/vm/drop_caches && million open DIR
//! ```
//! Made-up vectors: 384 components around 1,024 centres; passages of about 300 bytes.
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
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match text.as_slice() {
        ["fill", folder, rows] => fill(Path::new(folder), rows.parse().unwrap()),
        ["disk", folder] => disk(Path::new(folder)),
        ["open", folder] => open(Path::new(folder)),
        _ => println!("fill DIR ROWS | disk DIR | open DIR"),
    }
}

fn fill(folder: &Path, rows: u32) {
    let (engine, began) = (RocksEngine::open(folder).unwrap(), Instant::now());
    let home = home(&engine, 0);
    let shard = CollectionShard::create(IDENTITY, profile(), wrap(), home, &mut OsEntropy).unwrap();
    for (at, document) in (0..rows / CHUNKS).enumerate() {
        put(&shard, document);
        if at % 2500 == 2499 {
            freeze::maintain(&shard, &mut OsEntropy).unwrap();
            let live = shard.read();
            println!(
                "{:>9} rows, {} segments, {:.0?}",
                live.chunks(),
                live.segments.len(),
                began.elapsed()
            );
        }
    }
    freeze::maintain(&shard, &mut OsEntropy).unwrap();
    println!("filled in {:.1?}", began.elapsed());
}

/// What the disk's own speed would be: every file read once, in order.
fn disk(folder: &Path) {
    let (mut buffer, mut bytes, began) = (vec![0; 4 << 20], 0, Instant::now());
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut file = std::fs::File::open(path).unwrap();
            loop {
                let read = file.read(&mut buffer).unwrap();
                bytes += read;
                if read == 0 {
                    break;
                }
            }
        }
    }
    let took = began.elapsed();
    println!(
        "disk alone: {} MB in {took:.2?}, {:.2} GB/s",
        bytes / 1_000_000,
        bytes as f64 / took.as_secs_f64() / 1e9
    );
}

fn open(folder: &Path) {
    let began = Instant::now();
    let engine = RocksEngine::open(folder).unwrap();
    let home = home(&engine, 1);
    let stored = began.elapsed();
    let shard = CollectionShard::open(IDENTITY, wrap(), home).unwrap();
    let opened = began.elapsed();
    let query = vector(5_000_000);
    let live = shard.read();
    let found: usize = live
        .parts()
        .map(|part| match part {
            Part::Segment(one) => one.index.dense(&query, &one.live, 10, 64).unwrap().len(),
            Part::Tail(tail) => tail.index.dense_exact(&query, &tail.live, 10).unwrap().len(),
        })
        .sum();
    let answered = began.elapsed();
    println!(
        "{} rows, {} segments, tail {}",
        live.chunks(),
        live.segments.len(),
        live.tail.rows.len()
    );
    println!(
        "storage {stored:.2?}, shard {:.2?}, first answer ({found}) after {answered:.2?}",
        opened - stored
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    for line in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
    {
        println!("{line}");
    }
}

fn put(shard: &CollectionShard, number: u32) {
    let rows = number * CHUNKS..(number + 1) * CHUNKS;
    let passage =
        |row: u32| format!("Passage {row} speaks of {} and {}. ", row % 9973, row % 7919).repeat(8);
    let passages: Vec<String> = rows.clone().map(passage).collect();
    let vectors = rows.flat_map(vector).collect();
    common::put(shard, &format!("d{number}"), &passages, vectors);
}

fn vector(number: u32) -> Vec<f32> {
    let noise = |seed: u64, scale: f32| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1u32 << 24) as f32 - 0.5) * scale
        }
    };
    let (mut centre, mut own) =
        (noise(u64::from(number % 1024) + 1, 1.0), noise(u64::from(number) + 5000, 0.8));
    let raw: Vec<f32> = (0..384).map(|_| centre() + own()).collect();
    let length = raw.iter().map(|value| value * value).sum::<f32>().sqrt();
    raw.into_iter().map(|value| value / length).collect()
}

fn home(engine: &RocksEngine, expected_epoch: u64) -> Home {
    let cores = std::thread::available_parallelism().unwrap().get();
    let upkeep = Arc::new(Upkeep::new(Shape::default(), cores, u64::MAX));
    let store = engine.open(ShardName([1; 16]), Open::Writer { expected_epoch, claim: 1 }).unwrap();
    Home { store, accounts: Accounts::unlimited(), upkeep }
}

const IDENTITY: Identity = Identity {
    collection: CollectionId([1; 16]),
    lineage: Lineage([1; 16]),
    epoch: 1,
    writer_epoch: 1,
};
const CHUNKS: u32 = 8;
