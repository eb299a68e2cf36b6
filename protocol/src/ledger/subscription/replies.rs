//! What the subscription contract answers.
//!
//! Layer: protocol, ledger part.
//! Holds: one struct for each answer.
//! Never: who may have it (contracts/core decides).
//! Invariant: an answer is what the documented query answers, or that and more fields.

use super::{AccountRecord, KeyName, PlanRecord, RunningRecord};
use crate::Address;
#[cfg(feature = "schema")]
use crate::ledger::schema::{AmountText, Hex32};
use crate::ledger::{amount, hex32};
use serde::{Deserialize, Serialize};

/// An answer. The documented ones have no tag, so whoever asked reads the struct of its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SubscriptionReply {
    /// For `get_admin`.
    Admin(Address),
    /// For `subscriber_status` and `subscriber_status_with_permit`.
    Status(SubscriberStatus),
    /// For `api_keys` and `api_keys_with_permit`.
    ApiKeys(ApiKeyHashes),
    /// For `api_keys_by_identity_with_permit`.
    ApiKeyDetails(ApiKeyDetails),
    /// For `query_identity_by_api_key_hash`; `None` if the key is nobody's.
    Identity(Option<Identity>),
    /// For `api_key`; `None` if the key is nobody's.
    ApiKey(Option<ApiKeyStatus>),
    /// For `subscription_with_permit`; `None` if the account is no subscriber.
    Subscription(Option<Subscription>),
    /// For `subscribers_with_permit`.
    Subscribers(SubscriberPage),
    /// For `plan`; `None` if there is none.
    Plan(Option<PlanRecord>),
    /// For `plans`.
    Plans(PlanPage),
    /// For `account`; `None` if nothing was ever paid in this denomination.
    Account(Option<AccountRecord>),
}

/// Whether an account may be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubscriberStatus {
    /// Registered, or within a paid plan or its grace.
    pub active: bool,
}

/// A page of key hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyHashes {
    /// This page.
    pub api_keys: Vec<ApiKeyHash>,
    /// Rows in all.
    pub total: u32,
}

/// A key's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyHash {
    /// SHA-256.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub hashed_key: [u8; 32],
}

/// All keys of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyDetails {
    /// In no particular order.
    pub api_keys: Vec<ApiKeyDetail>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyDetail {
    /// SHA-256.
    #[serde(with = "hex32")]
    #[cfg_attr(feature = "schema", schemars(with = "Hex32"))]
    pub api_key: [u8; 32],
    /// What its owner calls it.
    pub name: Option<KeyName>,
    /// Unix seconds.
    pub created: u64,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identity {
    /// The account.
    pub identity: Address,
}

/// What a worker needs to serve the bearer of a key, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ApiKeyStatus {
    /// Ledger height of this answer.
    pub height: u64,
    /// Time of that height's header, Unix seconds.
    pub time: u64,
    /// Whose key it is: the grantee whose rights it carries.
    pub subscriber: Address,
    /// May be served now.
    pub live: bool,
    /// What for; `None` while nothing is live, and for a registered account without a plan.
    pub terms: Option<Terms>,
}

/// What a live plan allows now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Terms {
    /// Which plan.
    pub plan: u32,
    /// Units from `period_start` on, until `period_end`.
    pub units: u64,
    /// Unix seconds.
    pub period_start: u64,
    /// Unix seconds; the next period has units of its own.
    pub period_end: u64,
    /// Unix seconds; nothing is served from this second on, unless it is renewed.
    pub live_until: u64,
}

/// An account's subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subscription {
    /// By the admin.
    pub registered: bool,
    /// May be served now.
    pub active: bool,
    /// The last plan that it paid for.
    pub running: Option<RunningRecord>,
    /// What that allows now.
    pub terms: Option<Terms>,
    /// What `cancel` would refund now, in the plan's denomination.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub refund: u128,
    /// How many API keys it has.
    pub api_keys: u32,
}

/// A page of subscribers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubscriberPage {
    /// This page.
    pub subscribers: Vec<Address>,
    /// Rows in all.
    pub total: u32,
}

/// A page of plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanPage {
    /// This page.
    pub plans: Vec<PlanRecord>,
    /// Rows in all.
    pub total: u32,
}
