//! Why the workers contract refuses.
//!
//! Layer: core, workers.
//! Holds: one enum; each variant says what the caller can do.
//! Never: content; accounts, URLs, evidence.
//! Invariant: a refusal changes nothing.

use crate::RowError;
use prag_protocol::ledger::workers::FieldError;

/// Why a transition or query was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkersError {
    /// A field is not what it must be. Not retryable as it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The contract has no terms yet. Instantiate it.
    #[error("the contract is not instantiated")]
    NotInstantiated,
    /// The contract has its terms for good.
    #[error("the contract is instantiated")]
    Instantiated,
    /// Neither the admin, nor the proposed one, nor the rewards contract, whichever the message asks for.
    #[error("the sender may not do that")]
    Forbidden,
    /// No such worker. Register it.
    #[error("the account is not a worker")]
    NoWorker,
    /// The sender's worker has another URL. Read it again.
    #[error("the sender has no worker at that address")]
    NotYours,
    /// The worker leaves. Register it again, or wait and withdraw.
    #[error("the worker leaves")]
    Leaving,
    /// The worker stays. Remove it first.
    #[error("the worker does not leave")]
    NotLeaving,
    /// The stake is still at risk.
    #[error("the stake can be withdrawn from second {withdraw_from} on")]
    Unbonding {
        /// Unix seconds.
        withdraw_from: u64,
    },
    /// Another window runs. Ask for its challenge.
    #[error("the running window is {current}")]
    Window {
        /// The running window.
        current: u64,
    },
    /// The window is answered.
    #[error("the window is answered")]
    Answered,
    /// Not by the key that was named, or not over this challenge.
    #[error("the signature is not the key's over this challenge")]
    Signature,
    /// The evidence is too old. Register with new evidence.
    #[error("the evidence has expired")]
    Expired,
    /// This ledger takes no evidence that its chain cannot verify.
    #[error("the chain did not verify the evidence")]
    NotVerified,
    /// Never approved, or retired. Ask the admin.
    #[error("the measurement is not approved")]
    Unapproved,
    /// Approved, but the timelock has not passed.
    #[error("the measurement is effective from second {effective} on")]
    NotEffective {
        /// Unix seconds.
        effective: u64,
    },
    /// The report is of other claims, another key, or another window's challenge.
    #[error("the report data do not bind the key, the challenge and the claims")]
    Unbound,
    /// As many measurements as can be. Retire some.
    #[error("at most {max} measurements are approved at one time")]
    MeasurementsFull {
        /// The bound.
        max: usize,
    },
    /// Funds where none are taken, of another denomination, of nothing, or more than one coin.
    #[error("the funds are not what the message takes")]
    Funds,
    /// Too little for this capacity. Send more, or take on less.
    #[error("the capacity asks for a stake of {needed}")]
    Stake {
        /// Smallest units.
        needed: u128,
    },
    /// Workers have to be confirmed, and nobody is named who does it. Name an approver.
    #[error("terms that want workers approved need an approver")]
    NoApprover,
    /// What was confirmed is not what is on record now. Read it, verify it, confirm again.
    #[error("the worker has other evidence now than was confirmed")]
    OtherEvidence,
    /// More than any stake can be.
    #[error("the stake can grow no further")]
    StakeFull,
    /// The window has not ended.
    #[error("the window has not ended")]
    NotOver,
    /// Nobody knows any more whether it was answered.
    #[error("the window is too long ago")]
    TooOld,
    /// The worker was not there then.
    #[error("the worker owed no answer in that window")]
    NotOwed,
    /// The worker has paid for it, was away, or answered while it waited.
    #[error("the window was reported before, or nothing is owed for it")]
    Punished,
    /// The ledger itself was not heard in that window: it may have stood still.
    #[error("no message was taken in that window")]
    Unheard,
    /// Nothing is left to take.
    #[error("the worker has no stake")]
    NoStake,
    /// A counter is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
    /// What is stored does not read back. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
}

impl From<RowError> for WorkersError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Damaged(table) => Self::Damaged(table),
            RowError::Exhausted(what) => Self::Exhausted(what),
        }
    }
}
