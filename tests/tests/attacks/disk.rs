//! The disk: puts back what was, leaves out what is, and moves, cuts and changes what it cannot read.
//!
//! Layer: tests.
//! Holds: what can be done with files that one cannot read.
//! Never: the owner's keys, nor anything else that the disk has not.
//! Invariant: no attack gives an owner an answer from an old or a forged state without an error.

mod reads;

use crate::stage::Stage;
use prag_client::error::ClientError;
use prag_protocol::problem::Code;
use prag_trust::head::HeadError;
use std::fs;
use std::path::PathBuf;

/// The whole directory is put back, embedded ledger included: a worker that was restarted serves nothing until a
/// ledger head is shown, and the one that the owner remembers is ahead of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_the_whole_directory() {
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
async fn leaves_everything_as_it_was() {
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
async fn restores_one_shard() {
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
async fn restores_one_shard_before_its_anchor() {
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
async fn removes_a_batch() {
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
async fn forks_the_history() {
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
async fn removes_the_anchored_heads() {
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
async fn kills_the_worker_before_its_anchor() {
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

/// Batches are swapped, cut, repeated and changed, alone and with the digests beside them: each opens at its own place
/// only, and whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_cuts_repeats_and_changes_batches() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.lab.stop().await;
    let whole = stage.copy(&stage.shard());
    let (first, second) = (stage.row(&rows::batch(1)), stage.row(&rows::batch(2)));
    let digests = (stage.row(&rows::digest(1)), stage.row(&rows::digest(2)));
    let (mut changed, cut) = (first.clone(), first[..first.len() - 1].to_vec());
    changed[first.len() / 2] ^= 1;
    let at = |seq: u64, bytes: &[u8]| (rows::batch(seq), bytes.to_vec());
    let digest_at = |seq: u64, bytes: &[u8]| (rows::digest(seq), bytes.to_vec());
    for written in [
        vec![at(1, &second), at(2, &first)],
        vec![at(1, &second), at(2, &first), digest_at(1, &digests.1), digest_at(2, &digests.0)],
        vec![at(2, &first)],
        vec![at(2, &first), digest_at(2, &digests.0)],
        vec![at(1, &cut)],
        vec![at(1, &[])],
        vec![at(1, &changed)],
        vec![digest_at(1, &digests.1), digest_at(2, &digests.0)],
    ] {
        stage.rewrite(&[], &written);
        stage.lab.resume(true).await;
        stage.refuses_by("failed its check").await;
        stage.lab.stop().await;
        stage.put_back(&stage.shard(), &whole);
    }
    // What lies beyond the head is no batch: it changes nothing, and the next one takes its place.
    stage.rewrite(&[], &[at(5, &first)]);
    stage.lab.resume(true).await;
    assert_eq!(stage.ask(&stage.owner().await).await.unwrap(), 5);
    stage.put(1).await;
    stage.lab.restart().await;
    assert_eq!(stage.ask(&stage.owner().await).await.unwrap(), 6);
}

/// Segments' parts are swapped, cut, changed, replaced by those of an older segment, and removed: the shard is refused,
/// or was rebuilt from what is whole, but never answers with less or other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_cuts_and_replaces_segments() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.compact().await;
    stage.lab.stop().await;
    let older = blobs(&stage);
    assert!(older.len() >= 4, "a segment has parts");
    stage.lab.resume(true).await;
    stage.put(3).await;
    stage.compact().await;
    stage.lab.stop().await;
    let whole = stage.copy(&stage.shard());
    let newer: Vec<_> = blobs(&stage)
        .into_iter()
        .filter(|(path, _)| older.iter().all(|(old, _)| old != path))
        .collect();
    let mut changed = newer[0].1.clone();
    changed[newer[0].1.len() / 2] ^= 1;
    let mut attacks = vec![
        vec![
            (newer[0].0.clone(), Some(newer[1].1.clone())),
            (newer[1].0.clone(), Some(newer[0].1.clone())),
        ],
        vec![(newer[0].0.clone(), Some(changed))],
    ];
    for (path, bytes) in &newer {
        attacks.push(vec![(path.clone(), Some(bytes[..bytes.len() / 2].to_vec()))]);
        attacks.push(vec![(path.clone(), Some(Vec::new()))]);
        attacks.push(vec![(path.clone(), None)]);
        let same = older.iter().min_by_key(|(_, old)| old.len().abs_diff(bytes.len())).unwrap();
        attacks.push(vec![(path.clone(), Some(same.1.clone()))]);
    }
    for attack in attacks {
        for (path, bytes) in &attack {
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
        stage.lab.resume(true).await;
        let client = stage.owner().await;
        let refused = stage.ask(&client).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::ShardUnavailable), "{refused}");
        stage.bystander_serves(&client).await;
        stage.lab.stop().await;
        stage.put_back(&stage.shard(), &whole);
    }
    stage.lab.resume(true).await;
    assert_eq!(stage.ask(&stage.owner().await).await.unwrap(), 8, "put back whole, it serves");
}

/// The folders of two collections are exchanged: neither opens under the other's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_two_collections() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.lab.stop().await;
    let (mine, other) = (stage.shard(), stage.bystanders_shard());
    let copies = (stage.copy(&mine), stage.copy(&other));
    stage.put_back(&mine, &copies.1);
    stage.put_back(&other, &copies.0);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    for refused in [stage.ask(&client).await, stage.ask_bystander(&client).await] {
        assert_eq!(refused.unwrap_err().code(), Some(Code::ShardUnavailable));
    }
}

/// A query reads nothing from storage, so whoever watches the disk learns nothing of what it touched: by the counters
/// of RocksDB, and by what the kernel counts for the process.
#[test]
fn watches_the_disk_while_queries_run() {
    crate::alone("disk::watches_the_disk_while_queries_run", reads::queries_read_nothing);
}

/// Every part of every segment, and its path.
fn blobs(stage: &Stage) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = stage.lab.scratch().join(stage.shard()).join("blobs");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut blobs: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    blobs.sort();
    blobs
}

/// Keys of rows, as the host sees them in any shard (key format 2).
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
