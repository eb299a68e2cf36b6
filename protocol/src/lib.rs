//! What PRAG's parts say to each other: ids, limits, wire and ledger messages, problem codes.
//!
//! Layer: bottom; knows none of our crates.
//! Holds: pure data, and the frozen layouts that others authenticate.
//! Never: I/O, cryptography, clocks, secrets.
//! Invariant: the ledger part holds integers only, so contracts can share it.

pub mod filter;
mod hex;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod metadata;
mod objects;
pub mod place;
pub mod problem;
pub mod snapshot;
pub mod wire;

pub use ids::{Address, CollectionId, DocumentId, Epoch, IdError, Lineage, RequestId};

#[cfg(test)]
mod tests;
