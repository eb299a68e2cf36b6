//! Why the subscription contract refuses.
//!
//! Layer: core, subscription.
//! Holds: one enum; each variant says what the caller can do.
//! Never: content; accounts, hashes of keys.
//! Invariant: an absent key and another's answer alike.

use crate::RowError;
use prag_protocol::ledger::BoundError;

/// Why a transition or query was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// A field is outside its bounds. Not retryable as it is.
    #[error(transparent)]
    Bound(#[from] BoundError),
    /// The contract has an admin already.
    #[error("the contract has an admin already")]
    Instantiated,
    /// The contract has no admin yet. Instantiate it.
    #[error("the contract has no admin yet")]
    NoAdmin,
    /// Only the admin may.
    #[error("only the admin may do this")]
    NotAdmin,
    /// Only the account that the admin proposed may.
    #[error("only the proposed admin may accept")]
    NotProposed,
    /// The caller is neither the admin nor the account in question, or shows no permit.
    #[error("the caller may not see this")]
    Forbidden,
    /// The plan's id was used before. Choose another.
    #[error("the plan id was used before")]
    PlanExists,
    /// No such plan.
    #[error("there is no such plan")]
    NoPlan,
    /// The plan takes neither subscriptions nor renewals. Choose another.
    #[error("the plan is retired")]
    PlanRetired,
    /// Registered already.
    #[error("the account is registered already")]
    Registered,
    /// The account is no subscriber.
    #[error("the account is no subscriber")]
    NoSubscriber,
    /// The account has no live subscription. Subscribe first.
    #[error("the account has no live subscription")]
    NotActive,
    /// A plan is running. Renew, upgrade or cancel it.
    #[error("a plan is running: renew, upgrade or cancel it")]
    Running,
    /// No plan is running: none was paid, or it is cancelled or over. Subscribe.
    #[error("no plan is running: subscribe")]
    NotRunning,
    /// The running plan is that one already. Renew it.
    #[error("the running plan is that one already: renew it")]
    SamePlan,
    /// As many periods are paid ahead as can be. Wait for the next one to begin.
    #[error("at most {max} periods can be paid ahead")]
    PaidAhead {
        /// The bound.
        max: u64,
    },
    /// The hash is a key's already. Draw another key.
    #[error("the key is in use")]
    KeyTaken,
    /// No such key, or not the sender's; on purpose we do not say which.
    #[error("the key is absent or not the sender's")]
    NoKey,
    /// As many keys as the plan allows, or more. Revoke some, or take another plan.
    #[error("the plan allows {max} keys")]
    KeysFull {
        /// The bound.
        max: u32,
    },
    /// The message takes no funds. Send it without.
    #[error("the message takes no funds")]
    NoFunds,
    /// Something else than one coin of the plan's denomination came along.
    #[error("the price must come as one coin of the plan's denomination")]
    Denomination,
    /// Too little or too much came along.
    #[error("exactly {price} must come along")]
    Price {
        /// Of the plan's denomination.
        price: u128,
    },
    /// Nothing was ever paid in this denomination.
    #[error("nothing was ever paid in this denomination")]
    UnknownDenom,
    /// More than is earned. Settle subscribers, or wait.
    #[error("only {earned} is earned so far")]
    NotEarned {
        /// Smallest units.
        earned: u128,
    },
    /// A number is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
    /// What is stored does not read back, or does not add up. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
}

impl From<RowError> for SubscriptionError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Damaged(table) => Self::Damaged(table),
            RowError::Exhausted(what) => Self::Exhausted(what),
        }
    }
}
