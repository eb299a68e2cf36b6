//! Booting on hardware: evidence of genuine formats from a pretended kernel, and the root that a steward releases.
//!
//! Layer: tests.
//! Holds: machines of the test PKI, the servers of their vendors, and workers on them.
//! Never: a real TEE, a vendor's root, the network beyond loopback.
//! Invariant: only the roots are not the vendors'; every check that a client makes is made.

#![allow(clippy::unwrap_used, clippy::panic)]

mod attester;
mod birth;
mod flow;
mod machine;
mod sealed;
mod server;

use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::collections::VectorSource;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::search::QueryRequest;

/// A collection with one document.
async fn fill(client: &Client) -> CollectionId {
    let made = client.create_collection("notes", VectorSource::Supplied(2)).await.unwrap();
    let document = PutDocument {
        id: "d".parse().unwrap(),
        title: String::new(),
        format: Format::Text,
        content: "content".to_owned(),
        metadata: Metadata::new(),
        chunks: Some(vec![SuppliedChunk { start: 0, end: 7, vector: vec![1.0, 0.0] }]),
    };
    client.put_document(made.id, &document).await.unwrap();
    made.id
}

/// How many documents a search finds.
async fn found(client: &Client, id: CollectionId) -> Result<usize, ClientError> {
    let query = QueryRequest { vector: Some(vec![1.0, 1.0]), ..QueryRequest::default() };
    Ok(client.query(id, &query).await?.hits.len())
}
