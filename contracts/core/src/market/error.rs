//! Why a transition of the market is refused.
//!
//! Layer: core, market.
//! Holds: each contract's own refusals, and those of the ledger around them.
//! Never: content.
//! Invariant: a refusal changes nothing, and moves no money.

use crate::access::AccessError;
use crate::bank::BankError;
use crate::rewards::RewardsError;
use crate::subscription::SubscriptionError;
use crate::workers::WorkersError;

/// Why, in the contract's own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// The access ledger refuses.
    #[error("access: {0}")]
    Access(#[from] AccessError),
    /// The bank refuses.
    #[error("bank: {0}")]
    Bank(#[from] BankError),
    /// The registry refuses.
    #[error("workers: {0}")]
    Workers(#[from] WorkersError),
    /// The subscriptions refuse.
    #[error("subscription: {0}")]
    Subscription(#[from] SubscriptionError),
    /// The rewards refuse.
    #[error("rewards: {0}")]
    Rewards(#[from] RewardsError),
    /// A message of the bank says itself what moves.
    #[error("a message of the bank takes no funds")]
    Funds,
    /// Send fewer.
    #[error("at most {FUNDS_MAX} coins come along with a message", FUNDS_MAX = prag_protocol::ledger::market::FUNDS_MAX)]
    Coins,
    /// A ledger of its own has one worker.
    #[error("only this ledger's own worker registers here: nobody else's evidence is verified")]
    Stranger,
    /// Set `attested_only` to false.
    #[error("this ledger cannot verify quotes, so its terms cannot ask for that")]
    Attested,
}
