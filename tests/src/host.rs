//! A host's hands on the shards of a worker that is stopped.
//!
//! Layer: tests, over the store.
//! Holds: [`open`], [`table`], [`rewrite`].
//! Never: a key: rows are read and written as they lie there, sealed.
//! Invariant: what is written is durable before a worker can boot on it.

use prag_store::{Batch, Engine, KeyRange, Open, RocksEngine, Shard, ShardName};
use std::path::Path;
use std::sync::Arc;

/// A row as the host sees it.
pub type Row = (Vec<u8>, Vec<u8>);

/// A shard of the data directory `data`.
///
/// # Panics
/// Where a worker holds it, or it does not open.
#[must_use]
pub fn open(data: &Path, name: ShardName) -> Arc<dyn Shard> {
    let engine = RocksEngine::open(data).unwrap();
    engine.open(name, Open::Writer { expected_epoch: 1, claim: 1 }).unwrap()
}

/// The rows of one table.
///
/// # Panics
/// Where the shard cannot be read.
#[must_use]
pub fn table(shard: &dyn Shard, table: u8) -> Vec<Row> {
    shard.scan(&KeyRange::prefix(&[table]), None, 1000).unwrap().rows
}

/// Removes and writes rows.
///
/// # Panics
/// Where a row to be removed is not there, or the shard fails.
pub fn rewrite(shard: &dyn Shard, removed: &[Vec<u8>], written: &[Row]) {
    let mut batch = Batch::new();
    for key in removed {
        assert!(shard.get_many(&[key]).unwrap()[0].is_some(), "there is such a row");
        batch.delete(key.clone()).unwrap();
    }
    for (key, value) in written {
        batch.put(key.clone(), value.clone()).unwrap();
    }
    let seq = shard.commit(batch).unwrap();
    shard.durable(seq).unwrap();
}
