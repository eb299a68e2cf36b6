//! Where sealed bytes rest: shards of ordered rows, and create-only blobs beside them.
//!
//! Layer: leaf of `prag-server`; knows none of our crates.
//! Holds: the traits [`Engine`], [`Shard`] and [`Blobs`], the embedded engine [`RocksEngine`], the simulated
//! [`MemoryEngine`], the dying [`FaultyEngine`], the suite that the first two pass, and [`archive`] for snapshots.
//! Never: a key, a plaintext, an order of steps, an async runtime (every call blocks: use `spawn_blocking`).
//! Invariant: what `durable` acknowledged is read back after any crash, in whole batches and in order, or the
//! shard refuses by name. Bytes are not authenticated here: their seals, and heads, are checked above.

pub mod archive;
mod barrier;
mod batch;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod faulty;
pub mod limits;
mod memory;
mod names;
mod rocks;
mod traits;

pub use batch::{Batch, KeyRange, Page, Row};
pub use error::{Closed, StoreError};
pub use faulty::FaultyEngine;
pub use memory::MemoryEngine;
pub use names::{BlobName, CheckpointId, Seq, ShardName};
pub use rocks::RocksEngine;
pub use traits::{BlobInfo, Blobs, Engine, Open, Reads, Shard, Status};

#[cfg(test)]
mod tests;
