//! The story: plans, keys, paying, renewing, cancelling, upgrading, settling, withdrawing, refusing, asking.
//!
//! Layer: vm, subscription.
//! Holds: the steps in their order.
//! Never: two steps that only succeed.
//! Invariant: steps name no chain; whoever performs them does.

use super::{Act, Step, admin};
use crate::access::{Cast, START};
use prag_contracts_core::Env;
use prag_contracts_permit::testing::Person;
use prag_protocol::Address;
use prag_protocol::ledger::coin::{AMOUNT_MAX, Amount, Denom};
use prag_protocol::ledger::subscription::{SubscriptionMsg, SubscriptionQuery};

type Query = SubscriptionQuery<String>;

/// Every step.
///
/// # Errors
/// The text of the first constant that is not what it has to be.
pub fn story(cast: &Cast) -> Result<Vec<Step<'_>>, String> {
    let mut steps = Steps { all: Vec::new(), time: START.time };
    beginning(&mut steps, cast)?;
    keys(&mut steps, cast)?;
    paying(&mut steps, cast);
    questions(&mut steps, cast);
    ending(&mut steps, cast)?;
    Ok(steps.all)
}

fn beginning<'a>(steps: &mut Steps<'a>, cast: &'a Cast) -> Result<(), String> {
    let Cast { reader, stranger, .. } = cast;
    steps.tell("a stranger makes a plan", stranger, plan(1, 3000)?, 0);
    steps.tell("make a plan", admin(cast), plan(1, 3000)?, 0);
    steps.tell("make it again", admin(cast), plan(1, 4000)?, 0);
    steps.tell("make another", admin(cast), plan(2, AMOUNT_MAX)?, 0);
    steps.tell("a plan with funds", admin(cast), plan(3, 1)?, 5);
    steps.tell("subscribe without paying", reader, SubscriptionMsg::Subscribe { plan: 1 }, 0);
    steps.tell("subscribe for less", reader, SubscriptionMsg::Subscribe { plan: 1 }, 2999);
    steps.tell("subscribe to nothing", reader, SubscriptionMsg::Subscribe { plan: 9 }, 3000);
    steps.tell("subscribe", reader, SubscriptionMsg::Subscribe { plan: 1 }, 3000);
    steps.tell("subscribe again", reader, SubscriptionMsg::Subscribe { plan: 1 }, 3000);
    Ok(())
}

fn keys<'a>(steps: &mut Steps<'a>, cast: &'a Cast) -> Result<(), String> {
    let Cast { reader, stranger, .. } = cast;
    steps.tell("add a key", reader, key(0x41, None), 0);
    steps.tell("add it again", reader, key(0x41, None), 0);
    let named = SubscriptionMsg::AddApiKey {
        api_key: [0x42; 32],
        identity: None,
        name: Some("bücher \"1\"".parse().map_err(|error| format!("{error}"))?),
        created: Some(7),
    };
    steps.tell("add a named one", reader, named, 0);
    steps.tell("a key for a stranger", reader, key(0x43, Some(&stranger.address)), 0);
    steps.tell("of no subscriber", stranger, key(0x43, None), 0);
    steps.tell("register", admin(cast), register(&stranger.address), 0);
    steps.tell("the admin adds a key", admin(cast), key(0x43, Some(&stranger.address)), 0);
    let revoke = |byte| SubscriptionMsg::RevokeApiKey { api_key: [byte; 32] };
    steps.tell("another's key", reader, revoke(0x43), 0);
    steps.tell("revoke a key", reader, revoke(0x41), 0);
    Ok(())
}

fn paying<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let reader = &cast.reader;
    steps.later(3 * DAY + 5);
    steps.tell("renew", reader, SubscriptionMsg::Renew {}, 3000);
    let subscriber = reader.address.clone();
    steps.tell("settle", &cast.worker, SubscriptionMsg::Settle { subscriber }, 0);
    steps.later(2 * DAY);
    let subscriber = reader.address.clone();
    steps.tell("settle later", &cast.worker, SubscriptionMsg::Settle { subscriber }, 0);
    steps.tell("upgrade without paying", reader, SubscriptionMsg::Upgrade { plan: 2 }, 0);
    steps.tell("upgrade", reader, SubscriptionMsg::Upgrade { plan: 2 }, AMOUNT_MAX);
}

fn questions<'a>(steps: &mut Steps<'a>, cast: &'a Cast) {
    let Cast { reader, worker, stranger, .. } = cast;
    let (mine, other) = (&reader.address, &stranger.address);
    steps.ask("admin", worker, Query::GetAdmin {});
    steps.ask("status", worker, Query::SubscriberStatus { public_key: mine.clone() });
    steps.ask(
        "status of nobody",
        worker,
        Query::SubscriberStatus { public_key: worker.address.clone() },
    );
    for (by, permission) in [
        (reader, "prag_admin"),
        (reader, "prag_query"),
        (worker, "prag_admin"),
        (admin(cast), "prag_admin"),
    ] {
        let permit = || permission.to_owned();
        let (public_key, identity, subscriber) = (mine.clone(), mine.clone(), mine.clone());
        steps.ask(
            "status by permit",
            by,
            Query::SubscriberStatusWithPermit { public_key, permit: permit() },
        );
        steps.ask(
            "keys by permit",
            by,
            Query::ApiKeysWithPermit { permit: permit(), offset: 0, limit: 100 },
        );
        steps.ask(
            "keys of an account",
            by,
            Query::ApiKeysByIdentityWithPermit { identity, permit: permit() },
        );
        steps.ask(
            "a subscription",
            by,
            Query::SubscriptionWithPermit { subscriber, permit: permit() },
        );
        let subscriber = other.clone();
        steps.ask("another's", by, Query::SubscriptionWithPermit { subscriber, permit: permit() });
        steps.ask(
            "subscribers",
            by,
            Query::SubscribersWithPermit { permit: permit(), offset: 0, limit: 10 },
        );
    }
    steps.ask("keys without a permit", reader, Query::ApiKeys { offset: 0, limit: 10 });
    steps.ask("no rows", reader, Query::Plans { offset: 0, limit: 0 });
    steps.ask("whose key", worker, Query::QueryIdentityByApiKeyHash { api_key_hash: [0x42; 32] });
    for hash in [[0x41; 32], [0x42; 32], [0x43; 32]] {
        steps.ask("a key", worker, Query::ApiKey { hash });
    }
    steps.ask("a plan", worker, Query::Plan { plan: 2 });
    steps.ask("no plan", worker, Query::Plan { plan: 7 });
    steps.ask("plans", worker, Query::Plans { offset: 0, limit: 100 });
}

fn ending<'a>(steps: &mut Steps<'a>, cast: &'a Cast) -> Result<(), String> {
    let Cast { reader, worker, stranger, .. } = cast;
    let denom: Denom = super::DENOM.parse().map_err(|error| format!("{error}"))?;
    steps.ask("the account", worker, Query::Account { denom: denom.clone() });
    let withdraw = |units: u128| -> Result<SubscriptionMsg, String> {
        let (denom, to) = (denom.clone(), worker.address.clone());
        Ok(SubscriptionMsg::Withdraw { denom, amount: amount(units)?, to })
    };
    steps.tell("a stranger withdraws", stranger, withdraw(1)?, 0);
    steps.tell("withdraw too much", admin(cast), withdraw(AMOUNT_MAX)?, 0);
    steps.tell("withdraw", admin(cast), withdraw(100)?, 0);
    steps.later(DAY);
    steps.tell("cancel", reader, SubscriptionMsg::Cancel {}, 0);
    steps.tell("cancel again", reader, SubscriptionMsg::Cancel {}, 0);
    steps.tell("renew what is cancelled", reader, SubscriptionMsg::Renew {}, 3000);
    steps.tell("retire", admin(cast), SubscriptionMsg::RetirePlan { plan: 1 }, 0);
    steps.tell("subscribe to the retired", worker, SubscriptionMsg::Subscribe { plan: 1 }, 3000);
    let remove = SubscriptionMsg::RemoveSubscriber { public_key: reader.address.clone() };
    steps.tell("remove", admin(cast), remove.clone(), 0);
    steps.tell("remove again", admin(cast), remove, 0);
    let propose = SubscriptionMsg::SetAdmin { public_address: stranger.address.clone() };
    steps.tell("propose", admin(cast), propose, 0);
    steps.tell("not proposed", worker, SubscriptionMsg::AcceptAdmin {}, 0);
    steps.tell("accept", stranger, SubscriptionMsg::AcceptAdmin {}, 0);
    steps.ask("the account at the end", worker, Query::Account { denom });
    Ok(())
}

/// Steps so far; each is a block later than the one before.
struct Steps<'a> {
    all: Vec<Step<'a>>,
    time: u64,
}

impl<'a> Steps<'a> {
    fn tell(&mut self, name: &'static str, by: &'a Person, message: SubscriptionMsg, amount: u128) {
        self.add(name, by, Act::Tell(message, amount));
    }

    fn ask(&mut self, name: &'static str, by: &'a Person, query: Query) {
        self.add(name, by, Act::Ask(query));
    }

    fn later(&mut self, seconds: u64) {
        self.time = self.time.saturating_add(seconds);
    }

    fn add(&mut self, name: &'static str, by: &'a Person, act: Act) {
        let blocks = u64::try_from(self.all.len()).unwrap_or(u64::MAX);
        self.later(6);
        let height = START.height.saturating_add(blocks);
        self.all.push(Step { name, by, act, env: Env { height, time: self.time } });
    }
}

pub(super) fn plan(id: u32, price: u128) -> Result<SubscriptionMsg, String> {
    Ok(SubscriptionMsg::MakePlan {
        id,
        price: amount(price)?,
        denom: super::DENOM.parse().map_err(|error| format!("{error}"))?,
        period_seconds: 30 * DAY,
        grace_seconds: 5 * DAY,
        refund_fee_bp: 1000,
        api_keys: 3,
        units: 1_000_000,
    })
}

pub(super) fn key(byte: u8, identity: Option<&Address>) -> SubscriptionMsg {
    let identity = identity.cloned();
    SubscriptionMsg::AddApiKey { api_key: [byte; 32], identity, name: None, created: None }
}

pub(super) fn register(account: &Address) -> SubscriptionMsg {
    SubscriptionMsg::RegisterSubscriber { public_key: account.clone() }
}

pub(super) fn amount(units: u128) -> Result<Amount, String> {
    units.try_into().map_err(|error| format!("{error}"))
}

pub(super) const DAY: u64 = 86_400;
