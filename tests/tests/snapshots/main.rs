//! Snapshots over the real channel: made, verified and restored, on the same worker and on another one; by an owner,
//! under a host who owns the target, and with a machine that dies at every step.
//!
//! Layer: tests.
//! Holds: two workers of one ledger with one folder, or one bucket, between them.
//! Never: a key or a plain byte in that folder.
//! Invariant: what is restored answers as what was snapshotted did, or nothing is restored and the reason has a name.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bucket;
mod crash;
mod hostile;
// Shared with the vaults, whose tests also set its clock.
#[allow(dead_code)]
#[path = "../vaults/ledger.rs"]
mod ledger;
mod life;
mod stage;

use prag_client::owner::NewCollection;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::{CollectionState, Precision, Residency, VectorSource};
use prag_protocol::wire::snapshots::{AtTarget, Standing};
use prag_server::settings::VaultKind;
use prag_tests::{document, hour_grant};
use stage::{Stage, follow, restore, take};

/// A snapshot restored on another worker answers byte for byte as the first one did: hits, scores, documents. What it
/// answers has receipts that hold, its history continues the one remembered, and it goes on being written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_worker_answers_alike() {
    let stage = Stage::start(&[VaultKind::Peer, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    let made = take(&owner, stage.id).await;
    assert_eq!((made.new_objects, made.previous.clone()), (made.objects, None));
    let (answers, before) =
        (stage.answers(&owner).await, owner.check_history(stage.id).await.unwrap());

    let mut second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    let refused = owner.collection(stage.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden), "it does not know the collection");
    let checked = restore(&owner, stage.id, |_| ()).await.unwrap();
    assert_eq!((checked.snapshot.id.clone(), checked.standing), (made.id, Standing::Equal));
    let head = owner.restored(stage.id, &checked, false).await.unwrap();
    assert_eq!((head.size, head.root, head.writer_epoch), (before.size, before.root, 2));
    assert_eq!(stage.answers(&owner).await, answers);
    assert_eq!(owner.collection(stage.id).await.unwrap().name, "notes");
    stage.receipt_holds(&second, &owner).await;

    stage.put(&owner, 500).await;
    owner.check_history(stage.id).await.unwrap();
    let answers = stage.answers(&owner).await;
    second.restart().await;
    let owner = stage.owner_at(&second).await;
    assert_eq!(stage.unlocked(&owner).await.state, CollectionState::Ready);
    assert_eq!(stage.answers(&owner).await, answers);
    let first = stage.owner().await;
    let refused = first.query(stage.id, &stage::query()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing), "the first one is placed no longer");
    let back = first.release(stage.id, 1).await.unwrap();
    assert_eq!(
        back.state,
        CollectionState::Quarantined,
        "placed again, it has what was superseded"
    );
    let refused = first.query(stage.id, &stage::query()).await.unwrap_err().to_string();
    assert!(refused.contains("the collection was restored since"), "{refused}");
}

/// What the owner chose for a collection goes with its snapshots to a worker that never saw it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_chosen_goes_along() {
    let stage = Stage::start(&[VaultKind::Peer, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    let new = NewCollection {
        name: "small".to_owned(),
        vectors: VectorSource::Supplied(2),
        language: Some("german".to_owned()),
        residency: Residency::Disk,
        precision: Precision::I8,
        ..NewCollection::default()
    };
    let made = owner.create(new).await.unwrap();
    owner.put_document(made.id, &document(1)).await.unwrap();
    owner.check_history(made.id).await.unwrap();
    take(&owner, made.id).await;
    let second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    let checked = restore(&owner, made.id, |_| ()).await.unwrap();
    owner.restored(made.id, &checked, false).await.unwrap();
    let seen = owner.collection(made.id).await.unwrap();
    assert_eq!((seen.profile, seen.chunks), (made.profile, 1));
}

/// A later snapshot writes what changed: nothing for nothing, a pack of rows for a few documents, and no segment again
/// after a rotation of keys; the one before opens no more then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_snapshot_writes_little() {
    let stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    let first = take(&owner, stage.id).await;
    let again = take(&owner, stage.id).await;
    assert_eq!((again.new_objects, again.new_bytes, again.objects), (0, 0, first.objects));
    assert_eq!(again.previous.as_ref(), Some(&first.id));
    stage.put(&owner, 300).await;
    let more = take(&owner, stage.id).await;
    assert!((1..=2).contains(&more.new_objects), "{more:?}");
    assert!(more.objects >= 6 && more.new_bytes < more.bytes, "{more:?}");
    owner.check_history(stage.id).await.unwrap();

    owner.rotate(stage.id).await.unwrap();
    let rotated = take(&owner, stage.id).await;
    assert_eq!(
        (rotated.epoch, rotated.new_objects),
        (2, 0),
        "DEKs are wrapped anew, and nothing moves"
    );
    let listed = owner.snapshots(stage.id, &AtTarget::default()).await.unwrap();
    let open: Vec<_> = listed.data.iter().map(|one| &one.id).collect();
    assert_eq!((open, listed.closed.len()), (vec![&rotated.id], 3));
    assert!(listed.closed.iter().all(|one| one.reason.contains("destroyed by a rotation")));
    let refused = restore(&owner, stage.id, |one| {
        (one.replace, one.older) = (true, true);
        one.snapshot = Some(first.id.clone());
    });
    assert_eq!(refused.await.unwrap_err().code(), Some(Code::CiphertextInvalid));

    let pruned = owner.prune_snapshots(stage.id, None, 1).await.unwrap();
    assert_eq!(pruned.removed.len(), 3);
    let op = owner.verify_snapshot(stage.id, None, None).await.unwrap();
    let checked = follow(&owner, op).await.unwrap();
    assert_eq!((checked.snapshot.id, checked.standing), (rotated.id, Standing::Equal));
}

/// An older state is refused by the head that is remembered, and by the one that was anchored; with the owner's word it
/// is restored under the next writer epoch. Who remembers the newer one is warned, also by a restarted worker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_takes_the_owners_word() {
    let mut stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    let old = take(&owner, stage.id).await;
    let answers = stage.answers(&owner).await;
    stage.put(&owner, 400).await;
    let newer = owner.check_history(stage.id).await.unwrap();
    assert!(stage.first.anchor().await);
    let (file, elsewhere) = stage.remembered();

    let refused = restore(&owner, stage.id, |_| ()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Conflict), "the worker has its shard");
    let refused = restore(&owner, stage.id, |one| one.replace = true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::SnapshotOlder));
    assert!(refused.to_string().contains("say `older`"), "{refused}");
    // Forgetting does not help: the worker itself knows more.
    owner.channel().remembered().forget(stage.id).unwrap();
    let refused = restore(&owner, stage.id, |one| one.replace = true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::SnapshotOlder));
    assert_eq!(owner.check_history(stage.id).await.unwrap(), newer, "nothing was changed");

    let back = restore(&owner, stage.id, |one| (one.replace, one.older) = (true, true)).await;
    let back = back.unwrap();
    assert_eq!(
        (&back.snapshot.id, back.writer_epoch, back.standing),
        (&old.id, Some(2), Standing::Older)
    );
    let head = owner.restored(stage.id, &back, true).await.unwrap();
    assert_eq!((head.writer_epoch, head.size), (2, newer.size - 1));
    assert_eq!(stage.answers(&owner).await, answers);
    stage.first.restart().await;
    let owner = stage.owner().await;
    assert_eq!(
        stage.unlocked(&owner).await.state,
        CollectionState::Ready,
        "its anchor is the new writer's"
    );
    assert_eq!(stage.answers(&owner).await, answers);
    let here = std::fs::read(&file).unwrap();
    std::fs::write(&file, elsewhere).unwrap();
    let warned = owner.check_history(stage.id).await.unwrap_err();
    assert!(warned.to_string().contains("older than the one remembered"), "{warned}");
    std::fs::write(&file, here).unwrap();
    stage.put(&owner, 401).await;
    owner.check_history(stage.id).await.unwrap();
    assert_eq!(stage.shards().len(), 1, "the shard before is gone");
}

/// A shard that is found damaged when a restoration wakes it still says what it had when it went to rest: an older
/// state takes the owner's word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_damaged_is_known() {
    let stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    take(&owner, stage.id).await;
    stage.put(&owner, 400).await;
    owner.channel().remembered().forget(stage.id).unwrap();
    for _ in 0..1000 {
        stage.first.worker().rest_idle(0).await;
        if stage.first.worker().metrics().contains("\nprag_collections_resting 1\n") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let [shard] = &stage.shards()[..] else { panic!("one shard") };
    for entry in
        std::fs::read_dir(stage.first.path().join("shards").join(shard).join("blobs")).unwrap()
    {
        std::fs::write(entry.unwrap().path(), b"damaged").unwrap();
    }
    let refused = restore(&owner, stage.id, |one| one.replace = true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::SnapshotOlder), "{refused}");
    let seen = owner.collection(stage.id).await.unwrap();
    assert_eq!(seen.state, CollectionState::Quarantined);
    let back = restore(&owner, stage.id, |one| (one.replace, one.older) = (true, true)).await;
    assert_eq!(back.unwrap().writer_epoch, Some(2));
    assert_eq!(stage.unlocked(&owner).await.state, CollectionState::Ready);
}

/// Snapshots are the owner's: no grant, no stranger, no target that the settings do not name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_has_snapshots() {
    let stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    take(&owner, stage.id).await;
    let reader = stage.first.client("reader").await;
    owner.put_grant(stage.id, &hour_grant(&reader)).await.unwrap();
    for who in [&reader, &stage.first.client("stranger").await] {
        let at = AtTarget::default();
        let refusals = [
            who.create_snapshot(stage.id, &at).await.map(drop).unwrap_err(),
            who.snapshots(stage.id, &at).await.map(drop).unwrap_err(),
            who.verify_snapshot(stage.id, None, None).await.map(drop).unwrap_err(),
            restore(who, stage.id, |one| one.replace = true).await.map(drop).unwrap_err(),
            who.prune_snapshots(stage.id, None, 1).await.map(drop).unwrap_err(),
        ];
        for refused in refusals {
            assert_eq!(refused.code(), Some(Code::Forbidden), "{refused}");
        }
    }
    for target in ["other", "../other", "/etc"] {
        let at = AtTarget { target: Some(target.to_owned()) };
        let refused = owner.create_snapshot(stage.id, &at).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::NoTarget), "{refused}");
        assert!(refused.to_string().contains("shared"), "it names those that there are: {refused}");
    }
    let refused = owner.verify_snapshot(stage.id, None, Some("../x".to_owned())).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::InvalidField));
}
