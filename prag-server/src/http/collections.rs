//! Routes of collections.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: a document id, a name or a filter in a URL.
//! Invariant: the caller is verified before its path, query and body are read for meaning.

use super::auth::Signed;
use super::problem::{ProblemBody, Refusal, Reply, accepted, created};
use super::target::{Listing, Named, collection_id, token};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use prag_protocol::wire::Page;
use prag_protocol::wire::collections::{
    Collection, CreateCollection, OpenCorpus, OpenedCorpus, ReleaseKeys, RotateKeys, Rotated,
};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::operations::Operation;
use serde::Serialize;

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
) -> Result<Response, Refusal> {
    let made = worker.create_collection(&signed.caller, signed.json()?).await?;
    Ok(created(made))
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
    Named(id): Named<String>,
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
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    Ok(Json(worker.delete_collection(&signed.caller, collection_id(&id)?).await?))
}

/// Release the owner's share again, after a restart of the worker or a lapsed lease; or renew the lease.
#[utoipa::path(put, path = "/v1/collections/{collection}/keys", tag = "collections", request_body = ReleaseKeys,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Collection), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn release(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Collection> {
    let id = collection_id(&id)?;
    Ok(Json(worker.release_keys(&signed.caller, id, signed.json()?).await?))
}

/// Place a collection on this worker, which gets its keys from the vaults that it is configured with.
#[utoipa::path(put, path = "/v1/collections/{collection}/placement", tag = "collections",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Collection), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn place(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Collection> {
    Ok(Json(worker.place_collection(&signed.caller, collection_id(&id)?).await?))
}

/// Begin the next key epoch. The same request again ends a rotation that was cut short.
#[utoipa::path(post, path = "/v1/collections/{collection}/rotate", tag = "collections", request_body = RotateKeys,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Rotated), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn rotate(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Rotated> {
    let id = collection_id(&id)?;
    Ok(Json(worker.rotate_keys(&signed.caller, id, signed.json()?).await?))
}

/// Seal what lies under keys of earlier epochs anew.
#[utoipa::path(post, path = "/v1/collections/{collection}/reencrypt", tag = "collections",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 202, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn reencrypt(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let started = worker.reencrypt(&signed.caller, collection_id(&id)?).await?;
    Ok(accepted(started))
}

/// Let the worker open the records of a sealed corpus file.
#[utoipa::path(post, path = "/v1/collections/{collection}/corpora", tag = "collections", request_body = OpenCorpus,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = OpenedCorpus), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn open_corpus(
    State(worker): State<Worker>,
    Named(id): Named<String>,
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
    Named(id): Named<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let started = worker.compact(&signed.caller, collection_id(&id)?).await?;
    Ok(accepted(started))
}

/// Follow long work.
#[utoipa::path(get, path = "/v1/operations/{operation}", tag = "collections",
    params(("operation" = String, Path, description = "Opaque id")),
    responses((status = 200, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn operation(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Operation> {
    token(&id, "operation")?;
    Ok(Json(worker.operation(&signed.caller, &id).await?))
}
