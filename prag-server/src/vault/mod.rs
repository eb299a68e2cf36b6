//! What a worker keeps for itself, and whom it asks for the rest: the catalogue of its shards, and the vaults.
//!
//! Layer: leaf of the server; implements `client::vault::KeyVault`.
//! Holds: sealed rows in the worker's own shard, under a key that only this TEE can get back; the asking side of peers
//! and ledger.
//! Never: a KEK; a name or a share in plain bytes.
//! Invariant: forgetting a collection removes its row and its shares.

mod anchors;
mod catalog;
mod chain;
mod genesis;
mod handover;
mod header;
mod list;
mod local;
mod peer;
mod portrait;
mod reports;
mod rows;
mod usage;

pub use anchors::{Anchored, Anchors};
pub use catalog::{Catalog, Entry, FIRST_WRITER, Restored};
pub use chain::ChainVault;
pub use genesis::Genesis;
pub use handover::Handover;
pub use header::ChainHeader;
pub use list::Vaults;
pub use local::{ChainShares, LocalVault};
pub use peer::PeerVault;
pub use portrait::Portrait;
pub use reports::{KeptBook, Reports};
pub use usage::{UsageRow, UsageRows};

#[cfg(test)]
mod tests;
