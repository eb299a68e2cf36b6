//! What the shell adds to the ledger's messages.
//!
//! Layer: subscription shell.
//! Holds: instantiation.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields are refused.

use prag_protocol::Address;
use serde::{Deserialize, Serialize};

/// Who runs the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// The admin; absent is the sender.
    #[serde(default)]
    pub admin: Option<Address>,
}
