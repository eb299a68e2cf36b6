//! The access contract among accounts and other contracts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

use cosmwasm_std::{Addr, Coin, to_json_binary};
use cw_multi_test::IntoAddr;
use prag_access::OwnMsg;
use prag_contracts_flows::Network;
use prag_contracts_flows::relay::{Pass, PassOn};
use prag_protocol::ledger::{
    AccessMsg, AccessQuery, AccessReply, BuyMsg, GrantRecord, Offer, Placement, Source,
};
use prag_protocol::{Address, CollectionId};

const COLLECTION: CollectionId = CollectionId([0xc0; 16]);

fn address(name: &str) -> Address {
    spelled(&name.into_addr())
}

fn spelled(addr: &Addr) -> Address {
    addr.as_str().parse().unwrap()
}

fn create() -> AccessMsg {
    AccessMsg::CreateCollection { collection: COLLECTION, commitment: [1; 32], epoch: 1 }
}

fn grant(grantee: &str, expires: u64) -> AccessMsg {
    AccessMsg::Grant {
        collection: COLLECTION,
        grantee: address(grantee),
        read: true,
        write: false,
        max_k: 10,
        quota: Some(100),
        expires,
        scope: None,
        delegate: 0,
    }
}

fn place(network: &Network, account: &str) -> AccessMsg {
    let placement = Placement {
        collection: COLLECTION,
        shard: 0,
        epoch: 1,
        worker: [2; 32],
        account: address(account),
        lease_until: network.now() + 3600,
    };
    AccessMsg::Place { placement }
}

fn consume(grantee: &str, units: u64) -> AccessMsg {
    AccessMsg::Consume { collection: COLLECTION, shard: 0, grantee: address(grantee), units }
}

fn record(network: &Network, grantee: &str) -> Option<GrantRecord> {
    let query = AccessQuery::Grant { collection: COLLECTION, grantee: address(grantee) };
    match network.asked(&query).unwrap() {
        AccessReply::Grant(record) => record,
        other => panic!("{other:?}"),
    }
}

fn pass(network: &Network, message: &AccessMsg, may_fail: bool) -> Pass {
    Pass { to: network.access.clone(), message: to_json_binary(message).unwrap(), may_fail }
}

/// A grant serves while its time and its units last, and not after its revocation.
#[test]
fn a_grant_from_birth_to_revocation() {
    let mut network = Network::new().unwrap();
    network.access("owner", &create()).unwrap();
    let expires = network.now() + 600;
    network.access("owner", &grant("reader", expires)).unwrap();
    let placement = place(&network, "worker");
    network.access("owner", &placement).unwrap();

    network.access("worker", &consume("reader", 60)).unwrap();
    let refused = network.access("worker", &consume("reader", 41)).unwrap_err();
    assert_eq!(refused, "only 40 units of the grant are left");
    assert_eq!(record(&network, "reader").unwrap().used, 60);
    let refused = network.access("stranger", &consume("reader", 1)).unwrap_err();
    assert_eq!(refused, "the sender holds no live placement of the shard");

    network.wait(600);
    let refused = network.access("worker", &consume("reader", 1)).unwrap_err();
    assert_eq!(refused, "the grant is absent, revoked or expired");

    let expires = network.now() + 600;
    network.access("owner", &grant("reader", expires)).unwrap();
    network.access("worker", &consume("reader", 1)).unwrap();
    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: address("reader") };
    network.access("owner", &revoke).unwrap();
    network.access("worker", &consume("reader", 1)).unwrap_err();
    network.wait(3600);
    let expires = network.now() + 600;
    network.access("owner", &grant("reader", expires)).unwrap();
    let refused = network.access("worker", &consume("reader", 1)).unwrap_err();
    assert_eq!(refused, "the sender holds no live placement of the shard", "the lease is over");
}

/// A contract may own a collection; who calls it is not its owner.
#[test]
fn a_contract_may_own_a_collection() {
    let mut network = Network::new().unwrap();
    let relay = network.relay.clone();
    let all = PassOn(vec![pass(&network, &create(), false)]);
    network.tell("anybody", &relay, &all, &[]).unwrap();
    let reply = network.asked(&AccessQuery::Collection { collection: COLLECTION }).unwrap();
    let AccessReply::Collection(Some(collection)) = reply else { panic!("{reply:?}") };
    assert_eq!(collection.owner, spelled(&relay));
    let expires = network.now() + 600;
    let refused = network.access("anybody", &grant("reader", expires)).unwrap_err();
    assert_eq!(refused, "the collection is absent or not the sender's");
}

/// One refusal takes the transaction with it: the grant before it was never given.
#[test]
fn a_refused_submessage_undoes_the_ones_before() {
    let mut network = Network::new().unwrap();
    let (relay, expires) = (network.relay.clone(), network.now() + 600);
    let all = PassOn(vec![
        pass(&network, &create(), false),
        pass(&network, &grant("reader", expires), false),
        pass(&network, &create(), false),
    ]);
    let refused = network.tell("anybody", &relay, &all, &[]).unwrap_err();
    assert_eq!(refused, "the collection id was used before");
    let reply = network.asked(&AccessQuery::Collection { collection: COLLECTION }).unwrap();
    assert_eq!(reply, AccessReply::Collection(None));
    assert_eq!(record(&network, "reader"), None);
}

/// A caller that catches refusals finds the state as if the refused message had never been sent.
#[test]
fn a_caught_refusal_leaves_nothing_behind() {
    let mut network = Network::new().unwrap();
    let (relay, expires) = (network.relay.clone(), network.now() + 600);
    let all = PassOn(vec![
        pass(&network, &create(), false),
        pass(&network, &grant("reader", expires), false),
        pass(&network, &consume("reader", 5), true),
        pass(&network, &grant("other", 1), true),
        pass(&network, &grant("third", expires), false),
    ]);
    let response = network.tell("anybody", &relay, &all, &[]).unwrap();
    let refused = |event: &cosmwasm_std::Event| event.attributes.iter().any(|a| a.key == "refused");
    assert_eq!(response.events.iter().filter(|event| refused(event)).count(), 2);
    assert_eq!(record(&network, "reader").unwrap().used, 0);
    assert_eq!(record(&network, "other"), None);
    assert!(record(&network, "third").is_some());
    let query = AccessQuery::Grants { collection: COLLECTION, offset: 0, limit: 10 };
    let AccessReply::Grants { total, rows } = network.asked(&query).unwrap() else { panic!() };
    assert_eq!((total, rows.len()), (2, 2));
}

/// Coins that nobody asked for stay with their owner.
#[test]
fn coins_are_not_swallowed() {
    let mut network = Network::new().unwrap();
    let (access, coins) = (network.access.clone(), [Coin::new(5_u128, "uscrt")]);
    let refused = network.tell("rich", &access, &create(), &coins).unwrap_err();
    assert_eq!(refused, "this message takes no funds");
    let balance = network.app.wrap().query_balance("rich".into_addr(), "uscrt").unwrap();
    assert_eq!(balance.amount.u128(), 1_000_000);
    let reply = network.asked(&AccessQuery::Collection { collection: COLLECTION }).unwrap();
    assert_eq!(reply, AccessReply::Collection(None));
}

/// The price goes to the owner in the transaction that grants, or nothing has happened and the coins are back; the contract
/// keeps none.
#[test]
fn a_sale_pays_the_owner() {
    let mut network = Network::new().unwrap();
    network.access("owner", &create()).unwrap();
    let offer = Offer {
        amount: 700.try_into().unwrap(),
        denom: "uscrt".parse().unwrap(),
        seconds: 600,
        max_k: 10,
        quota: Some(50),
    };
    let (collection, access) = (COLLECTION, network.access.clone());
    let buy = OwnMsg::Buy(BuyMsg { collection, offer: offer.clone() });
    let price = [Coin::new(700_u128, "uscrt")];
    let refused = network.tell("rich", &access, &buy, &price).unwrap_err();
    assert_eq!(refused, "no grant of this collection is for sale");
    let set = AccessMsg::SetPrice { collection, offer: Some(offer) };
    network.access("owner", &set).unwrap();
    let refused = network.tell("rich", &access, &set, &price).unwrap_err();
    assert_eq!(refused, "this message takes no funds");
    for funds in [vec![], vec![Coin::new(699_u128, "uscrt")], vec![Coin::new(701_u128, "uscrt")]] {
        let refused = network.tell("rich", &access, &buy, &funds).unwrap_err();
        assert_eq!(refused, "exactly the price must come along, in one coin");
    }
    assert_eq!((network.has(&"rich".into_addr()), record(&network, "rich")), (1_000_000, None));
    network.tell("rich", &access, &buy, &price).unwrap();
    let grant = record(&network, "rich").unwrap();
    assert_eq!((grant.source, grant.quota), (Source::Sale, Some(50)));
    let balances = ["rich", "owner"].map(|who| network.has(&who.into_addr()));
    assert_eq!((balances, network.has(&access)), ([999_300, 700], 0));

    let placement = place(&network, "worker");
    network.access("owner", &placement).unwrap();
    network.access("worker", &consume("rich", 50)).unwrap();
    network.access("worker", &consume("rich", 1)).unwrap_err();
}

/// A contract that is a delegate grants within its own grant, until its owner takes that.
#[test]
fn a_contract_may_be_a_delegate() {
    let mut network = Network::new().unwrap();
    let (relay, expires) = (network.relay.clone(), network.now() + 600);
    network.access("owner", &create()).unwrap();
    let placement = place(&network, "worker");
    network.access("owner", &placement).unwrap();
    let mut appoint = grant("relay", expires);
    if let AccessMsg::Grant { grantee, delegate, .. } = &mut appoint {
        (*grantee, *delegate) = (spelled(&relay), 1);
    }
    network.access("owner", &appoint).unwrap();
    let all = PassOn(vec![pass(&network, &grant("reader", expires), false)]);
    network.tell("anybody", &relay, &all, &[]).unwrap();
    network.access("worker", &consume("reader", 60)).unwrap();
    let refused = network.access("worker", &consume("reader", 41)).unwrap_err();
    assert_eq!(refused, "only 40 units of the grant are left");
    let revoke = AccessMsg::Revoke { collection: COLLECTION, grantee: spelled(&relay) };
    network.access("owner", &revoke).unwrap();
    network.access("worker", &consume("reader", 1)).unwrap_err();
}

/// Two instances share nothing, and their events do not say that they speak of the same id.
#[test]
fn instances_are_apart() {
    let mut network = Network::new().unwrap();
    let other = network.another().unwrap();
    let shown = |response: cw_multi_test::AppResponse| {
        let attributes = response.events.into_iter().flat_map(|event| event.attributes);
        attributes.filter(|a| a.key == "collection").map(|a| a.value).collect::<Vec<_>>()
    };
    let here = shown(network.access("owner", &create()).unwrap());
    let reply: AccessReply =
        network.ask(&other, &AccessQuery::Collection { collection: COLLECTION }).unwrap();
    assert_eq!(reply, AccessReply::Collection(None));
    let there = shown(network.tell("owner", &other, &create(), &[]).unwrap());
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_ne!(here, there);
    assert!(!here.contains(&COLLECTION.to_string()));
}
