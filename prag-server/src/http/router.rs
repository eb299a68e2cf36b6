//! Which route leads where: the inner routes, and the outer listener's.
//!
//! Layer: `http`.
//! Holds: the table of routes, written once, and what answers where no route does.
//! Never: a second table: the OpenAPI document is tested against this one.
//! Invariant: outside the channel, `/v1` answers its attestation only, unless the settings say plain.

use super::door::Door;
use super::problem::Refusal;
use super::serve::Settings;
use super::{
    collections, documents, gateway, grants, market, peer, policy, prices, readers, search,
    snapshots, system, vouchers,
};
use crate::flow::Worker;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, delete, get, post, put};
use prag_protocol::problem::{Code, Problem};
use std::sync::Arc;

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every inner route: method and template.
        #[cfg(test)]
        pub(super) const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn table() -> Router<Worker> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    get "/v1/attestation" => system::attestation;
    get "/v1/models" => search::models;
    post "/v1/embeddings" => search::embeddings;
    post "/v1/collections" => collections::create;
    get "/v1/collections" => collections::list;
    get "/v1/collections/{collection}" => collections::show;
    delete "/v1/collections/{collection}" => collections::delete;
    put "/v1/collections/{collection}/keys" => collections::release;
    put "/v1/collections/{collection}/placement" => collections::place;
    post "/v1/collections/{collection}/rotate" => collections::rotate;
    post "/v1/collections/{collection}/reencrypt" => collections::reencrypt;
    post "/v1/collections/{collection}/corpora" => collections::open_corpus;
    post "/v1/collections/{collection}/compact" => collections::compact;
    post "/v1/collections/{collection}/snapshots" => snapshots::create;
    post "/v1/collections/{collection}/snapshots/list" => snapshots::list;
    post "/v1/collections/{collection}/snapshots/verify" => snapshots::verify;
    post "/v1/collections/{collection}/snapshots/restore" => snapshots::restore;
    post "/v1/collections/{collection}/snapshots/prune" => snapshots::prune;
    put "/v1/collections/{collection}/documents" => documents::put;
    get "/v1/collections/{collection}/documents" => documents::list;
    delete "/v1/collections/{collection}/documents" => documents::delete_many;
    post "/v1/collections/{collection}/documents/bulk" => documents::bulk;
    post "/v1/collections/{collection}/documents/lookup" => documents::lookup;
    get "/v1/collections/{collection}/documents/{handle}" => documents::show;
    delete "/v1/collections/{collection}/documents/{handle}" => documents::delete_one;
    post "/v1/collections/{collection}/query" => search::query;
    post "/v1/collections/{collection}/queries" => search::queries;
    post "/v1/collections/{collection}/context" => search::context;
    post "/v1/collections/{collection}/vouchers" => vouchers::hand_in;
    post "/v1/collections/{collection}/grants" => grants::put;
    get "/v1/collections/{collection}/grants" => grants::list;
    delete "/v1/collections/{collection}/grants" => grants::revoke;
    put "/v1/collections/{collection}/policy" => policy::set;
    get "/v1/collections/{collection}/policy" => policy::show;
    put "/v1/collections/{collection}/price" => prices::set;
    get "/v1/collections/{collection}/price" => prices::show;
    get "/v1/collections/{collection}/head" => grants::head;
    get "/v1/operations/{operation}" => collections::operation;
    post "/v1/sessions/challenge" => readers::challenge;
    post "/v1/sessions" => readers::open;
    post "/v1/permits/revoke" => grants::revoke_permit;
    post "/v1/ledger/confirm" => grants::confirm;
    post "/v1/ledger/execute" => market::execute;
    post "/v1/ledger/query" => market::query;
    post "/v1/ledger/royalty" => market::royalty;
    post "/v1/ledger/worker" => market::attend;
    post "/v1/peer/challenge" => peer::challenge;
    post "/v1/peer/release" => peer::release;
}

/// The routes under `/v1`, as both ways in reach them.
pub fn inner(worker: Worker) -> Router {
    closed(table()).layer(from_fn(trace)).with_state(worker)
}

/// The listener's routes: the gateway, what is public, and `/v1` where plain requests are allowed.
pub fn outer(worker: Worker, settings: &Settings) -> Router {
    let (ring, clock) = (Arc::clone(worker.ring()), Arc::clone(worker.clock()));
    let clock = (clock, worker.worker_key());
    let door = Door::new((ring, worker.room().clone()), clock, inner(worker.clone()), settings);
    let plain = if settings.plain { any(gateway::plain) } else { any(channel_required) };
    let routes = Router::new()
        .route("/gateway", post(gateway::gateway))
        .route("/v1/attestation", get(gateway::plain))
        .route("/v1/{*rest}", plain)
        .with_state(door);
    let public = system::routes().with_state(worker);
    closed(routes.merge(public))
}

/// Problems, not empty replies, where no route or no method fits.
fn closed<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.fallback(no_route).method_not_allowed_fallback(no_method)
}

async fn no_route() -> Refusal {
    Refusal(Problem::new(Code::RouteNotFound, "see /openapi.json for the routes"))
}

async fn no_method() -> Refusal {
    Refusal(Problem::new(Code::MethodNotAllowed, "the Allow header lists the methods"))
}

async fn channel_required() -> Refusal {
    let detail = "send it as an encapsulated request to POST /gateway, with the keys that /v1/attestation shows";
    Refusal(Problem::new(Code::ChannelRequired, detail))
}

/// Method, route template, status class: no path, no header, no length, no time.
async fn trace(matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let class = response.status().as_u16() / 100;
    tracing::debug!(target: "prag::http", %method, route, class, "answered");
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;
    use std::collections::BTreeSet;
    use tower::ServiceExt;

    /// The document describes every route, of both stages, and no other.
    #[test]
    fn the_document_is_the_table() {
        let document = serde_json::to_value(crate::http::document()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((method.clone(), path.clone()));
            }
        }
        let routed: BTreeSet<_> = ROUTES
            .iter()
            .chain(crate::http::sealed::ROUTES)
            .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(described, routed);
    }

    /// A wrong path is `route-not-found`, a wrong method `method-not-allowed` with the methods that fit.
    #[tokio::test]
    async fn strangers_meet_problems() {
        async fn fine() -> &'static str {
            "fine"
        }
        let routes: Router = closed(Router::new().route("/a", get(fine).put(fine)));
        for (method, path, status) in [
            ("GET", "/a", StatusCode::OK),
            ("GET", "/b", StatusCode::NOT_FOUND),
            ("DELETE", "/a", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty());
            let response = routes.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), status);
            if status == StatusCode::METHOD_NOT_ALLOWED {
                assert!(response.headers().contains_key("allow"));
            }
            if status != StatusCode::OK {
                assert_eq!(response.headers()["content-type"], super::super::problem::MEDIA_TYPE);
            }
        }
    }
}
