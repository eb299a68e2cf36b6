//! Routes of the contracts beside access.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route; the bodies are the contracts' own messages.
//! Never: a decision; the contracts decide.
//! Invariant: a transition is answered with the ledger height at which it holds.

use super::auth::Signed;
use super::problem::{ProblemBody, Reply};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use prag_protocol::ledger::market::{Attended, MarketReply, RoyaltyShown};
use prag_protocol::wire::grants::LedgerReply;

/// Send a message to a contract, with funds out of the caller's balance: `{"message": {"rewards": {"fund": {}}}, "funds":
/// [{"denom": "uprag", "amount": "1000"}]}`. The permit must carry administration.
#[utoipa::path(post, path = "/v1/ledger/execute", tag = "ledger", request_body = Object,
    responses((status = 200, body = LedgerReply), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn execute(State(worker): State<Worker>, signed: Signed) -> Reply<LedgerReply> {
    Ok(Json(worker.execute_market(&signed.caller, signed.json()?).await?))
}

/// Ask a contract: `{"rewards": {"pool": {}}}`. What is not public is answered to a permit for administration.
#[utoipa::path(post, path = "/v1/ledger/query", tag = "ledger", request_body = Object,
    responses((status = 200, body = Object), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn query(State(worker): State<Worker>, signed: Signed) -> Reply<MarketReply> {
    Ok(Json(worker.query_market(&signed.caller, signed.json()?).await?))
}

/// What an owner's claim on this worker's report has to show, for one collection and epoch.
#[utoipa::path(post, path = "/v1/ledger/royalty", tag = "ledger", request_body = Object,
    responses((status = 200, body = Object), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn royalty(State(worker): State<Worker>, signed: Signed) -> Reply<RoyaltyShown> {
    Ok(Json(worker.royalty(&signed.caller, signed.json()?).await?))
}

/// Have the worker look at its own part in the market now. For the ledger's operator and the worker's steward.
#[utoipa::path(post, path = "/v1/ledger/worker", tag = "ledger", request_body = Object,
    responses((status = 200, body = Object), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn attend(State(worker): State<Worker>, signed: Signed) -> Reply<Attended> {
    Ok(Json(worker.attend_asked(&signed.caller, signed.json()?).await?))
}
