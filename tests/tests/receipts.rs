//! Receipts over the real channel: writes, retrievals and deletions, kept and checked after the worker is gone.
//!
//! Layer: tests.
//! Holds: what a client keeps of each answer, wherever the chunks lie, and what a reader with a scope gets.
//! Never: a receipt that is checked with anything but its file and a policy.
//! Invariant: what held when it was answered holds for ever, whatever becomes of the worker and its data.

#![allow(clippy::unwrap_used, clippy::panic)]

use prag_client::Client;
use prag_client::receipt::{Judged, Kept, Opening, ReceiptFile, verify};
use prag_client::trusted::Trusted;
use prag_protocol::CollectionId;
use prag_protocol::problem::Code;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Ack, BulkLine, DeleteDocuments, Outcome, PutDocument};
use prag_protocol::wire::search::{ContextRequest, QueryRequest};
use prag_tests::{Lab, compact};
use prag_trust::evidence::Policy;
use prag_trust::receipt::{Deed, Part, Passage};
use prag_trust::sim::{SimVerifier, sim_measurement};
use serde_json::{Value, json};
use std::path::Path;

/// A write, a bulk, queries and contexts over tail and segments, a deletion, all of it again after a restart: kept in
/// one file, and checked when the worker is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_can_be_checked_later() {
    let mut lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = client.create_collection("notes", VectorSource::default()).await.unwrap().id;
    let path = lab.scratch().join("receipts");
    let mut file = ReceiptFile::create(&path).unwrap();
    let mut keep = |kept: &Kept| file.keep(kept).unwrap();

    let (reply, kept) = client
        .put_document_with_receipt(id, &document("a", "river harvest"), Ack::Sealed)
        .await
        .unwrap();
    assert_eq!((reply.outcome, outcomes(&kept)), (Outcome::Created, vec![Outcome::Created]));
    keep(&kept);
    let lines = [
        document("a", "river harvest"),
        document("b", "copper lantern"),
        document("c", " "),
        document("d", &"signal timber. ".repeat(400)),
    ]
    .map(BulkLine::Document);
    let (statuses, kept) = client.bulk_with_receipt(id, &lines, Ack::Sealed).await.unwrap();
    assert_eq!(statuses.len(), 4);
    use Outcome::{Created, Unchanged};
    assert_eq!(outcomes(&kept), [Unchanged, Created, Created], "the third line was refused");
    keep(&kept);

    let kept = ask(&client, id).await;
    assert_eq!(sizes(&kept[0]).len(), 1, "all from the tail");
    kept.iter().for_each(&mut keep);
    compact(&client, id).await;
    client.put_document(id, &document("e", "granite river orchard")).await.unwrap();
    let kept = ask(&client, id).await;
    assert_eq!(sizes(&kept[0]).len(), 2, "from a segment and the tail");
    kept.iter().for_each(&mut keep);
    compact(&client, id).await;
    let kept = ask(&client, id).await;
    assert_eq!(sizes(&kept[0]).len(), 1, "all from one segment");
    let compacted = roots(&kept[0]);
    kept.iter().for_each(&mut keep);

    lab.restart().await;
    let kept = ask(&client, id).await;
    assert_eq!(roots(&kept[0]), compacted, "the segment's root was stored");
    kept.iter().for_each(&mut keep);
    let which = DeleteDocuments { ids: Some(vec![doc("a"), doc("z")]), ..Default::default() };
    let (reply, kept) =
        client.delete_documents_with_receipt(id, &which, Ack::Sealed).await.unwrap();
    assert_eq!(reply.deleted, 1);
    keep(&kept);
    let (reply, kept) =
        client.delete_documents_with_receipt(id, &which, Ack::Sealed).await.unwrap();
    assert_eq!(reply.deleted, 0);
    keep(&kept);
    lab.stop().await;
    drop(file);

    let judged = judge(&path);
    assert_eq!(judged.len(), 2 + 4 * 2 + 2);
    let signers: Vec<[u8; 32]> = judged.iter().map(|one| one.worker.sig_pk).collect();
    assert!(signers[..8].iter().all(|one| *one == signers[0]), "one boot");
    assert!(signers[8..].iter().all(|one| *one == signers[8] && *one != signers[0]), "another");
    for one in &judged {
        assert_eq!((one.checked.receipt.collection, one.at), (id, one.checked.receipt.time));
    }
}

/// A chunk that was deleted and merged away: who kept the receipt can still check it, and its hash stands for nothing
/// any more: the same text put again has another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_outlives_its_chunk_and_its_hash_does_not() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = client.create_collection("notes", VectorSource::default()).await.unwrap().id;
    let put = document("a", "violet glacier");
    client.put_document(id, &put).await.unwrap();
    let query = QueryRequest { text: Some("violet glacier".to_owned()), ..Default::default() };
    let (_, before) = client.query_with_receipt(id, &query).await.unwrap();
    let path = lab.scratch().join("receipts");
    ReceiptFile::create(&path).unwrap().keep(&before).unwrap();

    let which = DeleteDocuments { ids: Some(vec![doc("a")]), ..Default::default() };
    let (_, gone) = client.delete_documents_with_receipt(id, &which, Ack::Sealed).await.unwrap();
    let Deed::Deletion(deletion) = &gone.checked.receipt.deed else { panic!() };
    assert_eq!((deletion.documents.len(), deletion.batches.len()), (1, 1));
    compact(&client, id).await;
    let (reply, empty) = client.query_with_receipt(id, &query).await.unwrap();
    assert!(reply.hits.is_empty() && passages(&empty).is_empty());
    assert_eq!(judge(&path).len(), 1);

    client.put_document(id, &put).await.unwrap();
    let (_, after) = client.query_with_receipt(id, &query).await.unwrap();
    let text = |kept: &Kept| match &kept.checked.opening {
        Opening::Retrieval(opened) => opened.chunks[0].text.clone(),
        Opening::Write(_) | Opening::Deletion(_) => panic!(),
    };
    assert_eq!(text(&before), text(&after));
    assert_ne!(passages(&before)[0].chunk, passages(&after)[0].chunk);
}

/// A reader with a scope gets a receipt of its chunks, and neither a head nor a tree, whose sizes would tell how much
/// lies outside; a reader of the whole gets both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scoped_reader_is_shown_no_trees() {
    let lab = Lab::start().await;
    let (owner, reader) = (lab.client("owner").await, lab.client("reader").await);
    let id = owner.create_collection("notes", VectorSource::default()).await.unwrap().id;
    for (name, team) in [("a", "ops"), ("b", "law")] {
        let put: PutDocument =
            parse(json!({ "id": name, "content": "river harvest", "metadata": { "team": team } }));
        owner.put_document(id, &put).await.unwrap();
    }
    let scope = json!({ "must": [{ "key": "team", "match": { "value": "ops" } }] });
    for scope in [None, Some(scope)] {
        let grant = json!({
            "grantee": reader.identity().address(), "expires": owner.channel().now() + 3600,
            "scope": scope,
        });
        owner.put_grant(id, &parse(grant)).await.unwrap();
        let scoped = scope.is_some();
        for kept in ask(&reader, id).await {
            assert_eq!(kept.checked.receipt.head.is_none(), scoped);
            let passages = passages(&kept);
            assert!(!passages.is_empty());
            assert!(passages.iter().all(|one| one.part.is_none() == scoped));
            assert_eq!(kept.checked.receipt.units, 1);
        }
    }
}

/// A deletion of more documents than a receipt lists is refused, and nothing is deleted; without one it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_over_the_bound_is_refused_whole() {
    let lab = Lab::start().await;
    let client = lab.client("owner").await;
    let id = client.create_collection("many", VectorSource::Supplied(2)).await.unwrap().id;
    let line = |number: usize| {
        BulkLine::Document(parse(json!({
            "id": number.to_string(), "content": "x", "metadata": { "of": "many" },
            "chunks": [{ "start": 0, "end": 1, "vector": [1.0, 0.0] }],
        })))
    };
    let lines: Vec<BulkLine> = (0..4097).map(line).collect();
    for lines in lines.chunks(1000) {
        client.bulk(id, lines).await.unwrap();
    }
    let filter = json!({ "must": [{ "key": "of", "match": { "value": "many" } }] });
    let which = DeleteDocuments { filter: Some(parse(filter)), ..Default::default() };
    let refused =
        client.delete_documents_with_receipt(id, &which, Ack::Sealed).await.err().unwrap();
    assert_eq!(refused.code(), Some(Code::TooLarge));
    assert_eq!(client.collection(id).await.unwrap().documents, 4097);
    let one = DeleteDocuments { ids: Some(vec![doc("7")]), ..Default::default() };
    client.delete_documents(id, &one).await.unwrap();
    let (reply, kept) =
        client.delete_documents_with_receipt(id, &which, Ack::Sealed).await.unwrap();
    assert_eq!(reply.deleted, 4096);
    let Deed::Deletion(deletion) = &kept.checked.receipt.deed else { panic!() };
    assert_eq!((deletion.documents.len(), deletion.batches.len()), (4096, 5));
}

/// A query and a context for words of every document.
async fn ask(client: &Client, id: CollectionId) -> [Kept; 2] {
    let text = "river harvest copper lantern signal timber granite".to_owned();
    let query = QueryRequest { text: Some(text.clone()), ..Default::default() };
    let (reply, hits) = client.query_with_receipt(id, &query).await.unwrap();
    assert!(!reply.hits.is_empty() && passages(&hits).len() == reply.hits.len());
    let context: ContextRequest = parse(json!({ "prompt": text, "budget": 600 }));
    let (reply, cited) = client.context_with_receipt(id, &context).await.unwrap();
    assert!(!reply.citations.is_empty() && passages(&cited).len() == reply.citations.len());
    [hits, cited]
}

/// Everything that a file holds, judged with nothing else.
fn judge(path: &Path) -> Vec<Judged> {
    let trusted = Trusted {
        verifier: Box::new(SimVerifier),
        policy: Policy {
            measurements: vec![sim_measurement(env!("CARGO_PKG_VERSION"))],
            ..Policy::default()
        },
        first_use: true,
        warning: None,
    };
    let mut judged = Vec::new();
    assert_eq!(verify(path, &trusted, None, |one| judged.push(one)).unwrap(), judged.len());
    judged
}

fn passages(kept: &Kept) -> &[Passage] {
    match &kept.checked.receipt.deed {
        Deed::Retrieval(retrieval) => &retrieval.passages,
        Deed::Write(_) | Deed::Deletion(_) => panic!(),
    }
}

fn outcomes(kept: &Kept) -> Vec<Outcome> {
    match &kept.checked.receipt.deed {
        Deed::Write(documents) => documents.iter().map(|one| one.outcome).collect(),
        Deed::Retrieval(_) | Deed::Deletion(_) => panic!(),
    }
}

fn parts(kept: &Kept) -> impl Iterator<Item = &Part> {
    passages(kept).iter().map(|passage| passage.part.as_ref().unwrap())
}

/// The different trees that answered.
fn roots(kept: &Kept) -> Vec<[u8; 32]> {
    let mut roots: Vec<_> = parts(kept).map(|part| part.root).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

fn sizes(kept: &Kept) -> Vec<u64> {
    roots(kept)
        .iter()
        .filter_map(|root| parts(kept).find(|part| part.root == *root))
        .map(|part| part.size)
        .collect()
}

fn document(id: &str, content: &str) -> PutDocument {
    parse(json!({ "id": id, "title": format!("Title {id}"), "content": content }))
}

fn doc(id: &str) -> prag_protocol::DocumentId {
    id.parse().unwrap()
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}
