//! Routes of grants, permits, heads and the ledger.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route, and the bodies that only these routes take.
//! Never: a decision; the ledger decides.
//! Invariant: a transition is answered with the ledger height at which it holds.

use super::auth::Signed;
use super::problem::{ProblemBody, Refusal, Reply};
use super::target::{Listing, Named, collection_id};
use crate::flow::Worker;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::grants::{Grant, LedgerReply, PutGrant, RevokeGrant};
use serde::{Deserialize, Serialize};

/// One page of grants.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct GrantPage {
    /// The rows.
    data: Vec<Grant>,
    /// Send it back as `cursor`; absent on the last page.
    next_cursor: Option<String>,
}

/// A head with the proof that it extends an earlier one.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct HeadReply {
    /// The signed head.
    #[schema(value_type = Object)]
    head: serde_json::Value,
    /// Consistency proof from the size asked for (RFC 9162, section 2.1.4), hex.
    proof: Vec<String>,
    /// The ledger's height, to be remembered.
    ledger_height: u64,
    /// The ledger's root at that height, hex.
    ledger_root: String,
}

/// `POST /v1/permits/revoke`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokePermit {
    /// The permit's name; every permit of the caller with that name is refused from then on.
    permit_name: String,
}

/// `POST /v1/ledger/confirm`: a ledger head that the caller remembers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmLedger {
    /// Its height.
    height: u64,
    /// Its root, hex.
    root: String,
}

/// Grant access to a collection; the same grantee again replaces the grant.
#[utoipa::path(post, path = "/v1/collections/{collection}/grants", tag = "grants", request_body = PutGrant,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn put(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    let id = collection_id(&id)?;
    let grant: PutGrant = signed.json()?;
    Ok(Json(worker.put_grant(&signed.caller, id, grant).await?))
}

/// List a collection's grants.
#[utoipa::path(get, path = "/v1/collections/{collection}/grants", tag = "grants",
    params(("collection" = String, Path, description = "32 hex digits"), ("cursor" = Option<String>, Query, description = "From the page before"), ("limit" = Option<u32>, Query, description = "Rows, 1 to 1000")),
    responses((status = 200, body = GrantPage), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Reply<Page<Grant>> {
    let id = collection_id(&id)?;
    let Listing { cursor, limit, .. } = Listing::parse(&uri)?;
    Ok(Json(worker.list_grants(&signed.caller, id, cursor, limit).await?))
}

/// Revoke a grant.
#[utoipa::path(delete, path = "/v1/collections/{collection}/grants", tag = "grants", request_body = RevokeGrant,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn revoke(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    let id = collection_id(&id)?;
    let which: RevokeGrant = signed.json()?;
    Ok(Json(worker.revoke_grant(&signed.caller, id, which).await?))
}

/// Revoke the caller's permits of one name.
#[utoipa::path(post, path = "/v1/permits/revoke", tag = "grants", request_body = RevokePermit,
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn revoke_permit(
    State(worker): State<Worker>,
    signed: Signed,
) -> Reply<LedgerReply> {
    let body: RevokePermit = signed.json()?;
    Ok(Json(worker.revoke_permit(&signed.caller, body.permit_name).await?))
}

/// The collection's durable head, with a consistency proof from an earlier size.
#[utoipa::path(get, path = "/v1/collections/{collection}/head", tag = "ledger",
    params(("collection" = String, Path, description = "32 hex digits"), ("from" = Option<u64>, Query, description = "A size seen before")),
    responses((status = 200, body = HeadReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn head(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    uri: Uri,
    signed: Signed,
) -> Result<Response, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct From {
        from: Option<u64>,
    }
    let id = collection_id(&id)?;
    let Ok(Query(From { from })) = Query::<From>::try_from_uri(&uri) else {
        let problem = Problem::new(Code::InvalidField, "a size, in leaves");
        return Err(problem.field("from").into());
    };
    Ok(Json(worker.head(&signed.caller, id, from).await?).into_response())
}

/// Show a remembered ledger head, so that a worker after a boot may serve.
#[utoipa::path(post, path = "/v1/ledger/confirm", tag = "ledger", request_body = ConfirmLedger,
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn confirm(State(worker): State<Worker>, signed: Signed) -> Reply<LedgerReply> {
    let ConfirmLedger { height, root } = signed.json()?;
    let digits = root.len() == 64 && root.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        let problem = Problem::new(Code::InvalidField, "64 hexadecimal digits");
        return Err(problem.field("root").into());
    }
    // The caller has been verified; that it signs with a valid permit is all that is asked of it.
    Ok(Json(worker.confirm_ledger(&signed.caller, height, &root).await?))
}
