//! A chain of several contracts, in process: bank, submessages, rollback.
//!
//! Layer: contracts, host side, for tests.
//! Holds: a network with every contract of ours, a relay that any of them may be called through, and a registry without
//! its shell's rules.
//! Never: wasm; that is `vm`'s.
//! Invariant: what a test does, an account or a contract of a chain could do.

mod lax;
mod network;
pub mod relay;

pub use network::Network;
