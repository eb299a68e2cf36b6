//! What the subscription contract stores.
//!
//! Layer: protocol, ledger part.
//! Holds: one struct per stored record.
//! Never: who may change them (contracts/core decides).
//! Invariant: integers only; what follows from the time is computed, not stored.

use super::KeyName;
use crate::Address;
use crate::ledger::amount;
use crate::ledger::coin::{Amount, Denom};
#[cfg(feature = "schema")]
use crate::ledger::schema::AmountText;
use serde::{Deserialize, Serialize};

/// Who runs the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdminRecord {
    /// Makes plans, registers, removes and withdraws.
    pub admin: Address,
    /// Becomes the admin as soon as it accepts.
    pub proposed: Option<Address>,
}

/// What can be subscribed to. Nothing of it ever changes, but that it is retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanRecord {
    /// Chosen by the admin, used once.
    pub id: u32,
    /// Price of one period.
    pub price: Amount,
    /// What the price is in.
    pub denom: Denom,
    /// Length of one period, seconds.
    pub period_seconds: u64,
    /// After the last paid period: so long the service goes on and a renewal is taken, seconds.
    pub grace_seconds: u64,
    /// What is kept of a refund that the subscriber asked for, in basis points.
    pub refund_fee_bp: u32,
    /// Most API keys of one subscriber.
    pub api_keys: u32,
    /// Units that may be used in one period.
    pub units: u64,
    /// Takes subscriptions and renewals. What is paid runs on, and is refunded, also when it is not.
    pub active: bool,
}

/// Somebody who has, or had, a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubscriberRecord {
    /// The admin registered it: it is active without a plan, until it is removed.
    pub registered: bool,
    /// The last plan that it paid for.
    pub running: Option<RunningRecord>,
}

/// A paid plan: running, in its grace, cancelled or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunningRecord {
    /// Which plan.
    pub plan: u32,
    /// Unix seconds; every period begins a whole number of periods later.
    pub start: u64,
    /// Unix seconds; paid for until this second.
    pub paid_until: u64,
    /// Cancelled: neither grace nor renewal.
    pub cancelled: bool,
    /// What a refund may still claim, as of the last touch; the true claim is never more.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub reserved: u128,
}

/// An API key; its row lies under its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRecord {
    /// Whose.
    pub identity: Address,
    /// What its owner calls it.
    pub name: Option<KeyName>,
    /// Unix seconds, as its owner gave it, or the time of the message.
    pub created: u64,
}

/// All that ever came and went in one denomination. Held = paid in - refunded - withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountRecord {
    /// By subscribers.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub paid_in: u128,
    /// To subscribers.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub refunded: u128,
    /// By the admin.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub withdrawn: u128,
    /// The sum of what every subscriber's refund may still claim; the admin cannot withdraw it.
    #[serde(with = "amount")]
    #[cfg_attr(feature = "schema", schemars(with = "AmountText"))]
    pub reserved: u128,
}
