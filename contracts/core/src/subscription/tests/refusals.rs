//! Every message against every reason to refuse it; a refusal leaves no trace.

use super::*;
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::ledger::coin::AMOUNT_MAX;
use prag_protocol::ledger::subscription::API_KEYS_MAX;

/// All that only the admin may send, in a form that the admin's would pass.
fn admins() -> Vec<SubscriptionMsg> {
    vec![
        register("friend"),
        remove("ann"),
        set_admin("heir"),
        plan(3, 1, "uscrt", 1, 0, 0, 1),
        retire(1),
        add_key_for(9, "ann"),
        withdraw("uscrt", 1),
    ]
}

/// A world where every admin's message would pass.
fn ripe() -> World {
    let mut world = World::with_ann();
    world.after(2 * DAY).ok("anybody", &[], settle("ann"));
    world
}

/// Nobody but the admin: not a subscriber, nor a stranger, nor who is only proposed.
#[test]
fn only_the_admin() {
    for message in admins() {
        let mut world = ripe();
        for who in ["bob", "stranger"] {
            world.refuses(who, &[], message.clone(), SubscriptionError::NotAdmin);
        }
        world.ok("admin", &[], set_admin("later"));
        world.refuses("later", &[], message.clone(), SubscriptionError::NotAdmin);
        if !matches!(message, SubscriptionMsg::AddApiKey { .. }) {
            world.refuses("ann", &[], message.clone(), SubscriptionError::NotAdmin);
        }
        world.ok("admin", &[], message);
    }
}

/// A contract is instantiated once, and does nothing before.
#[test]
fn instantiated_once() {
    let mut world = World::empty();
    let again = subscription::instantiate(&mut world.map, &account("thief"));
    assert_eq!(again, Err(SubscriptionError::Instantiated));
    world.ok("admin", &[], register("guest"));

    world.map = Map::default();
    for message in admins() {
        world.refuses("admin", &[], message, SubscriptionError::NoAdmin);
    }
    world.refuses("admin", &[], accept(), SubscriptionError::NoAdmin);
    world.refuses("ann", PRICE, subscribe(1), SubscriptionError::NoPlan);
    let admin = world.asked(None, SubscriptionQuery::GetAdmin {});
    assert_eq!(admin, Err(SubscriptionError::NoAdmin));
}

/// Funds are refused wherever nothing is to be paid, whoever sends them.
#[test]
fn funds_where_none_are_due() {
    let mut messages = admins();
    messages.extend([accept(), cancel(), settle("ann"), add_key(1), revoke_key(1)]);
    for message in messages {
        let mut world = ripe();
        for who in ["admin", "ann"] {
            let coins: [Coins; 3] = [PRICE, &[("uscrt", 0)], &[("uscrt", 1), ("uatom", 1)]];
            for funds in coins {
                world.refuses(who, funds, message.clone(), SubscriptionError::NoFunds);
            }
        }
    }
}

/// Exactly the price in exactly one coin of exactly the denomination, for all that is paid for.
#[test]
fn exact_price() {
    let wrong = |world: &mut World, who: &str, message: &SubscriptionMsg, price: u128, denom| {
        let price_error = SubscriptionError::Price { price };
        let cases: [(Coins, _); 9] = [
            (&[], price_error),
            (&[(denom, price - 1)], price_error),
            (&[(denom, price + 1)], price_error),
            (&[(denom, 0)], price_error),
            (&[(denom, u128::MAX)], price_error),
            (&[("uosmo", price)], SubscriptionError::Denomination),
            (&[("", price)], SubscriptionError::Denomination),
            (&[(denom, price), ("uosmo", 1)], SubscriptionError::Denomination),
            (&[(denom, price), (denom, price)], SubscriptionError::Denomination),
        ];
        for (funds, reason) in cases {
            world.refuses(who, funds, message.clone(), reason);
        }
        world.ok(who, &[(denom, price)], message.clone());
    };
    let mut world = World::new();
    wrong(&mut world, "ann", &subscribe(1), 3000, "uscrt");
    wrong(&mut world, "ann", &renew(), 3000, "uscrt");
    wrong(&mut world, "ann", &upgrade(2), 700, "uatom");
}

/// Who has a running plan does not subscribe, and who has none neither renews, cancels nor upgrades.
#[test]
fn running_or_not() {
    let mut world = World::new();
    let needs_one: [(Coins, _); 3] = [(PRICE, renew()), (&[], cancel()), (OTHER_PRICE, upgrade(2))];
    for (funds, message) in &needs_one {
        world.refuses("ann", funds, message.clone(), SubscriptionError::NotRunning);
    }
    world.ok("admin", &[], register("ann"));
    for (funds, message) in &needs_one {
        world.refuses("ann", funds, message.clone(), SubscriptionError::NotRunning);
    }
    world.ok("ann", PRICE, subscribe(1));
    world.after(35 * DAY - 1);
    world.refuses("ann", PRICE, subscribe(1), SubscriptionError::Running);
    world.refuses("ann", OTHER_PRICE, subscribe(2), SubscriptionError::Running);
    world.refuses("ann", PRICE, upgrade(1), SubscriptionError::SamePlan);
    world.after(1);
    for (funds, message) in &needs_one {
        world.refuses("ann", funds, message.clone(), SubscriptionError::NotRunning);
    }
    world.ok("ann", PRICE, subscribe(1));
}

/// What is not there is not found; what is there is not made again.
#[test]
fn absent_and_present() {
    let mut world = World::with_ann();
    world.refuses("bob", PRICE, subscribe(9), SubscriptionError::NoPlan);
    world.refuses("ann", PRICE, upgrade(9), SubscriptionError::NoPlan);
    world.refuses("admin", &[], retire(9), SubscriptionError::NoPlan);
    let again = plan(1, 5, "uatom", 1, 0, 0, 1);
    world.refuses("admin", &[], again.clone(), SubscriptionError::PlanExists);
    world.ok("admin", &[], retire(1));
    world.refuses("admin", &[], again, SubscriptionError::PlanExists);

    world.refuses("admin", &[], remove("bob"), SubscriptionError::NoSubscriber);
    world.refuses("anybody", &[], settle("bob"), SubscriptionError::NoSubscriber);
    world.ok("admin", &[], register("ann"));
    world.refuses("admin", &[], register("ann"), SubscriptionError::Registered);
    world.ok("admin", &[], remove("ann"));
    world.refuses("admin", &[], remove("ann"), SubscriptionError::NoSubscriber);
}

/// A key needs a live subscription, is used once anywhere, and is its owner's or the admin's to revoke.
#[test]
fn keys_of_others() {
    let mut world = World::with_ann();
    world.refuses("bob", &[], add_key(1), SubscriptionError::NotActive);
    world.refuses("admin", &[], add_key(1), SubscriptionError::NotActive);
    world.refuses("admin", &[], add_key_for(1, "bob"), SubscriptionError::NotActive);
    world.refuses("bob", &[], add_key_for(1, "ann"), SubscriptionError::NotAdmin);
    world.ok("ann", &[], add_key(1));
    world.ok("bob", OTHER_PRICE, subscribe(2));
    for who in ["ann", "bob"] {
        world.refuses(who, &[], add_key(1), SubscriptionError::KeyTaken);
    }
    world.refuses("admin", &[], add_key_for(1, "bob"), SubscriptionError::KeyTaken);

    world.refuses("bob", &[], revoke_key(1), SubscriptionError::NoKey);
    world.refuses("bob", &[], revoke_key(2), SubscriptionError::NoKey);
    world.refuses("admin", &[], revoke_key(2), SubscriptionError::NoKey);
    world.after(50 * DAY);
    world.refuses("ann", &[], add_key(2), SubscriptionError::NotActive);
    world.refuses("bob", &[], add_key(1), SubscriptionError::NotActive);
    world.ok("bob", OTHER_PRICE, subscribe(2));
    world.refuses("bob", &[], add_key(1), SubscriptionError::KeyTaken);
}

/// No more keys than the plan allows, by addition or by another plan.
#[test]
fn key_limits() {
    let mut world = World::with_ann();
    for key in 1..=3 {
        world.ok("ann", &[], add_key(key));
    }
    let full = SubscriptionError::KeysFull { max: 3 };
    world.refuses("ann", &[], add_key(4), full);
    world.refuses("admin", &[], add_key_for(4, "ann"), full);
    let one = SubscriptionError::KeysFull { max: 1 };
    world.refuses("ann", OTHER_PRICE, upgrade(2), one);
    world.after(35 * DAY).refuses("ann", OTHER_PRICE, subscribe(2), one);
    world.ok("ann", &[], revoke_key(1));
    world.ok("ann", &[], revoke_key(2));
    world.ok("ann", OTHER_PRICE, subscribe(2));
    world.refuses("ann", &[], add_key(4), one);

    world.ok("admin", &[], register("guest"));
    let max = u8::try_from(API_KEYS_MAX).unwrap();
    for key in 0..max {
        world.ok("guest", &[], add_key(100 + key));
    }
    world.refuses("guest", &[], add_key(200), SubscriptionError::KeysFull { max: API_KEYS_MAX });
    world.ok("guest", OTHER_PRICE, subscribe(2));
    world.ok("admin", &[], remove("guest"));
    assert!((0..max).all(|key| world.api_key(100 + key).is_none()));
}

/// No withdrawal in a denomination that nobody paid, nor of more than is earned.
#[test]
fn withdrawals() {
    let mut world = ripe();
    world.refuses("admin", &[], withdraw("uatom", 1), SubscriptionError::UnknownDenom);
    world.refuses("admin", &[], withdraw("uosmo", 1), SubscriptionError::UnknownDenom);
    let reason = SubscriptionError::NotEarned { earned: 200 };
    world.refuses("admin", &[], withdraw("uscrt", 201), reason);
    world.refuses("admin", &[], withdraw("uscrt", AMOUNT_MAX), reason);
    world.ok("admin", &[], withdraw("uscrt", 200));
}

/// Every stateless bound is asked before the state is.
#[test]
fn bounds_come_first() {
    let mut world = World::with_ann();
    let late = SubscriptionMsg::AddApiKey {
        api_key: [1; 32],
        identity: None,
        name: None,
        created: Some(INTEGER_MAX + 1),
    };
    for (message, field) in [
        (plan(3, 1, "uscrt", 0, 0, 0, 1), "period_seconds"),
        (plan(3, 1, "uscrt", 10, 11, 0, 1), "grace_seconds"),
        (plan(3, 1, "uscrt", 10, 0, 10_001, 1), "refund_fee_bp"),
        (plan(3, 1, "uscrt", 10, 0, 0, API_KEYS_MAX + 1), "api_keys"),
        (late, "created"),
    ] {
        let before = world.map.clone();
        match world.run("stranger", PRICE, message) {
            Err(SubscriptionError::Bound(bound)) => assert_eq!(bound.field, field),
            other => panic!("{field}: {other:?}"),
        }
        assert_eq!(world.map, before);
    }
}

/// At the ends of time and of 128 bits there is a refusal, not a wrap.
#[test]
fn ends_of_numbers() {
    let mut world = World::with_ann();
    world.env.time = INTEGER_MAX - 30 * DAY;
    world.ok("bob", PRICE, subscribe(1));
    world.refuses("bob", PRICE, renew(), SubscriptionError::Exhausted("the time"));
    world.after(1).refuses("cyd", PRICE, subscribe(1), SubscriptionError::Exhausted("the time"));
    world.env.time = u64::MAX;
    world.refuses("cyd", PRICE, subscribe(1), SubscriptionError::Exhausted("the time"));

    let mut world = World::with_ann();
    let denom = "uscrt".parse().unwrap();
    let rich = AccountRecord {
        paid_in: u128::MAX - 2999,
        refunded: 0,
        withdrawn: u128::MAX - 2999 - 3000,
        reserved: 3000,
    };
    keys::account(&denom).save(&mut world.map, &rich).unwrap();
    for (who, message) in [("bob", subscribe(1)), ("ann", renew())] {
        world.refuses(who, PRICE, message, SubscriptionError::Exhausted("an account"));
    }
    world.ok("ann", &[], cancel());
}
