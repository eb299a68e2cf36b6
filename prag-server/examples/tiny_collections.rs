//! What many small collections cost: opens them side by side and prints what is counted and what the kernel says; then
//! lets all rest, opens one again, and prints both once more.
//!
//! `cargo run -p prag-server --example tiny_collections -- 2000`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring program, not a server

mod common;

use common::{profile, put, wrap};
use prag_client::system::OsEntropy;
use prag_protocol::{CollectionId, Lineage};
use prag_server::collection::CollectionShard;
use prag_server::collection::memory::{Accounts, Component};
use prag_server::collection::shard::{Home, Identity};
use prag_store::{Engine, Open, RocksEngine, SHARED_BYTES, ShardName};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let count: u32 = std::env::args().nth(1).map_or(200, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    let accounts = Accounts::new(u64::MAX);
    let start = resident();
    let base = accounts.charge(Component::Base, start);
    let shared = accounts.charge(Component::Storage, SHARED_BYTES);
    let began = Instant::now();
    let mut open: Vec<CollectionShard> =
        (0..count).map(|number| create(&engine, &accounts, number)).collect();
    println!(
        "created            {count} collections of {DOCUMENTS} chunks in {:.1?}",
        began.elapsed()
    );
    show("all open", start, &accounts);

    let rests: Vec<_> = open.iter_mut().map(|shard| shard.rest().unwrap()).collect();
    drop(open);
    show("all at rest", start, &accounts);
    let began = Instant::now();
    let home = home(&engine, &accounts, 0, 1);
    let one = CollectionShard::open(identity(0), Arc::clone(&rests[0].wrap), home).unwrap();
    println!("one opened again   in {:.1?}, {} documents", began.elapsed(), one.counts().documents);
    drop((base, shared));
}

fn show(what: &str, start: u64, accounts: &Accounts) {
    let (held, counted) = (resident(), accounts.total());
    println!(
        "{what:<18} resident {} MiB ({} MiB at the start), counted {} MiB",
        held >> 20,
        start >> 20,
        counted >> 20
    );
}

fn create(engine: &RocksEngine, accounts: &Arc<Accounts>, number: u32) -> CollectionShard {
    let home = home(engine, accounts, number, 0);
    let shard =
        CollectionShard::create(identity(number), profile(), wrap(), home, &mut OsEntropy).unwrap();
    for row in 0..DOCUMENTS {
        let content =
            format!("document {row} of collection {number}: a paragraph of some length. ")
                .repeat(12);
        let mut vectors = vec![0.0; 384];
        vectors[row] = 1.0;
        put(&shard, &format!("d{row}"), &[content], vectors);
    }
    shard
}

fn home(engine: &RocksEngine, accounts: &Arc<Accounts>, number: u32, expected_epoch: u64) -> Home {
    let mode = Open::Writer { expected_epoch, claim: 1 };
    let store = engine.open(ShardName(name(number)), mode).unwrap();
    Home { store, accounts: Arc::clone(accounts), upkeep: Arc::default() }
}

fn identity(number: u32) -> Identity {
    let (collection, lineage) = (CollectionId(name(number)), Lineage(name(number)));
    Identity { collection, lineage, epoch: 1, writer_epoch: 1 }
}

fn name(number: u32) -> [u8; 16] {
    (u128::from(number) + 1).to_be_bytes()
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

const DOCUMENTS: usize = 4;
