//! What the contracts decide, apart from any chain.
//!
//! Layer: contracts; above `protocol`, below the server's embedded ledger and every chain's shell.
//! Holds: each contract's transitions and queries, over any key-value store.
//! Never: clocks, randomness, floats; signature checks of its own (`Verify` asks the host); iteration over what is
//! stored.
//! Invariant: the same messages at the same heights and times give the same state everywhere.

pub mod access;
pub mod bank;
mod funds;
mod kv;
mod list;
pub mod market;
pub mod rewards;
mod rows;
pub mod subscription;
mod verify;
pub mod workers;

pub use access::AccessError;
pub use funds::{Funds, Payment};
pub use kv::{Env, Kv};
pub use rows::RowError;
pub use verify::Verify;

#[cfg(test)]
mod tests;
