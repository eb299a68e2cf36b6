//! What one open shard costs: opens many tiny ones side by side and prints the process's memory.
//!
//! `cargo run -p prag-store --example tiny_shards -- 2000`
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measuring program, not a server

use prag_store::{Batch, Engine, Open, RocksEngine, Shard, ShardName};
use std::sync::Arc;

fn main() {
    let count: u32 = std::env::args().nth(1).map_or(200, |text| text.parse().unwrap());
    let files = open_files();
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    let (start, threads) = (status("VmRSS:"), status("Threads:"));
    let mut open: Vec<Arc<dyn Shard>> = Vec::new();
    for number in 0..count {
        let mut name = [0; 16];
        name[..4].copy_from_slice(&number.to_be_bytes());
        let mode = Open::Writer { expected_epoch: 0, claim: 1 };
        let shard = engine.open(ShardName(name), mode).unwrap();
        for row in 0..8u8 {
            let mut write = Batch::new();
            write.put(vec![3, row], vec![row; 4096]).unwrap();
            let seq = shard.commit(write).unwrap();
            shard.durable(seq).unwrap();
        }
        open.push(shard);
    }
    let (end, more) = (status("VmRSS:"), status("Threads:"));
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    println!("open shards        {count} (soft limit of files {files})");
    println!(
        "resident           {start} kB -> {end} kB: {} kB each",
        (end - start) / u64::from(count)
    );
    println!("threads            {threads} -> {more}");
    println!("file descriptors   {descriptors}");
}

/// A number of `/proc/self/status`.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn open_files() -> String {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().to_owned()
}
