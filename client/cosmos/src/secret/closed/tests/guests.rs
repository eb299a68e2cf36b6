//! What a worker is told by an owner's word, and what proves that an answer is of a state from after some moment.

use super::*;
use prag_client::introduction::Introduction;

fn mine() -> [u8; 32] {
    SessionKey::from_bytes(&KEY).public_key()
}

/// The word of the wallet of that number, for the worker whose signing key is `guest`.
fn word(world: &World, ledger: &CosmosLedger, seed: u8, guest: [u8; 32], seconds: u64) -> Vec<u8> {
    let (key, now) = (SessionKey::from_bytes(&[seed + 20; 32]), world.clock.now());
    let expected = ledger.expected();
    let params = PermitParams::new(&expected, &key.public_key(), Permissions::Admin, now + 9000);
    let permit = Permit::sign(&wallet(seed), params).unwrap();
    let account = wallet(seed).address();
    let word = Introduction::sign(&key, &permit, &expected, &account, &guest, now + seconds);
    word.unwrap().to_json().unwrap()
}

/// By its owner's word a worker sees a collection that is another's, until that word ends; and nothing else.
#[tokio::test]
async fn an_owners_word_shows_what_is_not_placed_here() {
    let world = World::new();
    let ledger = world.ledger(world.honest(3).await).await;
    let good = word(&world, &ledger, 11, mine(), 240);
    let placement = |id| AccessQuery::Placement { collection: id, shard: 0 };
    let absent = Ok(AccessReply::Placement(None));
    assert_eq!(ledger.query(placement(collection(2))).await, absent);

    let seen = ledger.view_introduced(collection(2), &owner(), "permit", &good).await.unwrap();
    assert_eq!(seen.collection.unwrap().owner, owner());
    let found = ledger.query(placement(collection(2))).await;
    let Ok(AccessReply::Placement(Some(found))) = found else { panic!("{found:?}") };
    assert_eq!(found.account, wallet(14).address());
    let query = AccessQuery::Policy { collection: collection(2) };
    assert_eq!(ledger.query(query.clone()).await, Ok(AccessReply::Policy(None)));
    let seen = ledger.view(collection(2), &reader(), "permit").await.unwrap();
    assert!(seen.collection.is_none(), "nothing about others");
    let seen = ledger.view_introduced(collection(3), &owner(), "permit", &good).await.unwrap();
    assert!(seen.collection.is_none(), "nor of what is nowhere");

    world.later(211).await;
    assert_eq!(ledger.query(placement(collection(2))).await, absent, "the word is over");
    assert!(matches!(ledger.query(query).await, Err(LedgerError::Refused(_))));
}

/// Another's word opens nothing, and does not push the owner's out; a word that does not hold is not shown to anybody.
#[tokio::test]
async fn other_words_open_nothing() {
    let world = World::new();
    let ledger = world.ledger(world.honest(2).await).await;
    let stranger = wallet(15).address();
    let foreign = word(&world, &ledger, 15, mine(), 240);
    let good = word(&world, &ledger, 11, mine(), 240);
    let view = async |who: &Address, word: &[u8]| {
        ledger.view_introduced(collection(2), who, "permit", word).await
    };
    assert!(view(&stranger, &foreign).await.unwrap().collection.is_none());
    assert!(view(&owner(), &good).await.unwrap().collection.is_some());
    assert!(view(&stranger, &foreign).await.unwrap().collection.is_none());
    let query = AccessQuery::Placement { collection: collection(2), shard: 0 };
    assert!(matches!(ledger.query(query).await, Ok(AccessReply::Placement(Some(_)))));

    let other_guest = word(&world, &ledger, 11, [7; 32], 240);
    let too_long = word(&world, &ledger, 11, mine(), 301);
    for bad in [&foreign, &other_guest, &too_long, &b"{}".to_vec()] {
        let refused = view(&owner(), bad).await;
        assert!(matches!(refused, Err(LedgerError::Refused(_))), "{refused:?}");
    }
}

/// Whoever wants a state from after some second waits for the next pulse, which comes at once; from then on answers are.
#[tokio::test]
async fn a_state_from_after_a_moment_can_be_waited_for() {
    let world = World::new();
    let ledger = world.ledger(world.honest(2).await).await;
    assert!(ledger.is_closed());
    let now = world.clock.now();
    assert!(!ledger.pulse().await.unwrap(), "it is not time yet");
    assert!(!ledger.is_after(now).await);
    world.later(5).await;
    world.pulse(&ledger).await;
    world.later(5).await;
    assert!(ledger.is_after(now).await);
    assert!(!ledger.pulse().await.unwrap(), "nobody waits any more");
}
