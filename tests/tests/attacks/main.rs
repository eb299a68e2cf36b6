//! Attacks of the host on stored state, each refused by its own name.
//!
//! Layer: tests.
//! Holds: what a host can do with files that it cannot read: put back old ones, leave some out.
//! Never: the owner's keys, nor anything else that the host has not.
//! Invariant: no attack gives an owner an answer from an old or a forged state without an error.

#![allow(clippy::unwrap_used, clippy::panic)]

mod stage;

use prag_client::error::ClientError;
use prag_protocol::problem::Code;
use prag_trust::head::HeadError;
use stage::Stage;

/// The whole directory is put back, embedded ledger included: a worker that was restarted serves nothing until a
/// ledger head is shown, and the one that the owner remembers is ahead of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_directory_is_refused() {
    let mut stage = Stage::start_strict().await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.remember().await;
    stage.lab.stop().await;
    let old = stage.copy("data");
    stage.lab.resume(false).await;
    stage.confirm().await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.remember().await;
    stage.lab.stop().await;
    stage.put_back("data", &old);

    stage.lab.resume(false).await;
    let client = stage.owner().await;
    assert_eq!(stage.ask(&client).await.unwrap_err().code(), Some(Code::LedgerUnconfirmed));
    let (height, root) = stage.remembered_ledger(&client).await;
    let refused = client.confirm_ledger(height, &root).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::LedgerStale), "{refused}");
    assert_eq!(stage.ask(&client).await.unwrap_err().code(), Some(Code::LedgerUnconfirmed));

    // Somebody who runs it with --dev all the same: the remembered heads refuse what it serves.
    stage.lab.stop().await;
    stage.lab.resume(true).await;
    stage.accept();
    let client = stage.owner().await;
    let refused = client.check_history(stage.id).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::History { reason: HeadError::Rollback, .. }),
        "{refused}"
    );
}

/// The same directory, not put back: the remembered ledger head opens it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remembered_ledger_head_opens_an_honest_worker() {
    let mut stage = Stage::start_strict().await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.remember().await;
    stage.lab.stop().await;
    stage.lab.resume(false).await;
    let client = stage.owner().await;
    assert_eq!(stage.ask(&client).await.unwrap_err().code(), Some(Code::LedgerUnconfirmed));
    let (height, root) = stage.remembered_ledger(&client).await;
    client.confirm_ledger(height, &root).await.unwrap();
    assert_eq!(stage.ask(&client).await.unwrap(), 5);
}

/// One shard is put back, ledger and other shards are not: the worker itself refuses it, and serves the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_shard_is_refused() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.lab.stop().await;
    let shard = stage.shard();
    let old = stage.copy(&shard);
    stage.lab.resume(true).await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    stage.put_back(&shard, &old);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    let refused = stage.ask(&client).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::ShardUnavailable));
    assert!(
        refused.to_string().contains("rolled back: it has 5 batches, and 10 were anchored"),
        "{refused}"
    );
    stage.bystander_serves(&client).await;
}

/// Before an anchor the worker cannot know; who remembers a head does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_shard_before_its_anchor_is_seen_by_its_owner() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    let shard = stage.shard();
    let old = stage.copy(&shard);
    stage.lab.resume(true).await;
    stage.put(5).await;
    stage.remember().await;
    stage.lab.stop().await;
    stage.put_back(&shard, &old);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    assert_eq!(
        stage.ask(&client).await.unwrap(),
        5,
        "ahead of its anchor, so the worker serves it"
    );
    let refused = client.check_history(stage.id).await.unwrap_err();
    assert!(
        matches!(refused, ClientError::History { reason: HeadError::Rollback, .. }),
        "{refused}"
    );
}

/// One batch is removed: its rows, then its digest too, then with the head before it put back. The last is a shard
/// that is whole but older, and is named so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_batch_is_refused() {
    for (removed, said) in [
        (vec![rows::batch(4)], "the stored batch failed its check"),
        (vec![rows::batch(4), rows::digest(4)], "the stored head failed its check"),
        (vec![rows::batch(2)], "the stored batch failed its check"),
        (vec![rows::batch(2), rows::digest(2)], "the stored digest failed its check"),
    ] {
        let mut stage = Stage::start().await;
        stage.put(5).await;
        stage.lab.stop().await;
        stage.rewrite(&removed, &[]);
        stage.lab.resume(true).await;
        stage.refuses_by(said).await;
    }
    let mut stage = Stage::start().await;
    stage.put(4).await;
    stage.lab.stop().await;
    let head = stage.row(&rows::head());
    stage.lab.resume(true).await;
    stage.put(1).await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    stage.rewrite(&[rows::batch(4), rows::digest(4)], &[(rows::head(), head)]);
    stage.lab.resume(true).await;
    stage.refuses_by("rolled back: it has 4 batches, and 5 were anchored").await;
}

/// Five batches are rolled back and ten others accepted: longer than before, so no count shows it. The anchor does at
/// the next opening; the owner's remembered head does at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_is_refused() {
    let mut stage = Stage::start().await;
    stage.put(3).await;
    stage.lab.stop().await;
    let old = stage.copy("data");
    stage.lab.resume(true).await;
    stage.put(5).await;
    stage.lab.anchor().await;
    stage.remember().await;
    stage.lab.stop().await;
    let true_ledger = stage.copy(&stage.own());

    // The host runs a worker on the old directory, and takes ten batches from an owner who remembers nothing.
    stage.put_back("data", &old);
    stage.lab.resume(true).await;
    stage.put_forgetful(10).await;
    let client = stage.owner().await;
    let refused = client.check_history(stage.id).await.unwrap_err();
    assert!(matches!(refused, ClientError::History { reason: HeadError::Fork, .. }), "{refused}");
    stage.lab.stop().await;

    // With the true ledger back, the worker itself sees it.
    stage.put_back(&stage.own(), &true_ledger);
    stage.lab.resume(true).await;
    stage.refuses_by("forked: its first 8 batches are not those that were anchored").await;
}

/// The heads behind the last anchor are removed, so that nothing could be compared: refused too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_anchors_are_refused() {
    let mut stage = Stage::start().await;
    stage.put(3).await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    assert_eq!(stage.remove_table(&stage.own(), 0x15), 1);
    stage.lab.resume(true).await;
    stage.refuses_by("the heads behind the last anchor were removed").await;
}

/// A crash between a write and its anchor, or between keeping the heads and telling the ledger, locks nobody out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_the_anchor_locks_nobody_out() {
    let mut stage = Stage::start().await;
    stage.put(3).await;
    assert!(stage.lab.anchor().await);
    assert!(!stage.lab.anchor().await, "nothing has moved");
    stage.put(4).await;
    stage.lab.stop().await;
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    assert_eq!(stage.ask(&client).await.unwrap(), 7);
    client.check_history(stage.id).await.unwrap();

    // As if it had crashed after keeping the newer heads and before telling the ledger: both rows of heads are there,
    // and the ledger's last transition, the anchor, is not.
    stage.lab.stop().await;
    let heads = stage.table(&stage.own(), 0x15);
    stage.lab.resume(true).await;
    assert!(stage.lab.anchor().await);
    stage.lab.stop().await;
    let (told, _) = stage.table(&stage.own(), 0x10).pop().unwrap();
    stage.rewrite_in(&stage.own(), &[told], &heads);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    assert_eq!(stage.ask(&client).await.unwrap(), 7);
    assert!(stage.lab.anchor().await, "the anchor that was not told is taken again");
}

/// Keys of rows, as the host sees them in any shard (key format 1).
mod rows {
    pub(crate) fn batch(seq: u64) -> Vec<u8> {
        [&[3], &seq.to_be_bytes()[..], &[0, 0]].concat()
    }

    pub(crate) fn head() -> Vec<u8> {
        vec![4]
    }

    pub(crate) fn digest(seq: u64) -> Vec<u8> {
        [&[5], &seq.to_be_bytes()[..]].concat()
    }
}
