//! What a worker keeps for itself: the catalogue of its shards, and shares where it may keep them.
//!
//! Layer: leaf of the server; implements `client::vault::KeyVault`.
//! Holds: sealed rows in the worker's own shard, under a key that only this TEE can get back.
//! Never: a KEK; a name or a share in plain bytes.
//! Invariant: forgetting a collection removes its row and its shares.

mod anchors;
mod catalog;
mod genesis;
mod local;
mod rows;

pub use anchors::{Anchored, Anchors};
pub use catalog::{Catalog, Entry};
pub use genesis::Genesis;
pub use local::{ChainShares, LocalVault};

#[cfg(test)]
mod tests;
