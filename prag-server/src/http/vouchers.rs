//! The route of vouchers.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler.
//! Never: a voucher in a URL.
//! Invariant: a session hands in its own vouchers only: the key that signs the request is the session.

use super::auth::Signed;
use super::problem::{ProblemBody, Reply};
use super::target::{Named, collection_id};
use crate::flow::{Answer, Worker};
use axum::Json;
use axum::extract::State;
use prag_protocol::wire::metering::{HandIn, Standing};

/// Hand in a countersigned voucher, or only ask how the session stands. An attested reader gets the reply sealed.
#[utoipa::path(post, path = "/v1/collections/{collection}/vouchers", tag = "search", request_body = HandIn,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Standing), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn hand_in(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    signed: Signed,
) -> Reply<Answer<Standing>> {
    let id = collection_id(&id)?;
    Ok(Json(worker.vouchers(&signed.caller, id, signed.json()?).await?))
}
