//! One collection's data: records, log, manifest, live state.
//!
//! Layer: leaf of the server; knows the store's and the index's types, not the ledger, not `http`.
//! Holds: the log-structured shard (tail, segments, tombstones, manifest, head chain).
//! Never: admission; embedding; a clock of its own.
//! Invariant: what is acknowledged is durable, and what is read was authenticated at its place.

mod batches;
pub mod error;
pub mod freeze;
mod handles;
pub mod keys;
pub mod log;
pub mod manifest;
pub mod memory;
pub mod profile;
pub mod record;
pub mod renew;
pub mod rest;
pub mod rows;
mod scopes;
pub mod segment;
pub mod shard;
pub mod shelf;
pub mod snapshot;
pub mod state;
mod swap;
mod taken;
pub mod text;
pub mod tiers;
pub mod upkeep;
pub mod veil;
mod wrapping;

pub use error::CollectionError;
pub use shard::CollectionShard;

#[cfg(test)]
mod tests;
