//! What the shell adds to the ledger's messages.
//!
//! Layer: rewards shell.
//! Holds: instantiation, and the one message that a chain with closed storage needs more.
//! Never: another spelling of the ledger's own messages.
//! Invariant: unknown fields and variants are refused.

use prag_contracts_permit::SignedQuery;
use prag_contracts_shell::{Beside, Peer, beside};
use prag_protocol::ledger::rewards::{RewardsInit, RewardsMsg, RoyaltyClaim};
use serde::{Deserialize, Deserializer, Serialize};

/// How the contract begins. The sender is its admin. The other two contracts stay what they are, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// The ledger's own settings.
    pub rewards: RewardsInit,
    /// Knows who owns a collection.
    pub access: Peer,
    /// Knows workers, their keys and their liveness; takes slashings once this contract is its `rewards` party.
    pub workers: Peer,
}

/// What the contract is told on Secret Network: the ledger's messages as everywhere, and one more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SecretMsg {
    /// As on every chain. `claim` with `royalty` is refused: nobody tells this contract who the owner is.
    Ledger(RewardsMsg),
    /// Only here.
    Own(OwnMsg),
}

/// What only Secret Network needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OwnMsg {
    /// Owner: takes one collection's royalty, as by `claim` with `royalty`.
    ClaimRoyalty(Box<OwnedClaim>),
}

/// A claim, and what lets the access contract say whose the collection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnedClaim {
    /// Which epoch.
    pub epoch: u64,
    /// The collection's leaf in one worker's report.
    pub royalty: RoyaltyClaim,
    /// The owner's question `{"collection":{"collection":…}}` to the access contract, signed for that contract: it is
    /// passed on as it is.
    pub question: SignedQuery,
}

impl<'de> Deserialize<'de> for SecretMsg {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(match beside(input, OWN)? {
            Beside::Ledger(message) => Self::Ledger(message),
            Beside::Own(claim) => Self::Own(OwnMsg::ClaimRoyalty(claim)),
        })
    }
}

const OWN: &str = "claim_royalty";

#[cfg(test)]
mod tests;
