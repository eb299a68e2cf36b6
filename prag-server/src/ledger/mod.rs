//! The embedded ledger: the contracts' own state machine, in process.
//!
//! Layer: leaf of the server; implements `client::ledger::Ledger`.
//! Holds: a sealed log of transitions and the state that replaying it gives.
//! Never: plaintext on disk; a decision of its own (contracts/core decides).
//! Invariant: state = replay of the log; the head is a Merkle root over it, so a rollback shows to whoever remembers one.

pub mod embedded;
mod kv;
mod market;
mod transition;

pub use embedded::{EmbeddedLedger, Opening};
