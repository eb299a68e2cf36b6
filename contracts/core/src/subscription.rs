//! The subscription contract: plans, subscribers, API keys, and money that is accounted for.
//!
//! Layer: core.
//! Holds: the entry points, what happened, and what is to be paid.
//! Never: who signed, and whether funds came; the shell has verified both. API keys, only their hashes.
//! Invariant: what was paid in = refunded + withdrawn + held, and held covers every refund that can
//! still be claimed. Every message and query touches a bounded number of rows, however many are
//! stored; a refusal changes none.
//!
//! How the account stays exact without a job: a running plan reserves what its refund could claim
//! when it was last touched, and the account reserves the sum. A claim only shrinks as time passes,
//! so the sum is never too small; `settle` shrinks one of its parts to the claim of now. What is
//! held and not reserved is earned, and only that can be withdrawn.

mod account;
mod admin;
mod api_keys;
mod error;
mod keys;
mod paying;
mod plans;
mod query;
mod settling;
mod subscribers;
mod time;

pub use admin::instantiate;
pub use error::SubscriptionError;
pub use query::query;

use crate::funds::{Funds, Payment};
use crate::kv::Staged;
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::amount;
use prag_protocol::ledger::coin::Denom;
use prag_protocol::ledger::subscription::{ApiKeyRecord, PlanRecord, SubscriptionMsg};
use serde::Serialize;

/// What a transition did; a repetition that changed nothing has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of the message")]
pub enum Event {
    /// Another admin is proposed, or none is any more.
    AdminProposed { proposed: Option<Address> },
    /// The contract has another admin.
    AdminSet { admin: Address },
    /// An account is active without a plan.
    Registered { subscriber: Address },
    /// An account is no subscriber any more.
    Removed { subscriber: Address },
    /// A plan can be subscribed to.
    PlanMade { plan: u32 },
    /// A plan cannot any more.
    PlanRetired { plan: u32 },
    /// A first period is paid.
    Subscribed { subscriber: Address, plan: u32, paid_until: u64 },
    /// Another period is paid.
    Renewed { subscriber: Address, paid_until: u64 },
    /// A plan ends at `paid_until`.
    Cancelled { subscriber: Address, paid_until: u64 },
    /// A first period of another plan is paid.
    Upgraded { subscriber: Address, plan: u32, paid_until: u64 },
    /// So much more is earned.
    Settled {
        subscriber: Address,
        #[serde(with = "amount")]
        earned: u128,
    },
    /// An account has another key.
    ApiKeyAdded { subscriber: Address },
    /// An account has a key less.
    ApiKeyRevoked { subscriber: Address },
    /// The admin was paid, or had somebody paid.
    Withdrawn {
        denom: Denom,
        #[serde(with = "amount")]
        amount: u128,
    },
}

/// What a message led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What happened.
    pub events: Vec<Event>,
    /// What the shell must send, all of it or the whole message fails.
    pub payments: Vec<Payment>,
}

/// Runs one message of `sender`, whom the shell has authenticated.
///
/// `env` is the header of the height that the message becomes part of. `funds` is what came with the
/// message and is the contract's already; on a refusal the shell's transaction gives it back.
///
/// # Errors
/// [`SubscriptionError`] says why; `kv` is then as it was.
pub fn execute(
    kv: &mut dyn Kv,
    env: &Env,
    sender: &Address,
    funds: &[Funds],
    message: SubscriptionMsg,
) -> Result<Outcome, SubscriptionError> {
    message.check()?;
    let mut staged = Staged::over(kv);
    let mut step = Step { kv: &mut staged, env, sender, funds, payments: Vec::new() };
    let event = step.run(message)?;
    let payments = step.payments;
    staged.keep();
    Ok(Outcome { events: event.into_iter().collect(), payments })
}

/// One message on its way. The modules beside this one add its verbs.
struct Step<'a> {
    kv: &'a mut dyn Kv,
    env: &'a Env,
    sender: &'a Address,
    funds: &'a [Funds],
    payments: Vec<Payment>,
}

/// `None` where the message repeats what already holds.
type Done = Result<Option<Event>, SubscriptionError>;

impl Step<'_> {
    fn run(&mut self, message: SubscriptionMsg) -> Done {
        if !self.funds.is_empty() && !takes_funds(&message) {
            return Err(SubscriptionError::NoFunds);
        }
        match message {
            SubscriptionMsg::RegisterSubscriber { public_key } => self.register(public_key),
            SubscriptionMsg::RemoveSubscriber { public_key } => self.remove(public_key),
            SubscriptionMsg::SetAdmin { public_address } => self.set_admin(public_address),
            SubscriptionMsg::AcceptAdmin {} => self.accept_admin(),
            SubscriptionMsg::AddApiKey { api_key, identity, name, created } => {
                let identity = identity.unwrap_or_else(|| self.sender.clone());
                let created = created.unwrap_or(self.env.time);
                self.add_api_key(api_key, ApiKeyRecord { identity, name, created })
            }
            SubscriptionMsg::RevokeApiKey { api_key } => self.revoke_api_key(api_key),
            SubscriptionMsg::RetirePlan { plan } => self.retire_plan(plan),
            SubscriptionMsg::Subscribe { plan } => self.subscribe(plan),
            SubscriptionMsg::Renew {} => self.renew(),
            SubscriptionMsg::Cancel {} => self.cancel(),
            SubscriptionMsg::Upgrade { plan } => self.upgrade(plan),
            SubscriptionMsg::Settle { subscriber } => self.settle(subscriber),
            SubscriptionMsg::Withdraw { denom, amount, to } => self.withdraw(denom, amount, to),
            SubscriptionMsg::MakePlan {
                id,
                price,
                denom,
                period_seconds,
                grace_seconds,
                refund_fee_bp,
                api_keys,
                units,
            } => self.make_plan(&PlanRecord {
                id,
                price,
                denom,
                period_seconds,
                grace_seconds,
                refund_fee_bp,
                api_keys,
                units,
                active: true,
            }),
        }
    }
}

fn takes_funds(message: &SubscriptionMsg) -> bool {
    matches!(
        message,
        SubscriptionMsg::Subscribe { .. }
            | SubscriptionMsg::Renew {}
            | SubscriptionMsg::Upgrade { .. }
    )
}

#[cfg(test)]
mod tests;
