//! What the rewards contract stores, and what it answers from it.
//!
//! Layer: protocol, ledger part.
//! Holds: one struct per stored record or reply.
//! Never: who may change them (contracts/core decides).
//! Invariant: integers only; amounts and sums over reports are decimal text in JSON.

use super::super::check::within;
use super::super::coin::{Amount, Denom};
use super::super::voucher::Counters;
use super::super::{BPS, BoundError, MILLION, amount, hex32};
use super::{BOUNTY_BPS_MAX, EPOCH_SECONDS_MAX, FEE_BPS_MAX, UNIT_WEIGHT_MAX};
use crate::Address;
#[cfg(feature = "schema")]
use crate::ledger::schema::{AmountText, Hex32};
use serde::{Deserialize, Serialize};

/// What may be changed, from the next epoch on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RewardsConfig {
    /// Who gets the protocol fee.
    pub treasury: Address,
    /// Protocol fee, basis points of the pool, at most [`FEE_BPS_MAX`].
    pub fee_bps: u32,
    /// Owners' royalty, basis points of the pool.
    pub royalty_bps: u32,
    /// Uptime, basis points of the pool. The three together are at most [`BPS`]; work gets the rest.
    pub uptime_bps: u32,
    /// Weight of a query.
    pub query_weight: u32,
    /// Weight of a chunk that was read.
    pub chunk_weight: u32,
    /// Weight of a token that was embedded.
    pub embedded_weight: u32,
    /// What a report puts at stake.
    pub bond: Amount,
    /// What a demanded leaf pays to the worker that shows it; to be more than showing it costs.
    pub deposit: Amount,
    /// The challenger's part of a lost bond, basis points, at most [`BOUNTY_BPS_MAX`].
    pub bounty_bps: u32,
    /// What a report that was proven false costs of the worker's stake, millionths.
    pub slash_ppm: u32,
    /// Seconds after an epoch's end for reports.
    pub report_seconds: u64,
    /// Seconds after the last report for demands, answers and challenges, a third each.
    pub challenge_seconds: u64,
    /// Seconds after the close for claims; then what is left is carried into a later epoch.
    pub claim_seconds: u64,
}

/// A config and the first epoch that it holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// First epoch.
    pub from: u64,
    /// The config.
    pub config: RewardsConfig,
}

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RewardsSettings {
    /// The ledger that vouchers must name.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub ledger: [u8; 32],
    /// The one denomination that is taken and paid.
    pub denom: Denom,
    /// Unix seconds at which epoch 0 began.
    pub genesis: u64,
    /// Length of every epoch, seconds.
    pub epoch_seconds: u64,
    /// Who may change the config.
    pub admin: Address,
    /// Who may become that, by accepting.
    pub pending: Option<Address>,
    /// Of the epoch before this one, of this one, and of the next; oldest first.
    pub versions: Vec<Version>,
}

/// Sums over an epoch's reports that stand: neither void nor with a demand open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// How many.
    pub reports: u64,
    /// Weight of the work.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub weight: u128,
    /// Chunks read.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub units: u128,
    /// Liveness answers.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub answers: u128,
}

/// How an epoch's pool was split. What is not in a part was carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Unix seconds of the close.
    pub closed: u64,
    /// Paid to the treasury.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub fee: u128,
    /// For owners, by units.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub royalty: u128,
    /// For workers, by liveness answers.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub uptime: u128,
    /// For workers, by weight.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub work: u128,
    /// Not yet claimed of the three.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub unclaimed: u128,
    /// What was unclaimed is carried: nothing more to claim.
    pub swept: bool,
}

/// An epoch that was paid into or reported on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// The config that holds for it.
    pub config: RewardsConfig,
    /// Paid in for it.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub funded: u128,
    /// Its reports; frozen by the close.
    pub standing: Standing,
    /// Present once it is closed.
    pub split: Option<Split>,
}

/// One worker's report of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReportRecord {
    /// Root over the usage leaves.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub root: [u8; 32],
    /// How many usage leaves.
    pub leaves: u64,
    /// Sum of what they bill.
    pub totals: Counters,
    /// Root over the royalty leaves.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub royalty_root: [u8; 32],
    /// How many royalty leaves.
    pub collections: u64,
    /// Weight of `totals` at the epoch's rates.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub weight: u128,
    /// Liveness answers in the epoch, as the workers contract counted them.
    pub answers: u64,
    /// At stake; 0 once returned or lost.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub bond: u128,
    /// Demands that wait for an answer. While there are any, the report does not count.
    pub open: u64,
    /// Proven false, or a demand went unanswered.
    pub void: bool,
    /// The worker has claimed.
    pub claimed: bool,
    /// Units that owners have claimed.
    pub royalties: u64,
}

/// A leaf that somebody asked to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DemandRecord {
    /// Who asked.
    pub by: Address,
    /// Held for whoever is right: the worker that answers, or else who asked.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub deposit: u128,
    /// The worker has shown it.
    pub answered: bool,
}

/// Where all money is. `paid_in = paid_out + fees + bonds + deposits + open + unclaimed + carry`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PoolRecord {
    /// Everything that ever came.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub paid_in: u128,
    /// Everything that ever went, but fees.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub paid_out: u128,
    /// Fees that went to the treasury.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub fees: u128,
    /// Held: bonds of reports.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub bonds: u128,
    /// Held: deposits of open demands.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub deposits: u128,
    /// Held: paid in for epochs that are not closed.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub open: u128,
    /// Held: not yet claimed of closed epochs.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub unclaimed: u128,
    /// Held: dust, for the latest epoch that can be closed.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub carry: u128,
}

/// When what may happen to an epoch, Unix seconds; each from the moment before, and ending there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Use counts, and money comes, from here.
    pub start: u64,
    /// To here.
    pub end: u64,
    /// Reports.
    pub reports_until: u64,
    /// Demands.
    pub demands_until: u64,
    /// Answers.
    pub answers_until: u64,
    /// Challenges; then anybody may close.
    pub challenges_until: u64,
    /// Claims; then anybody may sweep. Absent before the close.
    pub claims_until: Option<u64>,
}

/// An epoch and its times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EpochView {
    /// What is stored.
    pub record: EpochRecord,
    /// When what may happen.
    pub schedule: Schedule,
}

/// What a worker's claim would pay now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Claimable {
    /// By weight.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub work: u128,
    /// By liveness answers.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub uptime: u128,
    /// The bond that comes back.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub bond: u128,
}

impl RewardsConfig {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        let part = |field, value: u32, max: u32| within(field, value.into(), 0, max.into());
        part("fee_bps", self.fee_bps, FEE_BPS_MAX)?;
        part("royalty_bps", self.royalty_bps, BPS - self.fee_bps)?;
        part("uptime_bps", self.uptime_bps, BPS - self.fee_bps - self.royalty_bps)?;
        part("query_weight", self.query_weight, UNIT_WEIGHT_MAX)?;
        part("chunk_weight", self.chunk_weight, UNIT_WEIGHT_MAX)?;
        part("embedded_weight", self.embedded_weight, UNIT_WEIGHT_MAX)?;
        part("bounty_bps", self.bounty_bps, BOUNTY_BPS_MAX)?;
        part("slash_ppm", self.slash_ppm, MILLION)?;
        within("report_seconds", self.report_seconds, 1, EPOCH_SECONDS_MAX)?;
        within("challenge_seconds", self.challenge_seconds, 3, EPOCH_SECONDS_MAX)?;
        within("claim_seconds", self.claim_seconds, 1, EPOCH_SECONDS_MAX)
    }
}
