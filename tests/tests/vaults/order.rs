//! The configured kinds, in their order, after a restart.

use crate::stage::{Stage, keys, move_in};
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, Placement};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::CollectionState::{Locked, Ready};
use prag_protocol::wire::collections::VaultKind::{Chain, Local, Owner, Peer};
use prag_tests::find;
use prag_trust::entropy::Clock;

/// `local`: the worker opens by itself, as long as the owner's placement of it lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_keys_come_back_while_placed() {
    let mut stage = Stage::start(&[Local]).await;
    let made = stage.at(&stage.first).await;
    assert_eq!((made.state, keys(&made)), (Ready, (Some(Owner), vec![])));
    stage.first.restart().await;
    let back = stage.at(&stage.first).await;
    assert_eq!((back.state, keys(&back)), (Ready, (Some(Local), vec![])));
    assert_eq!(find(&stage.owner().await, stage.id).await.unwrap(), 3);

    stage.tell(AccessMsg::Unplace { collection: stage.id, shard: 0 }).await;
    stage.first.restart().await;
    let locked = stage.at(&stage.first).await;
    assert_eq!(
        (locked.state, keys(&locked)),
        (Locked, (None, vec!["local not-placed".to_owned()]))
    );
    let owner = stage.owner().await;
    assert_eq!(find(&owner, stage.id).await.unwrap_err().code(), Some(Code::KeyMissing));
    let placed = owner.place(stage.id).await.unwrap();
    assert_eq!((placed.state, keys(&placed)), (Ready, (Some(Local), vec![])));
}

/// A lease that is over, and a key epoch that has passed, open nothing of what the disk still has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_leases_and_past_epochs_open_nothing() {
    let mut stage = Stage::start(&[Local]).await;
    let query = AccessQuery::Placement { collection: stage.id, shard: 0 };
    let AccessReply::Placement(Some(placed)) = stage.ledger.query(query).await.unwrap() else {
        panic!("it is placed");
    };
    let lease_until = stage.clock.now() + 30;
    let placement = Placement { lease_until, ..placed };
    stage.tell(AccessMsg::Place { placement }).await;
    stage.clock.by(50);
    stage.first.restart().await;
    let locked = stage.at(&stage.first).await;
    let not_placed = (None, vec!["local not-placed".to_owned()]);
    assert_eq!((locked.state, keys(&locked)), (Locked, not_placed.clone()));
    let owner = stage.owner().await;
    assert_eq!(owner.place(stage.id).await.unwrap().state, Ready, "the owner renews it");

    stage
        .tell(AccessMsg::RotateEpoch { collection: stage.id, epoch: 2, commitment: [7; 32] })
        .await;
    stage.first.restart().await;
    assert_eq!(keys(&stage.at(&stage.first).await), not_placed, "placed for the epoch before");
    let placed = stage.owner().await.place(stage.id).await.unwrap();
    assert_eq!((placed.state, keys(&placed).1), (Locked, vec!["local missing".to_owned()]));
}

/// `owner`: nothing is kept, the worker waits, and the owner's release opens. Kinds that have no keys do not hinder it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_is_waited_for_and_can_always_release() {
    for (kinds, tried) in [
        (vec![Owner], vec![]),
        (vec![Chain, Owner], vec!["chain unsupported".to_owned()]),
        (vec![Peer], vec![]),
    ] {
        let mut stage = Stage::start(&kinds).await;
        stage.first.restart().await;
        let locked = match tried.is_empty() {
            true => stage.at(&stage.first).await,
            false => stage.opened(&stage.first).await,
        };
        assert_eq!((locked.state, keys(&locked)), (Locked, (None, tried)), "{kinds:?}");
        let owner = stage.owner().await;
        let released = owner.release(stage.id, 1).await.unwrap();
        assert_eq!((released.state, keys(&released).0), (Ready, Some(Owner)));
        assert_eq!(find(&owner, stage.id).await.unwrap(), 3);
    }
}

/// The embedded ledger releases nothing: `chain` says so, and the next kind is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_kind_is_asked_in_order() {
    let mut stage = Stage::start(&[Chain, Local, Owner]).await;
    stage.first.restart().await;
    let opened = stage.serving(&stage.first).await;
    let tried = vec!["chain unsupported".to_owned()];
    assert_eq!((opened.state, keys(&opened)), (Ready, (Some(Local), tried)));

    // A second worker: its local vault has nothing, the ledger releases nothing, the peer has it.
    let mut stage = Stage::start(&[Local, Chain, Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let second = stage.second().await;
    move_in(&copy, &second);
    let placed = stage.owner_at(&second).await.place(stage.id).await.unwrap();
    let tried = vec!["local missing".to_owned(), "chain unsupported".to_owned()];
    assert_eq!((placed.state, keys(&placed)), (Ready, (Some(Peer), tried)));
}

/// Keys that a peer released are in the local vault from then on: the peer may be gone at the next boot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn released_keys_are_kept_locally() {
    let mut stage = Stage::start(&[Local, Peer, Owner]).await;
    let copy = stage.snapshot().await;
    let mut second = stage.second().await;
    move_in(&copy, &second);
    stage.owner_at(&second).await.place(stage.id).await.unwrap();
    stage.first.stop().await;
    second.restart().await;
    let back = stage.opened(&second).await;
    assert_eq!((back.state, keys(&back)), (Ready, (Some(Local), vec![])));
}
