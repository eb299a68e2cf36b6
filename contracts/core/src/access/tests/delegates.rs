//! Delegates: what they may give, and that it never reaches further than what they have.

use super::*;
use prag_protocol::ledger::Source;

/// "agent" may give two grants for 40 s and 8 units, of reading alone.
fn world() -> World {
    let mut world = World::new();
    world.ok("owner", appoint(1, "agent", Some(8), NOW + 40, 2));
    world
}

fn changed(message: AccessMsg, change: impl FnOnce(&mut AccessMsg)) -> AccessMsg {
    let mut message = message;
    change(&mut message);
    message
}

/// A delegate grants and revokes; who gave it is on record, and how many stand is counted.
#[test]
fn a_delegate_grants() {
    let mut world = world();
    let given = world.ok("agent", grant(1, "friend", Some(3), NOW + 30));
    assert_eq!(given, [Event::Granted { collection: id(1), grantee: account("friend") }]);
    let friend = world.grant(1, "friend");
    assert_eq!(friend.source, Source::Delegate { by: account("agent"), term: 0 });
    assert_eq!(world.grant(1, "agent").given, 1);
    assert_eq!(world.admission(1, "friend").through, Some(Box::new(world.grant(1, "agent"))));
    assert_eq!(world.admission(1, "friend").reach().unwrap().quota, Some(3));

    world.ok("agent", grant(1, "friend", None, NOW + 40));
    assert_eq!(world.grant(1, "agent").given, 1, "replaced");
    assert_eq!(world.admission(1, "friend").reach().unwrap().quota, Some(8), "the agent's own");
    world.ok("agent", grant(1, "other", None, NOW + 40));
    let full = AccessError::DelegatedFull { max: 2 };
    world.refuses("agent", grant(1, "third", None, NOW + 40), full);

    assert_eq!(world.ok("agent", revoke(1, "friend")).len(), 1);
    assert_eq!(world.ok("agent", revoke(1, "friend")), []);
    assert_eq!(world.grant(1, "agent").given, 1);
    world.ok("agent", grant(1, "third", None, NOW + 40));
}

/// Each field of a delegate's grant is within its own, which it cannot hand on.
#[test]
fn no_further_than_its_own() {
    let mut world = world();
    let good = || grant(1, "friend", Some(8), NOW + 40);
    let beyond = [
        ("quota", grant(1, "friend", Some(9), NOW + 40)),
        ("expires", grant(1, "friend", Some(8), NOW + 41)),
        ("delegate", appoint(1, "friend", Some(8), NOW + 40, 1)),
        (
            "write",
            changed(good(), |message| match message {
                AccessMsg::Grant { write, .. } => *write = true,
                other => panic!("{other:?}"),
            }),
        ),
        (
            "max_k",
            changed(good(), |message| match message {
                AccessMsg::Grant { max_k, .. } => *max_k = 11,
                other => panic!("{other:?}"),
            }),
        ),
    ];
    for (field, message) in beyond {
        world.refuses("agent", message, AccessError::Beyond(field));
    }
    world.ok("agent", good());

    let writes = changed(appoint(1, "scribe", None, NOW + 40, 1), |message| match message {
        AccessMsg::Grant { read, write, .. } => (*read, *write) = (false, true),
        other => panic!("{other:?}"),
    });
    world.ok("owner", writes);
    world.refuses("scribe", grant(1, "friend2", None, NOW + 10), AccessError::Beyond("read"));
}

/// Nobody but a delegate whose grant holds gives anything, and none gives to the owner, to itself, or over another's word.
#[test]
fn whom_a_delegate_grants() {
    let mut world = world();
    let to = |who: &str| grant(1, who, None, NOW + 10);
    world.refuses("reader", to("friend"), AccessError::Forbidden);
    world.refuses("agent", to("owner"), AccessError::Owner);
    world.refuses("agent", to("agent"), AccessError::Owner);
    world.refuses("agent", to("reader"), AccessError::Another);
    world.refuses("agent", revoke(1, "reader"), AccessError::Another);
    world.refuses("agent", revoke(1, "nobody"), AccessError::NoGrant);

    world.ok("owner", appoint(1, "second", None, NOW + 40, 1));
    world.ok("second", to("friend"));
    world.refuses("agent", to("friend"), AccessError::Another);
    world.refuses("agent", revoke(1, "friend"), AccessError::Another);
    world.refuses("friend", to("other"), AccessError::Forbidden);

    world.ok("owner", revoke(1, "friend"));
    world.refuses("second", to("friend"), AccessError::Another);
    for message in [set_price(1, Some(5)), transfer(1, "agent"), destroy(1), policy(1, &[1], &[])] {
        world.refuses("agent", message, AccessError::Forbidden);
    }

    world.env.time = NOW + 40;
    world.refuses("agent", to("late"), AccessError::Forbidden);
    world.env.time = NOW;
    world.ok("owner", destroy(1));
    world.refuses("agent", to("late"), AccessError::Destroyed);
}

/// What the owner takes from a delegate, it takes from whom the delegate granted, and not for a while only.
#[test]
fn what_a_delegate_loses() {
    let mut world = world();
    world.ok("agent", grant(1, "friend", Some(5), NOW + 30));
    world.ok("owner", appoint(1, "agent", Some(2), NOW + 20, 1));
    let reach = world.admission(1, "friend").reach().unwrap();
    assert_eq!((reach.quota, reach.expires), (Some(2), NOW + 20));

    world.ok("owner", revoke(1, "agent"));
    assert_eq!(world.admission(1, "friend").reach(), None);
    world.refuses("worker", consume(1, 0, "friend", 1), AccessError::NoGrant);
    world.ok("owner", appoint(1, "agent", None, NOW + 40, 1));
    assert_eq!(world.admission(1, "friend").reach(), None, "of the term before");
    assert_eq!(world.grant(1, "agent").given, 0);
    world.ok("agent", grant(1, "friend", Some(5), NOW + 30));
    assert!(world.admission(1, "friend").reach().is_some());

    world.ok("owner", grant(1, "agent", None, NOW + 40));
    assert_eq!(world.admission(1, "friend").reach(), None, "no delegate any more");
    world.ok("owner", appoint(1, "agent", None, NOW + 40, 1));
    assert_eq!(world.admission(1, "friend").reach(), None, "of the term before");

    world.ok("owner", grant(1, "friend", None, NOW + 30));
    assert_eq!(world.admission(1, "friend").through, None);
    assert!(world.admission(1, "friend").reach().is_some(), "by the owner's word");
}

/// Units that a delegate's grantee uses are the delegate's as well.
#[test]
fn units_are_taken_from_both() {
    let mut world = world();
    world.ok("agent", grant(1, "friend", Some(6), NOW + 30));
    world.ok("agent", grant(1, "other", None, NOW + 30));
    world.ok("worker", consume(1, 0, "friend", 4));
    world.ok("worker", consume(1, 0, "other", 2));
    assert_eq!(
        (world.used(1, "friend"), world.used(1, "other"), world.used(1, "agent")),
        (4, 2, 6)
    );
    world.refuses("worker", consume(1, 0, "other", 3), AccessError::Quota { left: 2 });
    world.refuses("worker", consume(1, 0, "friend", 3), AccessError::Quota { left: 2 });
    world.ok("worker", consume(1, 0, "agent", 1));
    world.refuses("worker", consume(1, 0, "friend", 2), AccessError::Quota { left: 1 });
    world.ok("worker", consume(1, 0, "friend", 1));
    world.refuses("worker", consume(1, 0, "agent", 1), AccessError::Quota { left: 0 });

    world.env.time = NOW + 30;
    world.refuses("worker", consume(1, 0, "friend", 1), AccessError::NoGrant);
}
