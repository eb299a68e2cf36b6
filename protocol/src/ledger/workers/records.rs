//! What the workers contract stores.
//!
//! Layer: protocol, ledger part.
//! Holds: one struct per stored record.
//! Never: who may change them (contracts/core decides).
//! Invariant: integers only.

use super::EvidenceBinding;
use crate::Address;
use crate::ledger::coin::{Amount, Denom};
#[cfg(feature = "schema")]
use crate::ledger::schema::{AmountText, Hex32};
use crate::ledger::{amount, hex32};
use serde::{Deserialize, Serialize};

/// What holds for every worker, from the contract's first day to its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkersTerms {
    /// What stakes are in.
    pub denom: Denom,
    /// Stake for each unit of capacity: to be chosen more often costs as much as another worker.
    pub stake_per_capacity: Amount,
    /// Length of a liveness window, seconds. Window n is the n-th since 1970.
    pub window_seconds: u64,
    /// Life of evidence, seconds; at least two windows.
    pub evidence_seconds: u64,
    /// From the approval of a measurement, or of other parties, until it is effective, seconds.
    pub timelock_seconds: u64,
    /// From a worker's leaving until its stake can be withdrawn, seconds. To be longer than what it
    /// takes to report a missed window, and to prove a false report.
    pub unbonding_seconds: u64,
    /// What one missed window costs, in millionths of the stake.
    pub missed_ppm: u32,
    /// Whether evidence must have been verified by the chain.
    pub attested_only: bool,
    /// Whether evidence that the chain only stores counts once an approver has confirmed it. Without it anybody who has
    /// the stake is a worker, and is paid for what it reports with consumers of its own making.
    #[serde(default)]
    pub approved_only: bool,
}

/// Accounts with a part in the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// May slash for proven false reports; without one nobody may.
    pub rewards: Option<Address>,
    /// Receives what is slashed.
    pub treasury: Address,
    /// Confirms evidence that the chain only stores; to be named where the terms want it confirmed.
    #[serde(default)]
    pub approver: Option<Address>,
}

/// Parties that the timelock still holds back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PendingParties {
    /// Who.
    pub parties: Parties,
    /// Unix seconds; in force from this second on.
    pub effective: u64,
}

/// The contract itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkersConfig {
    /// The chain and this contract's address on it; part of everything that workers sign.
    pub ledger: String,
    /// Approves measurements and names the parties.
    pub admin: Address,
    /// Becomes the admin as soon as it accepts.
    pub proposed: Option<Address>,
    /// The parties, unless pending ones are in force by now.
    pub parties: Parties,
    /// The parties to come.
    pub pending: Option<PendingParties>,
    /// The terms.
    pub terms: WorkersTerms,
}

/// An approved measurement. What is retired is taken off the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Counted from 1, never used again: an image that is approved anew must attest anew.
    pub number: u32,
    /// The measurement.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub measurement: [u8; 32],
    /// Unix seconds; a worker can register with it from this second on.
    pub effective: u64,
}

/// The image of a worker: as the chain verified it, or as the approver vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The measurement in the evidence.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub measurement: [u8; 32],
    /// The approval that it was registered or vouched for under; void once that is retired.
    pub approval: u32,
}

/// Some of the last [`super::WINDOWS_KEPT`] windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowSet {
    /// The latest window of the set.
    pub last: u64,
    /// Bit i stands for window `last` - i.
    pub bits: u32,
}

/// A worker that leaves: not listed, not chosen, its stake still at risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Leaving {
    /// From this window on it owes no answer.
    pub window: u64,
    /// Unix seconds; the stake can be withdrawn from this second on.
    pub withdraw_from: u64,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkerRecord {
    /// The account: it registered, answers, and has the stake back.
    pub worker: Address,
    /// Counted from 1, never used again.
    pub number: u64,
    /// Its URL.
    pub ip_address: String,
    /// Where it is paid.
    pub payment_wallet: Address,
    /// The model it runs, or whatever else its kind is called.
    pub worker_type: String,
    /// What it is chosen for.
    pub service: String,
    /// How much it takes on, against others of its service.
    pub capacity: u32,
    /// Its Ed25519 key, born in the TEE.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub signing_key: [u8; 32],
    /// Its X25519 key as of the registration, signed by `signing_key`.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub hpke_key: [u8; 32],
    /// Its stake.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub stake: u128,
    /// What the chain verified; `None` where it only stores evidence for others to verify.
    pub attested: Option<Attested>,
    /// Unix seconds; the evidence is void from this second on.
    pub evidence_expires: u64,
    /// Its first window.
    pub since: u64,
    /// Windows that it answered while it stood: those that are paid for.
    pub answered: WindowSet,
    /// Windows that it paid for, was away in, or answered while it waited or its image was retired: nobody can report
    /// them any more, and nobody is paid for them.
    pub punished: WindowSet,
    /// Unix seconds; as long as it counts as live.
    pub live_until: u64,
    /// Set once it leaves.
    pub leaving: Option<Leaving>,
    /// Its evidence waits for an approver, as the terms want it: it is neither chosen nor paid.
    #[serde(default)]
    pub pending: bool,
}

/// What was said with a worker's evidence; the evidence itself lies in chunks beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecord {
    /// Ledger height of the registration.
    pub height: u64,
    /// The window whose challenge is the nonce of the report.
    pub window: u64,
    /// That challenge.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub nonce: [u8; 32],
    /// What else the report binds.
    pub binding: EvidenceBinding,
    /// Bytes of the report.
    pub report_bytes: u32,
    /// SHA-256 of the report.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub report_sha256: [u8; 32],
    /// Bytes of the collateral.
    pub collateral_bytes: u32,
    /// SHA-256 of the collateral.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub collateral_sha256: [u8; 32],
}
