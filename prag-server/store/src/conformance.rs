//! The suites that every engine and every target for snapshots passes.
//!
//! Layer: `prag-store`, for tests only.
//! Holds: one function for each property of the traits.
//! Never: looks behind the traits; crashes are each engine's own to test.
//! Invariant: it asks for nothing that the documentation of the traits does not promise.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use crate::{Batch, Engine, KeyRange, Open, Row, Shard, ShardName};

mod archives;
mod blobs;
mod owners;
mod rows;

pub use archives::archive;

/// An engine under test.
pub trait Subject {
    /// The engine.
    fn engine(&self) -> &dyn Engine;
    /// Stop it after an orderly end and start it again on the same data. All handles were dropped before.
    fn restart(&mut self);
}

/// A property and its name.
pub type Case = (&'static str, fn(&mut dyn Subject));

/// Run every property, each on a subject of its own. Panics at the first that does not hold.
pub fn run(make: &dyn Fn() -> Box<dyn Subject>) {
    for (name, case) in [rows::CASES, owners::CASES, blobs::CASES].concat() {
        println!("conformance: {name}");
        case(&mut *make());
    }
}

/// The shard that most cases use.
const SHARD: ShardName = ShardName([0xab; 16]);
/// Another.
const OTHER: ShardName = ShardName([0xcd; 16]);

fn writer(
    subject: &dyn Subject,
    shard: ShardName,
    expected_epoch: u64,
    claim: u64,
) -> Arc<dyn Shard> {
    subject.engine().open(shard, Open::Writer { expected_epoch, claim }).unwrap()
}

fn put(shard: &dyn Shard, rows: &[(&[u8], &[u8])]) -> u64 {
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(*key, *value).unwrap();
    }
    let seq = shard.commit(batch).unwrap();
    shard.durable(seq).unwrap();
    seq
}

fn one(shard: &dyn Shard, key: &[u8]) -> Option<Vec<u8>> {
    shard.get_many(&[key]).unwrap().remove(0)
}

/// All rows of a range, by pages of `limit`.
fn pages(shard: &dyn Shard, range: &KeyRange, limit: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map(|(key, _)| key.clone());
        let page = shard.scan(range, after.as_deref(), limit).unwrap();
        assert!(page.rows.len() <= limit);
        assert!(!page.more || !page.rows.is_empty());
        rows.extend(page.rows);
        if !page.more {
            return rows;
        }
    }
}
