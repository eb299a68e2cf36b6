//! The ledger on chains: Secret's encrypted messages.
//!
//! Layer: above `client`, beside `prag-server`.
//! Holds: Secret's cipher.
//! Never: belief in a node.
//! Invariant: an answer opens only under the key of its own question.

mod error;
pub mod secret;

pub use error::CosmosError;
