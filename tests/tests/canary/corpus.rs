//! A corpus of markers, and everything a person can do with it.
//!
//! Layer: tests.
//! Holds: one marker for each place that takes a person's words.
//! Never: a marker that two places share, so that a leak names its place.
//! Invariant: each step succeeds and finds what it looks for; a canary that never sang proves nothing.

use super::scanner::Scanner;
use base64::Engine;
use prag_client::Client;
use prag_client::corpus::{CorpusReader, seal_documents};
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{BulkLine, BulkStatus, PutDocument, SealedLine};
use prag_tests::{ask, json as request};
use serde_json::{Value, json};
use std::path::Path;

/// One marker for each place.
pub(crate) struct Markers {
    name: &'static str,
    id: &'static str,
    title: &'static str,
    heading: &'static str,
    text: &'static str,
    field: &'static str,
    value: &'static str,
    sealed: &'static str,
    asked: &'static str,
    wrong: &'static str,
}

impl Default for Markers {
    /// They end in `k`, which no stemmer cuts off.
    fn default() -> Self {
        Self {
            name: "CanaryQxNameK",
            id: "CanaryQxIdK",
            title: "CanaryQxTitleK",
            heading: "CanaryQxHeadingK",
            text: "CanaryQxTextK",
            field: "CanaryQxFieldK",
            value: "CanaryQxValueK",
            sealed: "CanaryQxSealedK",
            asked: "CanaryQxAskedK",
            wrong: "CanaryQxWrongK",
        }
    }
}

impl Markers {
    /// Tells `scanner` all of them.
    pub(crate) fn tell(&self, scanner: &mut Scanner) {
        for marker in [
            self.name,
            self.id,
            self.title,
            self.heading,
            self.text,
            self.field,
            self.value,
            self.sealed,
            self.asked,
            self.wrong,
        ] {
            scanner.text(marker);
        }
    }

    fn document(&self, number: u32) -> PutDocument {
        self.document_of(&format!("{}-{number}", self.id), self.text, number)
    }

    fn document_of(&self, id: &str, text: &str, number: u32) -> PutDocument {
        let content = format!(
            "# {}\n\nThe word {text} is secret number {number}, and nobody may read it.\n",
            self.heading
        );
        parse(json!({
            "id": id,
            "title": format!("{} {number}", self.title),
            "format": "markdown",
            "content": content,
            "metadata": { self.field: self.value, "number": number },
        }))
    }

    fn filter(&self) -> Value {
        json!({ "must": [{ "key": self.field, "match": { "value": self.value } }] })
    }
}

/// A collection of plain documents and of a sealed corpus.
pub(crate) async fn fill(
    owner: &Client,
    markers: &Markers,
    scratch: &Path,
    scanner: &mut Scanner,
) -> CollectionId {
    let made = owner.create_collection(markers.name, VectorSource::default());
    let id = made.await.unwrap().id;
    scanner.bytes("an owner's share", owner.shares().fetch(id, 1).unwrap().expose());
    for number in 0..4 {
        let put = owner.put_document(id, &markers.document(number)).await;
        assert!(put.unwrap().chunks > 0);
    }
    let lines: Vec<_> =
        (4..12).map(|number| BulkLine::Document(markers.document(number))).collect();
    all_ok(&owner.bulk(id, &lines).await.unwrap());

    // Without title and heading, so that its one chunk is embedded as it is.
    let content = format!("An untitled note on {}.", markers.text);
    let note = parse(json!({ "id": "note", "content": content }));
    owner.put_document(id, &note).await.unwrap();
    let texts = parse(json!({ "input": content }));
    let stored = owner.embeddings(&texts).await.unwrap().data.remove(0).embedding;
    let query = parse(json!({ "vector": stored, "mode": "dense", "k": 1 }));
    let nearest = owner.query(id, &query).await.unwrap().hits.remove(0);
    assert_eq!(nearest.text, content);
    scanner.vector("a stored embedding", &stored);

    let file = scratch.join("corpus.sealed");
    let documents = (0..6).map(|number| {
        let id = format!("{}-{number}", markers.sealed);
        markers.document_of(&id, markers.sealed, number)
    });
    let now = owner.channel().now();
    let (identity, shares) = (owner.identity(), owner.shares());
    let sealing = seal_documents(documents, &file, identity, shares, now, &mut OsEntropy);
    let corpus = sealing.unwrap().corpus;
    scanner.bytes("a corpus's share", shares.fetch(corpus, 1).unwrap().expose());
    assert_eq!(scanner.find(&std::fs::read(&file).unwrap()), [""; 0], "the file is sealed");
    let mut reader = CorpusReader::open(&file).unwrap();
    owner.open_corpus(id, corpus, reader.manifest()).await.unwrap();
    let mut lines = Vec::new();
    while let Some((record, sealed)) = reader.next_record().unwrap() {
        let sealed = base64::engine::general_purpose::STANDARD.encode(sealed);
        lines.push(BulkLine::Sealed(SealedLine { corpus, record, sealed }));
    }
    all_ok(&owner.bulk(id, &lines).await.unwrap());
    id
}

/// A collection with vectors of the owner's own.
pub(crate) async fn fill_supplied(
    owner: &Client,
    markers: &Markers,
    scanner: &mut Scanner,
) -> CollectionId {
    let name = format!("{}-supplied", markers.name);
    let made = owner.create_collection(&name, VectorSource::Supplied(DIMENSION));
    let id = made.await.unwrap().id;
    for number in 0..20u8 {
        let vector: Vec<f32> = (0..DIMENSION as u8)
            .map(|i| (f32::from(i) * 1.7 + f32::from(number) * 0.9).sin() + 0.01)
            .collect();
        scanner.vector("a supplied vector", &vector);
        let content = format!("supplied {} {number}", markers.text);
        let document = parse::<PutDocument>(json!({
            "id": format!("{}-{number}", markers.id),
            "content": content,
            "chunks": [{ "start": 0, "end": content.len(), "vector": vector }],
        }));
        owner.put_document(id, &document).await.unwrap();
        let query = parse(json!({ "vector": vector, "k": 1 }));
        let reply = owner.query(id, &query).await.unwrap();
        assert_eq!(reply.hits[0].document, document.id);
    }
    id
}

/// All that a reader does; what comes back is looked for too.
pub(crate) async fn read(
    owner: &Client,
    markers: &Markers,
    id: CollectionId,
    scanner: &mut Scanner,
) {
    assert_eq!(owner.resolve(markers.name).await.unwrap(), id);
    for mode in ["dense", "sparse", "hybrid"] {
        let query = parse(json!({
            "text": format!("{} {} secret", markers.asked, markers.text),
            "mode": mode, "with_metadata": true, "filter": markers.filter(),
        }));
        assert!(!owner.query(id, &query).await.unwrap().hits.is_empty(), "{mode}");
    }
    let context =
        parse(json!({ "prompt": format!("{} {}?", markers.asked, markers.text), "budget": 512 }));
    let context = owner.context(id, &context).await.unwrap().context;
    assert!(context.contains(markers.text), "{context}");

    let documents = owner.documents(id).await.unwrap();
    for document in documents.iter().take(3) {
        let whole = owner.lookup(id, document.id.clone()).await.unwrap();
        let again = owner.document(id, &whole.handle).await.unwrap();
        assert_eq!(whole.content, again.content);
        scanner.bytes("a content hash", &hex::decode(&whole.content_hash).unwrap());
        let content = whole.content.unwrap();
        let body = content.lines().last().unwrap();
        for kind in ["passage", "query"] {
            let texts =
                parse(json!({ "input": [body, content, markers.asked], "input_type": kind }));
            for row in owner.embeddings(&texts).await.unwrap().data {
                scanner.vector("an embedding", &row.embedding);
            }
        }
    }
    owner.check_history(id).await.unwrap();
}

/// A grant within a scope, and what the grantee does with it.
pub(crate) async fn grant(owner: &Client, reader: &Client, markers: &Markers, id: CollectionId) {
    let grant = parse(json!({
        "grantee": reader.identity().address(),
        "expires": owner.channel().now() + 3600,
        "quota": 100,
        "scope": markers.filter(),
    }));
    owner.put_grant(id, &grant).await.unwrap();
    assert!(!owner.grants(id).await.unwrap().is_empty());
    let query = parse(json!({ "text": markers.text, "k": 5 }));
    assert!(!reader.query(id, &query).await.unwrap().hits.is_empty());
}

/// Requests that are refused, whose refusals could repeat what they refuse.
pub(crate) async fn provoke(owner: &Client, markers: &Markers, id: CollectionId) {
    let wrong = markers.wrong;
    let path = |leaf: &str| format!("/v1/collections/{id}/{leaf}");
    for (method, path, body) in [
        ("POST", path("query"), json!({ wrong: wrong })),
        ("POST", path("query"), json!({ "text": wrong, "mode": wrong })),
        ("POST", path("query"), json!({ "text": wrong, "vector": [1.0] })),
        (
            "POST",
            path("query"),
            json!({ "text": wrong, "filter": { "must": [{ "key": wrong, "range": { "gte": wrong } }] } }),
        ),
        ("PUT", path("documents"), json!({ "id": wrong, "content": "", "title": wrong })),
        (
            "PUT",
            path("documents"),
            json!({ "id": wrong, "content": wrong, "metadata": { wrong: { wrong: wrong } } }),
        ),
        ("POST", path("documents/lookup"), json!({ "id": wrong })),
        ("GET", path(&format!("documents/{wrong}")), json!({})),
        ("GET", format!("/v1/{wrong}"), json!({})),
    ] {
        let body = body.to_string();
        let answer = ask(owner, Purpose::Data, &request(method, &path, body.as_bytes())).await;
        assert!((400..500).contains(&answer.status), "{} for {path} {body}", answer.status);
    }
}

/// Deletes by id and by filter, and replaces a document.
pub(crate) async fn delete_some(owner: &Client, markers: &Markers, id: CollectionId) {
    let ids = json!({ "ids": [format!("{}-0", markers.id), format!("{}-1", markers.id)] });
    assert_eq!(owner.delete_documents(id, &parse(ids)).await.unwrap().deleted, 2);
    let filter = json!({ "filter": { "must": [
        { "key": markers.field, "match": { "value": markers.value } },
        { "key": "number", "range": { "gte": 10 } },
    ] } });
    let deleted = owner.delete_documents(id, &parse(filter)).await.unwrap();
    assert_eq!(deleted.deleted, 2);
    let again = markers.document_of(&format!("{}-4", markers.id), markers.text, 1004);
    owner.put_document(id, &again).await.unwrap();
}

fn all_ok(statuses: &[BulkStatus]) {
    for status in statuses {
        assert!(matches!(status, BulkStatus::Ok(_)), "{status:?}");
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

const DIMENSION: u32 = 64;
