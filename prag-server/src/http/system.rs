//! Health, metrics, attestation, and the documents about the interface.
//!
//! Layer: `http`; public, unsigned.
//! Holds: probes, the OpenAPI document, its page with all its files inside the binary.
//! Never: an id, a name or an outcome of a request in metrics; a page that loads from elsewhere.
//! Invariant: nothing here tells two workers' data apart.

use super::problem::{ProblemBody, Refusal, Reply};
use crate::flow::Worker;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::Attestation;
use serde::Deserialize;
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// The public routes beside `/v1`.
pub(super) fn routes() -> Router<Worker> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/docs", get(docs_home))
        .route("/docs/", get(docs_index))
        .route("/docs/{*file}", get(docs_file))
}

/// The worker's evidence, bound to the nonce, and its keys. Needs no permit and no channel.
#[utoipa::path(get, path = "/v1/attestation", tag = "system",
    params(("nonce" = String, Query, description = "64 hex digits, fresh")),
    responses((status = 200, body = Attestation), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn attestation(State(worker): State<Worker>, uri: Uri) -> Reply<Attestation> {
    Ok(Json(worker.attest(nonce(&uri)?).await?))
}

pub(super) fn nonce(uri: &Uri) -> Result<[u8; 32], Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nonce {
        nonce: String,
    }
    let mut nonce = [0u8; 32];
    let parsed = Query::<Nonce>::try_from_uri(uri).ok();
    parsed
        .and_then(|Query(query)| hex::decode_to_slice(query.nonce, &mut nonce).ok())
        .map(|()| nonce)
        .ok_or_else(|| Problem::new(Code::InvalidField, "64 hexadecimal digits").field("nonce"))
}

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the worker can answer; and where its ledger is a chain, how far it has followed that.
async fn ready(State(worker): State<Worker>) -> Result<String, Refusal> {
    worker.ready().await?;
    let ledger = worker.standing().await;
    let far = ledger.height.map_or_else(String::new, |height| format!(", height {height}"));
    let age = ledger.age_s.map_or_else(String::new, |age| format!(", {age} s old"));
    Ok(format!("ready\nledger {}{far}{age}\n", ledger.kind))
}

async fn metrics(State(worker): State<Worker>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], worker.metrics()).into_response()
}

async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi::document())
}

async fn docs_home() -> Redirect {
    Redirect::permanent("/docs/")
}

async fn docs_index() -> Response {
    docs("")
}

async fn docs_file(Path(file): Path<String>) -> Response {
    docs(&file)
}

/// A file of the documentation page. It asks this origin only, and cannot send requests to the routes.
fn docs(file: &str) -> Response {
    let config = Config::from("/openapi.json")
        .supported_submit_methods(Vec::<String>::new())
        .validator_url("none");
    let Ok(Some(found)) = utoipa_swagger_ui::serve(file, Arc::new(config)) else {
        let problem = Problem::new(Code::RouteNotFound, "no such page");
        return Refusal(problem).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.content_type.as_str()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, found.bytes.into_owned()).into_response()
}

/// Everything from this origin; `unsafe-inline` for styles alone, which the page sets on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::http::problem::MEDIA_TYPE;

    /// A nonce is 64 hex digits, once, and nothing beside it.
    #[test]
    fn nonces_are_exact() {
        let parse = |query: String| nonce(&format!("/v1/attestation{query}").parse().unwrap());
        assert_eq!(parse(format!("?nonce={}", "0f".repeat(32))).unwrap(), [15; 32]);
        let long = format!("?nonce={}", "0f".repeat(33));
        let short = format!("?nonce={}", "0f".repeat(31));
        let twice = format!("?nonce={0}&nonce={0}", "0f".repeat(32));
        for bad in [String::new(), "?nonce=".into(), long, short, twice, "?nonce=zz".into()] {
            assert_eq!(parse(bad).unwrap_err().code, Code::InvalidField);
        }
    }

    /// The page and its files come from the binary, under a policy that allows no other origin.
    #[tokio::test]
    async fn the_page_stays_at_home() {
        for file in ["", "index.html", "swagger-ui-bundle.js", "swagger-initializer.js"] {
            let response = docs(file);
            assert!(response.status().is_success(), "{file}");
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        }
        let response = docs("swagger-initializer.js");
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains("/openapi.json") && !text.contains("https://"), "{text}");
        assert_eq!(docs("../secret").headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }
}
