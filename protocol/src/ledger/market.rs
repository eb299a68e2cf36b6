//! The contracts beside access, as one: what a ledger that runs all of them is told and asked.
//!
//! Layer: protocol, ledger part.
//! Holds: envelopes around each contract's own messages, and how all of them begin.
//! Never: a second spelling of a contract's message; permits, since a request to a worker is signed under one.
//! Invariant: every message names its contract, and is that contract's own JSON.

use super::BuyMsg;
use super::bank::{BankInit, BankMsg, BankQuery, BankReply, Coin};
use super::rewards::{RewardsConfig, RewardsMsg, RewardsQuery, RewardsReply, RoyaltyClaim};
use super::subscription::{SubscriptionMsg, SubscriptionQuery, SubscriptionReply};
use super::transaction::SignedTransaction;
use super::workers::{WorkersMsg, WorkersQuery, WorkersReply, WorkersTerms};
use crate::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// A transition of one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MarketMsg {
    /// Of the access ledger: what takes money there.
    Access(AccessPaid),
    /// Of the bank. Takes no funds: they are in the message.
    Bank(BankMsg),
    /// Of the registry.
    Workers(Box<WorkersMsg>),
    /// Of the subscriptions.
    Subscription(SubscriptionMsg),
    /// Of the rewards.
    Rewards(Box<RewardsMsg>),
}

/// A transition of the access ledger that money comes with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessPaid {
    /// Buys a grant.
    Buy(BuyMsg),
}

/// Stands where a contract's query has a permit: the request itself is signed under one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfRequest {}

/// A question to one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MarketQuery {
    /// To the bank.
    Bank(BankQuery),
    /// To the registry.
    Workers(WorkersQuery),
    /// To the subscriptions.
    Subscription(SubscriptionQuery<OfRequest>),
    /// To the rewards.
    Rewards(RewardsQuery),
    /// To the ledger: how its contracts are called.
    Contracts {},
}

/// The answer to the [`MarketQuery`] of the same name. Whoever asked reads the struct of its question, as the answers of
/// subscriptions have no tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketReply {
    /// The bank's.
    Bank(BankReply),
    /// The registry's.
    Workers(WorkersReply),
    /// The subscriptions'.
    Subscription(Box<SubscriptionReply>),
    /// The rewards'.
    Rewards(Box<RewardsReply>),
    /// The accounts of the contracts.
    Contracts(Contracts),
}

/// The accounts under which contracts hold money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// Stakes.
    pub workers: Address,
    /// What subscribers paid.
    pub subscription: Address,
    /// The pool, bonds and deposits.
    pub rewards: Address,
}

/// How all of them begin, at one height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketInit {
    /// Who runs the contracts: admin of all three.
    pub admin: Address,
    /// Money.
    pub bank: BankInit,
    /// The registry's terms; its denomination is the rewards' too.
    pub terms: WorkersTerms,
    /// Length of a rewards epoch, seconds.
    pub epoch_seconds: u64,
    /// Rewards from epoch 0 on. Its treasury receives what is slashed, too.
    pub rewards: RewardsConfig,
}

/// `POST /v1/ledger/execute`: what is to happen, and what its sender signed where the ledger is a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskExecute {
    /// What is to happen.
    pub message: MarketMsg,
    /// What comes along, out of the caller's balance.
    #[serde(default)]
    pub funds: Vec<Coin>,
    /// The sender's own transaction of just this, once the worker has named its terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Box<SignedTransaction>>,
}

/// A transition with what comes along, as an embedded ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecuteMarket {
    /// What is to happen.
    pub message: MarketMsg,
    /// What comes along, out of the caller's balance.
    #[serde(default)]
    pub funds: Vec<Coin>,
}

/// `POST /v1/ledger/royalty`: an owner asks for what its claim has to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskRoyalty {
    /// Of which epoch.
    pub epoch: u64,
    /// For which collection.
    pub collection: CollectionId,
}

/// The worker's part of an owner's claim; `None` where its report has no use of the collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoyaltyShown {
    /// To be sent as `claim`.
    pub royalty: Option<RoyaltyClaim>,
}

/// `POST /v1/ledger/worker`: the ledger's operator or the worker's steward asks the worker to look at its own part now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attend {
    /// Register anew, with fresh evidence.
    Register,
    /// All that it does by itself: register where it must, answer, report, reveal, close, claim.
    Heartbeat,
}

/// What a worker's part in the market looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attended {
    /// Its account.
    pub account: Address,
    /// What it did now, in words.
    pub done: Vec<String>,
    /// What it could not do, and why.
    pub failed: Vec<String>,
}

/// `POST /v1/ledger/worker`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskAttend {
    /// What.
    pub attend: Attend,
}

/// Most coins that come along with one message.
pub const FUNDS_MAX: usize = 4;
