//! Routes of attested readers.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: a session id: the key that signs is the session.
//! Invariant: a challenge and its evidence are of one and the same signer.

use super::auth::Signed;
use super::problem::{ProblemBody, Refusal, Reply, created};
use crate::flow::Worker;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use prag_protocol::wire::readers::{Challenge, OpenSession, ReaderSession};

/// A challenge for the evidence of the key that signs this request: good once, for two minutes.
#[utoipa::path(post, path = "/v1/sessions/challenge", tag = "readers",
    responses((status = 200, body = Challenge), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn challenge(State(worker): State<Worker>, signed: Signed) -> Reply<Challenge> {
    Ok(Json(worker.challenge(&signed.caller)?))
}

/// Show evidence that binds the key that signs this request; its reads then count as those of the attested image.
#[utoipa::path(post, path = "/v1/sessions", tag = "readers", request_body = OpenSession,
    responses((status = 201, body = ReaderSession), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn open(
    State(worker): State<Worker>,
    signed: Signed,
) -> Result<Response, Refusal> {
    let opened = worker.open_session(&signed.caller, signed.json()?).await?;
    Ok(created(opened))
}
