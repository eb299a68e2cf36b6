//! What becomes of snapshots when a collection ends.

use crate::stage::{Stage, restore, take};
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VaultKind;

/// After a collection was destroyed, its snapshots open nowhere: not where it was, nor on a worker that never knew
/// it, nor with the owner's share put back from a backup.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destruction_reaches_old_snapshots() {
    let stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    let owner = stage.owner().await;
    take(&owner, stage.id).await;
    let share = owner.shares().fetch(stage.id, 1).unwrap();
    owner.destroy_collection(stage.id).await.unwrap();
    let mut chance = prag_client::system::OsEntropy;
    owner.shares().keep(stage.id, 1, &share, &mut chance).unwrap();
    let second = stage.second().await;
    for client in [stage.owner().await, stage.owner_at(&second).await] {
        let refused = restore(&client, stage.id, |one| (one.replace, one.older) = (true, true));
        assert_eq!(refused.await.unwrap_err().code(), Some(Code::Forbidden));
    }
}

/// Without the ledger's share no worker opens a snapshot, whatever its owner sends along; it says what it tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_share_opens_nothing() {
    let stage = Stage::start(&[VaultKind::Local, VaultKind::Owner]).await;
    take(&stage.owner().await, stage.id).await;
    let second = stage.second().await;
    let owner = stage.owner_at(&second).await;
    let refused = restore(&owner, stage.id, |_| ()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::KeyMissing));
    assert!(refused.to_string().contains("local missing"), "{refused}");
    // The first worker is placed again by its owner's word, and serves on.
    let back = stage.owner().await;
    back.place(stage.id).await.unwrap();
    stage.answers(&back).await;
}
