//! The contracts' wasm, run as chains run it.
//!
//! Layer: contracts, host side: tests and measurements only.
//! Holds: two engines behind one trait (`cosmwasm-vm`, and a small one with Secret's imports), one story per contract
//! (that of rewards, which asks two others, is a test), and what is measured.
//! Never: a rule of any contract; a chain: no consensus, no bank, no accounts.
//! Invariant: engines never undo what a refused message wrote, so a refusal that wrote something is seen.

pub mod access;
mod engine;
pub mod epoch;
mod gas;
pub mod rewards;
mod rows;
mod secret;
mod seen;
pub mod subscription;
mod vanilla;
pub mod workers;

pub use engine::{Called, Engine, EngineError, Entry, Operation, Peers, built, package};
pub use gas::Gas;
pub use rows::{Rows, SharedRows};
pub use secret::Secret;
pub use seen::{seen, told};
pub use vanilla::Vanilla;
