//! What the rewards contract is told.
//!
//! Layer: protocol, ledger part.
//! Holds: messages, evidence, and the bounds that need no state.
//! Never: who may send them (contracts/core decides); how much is paid, which comes along as funds.
//! Invariant: everything is refused by field and limit before any state is read.

use super::super::check::within;
use super::super::coin::Denom;
use super::super::voucher::Counters;
use super::super::{BoundError, hex32, hex64};
use super::leaves::check_index;
use super::{
    EPOCH_SECONDS_MAX, Proven, REPORT_LEAVES_MAX, RewardsConfig, RoyaltyLeaf, Shown, Tree,
    UsageLeaf, bounded,
};
use crate::Address;
#[cfg(feature = "schema")]
use crate::ledger::schema::{Hex32, Hex64};
use serde::{Deserialize, Serialize};

/// How a contract begins. The sender is its admin; epoch 0 begins now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RewardsInit {
    /// The ledger that vouchers must name.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub ledger: [u8; 32],
    /// The one denomination that is taken and paid.
    pub denom: Denom,
    /// Length of every epoch; 7 days unless given.
    #[serde(default = "default_epoch")]
    pub epoch_seconds: u64,
    /// From epoch 0 on. Reports and challenges of an epoch fit into the next one.
    pub config: RewardsConfig,
}

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardsMsg {
    /// Anybody, with funds: pays into the pool of the epoch that runs.
    Fund {},
    /// Worker, with the bond: commits to what it served in an epoch that has ended. Once per epoch.
    ReportUsage {
        /// Which epoch.
        epoch: u64,
        /// What it served.
        report: UsageReport,
        /// Ed25519 over [`UsageReport::signed_bytes`], by the signing key that the worker is registered
        /// with: the attested image stands for the report, whoever holds the wallet.
        #[serde(with = "hex64")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex64"))]
        signature: [u8; 64],
    },
    /// Anybody, with the deposit: asks a worker to show one leaf of its report. The report does not
    /// count until it has.
    Demand {
        /// Which epoch.
        epoch: u64,
        /// Whose report.
        worker: Address,
        /// Which tree.
        tree: Tree,
        /// Which leaf.
        index: u64,
    },
    /// Worker: shows a leaf that was demanded, and gets the deposit.
    Reveal {
        /// Which epoch.
        epoch: u64,
        /// The leaf.
        shown: Shown,
    },
    /// Anybody: proves a report false. It is void, and the sender gets its part of the bond.
    Challenge {
        /// Which epoch.
        epoch: u64,
        /// Whose report.
        worker: Address,
        /// Why it is false.
        evidence: Evidence,
    },
    /// Anybody, after the challenges: splits the pool.
    CloseEpoch {
        /// Which epoch.
        epoch: u64,
    },
    /// Worker: takes its share and its bond. Owner, with `royalty`: takes one collection's royalty.
    Claim {
        /// Which epoch.
        epoch: u64,
        /// The collection's leaf in one worker's report.
        #[serde(default)]
        royalty: Option<RoyaltyClaim>,
    },
    /// Anybody: puts on record up to where a closed epoch has billed a session, so that a later report
    /// that starts lower can be challenged. Again is no error.
    Settle {
        /// Which epoch.
        epoch: u64,
        /// Whose report.
        worker: Address,
        /// The session's leaf.
        shown: Box<Proven<UsageLeaf>>,
    },
    /// Anybody, after the claims: carries what nobody claimed.
    Sweep {
        /// Which epoch.
        epoch: u64,
    },
    /// Admin: names a successor, who must accept.
    SetAdmin {
        /// Who.
        admin: Address,
    },
    /// The named successor: becomes the admin.
    AcceptAdmin {},
    /// Admin: another config, from the next epoch on.
    SetConfig {
        /// The config as a whole.
        config: RewardsConfig,
    },
}

/// What a worker commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Root over the usage leaves (RFC 9162, section 2.1.1).
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub root: [u8; 32],
    /// How many usage leaves; 0 for a worker that only was there.
    pub leaves: u64,
    /// Sum of what they bill.
    pub totals: Counters,
    /// Root over the royalty leaves.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub royalty_root: [u8; 32],
    /// How many royalty leaves.
    pub collections: u64,
}

/// An owner's claim on one worker's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoyaltyClaim {
    /// Whose report.
    pub worker: Address,
    /// The collection's leaf.
    pub shown: Proven<RoyaltyLeaf>,
}

/// Why a report is false. A report that no evidence can be found against is true
/// (`rewards/truth.rs` in contracts/core says which rules there are, and why they suffice).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// A leaf that is false by itself: signatures, names, a start below what was settled, or a false
    /// sum at either end of the report.
    Leaf(Shown),
    /// Two neighbours: out of order, the same session twice, or a false sum.
    UsagePair {
        /// The one.
        first: Box<Proven<UsageLeaf>>,
        /// The next.
        second: Box<Proven<UsageLeaf>>,
    },
    /// Two neighbours with a false sum.
    RoyaltyPair {
        /// The one.
        first: Box<Proven<RoyaltyLeaf>>,
        /// The next.
        second: Box<Proven<RoyaltyLeaf>>,
    },
    /// A session and a collection that do not fit each other: another name, place or sum.
    Across {
        /// The session.
        usage: Box<Proven<UsageLeaf>>,
        /// The collection.
        royalty: Box<Proven<RoyaltyLeaf>>,
    },
    /// A demand that was not answered in time; who asked gets the deposit back and the bounty.
    Unanswered {
        /// Which tree.
        tree: Tree,
        /// Which leaf.
        index: u64,
    },
}

impl RewardsInit {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        self.config.check()?;
        // Reports and challenges of an epoch end before the next one can be reported, so that what is
        // settled while an epoch is challenged is of earlier epochs only.
        let windows = self.config.report_seconds.saturating_add(self.config.challenge_seconds);
        within("epoch_seconds", self.epoch_seconds, windows, EPOCH_SECONDS_MAX)
    }
}

impl RewardsMsg {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::Fund {} | Self::SetAdmin { .. } | Self::AcceptAdmin {} => Ok(()),
            Self::SetConfig { config } => config.check(),
            Self::CloseEpoch { epoch }
            | Self::Sweep { epoch }
            | Self::Claim { epoch, royalty: None } => bounded("epoch", *epoch, 0),
            Self::Claim { epoch, royalty: Some(claim) } => {
                bounded("epoch", *epoch, 0)?;
                claim.shown.check()
            }
            Self::ReportUsage { epoch, report, .. } => {
                bounded("epoch", *epoch, 0)?;
                report.check()
            }
            Self::Demand { epoch, index, .. } => {
                bounded("epoch", *epoch, 0)?;
                check_index(*index)
            }
            Self::Reveal { epoch, shown } => {
                bounded("epoch", *epoch, 0)?;
                shown.check()
            }
            Self::Challenge { epoch, evidence, .. } => {
                bounded("epoch", *epoch, 0)?;
                evidence.check()
            }
            Self::Settle { epoch, shown, .. } => {
                bounded("epoch", *epoch, 0)?;
                shown.check()
            }
        }
    }
}

impl UsageReport {
    /// The frozen bytes that the worker signs, integers big-endian: tag 16, ledger 32, worker (length 1,
    /// text), epoch 8, root 32, leaves 8, totals 40, royalty root 32, collections 8.
    #[must_use]
    pub fn signed_bytes(&self, ledger: &[u8; 32], worker: &Address, epoch: u64) -> Vec<u8> {
        [
            REPORT_TAG.as_slice(),
            ledger,
            &worker.length_byte(),
            worker.as_str().as_bytes(),
            &epoch.to_be_bytes(),
            &self.root,
            &self.leaves.to_be_bytes(),
            &self.totals.to_bytes(),
            &self.royalty_root,
            &self.collections.to_be_bytes(),
        ]
        .concat()
    }

    fn check(&self) -> Result<(), BoundError> {
        self.totals.check()?;
        within("leaves", self.leaves, 0, REPORT_LEAVES_MAX)?;
        // Vouchers are of at least one collection, and each collection has at least one.
        within("collections", self.collections, u64::from(self.leaves > 0), self.leaves)?;
        // Totals without a voucher are of nobody's making but the worker's.
        let most = if self.leaves == 0 { 0 } else { u64::MAX };
        self.totals.values().iter().try_for_each(|total| within("totals", *total, 0, most))
    }
}

impl Evidence {
    fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::Leaf(shown) => shown.check(),
            Self::UsagePair { first, second } => {
                first.check()?;
                second.check()
            }
            Self::RoyaltyPair { first, second } => {
                first.check()?;
                second.check()
            }
            Self::Across { usage, royalty } => {
                usage.check()?;
                royalty.check()
            }
            Self::Unanswered { index, .. } => check_index(*index),
        }
    }
}

fn default_epoch() -> u64 {
    super::EPOCH_SECONDS_DEFAULT
}

const REPORT_TAG: &[u8; 16] = b"PRAG-REPORT/v1\0\0";
