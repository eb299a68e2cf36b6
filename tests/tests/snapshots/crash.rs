//! The machine dies after every durable step of a snapshot and of a restoration, comes back, and the owner goes on.

use crate::stage::{fill, in_folder, query, restore, told, try_take};
use prag_client::Client;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::{CollectionState, VaultKind, VectorSource};
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{Lab, document};

#[derive(Clone, Copy, Debug)]
enum Deed {
    Take,
    /// Back to a snapshot behind the head: the worker's anchor is of a state that goes.
    Restore,
}

/// What a search along the second axis finds: the document with the greatest number first.
async fn found(client: &Client, id: CollectionId) -> Vec<String> {
    let request = QueryRequest { vector: Some(vec![0.0, 1.0]), ..query() };
    let hits = client.query(id, &request).await.unwrap().hits;
    hits.into_iter().map(|hit| hit.document.as_str().to_owned()).collect()
}

async fn open(client: &Client, id: CollectionId) {
    let mut seen = client.collection(id).await.unwrap();
    if seen.state == CollectionState::Locked {
        seen = client.release(id, seen.epoch).await.unwrap();
    }
    assert_eq!(seen.state, CollectionState::Ready);
}

/// True if the machine died before the deed was done.
async fn dies(lab: &mut Lab, deed: Deed, steps: u64) -> bool {
    let client = lab.client("owner").await;
    let made = client.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
    let id = made.id;
    fill(&client, id).await;
    let old = found(&client, id).await;
    try_take(&client, id).await.unwrap();
    client.put_document(id, &document(1000)).await.unwrap();
    client.check_history(id).await.unwrap();
    let new = found(&client, id).await;
    assert_ne!(new, old);
    lab.anchor().await;
    lab.die_after(steps);
    let back =
        |one: &mut prag_client::snapshots::Restoration| (one.replace, one.older) = (true, true);
    let done = match deed {
        Deed::Take => try_take(&client, id).await.map(drop),
        Deed::Restore => restore(&client, id, back).await.map(drop),
    };
    let died = lab.is_dead();
    let at = format!("{deed:?}, dead after {steps} steps");
    assert!(done.is_ok() || died, "{at}: {done:?}");

    lab.revive().await;
    let client = lab.client("owner").await;
    open(&client, id).await;
    let seen = found(&client, id).await;
    match deed {
        Deed::Take => {
            assert_eq!(seen, new, "{at}");
            try_take(&client, id).await.unwrap();
        }
        Deed::Restore => {
            assert!(seen == new || seen == old, "{at}: {seen:?}");
            if seen == new {
                client.check_history(id).await.unwrap();
            }
            let checked = restore(&client, id, back).await.unwrap();
            client.restored(id, &checked, true).await.unwrap();
            assert_eq!(found(&client, id).await, old, "{at}, done again");
        }
    }
    lab.restart().await;
    let client = lab.client("owner").await;
    open(&client, id).await;
    let last = if matches!(deed, Deed::Take) { &new } else { &old };
    assert_eq!(found(&client, id).await, *last, "{at}, restarted");
    client.destroy_collection(id).await.unwrap();
    died
}

async fn dies_everywhere(deed: Deed, at_least: u64) {
    let folder = tempfile::tempdir().unwrap();
    let change = told(&[VaultKind::Local, VaultKind::Owner], in_folder(folder.path()), None);
    let mut lab = Lab::start_mortal(change).await;
    let mut steps = 0;
    while dies(&mut lab, deed, steps).await {
        steps += 1;
    }
    assert!(steps >= at_least, "{deed:?} has {steps} steps");
}

/// A snapshot that dies at any step loses nothing, and the next one is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_dies_is_taken_again() {
    dies_everywhere(Deed::Take, 2).await;
}

/// A restoration that dies at any step leaves the state before or the restored one, and is given again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restoration_that_dies_is_given_again() {
    dies_everywhere(Deed::Restore, 8).await;
}
