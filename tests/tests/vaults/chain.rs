//! A ledger that keeps shares gives them back to a worker that restarted, and to nobody else.

use crate::ledger::Shifted;
use crate::played::Played;
use crate::stage::{Stage, keys};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState::{Locked, Ready};
use prag_protocol::wire::collections::VaultKind::{Chain, Owner};
use prag_tests::{VERSION, find};
use prag_trust::sim::sim_measurement;

/// A managed collection: the ledger holds both shares, and a restarted worker gets them back once it is placed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_managed_collection_comes_back_from_the_ledger() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], true).await;
    stage.first.restart().await;
    let opened = stage.serving(&stage.first).await;
    assert_eq!((opened.state, keys(&opened).0), (Ready, Some(Chain)), "bound to its new key first");
    let owner = stage.owner().await;
    assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
    assert_eq!(*played.asked.lock().unwrap(), 1);
}

/// Of a collection that is not managed the ledger has one half: the owner gives the other, and the ledger's half comes
/// from the ledger, not from the worker's disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledgers_half_is_not_enough() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], false).await;
    stage.first.restart().await;
    let owner = stage.owner().await;
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!(placed.state, Locked);
    assert_eq!(keys(&placed), (None, vec!["chain owner-share-missing".to_owned()]));
    let found_again = played.lose(stage.id, 1);
    let refused = owner.release(stage.id, 1).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing));
    found_again(&played);
    let released = owner.release(stage.id, 1).await.unwrap();
    assert_eq!((released.state, keys(&released).0), (Ready, Some(Owner)));
}

/// An image that the ledger does not take, a stranger's account, or shares that a host made up: locked, and why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_refuses_and_forgeries_do_not_open() {
    let clock = Shifted::default();
    let played = Played::new(&clock);
    let mut stage = Stage::under(played.clone(), clock, &[Chain, Owner], true).await;
    stage.first.restart().await;
    let owner = stage.owner().await;
    played.images.lock().unwrap().clear();
    let refused = owner.place(stage.id).await.unwrap();
    assert_eq!((refused.state, keys(&refused).1), (Locked, vec!["chain refused".to_owned()]));
    played.images.lock().unwrap().push(sim_measurement(VERSION));
    *played.forges.lock().unwrap() = true;
    let refused = owner.place(stage.id).await.unwrap();
    assert_eq!((refused.state, keys(&refused).1), (Locked, vec!["chain commitment".to_owned()]));
    *played.forges.lock().unwrap() = false;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready);
}

/// A ledger that keeps no shares takes no managed collection: nothing is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_ledger_that_keeps_shares_manages() {
    use prag_protocol::wire::collections::VectorSource;
    let stage = Stage::start(&[Owner]).await;
    let owner = stage.owner().await;
    let height = stage.ledger.head().await.height;
    let made = owner.create_managed_collection("managed", VectorSource::Supplied(2)).await;
    let problem = made.unwrap_err();
    assert_eq!(problem.code(), Some(Code::InvalidField));
    assert_eq!(stage.ledger.head().await.height, height);
}
