//! The life of a key, over the real channel: rotation, re-encryption, purge, leases, destruction. Whatever step fails,
//! the owner with the shares on their machine gets in.
//!
//! Layer: tests.
//! Holds: a worker that dies at every step in turn, clocks that jump, and a host who keeps old files.
//! Never: a key that the owner did not release.
//! Invariant: what was acknowledged is found, and what was given up is not.

#![allow(clippy::unwrap_used, clippy::panic)]

mod crash;
mod host;
mod lease;

use prag_client::Client;
use prag_client::error::ClientError;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::{Collection, CollectionState, VectorSource};
use prag_protocol::wire::documents::DeleteDocuments;
use prag_protocol::wire::search::QueryRequest;
use prag_tests::{Lab, document, follow, hour_grant};

/// A collection with a segment and a tail, in both of which something was deleted; `d0 d2 d3 d5` are left.
async fn lived_in(client: &Client, name: &str) -> CollectionId {
    let id = client.create_collection(name, VectorSource::Supplied(2)).await.unwrap().id;
    for number in 0..4 {
        put(client, id, number).await;
    }
    let done = follow(client, client.compact(id).await.unwrap()).await.unwrap();
    assert_eq!(done.percent(), 100);
    for number in 4..6 {
        put(client, id, number).await;
    }
    delete(client, id, &["d1", "d4"], false).await.unwrap();
    id
}

async fn put(client: &Client, id: CollectionId, number: u32) {
    client.put_document(id, &document(number)).await.unwrap();
}

async fn delete(
    client: &Client,
    id: CollectionId,
    ids: &[&str],
    purge: bool,
) -> Result<(), ClientError> {
    let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
    let which = DeleteDocuments { ids: Some(ids), purge, ..DeleteDocuments::default() };
    let reply = client.delete_documents(id, &which).await?;
    assert_eq!(reply.purged, purge);
    Ok(())
}

/// Which documents a search finds, best first: as a twin finds them that never crashed.
async fn found(client: &Client, id: CollectionId) -> Result<Vec<String>, ClientError> {
    let query =
        QueryRequest { vector: Some(vec![1.0, 0.0]), k: Some(50), ..QueryRequest::default() };
    let hits = client.query(id, &query).await?.hits;
    Ok(hits.into_iter().map(|hit| hit.document.as_str().to_owned()).collect())
}

/// The collection, released again if the worker has no key for it.
async fn unlocked(client: &Client, id: CollectionId) -> Collection {
    let mut collection = client.collection(id).await.unwrap();
    if collection.state == CollectionState::Locked {
        collection = client.release(id, collection.epoch).await.unwrap();
    }
    assert_eq!(collection.state, CollectionState::Ready);
    collection
}

const LEFT: [&str; 4] = ["d0", "d2", "d3", "d5"];

/// A rotation by the owner: shares, wrapping and ledger go to the next epoch, answers stay, and the old share is
/// forgotten only at the end. Re-encryption follows, and its progress ends at 100 percent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_rotates() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = lived_in(&client, "notes").await;
    client.check_history(id).await.unwrap();
    let old = client.shares().fetch(id, 1).unwrap();
    for epoch in 2..=3 {
        assert_eq!(client.rotate(id).await.unwrap().epoch, epoch);
        assert_eq!(client.shares().epochs(id).unwrap(), [epoch]);
        assert_eq!(client.collection(id).await.unwrap().epoch, epoch);
        assert_eq!(found(&client, id).await.unwrap(), LEFT);
    }
    assert_ne!(client.shares().fetch(id, 3).unwrap().expose(), old.expose());
    let done = follow(&client, client.reencrypt(id).await.unwrap()).await.unwrap();
    assert!(done.total > 0 && done.done == done.total && done.percent() == 100, "{done:?}");
    put(&client, id, 6).await;
    lab.restart().await;
    let client = lab.client("owner").await;
    assert_eq!(found(&client, id).await.unwrap(), [&LEFT[..], &["d6"]].concat());
    client.check_history(id).await.unwrap();
}

/// A share of another epoch, somebody else's share and somebody else's rotation are refused, and change nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_rotates() {
    use prag_protocol::problem::Code;
    let lab = Lab::start().await;
    let (owner, stranger) = (lab.client("owner").await, lab.client("stranger").await);
    let id = lived_in(&owner, "notes").await;
    let refused = stranger.rotate(id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    let reader = lab.client("reader").await;
    owner.put_grant(id, &hour_grant(&reader)).await.unwrap();
    let refused = reader.rotate(id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    assert!(reader.shares().epochs(id).unwrap().is_empty(), "no share of what is another's");
    let share = prag_trust::key::Share::from_bytes(&[9; 32]);
    let refused = reader.rotate_to(id, 2, &share).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    let mut chance = prag_client::system::OsEntropy;
    // A share of an epoch that is not next is refused by its number.
    for epoch in [3, 9] {
        let refused = owner.rotate_to(id, epoch, &share).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::Conflict), "{epoch}");
    }
    // One of the current epoch that the ledger does not know: by the commitment.
    let refused = owner.rotate_to(id, 1, &share).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::CiphertextInvalid));
    assert_eq!(owner.collection(id).await.unwrap().epoch, 1);
    assert_eq!(found(&owner, id).await.unwrap(), LEFT);
    // The true share of the current epoch repeats the end of the last rotation.
    let share = owner.shares().fetch(id, 1).unwrap();
    assert_eq!(owner.rotate_to(id, 1, &share).await.unwrap().epoch, 1);
    // A share that was kept by a try that failed is the one that is used.
    let kept = prag_trust::key::Share::from_bytes(&[8; 32]);
    owner.shares().keep(id, 2, &kept, &mut chance).unwrap();
    owner.rotate(id).await.unwrap();
    assert_eq!(owner.shares().fetch(id, 2).unwrap().expose(), kept.expose());
}
