//! Questions that are answered here, from rows that are proven.
//!
//! Layer: `cosmos`, below `rows`.
//! Holds: for each contract of ours, how its core answers.
//! Never: a contract's answer as a node tells it; a caller whom only a permit makes known.
//! Invariant: an answer follows from the rows that the core reads, and the header's height and time: from nothing else.

use crate::CosmosError;
use prag_contracts_core::{AccessError, Env, Kv, access, rewards, subscription, workers};
use prag_protocol::ledger::rewards::{RewardsQuery, RewardsReply};
use prag_protocol::ledger::subscription::{SubscriptionQuery, SubscriptionReply};
use prag_protocol::ledger::workers::{WorkersQuery, WorkersReply};
use prag_protocol::ledger::{AccessQuery, AccessReply};
use rewards::RewardsError;
use subscription::SubscriptionError;
use workers::WorkersError;

/// What can be asked of a contract's rows. Addresses in it, and in the answer, are as the chain spells them.
pub trait Question: Sync {
    /// What the answer is.
    type Answer: Send;

    /// Answers over `rows` under the header `env`. May be called several times for one answer: a row that is not known
    /// yet looks absent, is then proven, and the question is put again.
    ///
    /// # Errors
    /// [`CosmosError::Damaged`] where a row does not read back; [`CosmosError::Refused`] with the core's words.
    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<Self::Answer, CosmosError>;
}

impl Question for AccessQuery {
    type Answer = AccessReply;

    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<AccessReply, CosmosError> {
        access::query(rows, env, self.clone()).map_err(|error| match error {
            AccessError::Damaged(_) => CosmosError::Damaged(env.height),
            other => CosmosError::Refused(other.to_string()),
        })
    }
}

impl Question for WorkersQuery {
    type Answer = WorkersReply;

    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<WorkersReply, CosmosError> {
        workers::query(rows, env, self.clone()).map_err(|error| match error {
            WorkersError::Damaged(_) => CosmosError::Damaged(env.height),
            other => CosmosError::Refused(other.to_string()),
        })
    }
}

impl Question for RewardsQuery {
    type Answer = RewardsReply;

    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<RewardsReply, CosmosError> {
        rewards::query(rows, env, self.clone()).map_err(|error| match error {
            RewardsError::Damaged(_) => CosmosError::Damaged(env.height),
            other => CosmosError::Refused(other.to_string()),
        })
    }
}

/// As anybody asks: what only a permit opens is refused.
impl Question for SubscriptionQuery<()> {
    type Answer = SubscriptionReply;

    fn answer(&self, rows: &dyn Kv, env: &Env) -> Result<SubscriptionReply, CosmosError> {
        subscription::query(rows, env, None, self).map_err(|error| match error {
            SubscriptionError::Damaged(_) => CosmosError::Damaged(env.height),
            other => CosmosError::Refused(other.to_string()),
        })
    }
}
