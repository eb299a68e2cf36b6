//! Routes of a collection's policy.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: a decision about an image.
//! Invariant: the caller is verified before its path and body are read for meaning.

use super::auth::Signed;
use super::problem::{ProblemBody, Reply};
use super::target::{Named, collection_id};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::policy::{CollectionPolicy, SetPolicy};

/// Set which images may serve a collection and, apart, which may read it.
#[utoipa::path(put, path = "/v1/collections/{collection}/policy", tag = "grants", request_body = SetPolicy,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn set(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    let id = collection_id(&id)?;
    let policy: SetPolicy = signed.json()?;
    Ok(Json(worker.set_policy(&signed.caller, id, policy).await?))
}

/// Show a collection's policy to its owner.
#[utoipa::path(get, path = "/v1/collections/{collection}/policy", tag = "grants",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = CollectionPolicy), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<CollectionPolicy> {
    Ok(Json(worker.policy(&signed.caller, collection_id(&id)?).await?))
}
