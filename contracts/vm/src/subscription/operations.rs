//! What is measured: messages and questions, each from the same state.
//!
//! Layer: vm, subscription.
//! Holds: a state with as many subscribers as wanted, and one step per operation.
//! Never: an operation that is refused; a state that no history leads to.
//! Invariant: only the number of stored subscribers, each with a key, differs between two measurements.

use super::story::{DAY, amount, key, plan, register};
use super::{Act, DENOM, Step, admin, coins};
use crate::access::{Cast, START};
use crate::{EngineError, Rows};
use prag_contracts_core::{Env, subscription};
use prag_contracts_permit::testing::{Person, account};
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};

/// Two plans and that many subscribers: the first has paid, the others are registered, each has a key.
///
/// # Errors
/// [`EngineError`] if the core refuses a message.
pub fn stocked(cast: &Cast, prefix: &str, subscribers: u32) -> Result<Rows, EngineError> {
    let mut rows = Rows::default();
    let Cast { reader, .. } = cast;
    let boss = admin(cast);
    subscription::instantiate(&mut rows, &boss.address).map_err(EngineError::new)?;
    let mut run = |env: Env, by: &Person, message: SubscriptionMsg, paid: u128| {
        let told = subscription::execute(&mut rows, &env, &by.address, &coins(paid), message);
        told.map(|_| ()).map_err(EngineError::new)
    };
    // So that something can be withdrawn.
    let subscriber = reader.address.clone();
    let earned = SubscriptionMsg::Settle { subscriber };
    let mut tell = |by, message, paid| run(START, by, message, paid);
    tell(boss, plan(1, 3000).map_err(EngineError::new)?, 0)?;
    tell(boss, plan(2, 7000).map_err(EngineError::new)?, 0)?;
    tell(reader, SubscriptionMsg::Subscribe { plan: 1 }, 3000)?;
    tell(reader, key(0x41, None), 0)?;
    for number in 1..subscribers {
        let subscriber = account(prefix, number).map_err(EngineError::new)?;
        tell(boss, register(&subscriber), 0)?;
        let mut api_key = [0x99; 32];
        api_key[..4].copy_from_slice(&number.to_be_bytes());
        let identity = Some(subscriber);
        let message = SubscriptionMsg::AddApiKey { api_key, identity, name: None, created: None };
        tell(boss, message, 0)?;
    }
    run(days(1), reader, earned, 0)?;
    Ok(rows)
}

/// One step per operation.
///
/// # Errors
/// [`EngineError`] with the text of a constant that is not what it has to be.
pub fn operations(cast: &Cast) -> Result<Vec<Step<'_>>, EngineError> {
    let Cast { reader, worker, stranger, .. } = cast;
    let boss = admin(cast);
    let (subscriber, public_key) = (reader.address.clone(), reader.address.clone());
    let withdraw = SubscriptionMsg::Withdraw {
        denom: DENOM.parse().map_err(EngineError::new)?,
        amount: amount(1).map_err(EngineError::new)?,
        to: worker.address.clone(),
    };
    let told = [
        ("register_subscriber", boss, register(&stranger.address), 0),
        ("remove_subscriber", boss, SubscriptionMsg::RemoveSubscriber { public_key }, 0),
        ("add_api_key", reader, key(0x42, None), 0),
        ("revoke_api_key", reader, SubscriptionMsg::RevokeApiKey { api_key: [0x41; 32] }, 0),
        ("make_plan", boss, plan(3, 1).map_err(EngineError::new)?, 0),
        ("retire_plan", boss, SubscriptionMsg::RetirePlan { plan: 2 }, 0),
        ("subscribe", stranger, SubscriptionMsg::Subscribe { plan: 1 }, 3000),
        ("renew", reader, SubscriptionMsg::Renew {}, 3000),
        ("upgrade", reader, SubscriptionMsg::Upgrade { plan: 2 }, 7000),
        ("cancel", reader, SubscriptionMsg::Cancel {}, 0),
        ("settle", stranger, SubscriptionMsg::Settle { subscriber }, 0),
        ("withdraw", boss, withdraw, 0),
    ];
    let told = told.map(|(name, by, message, paid)| (name, by, Act::Tell(message, paid)));
    let steps = told.into_iter().chain(questions(cast));
    Ok(steps.map(|(name, by, act)| Step { name, by, act, env: days(2) }).collect())
}

fn questions(cast: &Cast) -> impl Iterator<Item = (&'static str, &Person, Act)> {
    type Query = SubscriptionQuery<String>;
    let Cast { reader, worker, .. } = cast;
    let permit = || "prag_admin".to_owned();
    let (public_key, identity, subscriber) =
        (reader.address.clone(), reader.address.clone(), reader.address.clone());
    let asked = [
        ("query subscriber_status", worker, Query::SubscriberStatus { public_key }),
        ("query api_key", worker, Query::ApiKey { hash: [0x41; 32] }),
        ("query plan", worker, Query::Plan { plan: 1 }),
        (
            "query api_keys_by_identity",
            reader,
            Query::ApiKeysByIdentityWithPermit { identity, permit: permit() },
        ),
        (
            "query subscription",
            reader,
            Query::SubscriptionWithPermit { subscriber, permit: permit() },
        ),
    ];
    asked.into_iter().map(|(name, by, query)| (name, by, Act::Ask(query)))
}

fn days(number: u64) -> Env {
    let time = START.time.saturating_add(DAY.saturating_mul(number));
    Env { height: START.height, time }
}
