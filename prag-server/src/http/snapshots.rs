//! Routes of snapshots.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: a path or an address of a target.
//! Invariant: as for collections, the caller is verified before its path and body are read for meaning.

use super::auth::Signed;
use super::problem::{ProblemBody, Refusal, Reply, accepted};
use super::target::{Named, collection_id};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use prag_protocol::wire::operations::Operation;
use prag_protocol::wire::snapshots::{
    AtTarget, PruneSnapshots, Pruned, RestoreSnapshot, Snapshots, VerifySnapshot,
};

/// Write a snapshot to one of the worker's targets.
#[utoipa::path(post, path = "/v1/collections/{collection}/snapshots", tag = "snapshots", request_body = AtTarget,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 202, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let id = collection_id(&id)?;
    Ok(accepted(worker.create_snapshot(&signed.caller, id, signed.json()?).await?))
}

/// List the snapshots in one of the worker's targets.
#[utoipa::path(post, path = "/v1/collections/{collection}/snapshots/list", tag = "snapshots", request_body = AtTarget,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Snapshots), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Snapshots> {
    let id = collection_id(&id)?;
    Ok(Json(worker.list_snapshots(&signed.caller, id, signed.json()?).await?))
}

/// Read a snapshot whole and check every hash, seal and root of it.
#[utoipa::path(post, path = "/v1/collections/{collection}/snapshots/verify", tag = "snapshots", request_body = VerifySnapshot,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 202, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn verify(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let id = collection_id(&id)?;
    Ok(accepted(worker.verify_snapshot(&signed.caller, id, signed.json()?).await?))
}

/// Place the collection on this worker and restore it from a snapshot, under the next writer epoch.
#[utoipa::path(post, path = "/v1/collections/{collection}/snapshots/restore", tag = "snapshots", request_body = RestoreSnapshot,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 202, body = Operation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn restore(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let id = collection_id(&id)?;
    Ok(accepted(worker.restore_snapshot(&signed.caller, id, signed.json()?).await?))
}

/// Remove all but the newest snapshots, and every object that none of those needs.
#[utoipa::path(post, path = "/v1/collections/{collection}/snapshots/prune", tag = "snapshots", request_body = PruneSnapshots,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Pruned), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn prune(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Pruned> {
    let id = collection_id(&id)?;
    Ok(Json(worker.prune_snapshots(&signed.caller, id, signed.json()?).await?))
}
