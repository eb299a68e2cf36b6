//! Who may ask what, and what the answers say.

use super::*;
use prag_protocol::ledger::LEDGER_PAGE_ROWS_MAX;
use prag_protocol::ledger::subscription::{
    ApiKeyDetail, ApiKeyDetails, ApiKeyHash, ApiKeyHashes, Identity, SubscriberStatus, Terms,
};

/// Plan 1 for "ann" with keys 1 and 2, plan 2 for "bob" with key 3.
fn world() -> World {
    let mut world = World::with_ann();
    world.ok("bob", OTHER_PRICE, subscribe(2));
    world.ok("ann", &[], add_key(1));
    let named = SubscriptionMsg::AddApiKey {
        api_key: [2; 32],
        identity: None,
        name: Some("laptop".parse().unwrap()),
        created: Some(77),
    };
    world.ok("ann", &[], named);
    world.ok("bob", &[], add_key(3));
    world
}

fn hashes(keys: &[u8]) -> SubscriptionReply {
    let api_keys: Vec<_> = keys.iter().map(|key| ApiKeyHash { hashed_key: [*key; 32] }).collect();
    let total = u32::try_from(keys.len()).unwrap();
    SubscriptionReply::ApiKeys(ApiKeyHashes { api_keys, total })
}

/// The admin sees every hash, a subscriber its own, others none, and who has shown nothing nothing.
#[test]
fn who_sees_which_hashes() {
    let world = world();
    let plain = || SubscriptionQuery::ApiKeys { offset: 0, limit: 100 };
    let permit = || SubscriptionQuery::ApiKeysWithPermit { permit: (), offset: 0, limit: 100 };
    for query in [plain, permit] {
        assert_eq!(world.ask("admin", query()), hashes(&[1, 2, 3]));
        assert_eq!(world.ask("ann", query()), hashes(&[1, 2]));
        assert_eq!(world.ask("bob", query()), hashes(&[3]));
        assert_eq!(world.ask("stranger", query()), hashes(&[]));
        assert_eq!(world.asked(None, query()), Err(SubscriptionError::Forbidden));
    }
    let SubscriptionReply::ApiKeys(second) =
        world.ask("admin", SubscriptionQuery::ApiKeys { offset: 1, limit: 1 })
    else {
        panic!()
    };
    assert_eq!((second.total, second.api_keys[0].hashed_key), (3, [2; 32]));
}

/// What is one account's only it and the admin see, whether or not there is such an account.
#[test]
fn private_answers() {
    let world = world();
    for about in ["ann", "nobody"] {
        let (public_key, identity, subscriber) = (account(about), account(about), account(about));
        for query in [
            SubscriptionQuery::SubscriberStatusWithPermit { public_key, permit: () },
            SubscriptionQuery::ApiKeysByIdentityWithPermit { identity, permit: () },
            SubscriptionQuery::SubscriptionWithPermit { subscriber, permit: () },
        ] {
            assert_eq!(query.permit(), Some(&()));
            for caller in [None, Some("bob"), Some("treasury")] {
                let answer = world.asked(caller, query.clone());
                assert_eq!(answer, Err(SubscriptionError::Forbidden));
            }
            assert!(world.asked(Some(about), query.clone()).is_ok());
            assert!(world.asked(Some("admin"), query).is_ok());
        }
    }
    let page = SubscriptionQuery::SubscribersWithPermit { permit: (), offset: 0, limit: 10 };
    for caller in [None, Some("ann")] {
        assert_eq!(world.asked(caller, page.clone()), Err(SubscriptionError::Forbidden));
    }
    let SubscriptionReply::Subscribers(page) = world.ask("admin", page) else { panic!() };
    assert_eq!((page.total, page.subscribers), (2, vec![account("ann"), account("bob")]));
}

/// A former admin is a stranger to every answer.
#[test]
fn former_admin() {
    let mut world = world();
    world.ok("admin", &[], set_admin("heir"));
    world.ok("heir", &[], accept());
    let query = || SubscriptionQuery::ApiKeys { offset: 0, limit: 100 };
    assert_eq!(world.ask("admin", query()), hashes(&[]));
    assert_eq!(world.ask("heir", query()), hashes(&[1, 2, 3]));
}

/// The documented queries answer what they are documented to.
#[test]
fn documented_answers() {
    let world = world();
    let admin = world.asked(None, SubscriptionQuery::GetAdmin {});
    assert_eq!(admin, Ok(SubscriptionReply::Admin(account("admin"))));
    for (who, active) in [("ann", true), ("stranger", false)] {
        let public_key = account(who);
        let reply = world.asked(None, SubscriptionQuery::SubscriberStatus { public_key });
        assert_eq!(reply, Ok(SubscriptionReply::Status(SubscriberStatus { active })));
    }
    let identity = account("ann");
    let details = SubscriptionQuery::ApiKeysByIdentityWithPermit { identity, permit: () };
    let named = Some("laptop".parse().unwrap());
    let api_keys = vec![
        ApiKeyDetail { api_key: [1; 32], name: None, created: NOW },
        ApiKeyDetail { api_key: [2; 32], name: named, created: 77 },
    ];
    let expected = SubscriptionReply::ApiKeyDetails(ApiKeyDetails { api_keys });
    assert_eq!(world.ask("ann", details), expected);
    for (key, owner) in [(3, Some("bob")), (4, None)] {
        let api_key_hash = [key; 32];
        let reply = world.ask("x", SubscriptionQuery::QueryIdentityByApiKeyHash { api_key_hash });
        let identity = owner.map(|who| Identity { identity: account(who) });
        assert_eq!(reply, SubscriptionReply::Identity(identity));
    }
}

/// What a worker asks before it serves the bearer of a key.
#[test]
fn worker_lookup() {
    let world = world();
    let end = NOW + 7 * DAY;
    let terms = Terms { plan: 2, units: 500, period_start: NOW, period_end: end, live_until: end };
    let expected = ApiKeyStatus {
        height: 7,
        time: NOW,
        subscriber: account("bob"),
        live: true,
        terms: Some(terms),
    };
    assert_eq!(world.api_key(3), Some(expected));
    assert_eq!(world.api_key(9), None);
}

/// Plans are listed oldest first, the retired too; pages are bounded.
#[test]
fn plans() {
    let mut world = world();
    world.ok("admin", &[], retire(1));
    let page = |offset, limit| SubscriptionQuery::Plans { offset, limit };
    let SubscriptionReply::Plans(all) = world.ask("x", page(0, 100)) else { panic!() };
    let seen: Vec<_> = all.plans.iter().map(|plan| (plan.id, plan.active)).collect();
    assert_eq!((all.total, seen), (2, vec![(1, false), (2, true)]));
    for limit in [0, LEDGER_PAGE_ROWS_MAX + 1] {
        match world.asked(None, page(0, limit)) {
            Err(SubscriptionError::Bound(bound)) => assert_eq!(bound.field, "limit"),
            other => panic!("{other:?}"),
        }
    }
}
