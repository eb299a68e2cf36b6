//! Why the rewards contract refuses.
//!
//! Layer: core, rewards.
//! Holds: one enum; each variant says what the caller can do.
//! Never: content; whose session or collection it was.
//! Invariant: a refusal changes nothing.

use crate::RowError;
use prag_protocol::ledger::BoundError;

/// Why a transition or query was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardsError {
    /// A field is outside its bounds. Not retryable as it is.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The contract was set up before.
    #[error("the contract is set up already")]
    Exists,
    /// Nobody set the contract up. Do that first.
    #[error("the contract is not set up")]
    NotSetUp,
    /// Only the admin may.
    #[error("the sender is not the admin")]
    NotAdmin,
    /// Nobody named the sender as the next admin.
    #[error("the sender was not named as admin")]
    NotNamed,
    /// Another denomination, or several coins. Send one coin of the contract's.
    #[error("only one coin of the contract's denomination is taken")]
    Denom,
    /// Another amount. Send one in these bounds; both are 0 for a message that takes nothing.
    #[error("{min} to {max} must be sent along")]
    Amount {
        /// Least.
        min: u128,
        /// Greatest.
        max: u128,
    },
    /// Reports and challenges of an epoch must fit into the next one.
    #[error("report_seconds and challenge_seconds must be at most {max} together")]
    Windows {
        /// Length of an epoch, seconds.
        max: u64,
    },
    /// The sender is no worker that may report: not registered, not approved, of a retired image, or its evidence is too
    /// old. Register anew, and have it approved where the ledger asks for that.
    #[error("the sender is not a registered worker")]
    NotWorker,
    /// The report is not signed with the key that the worker is registered with. Register, then sign anew.
    #[error("the report is not signed with the worker's registered key")]
    Unsigned,
    /// Not yet. Try again then.
    #[error("too early: wait until {from}")]
    Early {
        /// First second at which it can be done.
        from: u64,
    },
    /// Not any more.
    #[error("too late: it could be done until {until}")]
    Late {
        /// First second at which it could no longer be done.
        until: u64,
    },
    /// Nobody paid into the epoch or reported on it.
    #[error("nobody paid into the epoch or reported on it")]
    NoEpoch,
    /// The worker did not report.
    #[error("the worker has no report of the epoch")]
    NoReport,
    /// One report for each worker and epoch.
    #[error("the worker has reported already")]
    Reported,
    /// The report was proven false, or left a demand unanswered.
    #[error("the report is void")]
    Void,
    /// The report has fewer leaves.
    #[error("the tree has {leaves} leaves")]
    NoLeaf {
        /// How many.
        leaves: u64,
    },
    /// Somebody asked for this leaf before. Read the demand.
    #[error("the leaf was demanded already")]
    Demanded,
    /// Nobody asked for this leaf.
    #[error("the leaf was not demanded")]
    NotDemanded,
    /// A proof does not lead to the report's root.
    #[error("a proof of inclusion does not hold")]
    Proof,
    /// The evidence shows nothing false.
    #[error("the evidence shows nothing false")]
    NotFalse,
    /// The epoch was closed before.
    #[error("the epoch is closed")]
    Closed,
    /// The epoch must be closed first.
    #[error("the epoch is not closed")]
    NotClosed,
    /// Claimed before.
    #[error("this was claimed already")]
    Claimed,
    /// The sender does not own the collection.
    #[error("the collection is absent or not the sender's")]
    NotOwner,
    /// The leaves of this report claim more than its total. Challenge it next time.
    #[error("the report's units are claimed")]
    Overclaimed,
    /// The share is less than one unit.
    #[error("there is nothing to claim")]
    Nothing,
    /// What was unclaimed is carried already.
    #[error("the epoch is swept")]
    Swept,
    /// A sum is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
    /// What is stored does not read back or add up. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
}

impl From<RowError> for RewardsError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Damaged(table) => Self::Damaged(table),
            RowError::Exhausted(what) => Self::Exhausted(what),
        }
    }
}
