//! Who is told of a collection before it is placed, and after another one is.

use super::*;
use crate::Refusal::Hidden;
use prag_contracts_permit::testing::introduced;

/// Somebody's word for the session of `guest`, in another session of its own.
fn word(room: &Room, host: Who, guest: Who, until: u64) -> Introduction {
    let permit = room.person(host).permit(&EXPECTED, &["prag_admin"], NOW + 5000).unwrap();
    let guest = room.person(guest).session_key();
    introduced(room.person(host), &EXPECTED, permit, &guest, until)
}

fn place(room: &mut Room, on: Who) {
    let placement = Placement {
        collection: COLLECTION,
        shard: 7,
        epoch: 1,
        worker: [3; 32],
        account: room.address(on),
        lease_until: NOW + 900_000,
    };
    room.tell(Who::Owner, AccessMsg::Place { placement }).unwrap();
}

/// The owner's admission, as its worker asks for it.
fn admission(room: &Room, caller: Who) -> AccessQuery {
    let (caller, permit_name) = (room.address(caller), "p".to_owned());
    AccessQuery::Admission { collection: COLLECTION, caller, permit_name }
}

/// What a worker asks before it is placed.
fn questions(room: &Room) -> Vec<AccessQuery> {
    let collection = COLLECTION;
    vec![
        admission(room, Who::Owner),
        AccessQuery::Collection { collection },
        AccessQuery::Placement { collection, shard: 7 },
        AccessQuery::Writer { collection, shard: 7 },
        AccessQuery::Policy { collection },
    ]
}

/// Nothing about others: neither who reads, nor what a reader may.
fn others(room: &Room) -> Vec<AccessQuery> {
    let (collection, grantee) = (COLLECTION, room.address(Who::Reader));
    vec![
        admission(room, Who::Reader),
        AccessQuery::Grant { collection, grantee },
        AccessQuery::Grants { collection, offset: 0, limit: 1 },
        AccessQuery::Collections { owner: room.address(Who::Owner), offset: 0, limit: 1 },
    ]
}

const GUEST: Asker = (Who::Stranger, "prag_query", Some(7));

/// The owner's word opens the owner's collection to its guest, and no more than is needed to place it.
#[test]
fn an_owner_introduces_a_worker() {
    let room = Room::new();
    let word = word(&room, Who::Owner, Who::Stranger, NOW + 60);
    for query in questions(&room) {
        assert_eq!(room.ask_with(NOW, GUEST, None, &query), Err(Hidden), "{query:?}");
        assert!(room.ask_with(NOW, GUEST, Some(word.clone()), &query).is_ok(), "{query:?}");
    }
    for query in others(&room) {
        let asked = room.ask_with(NOW, GUEST, Some(word.clone()), &query);
        assert_eq!(asked, Err(Hidden), "{query:?}");
    }
    let absent = AccessQuery::Collection { collection: CollectionId([0xcc; 16]) };
    assert_eq!(room.ask_with(NOW, GUEST, Some(word), &absent), Err(Hidden));
}

/// Whoever owns it not introduces nobody: a grantee and the worker neither.
#[test]
fn only_its_owner_introduces() {
    let room = Room::new();
    for host in [Who::Reader, Who::Worker, Who::Stranger] {
        let word = word(&room, host, Who::Stranger, NOW + 60);
        for query in questions(&room).into_iter().chain([admission(&room, host)]) {
            let asked = room.ask_with(NOW, GUEST, Some(word.clone()), &query);
            assert_eq!(asked, Err(Hidden), "{host:?} {query:?}");
        }
    }
}

/// A word is for one guest and some minutes, under a permit to administer that is not revoked.
#[test]
fn a_word_is_for_one_guest_and_not_for_long() {
    let mut room = Room::new();
    let query = AccessQuery::Policy { collection: COLLECTION };
    let ask = |room: &Room, now, word| room.ask_with(now, GUEST, Some(word), &query);
    let good = word(&room, Who::Owner, Who::Stranger, NOW + 60);
    assert!(ask(&room, NOW + 59, good.clone()).is_ok());
    assert!(matches!(ask(&room, NOW + 60, good.clone()), Err(Refusal::Permit(_))));
    let far = word(&room, Who::Owner, Who::Stranger, NOW + 301);
    assert!(matches!(ask(&room, NOW, far), Err(Refusal::Permit(_))));
    let for_another = word(&room, Who::Owner, Who::Worker, NOW + 60);
    assert!(matches!(ask(&room, NOW, for_another), Err(Refusal::Permit(_))));
    let owner = room.person(Who::Owner);
    let permit = owner.permit(&EXPECTED, &["prag_query"], NOW + 5000).unwrap();
    let guest = room.person(Who::Stranger).session_key();
    let weak = introduced(owner, &EXPECTED, permit, &guest, NOW + 60);
    assert!(matches!(ask(&room, NOW, weak), Err(Refusal::Permit(_))));

    let permit_name = good.permit.params.permit_name.clone();
    room.tell(Who::Owner, AccessMsg::RevokePermit { permit_name }).unwrap();
    assert_eq!(ask(&room, NOW, good), Err(Hidden));
}

/// Whoever was placed until another one was is told of the collection for an hour, and of nobody but itself.
#[test]
fn who_was_displaced_is_told_for_an_hour() {
    let mut room = Room::new();
    let asker = (Who::Worker, "prag_query", Some(7));
    place(&mut room, Who::Stranger);
    let mut mine = questions(&room);
    mine[0] = admission(&room, Who::Worker);
    for query in &mine {
        assert!(room.ask_with(NOW + 3599, asker, None, query).is_ok(), "{query:?}");
        assert_eq!(room.ask_with(NOW + 3600, asker, None, query), Err(Hidden), "{query:?}");
        let elsewhere = (Who::Worker, "prag_query", Some(8));
        assert_eq!(room.ask_with(NOW, elsewhere, None, query), Err(Hidden), "{query:?}");
    }
    for query in others(&room).into_iter().chain([admission(&room, Who::Owner)]) {
        assert_eq!(room.ask_with(NOW, asker, None, &query), Err(Hidden), "{query:?}");
    }
    let Ok(AccessReply::Placement(Some(seen))) = room.ask_with(NOW, asker, None, &mine[2]) else {
        panic!("it has to know whom to hand the keys")
    };
    assert_eq!(seen.account, room.address(Who::Stranger));
}

/// Whose lease was over, whose key was past, or who is placed by nobody any more, has nothing to hand over.
#[test]
fn who_was_not_placed_any_more_is_told_nothing() {
    let query = AccessQuery::Placement { collection: COLLECTION, shard: 7 };
    let asker = (Who::Worker, "prag_query", Some(7));
    let mut room = Room::new();
    let rotate = AccessMsg::RotateEpoch { collection: COLLECTION, epoch: 2, commitment: [2; 32] };
    room.tell(Who::Owner, rotate).unwrap();
    let placement = Placement {
        collection: COLLECTION,
        shard: 7,
        epoch: 2,
        worker: [3; 32],
        account: room.address(Who::Stranger),
        lease_until: NOW + 900,
    };
    room.tell(Who::Owner, AccessMsg::Place { placement }).unwrap();
    assert_eq!(room.ask_with(NOW, asker, None, &query), Err(Hidden), "its key was past");

    let mut room = Room::new();
    room.tell(Who::Owner, AccessMsg::Unplace { collection: COLLECTION, shard: 7 }).unwrap();
    place(&mut room, Who::Stranger);
    assert_eq!(room.ask_with(NOW, asker, None, &query), Err(Hidden), "it was placed no more");
}
