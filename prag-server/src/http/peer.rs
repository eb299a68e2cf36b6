//! Routes between workers.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: a permit: no person stands behind these requests; evidence and the attested key do.
//! Invariant: a body is bounded before it is parsed.

use super::auth::{media_type, read};
use super::json;
use super::problem::{ProblemBody, Reply};
use crate::flow::Worker;
use axum::Json;
use axum::extract::{Request, State};
use prag_protocol::wire::peer::{PeerChallenge, PeerRelease, PeerReleased};

/// A challenge for a worker that will ask for keys.
#[utoipa::path(post, path = "/v1/peer/challenge", tag = "peer",
    responses((status = 200, body = PeerChallenge), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn challenge(State(worker): State<Worker>) -> Reply<PeerChallenge> {
    Ok(Json(worker.peer_challenge()?))
}

/// Keys of a collection for a worker that its owner placed, sealed to it.
#[utoipa::path(post, path = "/v1/peer/release", tag = "peer", request_body = PeerRelease,
    responses((status = 200, body = PeerReleased), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn release(State(worker): State<Worker>, request: Request) -> Reply<PeerReleased> {
    media_type(request.headers(), &["application/json"])?;
    let body = read(request.into_body(), RELEASE_BYTES_MAX).await?;
    Ok(Json(worker.peer_release(json::parse(&body)?).await?))
}

/// A quote, its collateral and a GPU's report and chain, each at most 64 KiB, in base64.
const RELEASE_BYTES_MAX: usize = 512 << 10;
