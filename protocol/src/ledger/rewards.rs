//! What the rewards contract is told and asked: epochs, reports, evidence, claims.
//!
//! Layer: protocol, ledger part.
//! Holds: bounds, and the modules of leaves, messages, records.
//! Never: hashing, signatures, rules that need state (contracts/core decides).
//! Invariant: a message that passes [`RewardsMsg::check`] is bounded in every field.

mod leaves;
mod messages;
mod queries;
mod records;

pub use leaves::{Proven, RoyaltyLeaf, Shown, Tree, UsageLeaf};
pub use messages::{Evidence, RewardsInit, RewardsMsg, RoyaltyClaim, UsageReport};
pub use queries::{RewardsQuery, RewardsReply};
pub use records::{
    Claimable, DemandRecord, EpochRecord, EpochView, PoolRecord, ReportRecord, RewardsConfig,
    RewardsSettings, Schedule, Split, Standing, Version,
};

use super::check::within;
use super::{BoundError, INTEGER_MAX};

/// Seconds of an epoch unless the contract is set up with others: 7 days.
pub const EPOCH_SECONDS_DEFAULT: u64 = 7 * 86_400;
/// Longest epoch, and longest time to claim, seconds (366 days).
pub const EPOCH_SECONDS_MAX: u64 = 366 * 86_400;
/// Most vouchers of one report.
pub const REPORT_LEAVES_MAX: u64 = 1 << 24;
/// Most hashes of one inclusion proof: a tree of [`REPORT_LEAVES_MAX`] leaves is no deeper.
pub const PROOF_HASHES_MAX: usize = 24;
/// Largest protocol fee, basis points.
pub const FEE_BPS_MAX: u32 = 5_000;
/// Largest part of a lost bond that its challenger gets, basis points. Whoever challenges its own
/// report loses the rest.
pub const BOUNTY_BPS_MAX: u32 = 5_000;
/// Largest weight of one query, chunk or embedded token.
pub const UNIT_WEIGHT_MAX: u32 = 1 << 20;
/// Weight of one output token, where an input token weighs 1.
pub const OUTPUT_WEIGHT: u32 = 4;

/// `value` from `min` to the largest integer that every reader keeps.
pub(super) fn bounded(field: &'static str, value: u64, min: u64) -> Result<(), BoundError> {
    within(field, value, min, INTEGER_MAX)
}

#[cfg(test)]
mod tests;
