//! Routes of a collection's price.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: the purchase, which is a message to the ledger with money (`market`).
//! Invariant: a transition is answered with the ledger height at which it holds.

use super::auth::Signed;
use super::problem::{ProblemBody, Reply};
use super::target::{Named, collection_id};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::prices::Price;

/// Say for how much anybody may buy a grant to read the whole collection, or, without `offer`, that nobody may:
/// `{"offer": {"amount": "5000000", "denom": "uprag", "seconds": 2592000, "max_k": 10, "quota": 1000}}`.
#[utoipa::path(put, path = "/v1/collections/{collection}/price", tag = "grants", request_body = Price,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn set(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<LedgerReply> {
    let id = collection_id(&id)?;
    let price: Price = signed.json()?;
    Ok(Json(worker.set_price(&signed.caller, id, price).await?))
}

/// What a grant costs, for anybody. To buy it, send `{"access": {"buy": {"collection": …, "offer": …}}}` to
/// `/v1/ledger/execute` with the price.
#[utoipa::path(get, path = "/v1/collections/{collection}/price", tag = "grants",
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Price), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Price> {
    Ok(Json(worker.price(&signed.caller, collection_id(&id)?).await?))
}
