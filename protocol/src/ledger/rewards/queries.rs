//! What the rewards contract is asked, and answers.
//!
//! Layer: protocol, ledger part.
//! Holds: queries, their bounds, and replies.
//! Never: who may ask; that is the shell's matter.
//! Invariant: everything is refused by field and limit before any state is read.

use super::super::voucher::Counters;
use super::super::{BoundError, hex32};
use super::leaves::check_index;
use super::{
    Claimable, DemandRecord, EpochView, PoolRecord, ReportRecord, RewardsSettings, Tree, bounded,
};
#[cfg(feature = "schema")]
use crate::ledger::schema::Hex32;
use crate::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// A question. The core answers all; who may ask is the shell's matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardsQuery {
    /// Everything that is set, and which epoch runs.
    Config {},
    /// One epoch.
    Epoch {
        /// Which.
        epoch: u64,
    },
    /// One worker's report.
    Report {
        /// Which epoch.
        epoch: u64,
        /// Whose.
        worker: Address,
    },
    /// One demand.
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
    /// What a worker's claim would pay now.
    Claimable {
        /// Whose.
        account: Address,
        /// Which epoch.
        epoch: u64,
    },
    /// Up to where a session is on record as billed.
    Settled {
        /// By which worker.
        worker: Address,
        /// For which collection.
        collection: CollectionId,
        /// The session key.
        #[serde(with = "hex32")]
        #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
        session: [u8; 32],
    },
    /// Where all money is.
    Pool {},
}

/// The answer to the [`RewardsQuery`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RewardsReply {
    /// For [`RewardsQuery::Config`].
    Config {
        /// What is set.
        settings: Box<RewardsSettings>,
        /// The epoch that runs.
        epoch: u64,
    },
    /// `None` while nobody paid into it or reported on it.
    Epoch(Option<Box<EpochView>>),
    /// `None` if the worker did not report.
    Report(Option<Box<ReportRecord>>),
    /// `None` if nobody asked for the leaf.
    Demand(Option<DemandRecord>),
    /// Zeros where there is nothing to claim, or not yet.
    Claimable(Claimable),
    /// `None` if nothing is on record.
    Settled(Option<Counters>),
    /// For [`RewardsQuery::Pool`].
    Pool(PoolRecord),
}

impl RewardsQuery {
    /// Checks every bound that needs no state.
    ///
    /// # Errors
    /// [`BoundError`] names the first field outside its bounds.
    pub fn check(&self) -> Result<(), BoundError> {
        match self {
            Self::Config {} | Self::Pool {} | Self::Settled { .. } => Ok(()),
            Self::Epoch { epoch } | Self::Report { epoch, .. } | Self::Claimable { epoch, .. } => {
                bounded("epoch", *epoch, 0)
            }
            Self::Demand { epoch, index, .. } => {
                bounded("epoch", *epoch, 0)?;
                check_index(*index)
            }
        }
    }
}
