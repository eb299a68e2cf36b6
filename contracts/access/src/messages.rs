//! What the shell adds to the ledger's messages.
//!
//! Layer: access shell.
//! Holds: instantiation, messages that another account sends, pulses, sales, and the questions of a chain whose storage is
//! closed.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields and variants are refused.

use prag_contracts_permit::{SignedMessage, SignedQuery};
use prag_contracts_shell::{Beside, beside};
use prag_protocol::ledger::{AccessMsg, BuyMsg, PulseMsg};
use prag_protocol::{Address, CollectionId};
use serde::{Deserialize, Deserializer, Serialize};

/// Nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {}

/// What the contract is told: the ledger's messages by their own account, or one of the shell's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ExecuteMsg {
    /// Of the sender.
    Ledger(AccessMsg),
    /// The shell's own.
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
    /// Anybody, for its own account: a nonce that stands in every answer that the account asks for by `fresh` from now
    /// on. An answer without it is of an older state.
    Pulse(PulseMsg),
    /// Anybody, with the exact price: gets a grant to read the collection.
    Buy(BuyMsg),
}

impl<'de> Deserialize<'de> for ExecuteMsg {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match beside(input, RELAYED)? {
            Beside::Ledger(Told(Beside::Ledger(Unpaid(Beside::Ledger(message))))) => {
                Self::Ledger(message)
            }
            Beside::Ledger(Told(Beside::Ledger(Unpaid(Beside::Own(buy))))) => {
                Self::Own(OwnMsg::Buy(buy))
            }
            Beside::Ledger(Told(Beside::Own(pulse))) => Self::Own(OwnMsg::Pulse(pulse)),
            Beside::Own(signed) => Self::Own(OwnMsg::Relayed(signed)),
        })
    }
}

/// What is not relayed.
struct Told(Beside<Unpaid, PulseMsg>);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        beside(input, PULSE).map(Self)
    }
}

/// Neither that, nor a pulse.
struct Unpaid(Beside<AccessMsg, BuyMsg>);

impl<'de> Deserialize<'de> for Unpaid {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        beside(input, BUY).map(Self)
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
    /// What a grant of a collection costs. Anybody: its owner has said that it is for sale.
    Price {
        /// Which collection.
        collection: CollectionId,
    },
    /// A ledger question of an owner, a grantee or a placed worker, under a permit.
    WithPermit(Box<SignedQuery>),
    /// The same, answered together with the asker's last pulse.
    Fresh(Box<SignedQuery>),
}

const RELAYED: &str = "relayed";
const PULSE: &str = "pulse";
const BUY: &str = "buy";
