//! The attested channel, the owner's and reader's SDK, the ledger seam and the `prag` command line.
//!
//! Layer: above `trust`; `prag-server` uses its traits.
//! Holds: everything that runs outside a TEE, on the side that verifies.
//! Never: storage engines, search, models.
//! Invariant: no byte of a request leaves before the worker's evidence verified.

pub mod attest;
pub mod attester;
mod authorize;
pub mod border;
pub mod channel;
pub mod cli;
pub mod corpus;
pub mod envelope;
pub mod error;
pub mod home;
pub mod identity;
pub mod introduction;
pub mod ledger;
mod market;
mod metered;
pub mod owner;
mod policies;
mod prices;
pub mod program;
mod reader;
mod reading;
pub mod receipt;
pub mod registered;
pub mod relay;
pub mod remembered;
mod resumed;
pub mod sdk;
mod secrets;
pub mod snapshots;
pub mod sources;
pub mod steward;
pub mod system;
pub mod transaction;
mod transport;
pub mod trusted;
mod unborn;
pub mod usage;
pub mod vault;
mod writes;

pub use error::ClientError;
pub use sdk::Client;

#[cfg(test)]
mod tests;
