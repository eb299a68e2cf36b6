//! Sealing: typed keys, records and blobs that open at one place only, envelopes for one key, padding.
//!
//! Layer: under `trust`, above `protocol`.
//! Holds: every cipher of PRAG but that of the channel's first message, and the keys that they take.
//! Never: who may have a key; evidence, permits, the ledger; I/O, a clock, randomness of its own.
//! Invariant: a key's bytes never leave this crate, and what fails to open does not say why.

pub mod entropy;
pub mod envelope;
pub mod frames;
pub mod key;
pub mod padding;
pub mod resumed;
pub mod seal;
pub mod wiped;

/// Chance that replays, and its absence.
#[cfg(test)]
#[path = "tests.rs"]
mod testing;
