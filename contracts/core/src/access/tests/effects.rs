//! What accepted messages leave behind.

use super::*;
use prag_protocol::ledger::{Admission, GrantRecord};

fn ids(reply: AccessReply) -> Vec<CollectionId> {
    match reply {
        AccessReply::Collections { total, mut rows } => {
            assert_eq!(usize::try_from(total).unwrap(), rows.len());
            rows.sort();
            rows
        }
        other => panic!("{other:?}"),
    }
}

fn owned(world: &World, who: &str) -> Vec<CollectionId> {
    let owner = account(who);
    ids(world.ask(AccessQuery::Collections { owner, offset: 0, limit: 100 }))
}

fn shared(world: &World, who: &str) -> Vec<CollectionId> {
    let grantee = account(who);
    ids(world.ask(AccessQuery::Shared { grantee, offset: 0, limit: 100 }))
}

fn grants(world: &World, n: u8, offset: u32, limit: u32) -> (u32, Vec<GrantRecord>) {
    let collection = id(n);
    match world.ask(AccessQuery::Grants { collection, offset, limit }) {
        AccessReply::Grants { total, rows } => (total, rows),
        other => panic!("{other:?}"),
    }
}

fn collection(world: &World, n: u8) -> prag_protocol::ledger::CollectionRecord {
    let collection = id(n);
    match world.ask(AccessQuery::Collection { collection }) {
        AccessReply::Collection(Some(record)) => record,
        other => panic!("{other:?}"),
    }
}

/// A life: created, rotated, handed over, destroyed.
#[test]
fn a_life() {
    let mut world = World::empty();
    let collection_id = id(1);
    let born = world.ok("owner", create(1));
    assert_eq!(born, [Event::CollectionCreated { collection: collection_id }]);
    let record = collection(&world, 1);
    assert_eq!((record.epoch, record.commitment, record.destroyed), (1, [1; 32], false));

    let turned = world.ok("owner", rotate(1, 2));
    assert_eq!(turned, [Event::EpochRotated { collection: collection_id, epoch: 2 }]);
    assert_eq!(collection(&world, 1).commitment, [0xee; 32]);
    assert_eq!(world.ok("owner", rotate(1, 2)), [], "sent twice, it turns once");

    world.ok("owner", create(2));
    world.ok("owner", transfer(1, "heir"));
    assert_eq!(owned(&world, "owner"), [id(2)]);
    assert_eq!(owned(&world, "heir"), [id(1)]);

    world.ok("heir", destroy(1));
    assert!(collection(&world, 1).destroyed);
    assert_eq!(owned(&world, "heir"), []);
}

/// A grant is replaced whole, and use starts at zero again.
#[test]
fn grants_replace() {
    let mut world = World::new();
    world.ok("worker", consume(1, 0, "reader", 4));
    assert_eq!(world.used(1, "reader"), 4);
    world.ok("owner", grant(1, "reader", Some(3), NOW + 9));
    let (total, rows) = grants(&world, 1, 0, 10);
    assert_eq!((total, rows.len()), (1, 1));
    assert_eq!((rows[0].used, rows[0].quota, rows[0].expires), (0, Some(3), NOW + 9));
}

/// Revocation takes a grant out of both lists, twice is once, and a new grant revives it.
#[test]
fn revocation() {
    let mut world = World::new();
    assert_eq!(shared(&world, "reader"), [id(1)]);
    assert_eq!(world.ok("owner", revoke(1, "reader")).len(), 1);
    assert_eq!(world.ok("owner", revoke(1, "reader")), []);
    assert_eq!(grants(&world, 1, 0, 10).0, 0);
    assert_eq!(shared(&world, "reader"), []);
    world.ok("owner", grant(1, "reader", None, NOW + 5));
    assert_eq!(grants(&world, 1, 0, 10).0, 1);
    assert_eq!(shared(&world, "reader"), [id(1)]);
}

/// Grants and placements outlive a transfer; what a grantee shares outlives a destruction.
#[test]
fn what_stays() {
    let mut world = World::new();
    world.ok("owner", transfer(1, "heir"));
    world.ok("worker", consume(1, 0, "reader", 1));
    world.ok("heir", destroy(1));
    assert_eq!(shared(&world, "reader"), [id(1)]);
}

/// A permit is revoked for its signer only, by its whole name.
#[test]
fn permits() {
    let mut world = World::empty();
    assert_eq!(world.ok("owner", revoke_permit("p1")).len(), 1);
    assert_eq!(world.ok("owner", revoke_permit("p1")), []);
    for (who, name, revoked) in [
        ("owner", "p1", true),
        ("owner", "p", false),
        ("owner", "p11", false),
        ("other", "p1", false),
        // The boundary between account and name cannot be moved.
        ("ownerp", "1", false),
    ] {
        let query =
            AccessQuery::PermitRevoked { address: account(who), permit_name: name.to_owned() };
        assert_eq!(world.ask(query), AccessReply::PermitRevoked(revoked), "{who} {name}");
    }
}

/// Taking a placement back twice is once; the writer stays on record.
#[test]
fn placements() {
    let mut world = World::new();
    world.ok("worker", claim(1, 0, 1));
    assert_eq!(world.ok("owner", unplace(1, 0)).len(), 1);
    assert_eq!(world.ok("owner", unplace(1, 0)), []);
    let (collection, shard) = (id(1), 0);
    let reply = world.ask(AccessQuery::Placement { collection, shard });
    assert_eq!(reply, AccessReply::Placement(None));
    match world.ask(AccessQuery::Writer { collection, shard }) {
        AccessReply::Writer(Some(writer)) => {
            assert_eq!((writer.epoch, writer.worker, writer.height), (1, [5; 32], 7));
        }
        other => panic!("{other:?}"),
    }
}

/// A worker that has booted goes on under its placement: with another key, and the same lease, epoch and account.
#[test]
fn rebound() {
    let mut world = World::new();
    let (collection, shard) = (id(1), 0);
    let ask = |world: &World| match world.ask(AccessQuery::Placement { collection, shard }) {
        AccessReply::Placement(Some(placement)) => placement,
        other => panic!("{other:?}"),
    };
    let before = ask(&world);
    assert_eq!(world.ok("worker", rebind(1, 0, 5)), [], "the key that it has");
    assert_eq!(world.ok("worker", rebind(1, 0, 6)), [Event::Rebound { collection, shard }]);
    let after = ask(&world);
    assert_eq!((before.worker, after.worker), ([5; 32], [6; 32]));
    assert_eq!(prag_protocol::ledger::Placement { worker: before.worker, ..after }, before);
    world.ok("worker", claim(1, 0, 1));
}

/// A policy is replaced whole under the next epoch; an empty one is one.
#[test]
fn policies() {
    let mut world = World::new();
    let collection = id(1);
    assert_eq!(world.ask(AccessQuery::Policy { collection }), AccessReply::Policy(None));
    world.ok("owner", policy(1, &[1, 2], &[3]));
    world.ok("owner", policy(1, &[], &[]));
    match world.ask(AccessQuery::Policy { collection }) {
        AccessReply::Policy(Some(policy)) => {
            assert_eq!(policy.epoch, 2);
            assert!(policy.measurements.is_empty() && policy.readers.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

/// An anchor says who, after what, and when.
#[test]
fn anchors() {
    let mut world = World::new();
    world.ok("worker", anchor(1, 0));
    world.env.height = 9;
    world.ok("worker", anchor(2, 1));
    let account = account("worker");
    match world.ask(AccessQuery::Anchor { account }) {
        AccessReply::Anchor(Some(anchor)) => {
            assert_eq!((anchor.root, anchor.previous, anchor.height), ([2; 32], [1; 32], 9));
        }
        other => panic!("{other:?}"),
    }
}

/// One admission shows one height.
#[test]
fn admission() {
    let mut world = World::new();
    world.ok("reader", revoke_permit("p1"));
    world.ok("owner", policy(1, &[5], &[6]));
    let ask = |n: u8, who: &str| AccessQuery::Admission {
        collection: id(n),
        caller: account(who),
        permit_name: "p1".to_owned(),
    };
    match world.ask(ask(1, "reader")) {
        AccessReply::Admission(seen) => {
            assert_eq!((seen.height, seen.time), (7, NOW));
            assert_eq!(seen.collection.unwrap().owner, account("owner"));
            assert_eq!(seen.grant.unwrap().grantee, account("reader"));
            assert!(seen.permit_revoked);
            let seen = seen.policy.unwrap();
            assert_eq!((seen.measurements, seen.readers), (vec![[5; 32]], vec![[6; 32]]));
        }
        other => panic!("{other:?}"),
    }
    let nothing = Admission {
        height: 7,
        time: NOW,
        collection: None,
        grant: None,
        through: None,
        permit_revoked: false,
        policy: None,
    };
    assert_eq!(world.ask(ask(9, "stranger")), AccessReply::Admission(nothing));
}

/// Pages cover the list once, whatever their size, and end at its end.
#[test]
fn pages() {
    let mut world = World::empty();
    world.ok("owner", create(1));
    for n in 0..25 {
        world.ok("owner", grant(1, &format!("g{n}"), None, NOW + 10));
    }
    for limit in [1, 7, 25, 100] {
        let mut seen = std::collections::BTreeSet::new();
        for offset in (0..30).step_by(usize::try_from(limit).unwrap()) {
            let (total, rows) = grants(&world, 1, offset, limit);
            assert_eq!(total, 25);
            for row in rows {
                assert!(seen.insert(row.grantee), "a row came twice");
            }
        }
        assert_eq!(seen.len(), 25);
    }
    assert_eq!(grants(&world, 1, u32::MAX, 100), (25, vec![]));
    let over = AccessQuery::Grants { collection: id(1), offset: 0, limit: 101 };
    assert!(matches!(access::query(&world.map, &world.env, over), Err(AccessError::Bound(_))));
}
