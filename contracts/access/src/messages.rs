//! What the shell adds to the ledger's messages.
//!
//! Layer: access shell.
//! Holds: instantiation, and the questions of a chain whose storage is closed.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields and variants are refused.

use prag_contracts_permit::SignedQuery;
use prag_protocol::Address;
use serde::{Deserialize, Serialize};

/// Nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {}

/// A question on Secret Network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SignedQueryMsg {
    /// The last anchor of a worker account. Anybody: a root over blinded heads tells nothing.
    Anchor {
        /// Whose.
        account: Address,
    },
    /// A ledger question of an owner, a grantee or a placed worker, under a permit.
    WithPermit(Box<SignedQuery>),
}
