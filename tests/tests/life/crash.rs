//! The machine dies after every durable step of a deed, comes back, and the owner goes on.

use super::*;
use prag_server::settings::VaultKind;

/// What an owner does when the machine dies.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Rotate,
    Reencrypt,
    Purge,
    Release,
    Compact,
}

impl Deed {
    /// What comes before it and does not fail.
    async fn prepare(self, lab: &mut Lab, client: &Client, id: CollectionId) {
        match self {
            Self::Rotate | Self::Purge => {}
            Self::Reencrypt | Self::Compact => {
                client.rotate(id).await.unwrap();
            }
            Self::Release => lab.restart().await,
        }
    }

    async fn run(self, client: &Client, id: CollectionId) -> Result<(), ClientError> {
        match self {
            Self::Rotate => client.rotate(id).await.map(drop),
            Self::Reencrypt => follow(client, client.reencrypt(id).await?).await.map(drop),
            Self::Compact => follow(client, client.compact(id).await?).await.map(drop),
            Self::Purge => delete(client, id, &["d1"], true).await,
            Self::Release => {
                let epoch = client.collection(id).await?.epoch;
                let released = client.release(id, epoch).await?;
                // A shard that did not open says so in its state.
                found(client, released.id).await.map(drop)
            }
        }
    }
}

/// True if the machine died before the deed was done.
async fn dies(lab: &mut Lab, deed: Deed, steps: u64) -> bool {
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    deed.prepare(lab, &client, id).await;
    let client = lab.client("owner").await;
    lab.die_after(steps);
    let done = deed.run(&client, id).await;
    let died = lab.is_dead();
    assert!(done.is_ok() || died, "{deed:?}: {done:?}");

    lab.revive().await;
    let client = lab.client("owner").await;
    let at = format!("{deed:?}, dead after {steps} steps");
    let seen = unlocked(&client, id).await;
    assert!(client.shares().has(id, seen.epoch), "{at}");
    assert_eq!(found(&client, id).await.unwrap(), LEFT, "{at}");
    client.check_history(id).await.unwrap();

    deed.run(&client, id).await.unwrap();
    assert_eq!(found(&client, id).await.unwrap(), LEFT, "{at}, done again");
    let epoch = client.collection(id).await.unwrap().epoch;
    assert_eq!(client.shares().epochs(id).unwrap(), [epoch], "{at}");
    lab.restart().await;
    let client = lab.client("owner").await;
    unlocked(&client, id).await;
    assert_eq!(found(&client, id).await.unwrap(), LEFT, "{at}, restarted");
    client.destroy_collection(id).await.unwrap();
    died
}

async fn dies_everywhere(vault: &[VaultKind], deed: Deed, at_least: u64) {
    let mut lab = Lab::start_mortal(|settings| settings.vault = vault.to_vec()).await;
    let mut steps = 0;
    while dies(&mut lab, deed, steps).await {
        steps += 1;
    }
    assert!(steps >= at_least, "{deed:?} has {steps} steps");
}

const LOCAL: [VaultKind; 2] = [VaultKind::Local, VaultKind::Owner];
const OWNER: [VaultKind; 1] = [VaultKind::Owner];

/// A rotation that dies at any step leaves one whole epoch, and goes on from there; with keys that the worker keeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_dies_locks_nobody_out() {
    dies_everywhere(&LOCAL, Deed::Rotate, 8).await;
}

/// The same where only the owner keeps a share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_dies_locks_no_owner_out() {
    dies_everywhere(&OWNER, Deed::Rotate, 6).await;
}

/// A release that dies at any step is given again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_dies_locks_no_owner_out() {
    dies_everywhere(&OWNER, Deed::Release, 2).await;
}

/// A re-encryption, by sealing anew and by compaction, that dies at any step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reencryption_that_dies_loses_nothing() {
    dies_everywhere(&LOCAL, Deed::Reencrypt, 10).await;
    dies_everywhere(&LOCAL, Deed::Compact, 5).await;
}

/// A purge that dies at any step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_dies_loses_nothing() {
    dies_everywhere(&LOCAL, Deed::Purge, 10).await;
}
