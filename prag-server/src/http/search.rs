//! Routes of query, context, embeddings and models.
//!
//! Layer: `http`; calls `flow`.
//! Holds: one handler a route.
//! Never: query text in a URL: queries are POST.
//! Invariant: the length of a query's or context's reply is fixed by its parameters (see `pad`).

use super::auth::{Signed, Vouched};
use super::problem::{ProblemBody, Reply};
use super::target::{Named, collection_id};
use crate::flow::{Answer, Departure, Worker};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use prag_protocol::wire::metering::Metered;
use prag_protocol::wire::models::{Embeddings, EmbeddingsRequest, Models};
use prag_protocol::wire::search::{
    ContextReply, ContextRequest, QueriesReply, QueriesRequest, QueryReply, QueryRequest,
};
use serde::Serialize;

/// Search a collection. An attested reader gets the reply sealed: `{"sealed": "…"}`.
#[utoipa::path(post, path = "/v1/collections/{collection}/query", tag = "search", request_body = QueryRequest,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Metered<QueryReply>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn query(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    Vouched(signed): Vouched,
) -> Response {
    let departure = Departure::begin();
    let answer = async {
        let request: QueryRequest = signed.json()?;
        Ok(Json(worker.query(&signed.caller, collection_id(&id)?, request, &departure).await?))
    };
    leave::<QueryReply>(answer, &departure).await
}

/// Several searches of a collection under one signature, each as if it were asked alone; reply i answers query i. One
/// that is not acceptable refuses all, before any is counted. An attested reader gets the reply sealed.
#[utoipa::path(post, path = "/v1/collections/{collection}/queries", tag = "search", request_body = QueriesRequest,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Metered<QueriesReply>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn queries(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    Vouched(signed): Vouched,
) -> Response {
    let departure = Departure::begin();
    let answer = async {
        let request: QueriesRequest = signed.json()?;
        Ok(Json(worker.queries(&signed.caller, collection_id(&id)?, request, &departure).await?))
    };
    leave::<QueriesReply>(answer, &departure).await
}

/// Cited passages within a token budget, ready for a prompt. An attested reader gets the reply sealed.
#[utoipa::path(post, path = "/v1/collections/{collection}/context", tag = "search", request_body = ContextRequest,
    params(("collection" = String, Path, description = "32 hex digits")),
    responses((status = 200, body = Metered<ContextReply>), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn context(
    State(worker): State<Worker>,
    Named(id): Named<String>,
    Vouched(signed): Vouched,
) -> Response {
    let departure = Departure::begin();
    let answer = async {
        let request: ContextRequest = signed.json()?;
        Ok(Json(worker.context(&signed.caller, collection_id(&id)?, request, &departure).await?))
    };
    leave::<ContextReply>(answer, &departure).await
}

/// Embed texts (OpenAI's shape).
#[utoipa::path(post, path = "/v1/embeddings", tag = "models", request_body = EmbeddingsRequest,
    responses((status = 200, body = Embeddings), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn embeddings(State(worker): State<Worker>, signed: Signed) -> Reply<Embeddings> {
    let request: EmbeddingsRequest = signed.json()?;
    Ok(Json(worker.embeddings(&signed.caller, request).await?))
}

/// The models that this worker serves. Needs no permit.
#[utoipa::path(get, path = "/v1/models", tag = "models", responses((status = 200, body = Models)))]
pub(super) async fn models(State(worker): State<Worker>) -> Json<Models> {
    Json(worker.models())
}

/// The answer, or why there is none, when it is time.
async fn leave<T: Serialize>(
    answer: impl Future<Output = Reply<Answer<Metered<T>>>>,
    departure: &Departure,
) -> Response {
    let reply = answer.await.into_response();
    departure.wait().await;
    reply
}
