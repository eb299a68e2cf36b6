//! What the subscription contract stores and says: plans, subscribers, API keys, accounts.
//!
//! Layer: protocol, ledger part.
//! Holds: integers, fixed bytes and bounded text, shared by contracts, server and client.
//! Never: API keys, only their SHA-256; permits, whose shape is the shell's.
//! Invariant: a message that passes [`SubscriptionMsg::check`] is bounded in every field.
//!
//! The messages and queries that Secret AI's SubscriptionManager documents keep their names and
//! fields, with three differences: `public_key` and `identity` are accounts, since accounts are what
//! a chain authenticates; `api_key` is the SHA-256 of a key as 64 hexadecimal digits, since a key
//! that was once in a message is no secret; and an admin is set in two steps.

mod messages;
mod name;
mod queries;
mod records;
mod replies;

pub use messages::SubscriptionMsg;
pub use name::{KeyName, KeyNameError};
pub use queries::SubscriptionQuery;
pub use records::{
    AccountRecord, AdminRecord, ApiKeyRecord, PlanRecord, RunningRecord, SubscriberRecord,
};
pub use replies::{
    ApiKeyDetail, ApiKeyDetails, ApiKeyHash, ApiKeyHashes, ApiKeyStatus, Identity, PlanPage,
    SubscriberPage, SubscriberStatus, Subscription, SubscriptionReply, Terms,
};

/// Longest period of a plan, seconds (ten years of 366 days).
pub const PERIOD_SECONDS_MAX: u64 = 3660 * 86_400;
/// What refunds are counted in, seconds: a day that has begun is not refunded.
pub const DAY_SECONDS: u64 = 86_400;
/// Most periods that can be paid and not yet have begun.
pub const PERIODS_AHEAD_MAX: u64 = 12;
/// Most API keys of one subscriber, whatever its plan.
pub const API_KEYS_MAX: u32 = 16;

#[cfg(test)]
mod tests;
