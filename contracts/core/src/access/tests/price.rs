//! Prices: who sets them, and what is sold for them.

use super::*;
use prag_protocol::ledger::{BuyMsg, GRANT_SECONDS_MAX, INTEGER_MAX, Source};

fn coin(denom: &str, amount: u128) -> Funds {
    Funds { denom: denom.to_owned(), amount }
}

fn buys(
    world: &mut World,
    who: &str,
    funds: &[Funds],
    offer: Offer,
) -> Result<access::Sold, AccessError> {
    let message = BuyMsg { collection: id(1), offer };
    access::buy(&mut world.map, &world.env, &account(who), funds, message)
}

fn refuses(world: &mut World, who: &str, funds: &[Funds], offer: Offer, reason: AccessError) {
    let before = world.map.clone();
    assert_eq!(buys(world, who, funds, offer), Err(reason), "{who}");
    assert_eq!(world.map, before, "a refusal left a trace");
}

fn priced() -> World {
    let mut world = World::new();
    let set = world.ok("owner", set_price(1, Some(7)));
    assert_eq!(set, [Event::PriceSet { collection: id(1) }]);
    assert_eq!(world.ok("owner", set_price(1, Some(7))), []);
    world
}

/// Whoever pays gets the grant, the owner all of the money, and the grantee is in both lists.
#[test]
fn a_sale() {
    let mut world = priced();
    let sold = buys(&mut world, "buyer", &[coin("uscrt", 7)], offer(7)).unwrap();
    let event = Event::Bought { collection: id(1), grantee: account("buyer") };
    let payment = Payment { to: account("owner"), denom: "uscrt".to_owned(), amount: 7 };
    assert_eq!(sold, access::Sold { event, payment });
    let grant = world.grant(1, "buyer");
    assert_eq!((grant.can_read, grant.can_write, grant.max_k), (true, false, 10));
    assert_eq!((grant.quota, grant.used, grant.expires), (Some(10), 0, NOW + 100));
    assert_eq!((grant.source, grant.delegate, grant.scope), (Source::Sale, 0, None));
    world.ok("worker", consume(1, 0, "buyer", 4));
    let shared = AccessQuery::Shared { grantee: account("buyer"), offset: 0, limit: 9 };
    assert_eq!(world.ask(shared), AccessReply::Collections { total: 1, rows: vec![id(1)] });
    world.refuses("buyer", grant_to("friend"), AccessError::Forbidden);
}

fn grant_to(who: &str) -> AccessMsg {
    grant(1, who, None, NOW + 10)
}

/// Buying again adds time and units to what runs; what is over begins anew.
#[test]
fn more_of_it() {
    let mut world = priced();
    let funds = [coin("uscrt", 7)];
    buys(&mut world, "buyer", &funds, offer(7)).unwrap();
    world.ok("worker", consume(1, 0, "buyer", 4));
    world.env.time += 60;
    buys(&mut world, "buyer", &funds, offer(7)).unwrap();
    let grant = world.grant(1, "buyer");
    assert_eq!((grant.quota, grant.used, grant.expires), (Some(20), 4, NOW + 200));
    world.env.time = NOW + 200;
    buys(&mut world, "buyer", &funds, offer(7)).unwrap();
    let grant = world.grant(1, "buyer");
    assert_eq!((grant.quota, grant.used, grant.expires), (Some(10), 0, NOW + 300));

    world.ok(
        "owner",
        AccessMsg::SetPrice { collection: id(1), offer: Some(Offer { max_k: 20, ..offer(7) }) },
    );
    refuses(&mut world, "buyer", &funds, Offer { max_k: 20, ..offer(7) }, AccessError::Holds);
    world.ok(
        "owner",
        AccessMsg::SetPrice { collection: id(1), offer: Some(Offer { quota: None, ..offer(7) }) },
    );
    refuses(&mut world, "buyer", &funds, Offer { quota: None, ..offer(7) }, AccessError::Holds);
}

/// Nothing but the price as it stands, in one coin.
#[test]
fn exactly_the_price() {
    let mut world = priced();
    let bad = [
        vec![],
        vec![coin("uscrt", 6)],
        vec![coin("uscrt", 8)],
        vec![coin("uatom", 7)],
        vec![coin("uscrt", 7), coin("uatom", 1)],
        vec![coin("uscrt", 3), coin("uscrt", 4)],
    ];
    for funds in bad {
        refuses(&mut world, "buyer", &funds, offer(7), AccessError::Price);
    }
    let funds = [coin("uscrt", 7)];
    let others = [
        offer(6),
        Offer { seconds: 101, ..offer(7) },
        Offer { max_k: 11, ..offer(7) },
        Offer { quota: None, ..offer(7) },
        Offer { denom: "uatom".parse().unwrap(), ..offer(7) },
    ];
    for other in others {
        refuses(&mut world, "buyer", &funds, other, AccessError::OtherTerms);
    }
    let zero = Offer { seconds: 0, ..offer(7) };
    assert!(matches!(buys(&mut world, "buyer", &funds, zero), Err(AccessError::Bound(_))));
}

/// A price ends with its collection, and with its owner; nothing that has none is for sale.
#[test]
fn what_has_no_price() {
    let funds = [coin("uscrt", 7)];
    let mut world = World::new();
    refuses(&mut world, "buyer", &funds, offer(7), AccessError::NotForSale);
    for end in [destroy(1), transfer(1, "heir"), set_price(1, None)] {
        let mut world = priced();
        world.ok("owner", end);
        assert_eq!(world.ask(AccessQuery::Price { collection: id(1) }), AccessReply::Price(None));
        refuses(&mut world, "buyer", &funds, offer(7), AccessError::NotForSale);
    }
    let mut world = priced();
    world.ok("owner", transfer(1, "heir"));
    world.ok("heir", set_price(1, Some(7)));
    let sold = buys(&mut world, "owner", &funds, offer(7)).unwrap();
    assert_eq!(sold.payment.to, account("heir"));
}

/// Nobody buys what is theirs, what they hold by another's word, or what the owner took from them; other takings do not
/// bar.
#[test]
fn who_buys() {
    let mut world = priced();
    let funds = [coin("uscrt", 7)];
    refuses(&mut world, "owner", &funds, offer(7), AccessError::Owner);
    refuses(&mut world, "reader", &funds, offer(7), AccessError::Holds);
    world.ok("owner", revoke(1, "reader"));
    refuses(&mut world, "reader", &funds, offer(7), AccessError::Revoked);
    buys(&mut world, "buyer", &funds, offer(7)).unwrap();
    world.ok("owner", revoke(1, "buyer"));
    refuses(&mut world, "buyer", &funds, offer(7), AccessError::Revoked);

    world.ok("owner", appoint(1, "agent", None, NOW + 90, 1));
    world.ok("agent", grant(1, "friend", None, NOW + 20));
    refuses(&mut world, "friend", &funds, offer(7), AccessError::Holds);
    world.env.time += 20;
    buys(&mut world, "friend", &funds, offer(7)).unwrap();
    assert_eq!(world.grant(1, "agent").given, 0, "it is no longer the agent's");
    world.ok("agent", grant(1, "other", None, NOW + 40));
    world.ok("agent", revoke(1, "other"));
    buys(&mut world, "other", &funds, offer(7)).unwrap();
}

/// Time and units end where integers and grants do.
#[test]
fn bounds() {
    let mut world = World::new();
    let long = Offer { seconds: GRANT_SECONDS_MAX, quota: Some(INTEGER_MAX), ..offer(7) };
    let collection = id(1);
    world.ok("owner", AccessMsg::SetPrice { collection, offer: Some(long.clone()) });
    let funds = [coin("uscrt", 7)];
    buys(&mut world, "buyer", &funds, long.clone()).unwrap();
    refuses(&mut world, "buyer", &funds, long, AccessError::Exhausted("the quota"));
    let some = Offer { seconds: GRANT_SECONDS_MAX, ..offer(7) };
    world.ok("owner", AccessMsg::SetPrice { collection, offer: Some(some.clone()) });
    buys(&mut world, "second", &funds, some.clone()).unwrap();
    let reason = AccessError::Time { field: "seconds", max: GRANT_SECONDS_MAX };
    refuses(&mut world, "second", &funds, some, reason);
}
