//! The subscription contract and the bank.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use cosmwasm_std::{Addr, Coin, to_json_binary};
use cw_multi_test::IntoAddr;
use prag_contracts_flows::Network;
use prag_contracts_flows::relay::{Pass, PassOn};
use prag_protocol::Address;
use prag_protocol::ledger::subscription::{
    AccountRecord, SubscriberStatus, SubscriptionMsg, SubscriptionQuery,
};

const DAY: u64 = 86_400;

fn spelled(addr: &Addr) -> Address {
    addr.as_str().parse().unwrap()
}

fn coins(units: u128) -> Vec<Coin> {
    vec![Coin::new(units, "uscrt")]
}

/// A network with plan 1: 3000 uscrt for 30 days, a tenth of a refund is kept.
fn sold() -> Network {
    let mut network = Network::new().unwrap();
    let plan = SubscriptionMsg::MakePlan {
        id: 1,
        price: 3000_u128.try_into().unwrap(),
        denom: "uscrt".parse().unwrap(),
        period_seconds: 30 * DAY,
        grace_seconds: 5 * DAY,
        refund_fee_bp: 1000,
        api_keys: 3,
        units: 100,
    };
    tell(&mut network, "deployer", &plan, &[]).unwrap();
    network
}

fn tell(
    network: &mut Network,
    by: &str,
    message: &SubscriptionMsg,
    funds: &[Coin],
) -> Result<(), String> {
    let contract = network.subscription.clone();
    network.tell(by, &contract, message, funds).map(|_| ())
}

fn account(network: &Network) -> AccountRecord {
    let query = SubscriptionQuery::<()>::Account { denom: "uscrt".parse().unwrap() };
    let record: Option<AccountRecord> = network.ask(&network.subscription, &query).unwrap();
    record.unwrap_or_default()
}

/// What the bank says the contract has is what its account says it holds.
fn conserves(network: &Network) -> AccountRecord {
    let record = account(network);
    let held = record.paid_in - record.refunded - record.withdrawn;
    assert_eq!(network.has(&network.subscription), held);
    record
}

fn withdraw(units: u128) -> SubscriptionMsg {
    SubscriptionMsg::Withdraw {
        denom: "uscrt".parse().unwrap(),
        amount: units.try_into().unwrap(),
        to: spelled(&"treasury".into_addr()),
    }
}

#[test]
fn money_comes_and_goes_to_the_unit() {
    let mut network = sold();
    let (rich, treasury) = ("rich".into_addr(), "treasury".into_addr());
    tell(&mut network, "rich", &SubscriptionMsg::Subscribe { plan: 1 }, &coins(3000)).unwrap();
    network.wait(3 * DAY);
    tell(&mut network, "rich", &SubscriptionMsg::Renew {}, &coins(3000)).unwrap();
    assert_eq!(network.has(&rich), 994_000);
    conserves(&network);
    network.wait(7 * DAY);
    tell(&mut network, "stranger", &SubscriptionMsg::Settle { subscriber: spelled(&rich) }, &[])
        .unwrap();
    // Ten days are served: a thousand is earned, and not a unit more can be withdrawn.
    assert_eq!(conserves(&network).reserved, 5000);
    assert!(tell(&mut network, "deployer", &withdraw(1001), &[]).is_err());
    tell(&mut network, "deployer", &withdraw(1000), &[]).unwrap();
    assert_eq!(network.has(&treasury), 1000);
    conserves(&network);
    // Fifty days are left, and a tenth is kept.
    tell(&mut network, "rich", &SubscriptionMsg::Cancel {}, &[]).unwrap();
    assert_eq!(network.has(&rich), 994_000 + 4500);
    let record = conserves(&network);
    assert_eq!((record.refunded, record.reserved), (4500, 0));
    tell(&mut network, "deployer", &withdraw(500), &[]).unwrap();
    assert_eq!(network.has(&network.subscription), 0);
    let query = SubscriptionQuery::<()>::SubscriberStatus { public_key: spelled(&rich) };
    network.wait(DAY);
    let status: SubscriberStatus = network.ask(&network.subscription, &query).unwrap();
    assert!(!status.active);
}

#[test]
fn whoever_is_removed_is_refunded_whole() {
    let mut network = sold();
    let rich = "rich".into_addr();
    tell(&mut network, "rich", &SubscriptionMsg::Subscribe { plan: 1 }, &coins(3000)).unwrap();
    let remove = SubscriptionMsg::RemoveSubscriber { public_key: spelled(&rich) };
    assert!(tell(&mut network, "stranger", &remove, &[]).is_err());
    tell(&mut network, "deployer", &remove, &[]).unwrap();
    assert_eq!(network.has(&rich), 1_000_000);
    conserves(&network);
}

/// Funds of a refused message go back, whatever the reason.
#[test]
fn a_refusal_keeps_no_money() {
    let mut network = sold();
    let subscribe = SubscriptionMsg::Subscribe { plan: 1 };
    let unknown = SubscriptionMsg::Subscribe { plan: 2 };
    for (message, funds) in [
        (&subscribe, coins(2999)),
        (&subscribe, coins(3001)),
        (&unknown, coins(3000)),
        (&SubscriptionMsg::Cancel {}, coins(1)),
        (&SubscriptionMsg::AcceptAdmin {}, coins(1)),
    ] {
        assert!(tell(&mut network, "rich", message, &funds).is_err(), "{message:?}");
        assert_eq!(network.has(&"rich".into_addr()), 1_000_000);
        assert_eq!(account(&network), AccountRecord::default());
    }
}

/// A bank that does not pay takes the whole message with it.
#[test]
fn a_payment_that_fails_leaves_everything_as_it_was() {
    let mut network = sold();
    tell(&mut network, "rich", &SubscriptionMsg::Subscribe { plan: 1 }, &coins(3000)).unwrap();
    network.wait(3 * DAY);
    let before = account(&network);
    let contract = network.subscription.clone();
    let set = |network: &mut Network, units| {
        network.app.init_modules(|router, _, storage| {
            router.bank.init_balance(storage, &contract, coins(units)).unwrap();
        });
    };
    set(&mut network, 5);
    assert!(tell(&mut network, "rich", &SubscriptionMsg::Cancel {}, &[]).is_err());
    assert_eq!(account(&network), before);
    assert_eq!(network.has(&network.subscription), 5);
    set(&mut network, 3000);
    tell(&mut network, "rich", &SubscriptionMsg::Cancel {}, &[]).unwrap();
    conserves(&network);
}

/// A contract in between is the sender, and has nobody's rights but its own.
#[test]
fn a_relay_is_its_own_sender() {
    let mut network = sold();
    let message = to_json_binary(&SubscriptionMsg::RetirePlan { plan: 1 }).unwrap();
    let pass =
        |may_fail| Pass { to: network.subscription.clone(), message: message.clone(), may_fail };
    let (tolerant, strict) = (PassOn(vec![pass(true)]), PassOn(vec![pass(false)]));
    let relay = network.relay.clone();
    network.tell("deployer", &relay, &tolerant, &[]).unwrap();
    assert!(network.tell("deployer", &relay, &strict, &[]).is_err());
    tell(&mut network, "rich", &SubscriptionMsg::Subscribe { plan: 1 }, &coins(3000)).unwrap();
}
