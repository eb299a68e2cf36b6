//! The PRAG worker: `http → flow → leaves`.
//!
//! Layer: top. `http` speaks, `flow` orders, the leaves (`collection`, `ledger`, `vault`, and the crates
//! `prag-store`, `prag-index`, `prag-chunk`) work and never call each other.
//! Holds: the server library behind `prag-server` and the demo's `prag-server-sim`.
//! Never: a key in `http`, plaintext in the store, the ledger in the index.
//! Invariant: every check is made where the data is used; unknown, stale or missing means no.

pub mod archives;
pub mod attestation;
pub mod boot;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod collection;
pub mod components;
mod files;
#[cfg(test)]
mod fixture;
pub mod flow;
pub mod http;
mod image;
pub mod ledger;
mod machine;
pub mod meter;
pub mod metrics;
pub mod platform;
pub mod process;
mod released;
pub mod room;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod tls;
pub mod vault;

/// What a program that runs a worker allocates with.
pub use prag_simd::{Allocator, give_back};
