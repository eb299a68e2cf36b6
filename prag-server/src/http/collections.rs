//! Routes of collections.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route, and the parsing of ids and listings that routes share.
//! Never: a document id, a name or a filter in a URL.
//! Invariant: the caller is verified before its path, query and body are read for meaning.

use super::auth::Signed;
use super::problem::{ProblemBody, Refusal, Reply};
use crate::flow::Worker;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use prag_protocol::CollectionId;
use prag_protocol::limits::{PAGE_ROWS_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::collections::{
    Collection, CreateCollection, OpenCorpus, OpenedCorpus, ReleaseKeys,
};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::operations::Operation;
use serde::{Deserialize, Serialize};

/// One page of collections.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct CollectionPage {
    /// The rows.
    data: Vec<Collection>,
    /// Send it back as `cursor`; absent on the last page.
    next_cursor: Option<String>,
}

/// Create a collection, and release its key to this worker.
#[utoipa::path(post, path = "/v1/collections", tag = "collections", request_body = CreateCollection,
    responses((status = 201, body = Collection), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(worker): State<Worker>,
    signed: Signed,
) -> Result<(StatusCode, Json<Collection>), Refusal> {
    let made = worker.create_collection(&signed.caller, signed.json()?).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// List the caller's collections and those granted to it.
#[utoipa::path(get, path = "/v1/collections", tag = "collections",
    params(("cursor" = Option<String>, Query, description = "From the page before"), ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000")),
    responses((status = 200, body = CollectionPage), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(worker): State<Worker>,
    uri: Uri,
    signed: Signed,
) -> Reply<Page<Collection>> {
    let listing = Listing::parse(&uri)?;
    let page = worker.list_collections(&signed.caller, listing.cursor, listing.limit).await?;
    Ok(Json(page))
}

/// Describe a collection.
#[utoipa::path(get, path = "/v1/collections/{collection}", tag = "collections",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Collection), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Reply<Collection> {
    Ok(Json(worker.collection(&signed.caller, collection_id(&id)?).await?))
}

/// Destroy a collection: its keys are shredded and its data removed.
#[utoipa::path(delete, path = "/v1/collections/{collection}", tag = "collections",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    Ok(Json(worker.delete_collection(&signed.caller, collection_id(&id)?).await?))
}

/// Release the owner's share again, after a restart of the worker.
#[utoipa::path(put, path = "/v1/collections/{collection}/keys", tag = "collections", request_body = ReleaseKeys,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Collection), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn release(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Reply<Collection> {
    let id = collection_id(&id)?;
    Ok(Json(worker.release_keys(&signed.caller, id, signed.json()?).await?))
}

/// Let the worker open the records of a sealed corpus file.
#[utoipa::path(post, path = "/v1/collections/{collection}/corpora", tag = "collections", request_body = OpenCorpus,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = OpenedCorpus), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn open_corpus(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Reply<OpenedCorpus> {
    let id = collection_id(&id)?;
    Ok(Json(worker.open_corpus(&signed.caller, id, signed.json()?).await?))
}

/// Turn the tail into a segment, and merge segments.
#[utoipa::path(post, path = "/v1/collections/{collection}/compact", tag = "collections",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 202, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn compact(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<(StatusCode, Json<Operation>), Refusal> {
    let started = worker.compact(&signed.caller, collection_id(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(started)))
}

/// Follow long work.
#[utoipa::path(get, path = "/v1/operations/{operation}", tag = "collections",
    params(("operation" = String, Path, description = "Opaque id")),
    responses((status = 200, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn operation(
    State(worker): State<Worker>,
    Path(id): Path<String>,
    signed: Signed,
) -> Reply<Operation> {
    token(&id, "operation")?;
    Ok(Json(worker.operation(&signed.caller, &id).await?))
}

/// The query of a listing.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// Opaque, from the page before.
    pub(super) cursor: Option<String>,
    /// Rows wanted, 1 to 1000.
    pub(super) limit: Option<u32>,
}

impl Listing {
    /// Reads the query of a listing.
    pub(super) fn parse(uri: &Uri) -> Result<Self, Problem> {
        let Ok(Query(listing)) = Query::<Self>::try_from_uri(uri) else {
            let detail = "a listing takes one `cursor` and one `limit`";
            return Err(Problem::new(Code::InvalidField, detail).field("query"));
        };
        if listing.limit.is_some_and(|rows| !(1..=PAGE_ROWS_MAX).contains(&rows)) {
            let problem = Problem::new(Code::InvalidField, "rows of a page, at least 1");
            return Err(problem.field("limit").limit(PAGE_ROWS_MAX));
        }
        if let Some(cursor) = &listing.cursor {
            token(cursor, "cursor")?;
        }
        Ok(listing)
    }
}

/// The collection that a path names.
pub(super) fn collection_id(text: &str) -> Result<CollectionId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(Code::InvalidField, "32 lowercase hexadecimal digits").field("collection")
    })
}

/// Refuses an opaque text that this worker cannot have made.
pub(super) fn token(text: &str, field: &str) -> Result<(), Problem> {
    let fits = (1..=TOKEN_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let problem = Problem::new(Code::InvalidField, "opaque text of this worker, bytes");
    Err(problem.field(field).limit(TOKEN_BYTES_MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A listing takes a cursor and a limit, within bounds, and nothing else.
    #[test]
    fn listings_are_bounded() {
        let parse = |query: &str| Listing::parse(&format!("/v1/x?{query}").parse().unwrap());
        let ok = parse("limit=1000&cursor=abc%2D1").unwrap();
        assert_eq!(ok.limit, Some(1000));
        assert_eq!(ok.cursor.as_deref(), Some("abc-1"));
        assert_eq!(parse("").unwrap(), Listing::default());
        for bad in ["limit=0", "limit=1001", "limit=x", "cursor=", "cursor=%00", "name=x", "limit=1&limit=2"] {
            assert_eq!(parse(bad).unwrap_err().code, Code::InvalidField, "{bad}");
        }
        let long = format!("cursor={}", "a".repeat(TOKEN_BYTES_MAX + 1));
        assert!(parse(&long).is_err());
    }

    /// A path that names no collection is refused as a field.
    #[test]
    fn collection_ids_parse() {
        assert!(collection_id(&"0a".repeat(16)).is_ok());
        for bad in ["", "0a", &"0A".repeat(16), &"0a".repeat(17)] {
            assert_eq!(collection_id(bad).unwrap_err().code, Code::InvalidField);
        }
    }
}
