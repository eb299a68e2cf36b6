//! What the shell adds to the ledger's messages.
//!
//! Layer: access shell.
//! Holds: instantiation, messages that another account sends, and the questions of a chain whose storage is closed.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields and variants are refused.

use prag_contracts_permit::{SignedMessage, SignedQuery};
use prag_contracts_shell::{Beside, beside};
use prag_protocol::Address;
use prag_protocol::ledger::AccessMsg;
use serde::{Deserialize, Deserializer, Serialize};

/// Nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {}

/// What the contract is told: the ledger's messages by their own account, or one that another account sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ExecuteMsg {
    /// Of the sender.
    Ledger(AccessMsg),
    /// Of somebody else.
    Own(OwnMsg),
}

/// What the ledger itself has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OwnMsg {
    /// Anybody: has an account's message happen as that account's own. It was signed by a session key, under the
    /// account's permit. The sender pays, and has no other part in it.
    Relayed(Box<SignedMessage>),
}

impl<'de> Deserialize<'de> for ExecuteMsg {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match beside(input, RELAYED)? {
            Beside::Ledger(message) => Self::Ledger(message),
            Beside::Own(signed) => Self::Own(OwnMsg::Relayed(signed)),
        })
    }
}

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

const RELAYED: &str = "relayed";
