//! Writes that are answered once an anchor covers them.

use crate::stage::Stage;
use prag_client::ClientError;
use prag_client::envelope::Request;
use prag_client::identity::Purpose;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Ack, BulkLine, BulkStatus, DeleteDocuments};
use prag_tests::{ask, document, find};
use std::sync::Arc;

/// The shard is put back to before the write, at once and before any cadence: the worker itself refuses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchored_write_cannot_be_undone() {
    let mut stage = Stage::start().await;
    stage.put(5).await;
    stage.lab.stop().await;
    let shard = stage.shard();
    let old = stage.copy(&shard);
    stage.lab.resume(true).await;
    stage.put_anchored().await;
    stage.lab.stop().await;
    stage.put_back(&shard, &old);
    stage.lab.resume(true).await;
    stage.refuses_by("rolled back: it has 5 batches, and 6 were anchored").await;
}

/// The same for a bulk request and for a delete; and what is unchanged is anchored too, before it is said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_and_delete_are_anchored_too() {
    let mut stage = Stage::start().await;
    let client = stage.owner().await;
    let lines: Vec<_> = (0..3).map(|number| BulkLine::Document(document(number))).collect();
    for _ in 0..2 {
        for status in client.bulk_when(stage.id, &lines, Ack::Anchored).await.unwrap() {
            assert!(matches!(status, BulkStatus::Ok(reply) if reply.ack == Ack::Anchored));
        }
        assert!(!stage.lab.anchor().await, "an anchor covers everything");
    }
    stage.lab.stop().await;
    let shard = stage.shard();
    let old = stage.copy(&shard);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    let ids = Some(vec!["d1".parse().unwrap()]);
    let which = DeleteDocuments { ids, ..DeleteDocuments::default() };
    let reply = client.delete_documents_when(stage.id, &which, Ack::Anchored).await.unwrap();
    assert_eq!((reply.deleted, reply.ack), (1, Ack::Anchored));
    stage.lab.stop().await;
    stage.put_back(&shard, &old);
    stage.lab.resume(true).await;
    stage.refuses_by("rolled back: it has 3 batches, and 4 were anchored").await;
}

/// Sixteen who wait at once are served by a few anchors, not by sixteen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_together_shares_an_anchor() {
    let stage = Stage::start().await;
    let client = Arc::new(stage.owner().await);
    let id = stage.id;
    client.check_history(id).await.unwrap();
    let (before, _) = stage.remembered_ledger(&client).await;
    let puts: Vec<_> = (0..16)
        .map(|number| {
            let client = Arc::clone(&client);
            tokio::spawn(async move {
                client.put_document_when(id, &document(number), Ack::Anchored).await
            })
        })
        .collect();
    for put in puts {
        assert_eq!(put.await.unwrap().unwrap().ack, Ack::Anchored);
    }
    client.check_history(id).await.unwrap();
    let (after, _) = stage.remembered_ledger(&client).await;
    assert!((1..=5).contains(&(after - before)), "{} anchors", after - before);
    assert_eq!(find(&client, id).await.unwrap(), 16);
}

/// A ledger that cannot be anchored to loses no write: the refusal says that it is sealed, and with which head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_anchor_is_said() {
    let mut stage = Stage::start().await;
    stage.put(1).await;
    stage.lab.anchor().await;
    stage.lab.stop().await;
    // The host removes the heads behind the last anchor: no further one can follow it.
    assert_eq!(stage.remove_table(&stage.own(), 0x15), 1);
    stage.lab.resume(true).await;
    let client = stage.owner().await;
    let id = client.create_collection("new", VectorSource::Supplied(2)).await.unwrap().id;
    let refused = client.put_document_when(id, &document(0), Ack::Anchored).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::NotAnchored));
    let head = client.check_history(id).await.unwrap();
    let said = refused.to_string();
    for part in ["is sealed", &head.lineage.to_string(), &hex::encode(head.root)] {
        assert!(said.contains(part), "{said} lacks {part}");
    }
    let line = [BulkLine::Document(document(1))];
    let status = client.bulk_when(id, &line, Ack::Anchored).await.unwrap().remove(0);
    assert!(matches!(status, BulkStatus::Problem(late) if late.code == Code::NotAnchored));
    assert_eq!(find(&client, id).await.unwrap(), 2);
}

/// A level that this worker does not have is refused by its name, before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicated_is_refused_by_name() {
    let stage = Stage::start().await;
    let client = stage.owner().await;
    let path = format!("/v1/collections/{}/documents", stage.id);
    let body = serde_json::to_vec(&document(0)).unwrap();
    let request = Request {
        method: "PUT",
        path: &path,
        query: "ack=replicated",
        media_type: "application/json",
        body: &body,
    };
    let answer = ask(&client, Purpose::Data, &request).await;
    let said = String::from_utf8(answer.body).unwrap();
    assert_eq!(answer.status, 422, "{said}");
    assert!(said.contains("`replicated` is not available"), "{said}");
    let found: Result<usize, ClientError> = find(&client, stage.id).await;
    assert_eq!(found.unwrap(), 0);
}
