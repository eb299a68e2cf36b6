//! Documents that their numbers tell apart, and how many of them are found.
//!
//! Layer: tests, over the client.
//! Holds: [`document`], [`find`].
//! Never: a model: the vectors come along.

use prag_client::{Client, ClientError};
use prag_protocol::CollectionId;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::documents::{Format, PutDocument, SuppliedChunk};
use prag_protocol::wire::search::QueryRequest;

/// Document `d<number>` of one chunk, for a collection of two supplied dimensions.
#[must_use]
pub fn document(number: u32) -> PutDocument {
    PutDocument {
        id: format!("d{number}").parse().unwrap(),
        title: String::new(),
        format: Format::Text,
        content: format!("content {number}"),
        metadata: Metadata::new(),
        chunks: Some(vec![SuppliedChunk { start: 0, end: 7, vector: vec![1.0, number as f32] }]),
    }
}

/// How many documents a search finds, of fifty at most.
///
/// # Errors
/// As [`Client::query`].
pub async fn find(client: &Client, id: CollectionId) -> Result<usize, ClientError> {
    let query =
        QueryRequest { vector: Some(vec![1.0, 1.0]), k: Some(50), ..QueryRequest::default() };
    Ok(client.query(id, &query).await?.hits.len())
}
