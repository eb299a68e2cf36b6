//! Every message against every reason to refuse it; a refusal leaves no trace.

use super::*;
use prag_protocol::ledger::{
    BoundError, GRANT_SECONDS_MAX, GRANTS_PER_COLLECTION_MAX, INTEGER_MAX, LEASE_SECONDS_MAX,
    SHARDS_MAX,
};

/// All that only an owner may send, in a form that the owner's would pass.
fn owners() -> Vec<AccessMsg> {
    vec![
        destroy(1),
        transfer(1, "other"),
        rotate(1, 2),
        grant(1, "friend", None, NOW + 10),
        revoke(1, "reader"),
        place(1, 1, 1, NOW + 10),
        unplace(1, 0),
        policy(1, &[1], &[2]),
    ]
}

/// Nobody but the owner; a missing collection and another's look the same.
#[test]
fn only_the_owner() {
    for message in owners() {
        let mut world = World::new();
        for who in ["reader", "worker", "stranger"] {
            world.refuses(who, message.clone(), AccessError::Forbidden);
        }
        let mut nothing = World::empty();
        nothing.refuses("owner", message.clone(), AccessError::Forbidden);
        world.ok("owner", message);
    }
}

/// A transfer moves every right at once.
#[test]
fn former_owner_is_a_stranger() {
    for message in owners() {
        let mut world = World::new();
        world.ok("owner", transfer(1, "heir"));
        world.refuses("owner", message.clone(), AccessError::Forbidden);
        world.ok("heir", message);
    }
}

/// The destroyed stays destroyed: for its owner, its worker, and whoever wants the id again.
#[test]
fn destroyed_for_good() {
    let mut world = World::new();
    world.ok("owner", destroy(1));
    for message in owners() {
        world.refuses("owner", message.clone(), AccessError::Destroyed);
        world.refuses("stranger", message, AccessError::Forbidden);
    }
    for message in [claim(1, 0, 1), consume(1, 0, "reader", 1), rebind(1, 0, 6)] {
        world.refuses("worker", message.clone(), AccessError::Destroyed);
        world.refuses("stranger", message, AccessError::NotPlaced);
    }
    for who in ["owner", "stranger"] {
        world.refuses(who, create(1), AccessError::Exists);
    }
}

/// An id is used once, also by its own owner.
#[test]
fn create_once() {
    let mut world = World::new();
    world.refuses("owner", create(1), AccessError::Exists);
    world.refuses("stranger", create(1), AccessError::Exists);
}

/// Every stateless bound is asked before the state is.
#[test]
fn bounds_come_first() {
    let mut world = World::new();
    let bad = [
        (grant(1, "friend", Some(0), NOW + 1), "quota"),
        (place(1, SHARDS_MAX, 1, NOW + 1), "shard"),
        (place(1, 0, 0, NOW + 1), "epoch"),
        (unplace(1, SHARDS_MAX), "shard"),
        (claim(1, 0, 0), "epoch"),
        (consume(1, 0, "reader", 0), "units"),
        (revoke_permit(""), "permit_name"),
    ];
    for (message, name) in bad {
        let before = world.map.clone();
        match world.run("stranger", message) {
            Err(AccessError::Bound(BoundError { field, .. })) => assert_eq!(field, name),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(world.map, before);
    }
}

/// Nobody grants or hands a collection to themselves.
#[test]
fn not_to_oneself() {
    let mut world = World::new();
    world.refuses("owner", grant(1, "owner", None, NOW + 10), AccessError::Owner);
    world.refuses("owner", transfer(1, "owner"), AccessError::Owner);
}

/// A grant of nothing is none.
#[test]
fn empty_grant() {
    let mut world = World::new();
    let mut message = grant(1, "friend", None, NOW + 10);
    if let AccessMsg::Grant { read, .. } = &mut message {
        *read = false;
    }
    world.refuses("owner", message.clone(), AccessError::EmptyGrant);
    if let AccessMsg::Grant { write, .. } = &mut message {
        *write = true;
    }
    world.ok("owner", message);
}

/// Times lie ahead, within their bounds, on both sides of the line.
#[test]
fn times() {
    type Make = fn(u64) -> AccessMsg;
    let cases: [(&'static str, u64, Make); 2] = [
        ("expires", GRANT_SECONDS_MAX, |t| grant(1, "friend", None, t)),
        ("lease_until", LEASE_SECONDS_MAX, |t| place(1, 0, 1, t)),
    ];
    for (field, max, make) in cases {
        let mut world = World::new();
        for time in [1, NOW - 1, NOW, NOW + max + 1, INTEGER_MAX] {
            world.refuses("owner", make(time), AccessError::Time { field, max });
        }
        world.ok("owner", make(NOW + 1));
        world.ok("owner", make(NOW + max));
    }
}

/// Live grants are bounded; replacing one and granting after a revocation are not stopped by it.
#[test]
fn grants_are_bounded() {
    let mut world = World::new();
    for n in 1..GRANTS_PER_COLLECTION_MAX {
        world.ok("owner", grant(1, &format!("g{n}"), None, NOW + 10));
    }
    let full = AccessError::GrantsFull { max: GRANTS_PER_COLLECTION_MAX };
    world.refuses("owner", grant(1, "more", None, NOW + 10), full);
    world.ok("owner", grant(1, "g1", Some(3), NOW + 10));
    world.ok("owner", revoke(1, "g1"));
    world.ok("owner", grant(1, "more", None, NOW + 10));
    world.refuses("owner", grant(1, "g1", None, NOW + 10), full);
}

/// There is nothing to revoke where nothing was granted.
#[test]
fn revoke_what_is_not() {
    let mut world = World::new();
    world.refuses("owner", revoke(1, "stranger"), AccessError::NoGrant);
}

/// A placement is for the current key epoch or the next.
#[test]
fn key_epochs() {
    let mut world = World::new();
    let current = |current| AccessError::KeyEpoch { current };
    world.refuses("owner", place(1, 0, 3, NOW + 10), current(1));
    world.ok("owner", place(1, 0, 2, NOW + 10));
    world.ok("owner", rotate(1, 2));
    world.refuses("owner", place(1, 0, 1, NOW + 10), current(2));
    world.ok("owner", place(1, 0, 2, NOW + 10));
    world.ok("owner", place(1, 0, 3, NOW + 10));
}

/// What a worker may send, refused to everyone but the account of the shard's live placement.
#[test]
fn only_the_placed_worker() {
    for message in [claim(1, 0, 1), consume(1, 0, "reader", 1), rebind(1, 0, 6)] {
        let mut world = World::new();
        for who in ["owner", "reader", "stranger"] {
            world.refuses(who, message.clone(), AccessError::NotPlaced);
        }
        let mut nothing = World::empty();
        nothing.refuses("worker", message.clone(), AccessError::NotPlaced);

        let mut taken_back = World::new();
        taken_back.ok("owner", unplace(1, 0));
        taken_back.refuses("worker", message.clone(), AccessError::NotPlaced);

        let mut moved = World::new();
        moved.ok("owner", place_on(1, 0, 1, NOW + 100, "other"));
        moved.refuses("worker", message.clone(), AccessError::NotPlaced);
        moved.ok("other", message.clone());

        let mut rotated = World::new();
        rotated.ok("owner", rotate(1, 2));
        rotated.refuses("worker", message.clone(), AccessError::NotPlaced);
        rotated.ok("owner", place(1, 0, 2, NOW + 100));
        rotated.ok("worker", message.clone());

        let mut lapsing = World::new();
        lapsing.ok("owner", place(1, 0, 1, NOW + 20));
        lapsing.env.time = NOW + 20;
        lapsing.refuses("worker", message.clone(), AccessError::NotPlaced);
        lapsing.env.time = NOW + 19;
        lapsing.ok("worker", message);
    }
    let mut world = World::new();
    world.refuses("worker", claim(1, 1, 1), AccessError::NotPlaced);
    world.refuses("worker", consume(1, 1, "reader", 1), AccessError::NotPlaced);
    world.refuses("worker", rebind(1, 1, 6), AccessError::NotPlaced);
}

/// A key epoch follows the one before; none is skipped, and none is turned twice by one message.
#[test]
fn key_epochs_follow() {
    let mut world = World::new();
    let next = |next| AccessError::RotatedEpoch { next };
    world.refuses("owner", rotate(1, 3), next(2));
    world.ok("owner", rotate(1, 2));
    world.refuses("owner", rotate(1, 4), next(3));
    let mut other = rotate(1, 2);
    if let AccessMsg::RotateEpoch { commitment, .. } = &mut other {
        *commitment = [0xdd; 32];
    }
    world.refuses("owner", other, next(3));
    world.ok("owner", rotate(1, 2));
    world.ok("owner", rotate(1, 3));
}

/// A writer epoch is claimed once, in order.
#[test]
fn writer_epochs() {
    let mut world = World::new();
    let next = |next| AccessError::WriterEpoch { next };
    world.refuses("worker", claim(1, 0, 2), next(1));
    world.ok("worker", claim(1, 0, 1));
    world.refuses("worker", claim(1, 0, 1), next(2));
    world.refuses("worker", claim(1, 0, 3), next(2));
    world.ok("owner", unplace(1, 0));
    world.ok("owner", place_on(1, 0, 1, NOW + 10, "other"));
    world.refuses("other", claim(1, 0, 1), next(2));
    world.ok("other", claim(1, 0, 2));
}

/// Units come from a live grant, and end with its quota.
#[test]
fn units() {
    let mut world = World::new();
    world.refuses("worker", consume(1, 0, "owner", 1), AccessError::NoGrant);
    world.refuses("worker", consume(1, 0, "stranger", 1), AccessError::NoGrant);
    world.refuses("worker", consume(1, 0, "reader", 11), AccessError::Quota { left: 10 });
    world.ok("worker", consume(1, 0, "reader", 9));
    world.refuses("worker", consume(1, 0, "reader", 2), AccessError::Quota { left: 1 });
    world.refuses("worker", consume(1, 0, "reader", INTEGER_MAX), AccessError::Quota { left: 1 });
    world.ok("worker", consume(1, 0, "reader", 1));
    world.refuses("worker", consume(1, 0, "reader", 1), AccessError::Quota { left: 0 });

    world.ok("owner", grant(1, "reader", None, NOW + 50));
    world.ok("worker", consume(1, 0, "reader", INTEGER_MAX));
    world.refuses("worker", consume(1, 0, "reader", 1), AccessError::Quota { left: 0 });
    world.ok("owner", grant(1, "reader", Some(5), NOW + 50));
    world.env.time = NOW + 50;
    world.refuses("worker", consume(1, 0, "reader", 1), AccessError::NoGrant);
    world.env.time = NOW + 49;
    world.ok("worker", consume(1, 0, "reader", 1));
    world.ok("owner", revoke(1, "reader"));
    world.refuses("worker", consume(1, 0, "reader", 1), AccessError::NoGrant);
}

/// Where a shard is named, only who is placed there anchors, while the lease runs and the key is current.
#[test]
fn only_active_workers_anchor() {
    let mut world = World::new();
    let through = || anchor_through(1, 0, 1, 0);
    for who in ["owner", "reader", "other"] {
        world.refuses(who, through(), AccessError::NotPlaced);
    }
    world.refuses("worker", anchor_through(1, 1, 1, 0), AccessError::NotPlaced);
    world.refuses("worker", anchor_through(9, 0, 1, 0), AccessError::NotPlaced);
    world.env.time += 100;
    world.refuses("worker", through(), AccessError::NotPlaced);
    world.ok("owner", place(1, 0, 1, NOW + 200));
    world.ok("worker", through());
    world.ok("owner", rotate(1, 2));
    world.refuses("worker", anchor_through(1, 0, 2, 1), AccessError::NotPlaced);
    world.ok("owner", place(1, 0, 2, NOW + 200));
    world.ok("owner", destroy(1));
    world.refuses("worker", anchor_through(1, 0, 2, 1), AccessError::Destroyed);
}

/// Anchors are compared and swapped, each account's apart.
#[test]
fn anchors_chain() {
    let mut world = World::new();
    world.refuses("worker", anchor(0, 0), AccessError::ZeroRoot);
    world.refuses("worker", anchor(1, 9), AccessError::StaleAnchor);
    world.ok("worker", anchor(1, 0));
    world.refuses("worker", anchor(2, 0), AccessError::StaleAnchor);
    world.refuses("other", anchor(2, 1), AccessError::StaleAnchor);
    world.refuses("worker", anchor(0, 1), AccessError::ZeroRoot);
    world.ok("worker", anchor(2, 1));
    world.ok("other", anchor(2, 0));
}

/// A policy names each image once; the two lists are apart.
#[test]
fn policies_do_not_repeat() {
    let mut world = World::new();
    world.refuses("owner", policy(1, &[1, 2, 1], &[]), AccessError::Repeated("measurements"));
    world.refuses("owner", policy(1, &[], &[3, 3]), AccessError::Repeated("readers"));
    world.ok("owner", policy(1, &[1, 2], &[1]));
}
