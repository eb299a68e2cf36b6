//! The ledger on chains: Cosmos SDK transactions, reads that prove themselves, and Secret's encrypted messages.
//!
//! Layer: above `client`, below `prag-server`, which is handed a [`CosmosLedger`] as its `Ledger`.
//! Holds: nodes, light client, state proofs, transactions of one account, any contract of it told and asked, relayed
//! messages, Secret's cipher.
//! Never: belief in a node. What one says is proven by a header that validators signed, or is not used.
//! Invariant: on public chains no set of nodes can grant, revoke, or hide either; all of them together can be silent.

mod account;
mod chain;
mod code;
mod contract;
mod deploy;
mod error;
mod json;
mod kept;
mod ledger;
mod light;
mod market;
mod merkle;
mod node;
mod nodes;
mod proof;
mod purse;
mod question;
mod rows;
pub mod secret;
mod settings;
mod transaction;

pub use account::Account;
pub use chain::Chain;
pub use contract::{Contract, EXECUTE_BYTES_MAX};
pub use deploy::CODE_BYTES_MAX;
pub use error::CosmosError;
pub use kept::KeptEvidence;
pub use ledger::CosmosLedger;
pub use light::{Follower, Judged, LightBlock, LightClient, VerifiedHeader};
pub use prag_client::relay::{RELAY_SECONDS_MAX, Relay, RelayTerms};
pub use prag_contracts_core::Funds;
pub use proof::{PROOF_BYTES_MAX, RowProof, contract_key};
pub use purse::Payers;
pub use question::Question;
pub use settings::{
    GasPrice, MarketContracts, NODES_MAX, Network, Pinned, Settings, TrustedHeader,
};
pub use transaction::Executed;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
