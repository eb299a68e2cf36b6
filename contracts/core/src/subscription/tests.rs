#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::subscription;
use crate::tests::{Chance, Map};
use prag_protocol::ledger::coin::Amount;
use prag_protocol::ledger::subscription::{
    AccountRecord, ApiKeyStatus, DAY_SECONDS, Subscription, SubscriptionQuery, SubscriptionReply,
};
use std::collections::BTreeMap;

mod effects;
mod model;
mod money;
mod queries;
mod refusals;
mod rows;

/// A ledger at one height and time, with a bank beside it.
#[derive(Clone)]
struct World {
    map: Map,
    env: Env,
    /// What the contract really has.
    bank: BTreeMap<String, u128>,
    /// What it sent to each account.
    sent: BTreeMap<(String, String), u128>,
}

const NOW: u64 = 1_000_000;
const DAY: u64 = DAY_SECONDS;

/// Funds as (denomination, units).
type Coins<'a> = &'a [(&'a str, u128)];

impl World {
    fn empty() -> Self {
        let env = Env { height: 7, time: NOW };
        let mut map = Map::default();
        subscription::instantiate(&mut map, &account("admin")).unwrap();
        Self { map, env, bank: BTreeMap::new(), sent: BTreeMap::new() }
    }

    /// Plan 1: 3000 uscrt for 30 days, 5 days of grace, 10 % fee, 3 keys.
    /// Plan 2: 700 uatom for a week, no grace, no fee, 1 key.
    fn new() -> Self {
        let mut world = Self::empty();
        world.ok("admin", &[], plan(1, 3000, "uscrt", 30 * DAY, 5 * DAY, 1000, 3));
        world.ok("admin", &[], plan(2, 700, "uatom", 7 * DAY, 0, 0, 1));
        world
    }

    /// With "ann" just subscribed to plan 1.
    fn with_ann() -> Self {
        let mut world = Self::new();
        world.ok("ann", PRICE, subscribe(1));
        world
    }

    fn run(
        &mut self,
        who: &str,
        funds: Coins,
        message: SubscriptionMsg,
    ) -> Result<Outcome, SubscriptionError> {
        let coins: Vec<_> = funds
            .iter()
            .map(|(denom, amount)| Funds { denom: (*denom).to_owned(), amount: *amount })
            .collect();
        let done = subscription::execute(&mut self.map, &self.env, &account(who), &coins, message)?;
        for coin in coins {
            *self.bank.entry(coin.denom).or_default() += coin.amount;
        }
        for Payment { to, denom, amount } in &done.payments {
            assert!(*amount > 0, "chains refuse empty payments");
            let bank = self.bank.get_mut(denom).expect("paid from nothing");
            *bank = bank.checked_sub(*amount).expect("paid more than there is");
            *self.sent.entry((name(to), denom.clone())).or_default() += amount;
        }
        Ok(done)
    }

    fn ok(&mut self, who: &str, funds: Coins, message: SubscriptionMsg) -> Vec<Event> {
        let shown = format!("{who} {message:?}");
        match self.run(who, funds, message) {
            Ok(done) => done.events,
            Err(error) => panic!("{shown}: {error}"),
        }
    }

    /// Refused for this reason, and nothing changed.
    fn refuses(
        &mut self,
        who: &str,
        funds: Coins,
        message: SubscriptionMsg,
        reason: SubscriptionError,
    ) {
        let before = self.map.clone();
        let shown = format!("{who}: {message:?}");
        assert_eq!(self.run(who, funds, message), Err(reason), "{shown}");
        assert_eq!(self.map, before, "{shown} left a trace");
    }

    fn ask(&self, who: &str, query: SubscriptionQuery<()>) -> SubscriptionReply {
        self.asked(Some(who), query).unwrap()
    }

    fn asked(
        &self,
        who: Option<&str>,
        query: SubscriptionQuery<()>,
    ) -> Result<SubscriptionReply, SubscriptionError> {
        subscription::query(&self.map, &self.env, who.map(account).as_ref(), &query)
    }

    fn active(&self, who: &str) -> bool {
        let query = SubscriptionQuery::SubscriberStatus { public_key: account(who) };
        match self.ask("nobody", query) {
            SubscriptionReply::Status(status) => status.active,
            other => panic!("{other:?}"),
        }
    }

    fn subscription(&self, who: &str) -> Option<Subscription> {
        let subscriber = account(who);
        let query = SubscriptionQuery::SubscriptionWithPermit { subscriber, permit: () };
        match self.ask(who, query) {
            SubscriptionReply::Subscription(subscription) => subscription,
            other => panic!("{other:?}"),
        }
    }

    fn api_key(&self, key: u8) -> Option<ApiKeyStatus> {
        match self.ask("worker", SubscriptionQuery::ApiKey { hash: [key; 32] }) {
            SubscriptionReply::ApiKey(status) => status,
            other => panic!("{other:?}"),
        }
    }

    fn account(&self, denom: &str) -> AccountRecord {
        let denom = denom.parse().unwrap();
        match self.ask("nobody", SubscriptionQuery::Account { denom }) {
            SubscriptionReply::Account(account) => account.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    fn sent_to(&self, who: &str, denom: &str) -> u128 {
        self.sent.get(&(who.to_owned(), denom.to_owned())).copied().unwrap_or(0)
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.env.time += seconds;
        self.env.height += 1;
        self
    }
}

/// Of plans 1 and 2.
const PRICE: Coins<'static> = &[("uscrt", 3000)];
const OTHER_PRICE: Coins<'static> = &[("uatom", 700)];

fn account(name: &str) -> Address {
    format!("secret1{name}").parse().unwrap()
}

fn name(address: &Address) -> String {
    address.as_str().trim_start_matches("secret1").to_owned()
}

fn plan(
    id: u32,
    price: u128,
    denom: &str,
    period_seconds: u64,
    grace_seconds: u64,
    refund_fee_bp: u32,
    api_keys: u32,
) -> SubscriptionMsg {
    SubscriptionMsg::MakePlan {
        id,
        price: price.try_into().unwrap(),
        denom: denom.parse().unwrap(),
        period_seconds,
        grace_seconds,
        refund_fee_bp,
        api_keys,
        units: 500,
    }
}

fn retire(plan: u32) -> SubscriptionMsg {
    SubscriptionMsg::RetirePlan { plan }
}

fn subscribe(plan: u32) -> SubscriptionMsg {
    SubscriptionMsg::Subscribe { plan }
}

fn upgrade(plan: u32) -> SubscriptionMsg {
    SubscriptionMsg::Upgrade { plan }
}

fn renew() -> SubscriptionMsg {
    SubscriptionMsg::Renew {}
}

fn cancel() -> SubscriptionMsg {
    SubscriptionMsg::Cancel {}
}

fn settle(who: &str) -> SubscriptionMsg {
    SubscriptionMsg::Settle { subscriber: account(who) }
}

fn withdraw(denom: &str, amount: u128) -> SubscriptionMsg {
    let denom = denom.parse().unwrap();
    let amount = Amount::try_from(amount).unwrap();
    SubscriptionMsg::Withdraw { denom, amount, to: account("treasury") }
}

fn register(who: &str) -> SubscriptionMsg {
    SubscriptionMsg::RegisterSubscriber { public_key: account(who) }
}

fn remove(who: &str) -> SubscriptionMsg {
    SubscriptionMsg::RemoveSubscriber { public_key: account(who) }
}

fn set_admin(who: &str) -> SubscriptionMsg {
    SubscriptionMsg::SetAdmin { public_address: account(who) }
}

fn accept() -> SubscriptionMsg {
    SubscriptionMsg::AcceptAdmin {}
}

fn add_key(key: u8) -> SubscriptionMsg {
    SubscriptionMsg::AddApiKey { api_key: [key; 32], identity: None, name: None, created: None }
}

fn add_key_for(key: u8, who: &str) -> SubscriptionMsg {
    let identity = Some(account(who));
    SubscriptionMsg::AddApiKey { api_key: [key; 32], identity, name: None, created: None }
}

fn revoke_key(key: u8) -> SubscriptionMsg {
    SubscriptionMsg::RevokeApiKey { api_key: [key; 32] }
}
