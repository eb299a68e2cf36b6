//! The ledger on chains: Cosmos SDK transactions, reads that prove themselves, and Secret's encrypted messages.
//!
//! Layer: above `client`, beside `prag-server`, which is handed a [`CosmosLedger`] as its `Ledger`.
//! Holds: nodes, light client, state proofs, transactions of one account, relayed messages, Secret's cipher.
//! Never: belief in a node. What one says is proven by a header that validators signed, or is not used.
//! Invariant: on public chains no set of nodes can grant, revoke, or hide either; all of them together can be silent.

mod account;
mod deploy;
mod error;
mod json;
mod ledger;
mod light;
mod merkle;
mod node;
mod nodes;
mod proof;
mod rows;
pub mod secret;
mod settings;
mod transaction;

pub use account::Account;
pub use deploy::{CODE_BYTES_MAX, Deployer};
pub use error::CosmosError;
pub use ledger::CosmosLedger;
pub use light::{Follower, Judged, LightBlock, LightClient, VerifiedHeader};
pub use prag_client::relay::{RELAY_SECONDS_MAX, Relay, RelayTerms};
pub use proof::{PROOF_BYTES_MAX, RowProof, contract_key};
pub use settings::{GasPrice, NODES_MAX, Network, Settings, TrustedHeader};

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
