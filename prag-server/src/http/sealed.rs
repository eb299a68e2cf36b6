//! The routes of a sealed worker, and the switch to those of the open one.
//!
//! Layer: `http`; calls `sealed`.
//! Holds: attestation, probes, the gateway, and inside it the steward's one route.
//! Never: a route that touches data; a second switch.
//! Invariant: everything else answers `worker-sealed`, until the steward's root opened the worker; from then on every
//! request, on old connections too, meets the worker's own routes.

use super::auth::{Addressee, Signed};
use super::door::Door;
use super::problem::{ProblemBody, Refusal, Reply};
use super::serve::{Serves, Settings};
use super::{gateway, router, system};
use crate::room::Room;
use crate::sealed::Sealed;
use crate::tls::Certificates;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::{Attestation, Unlocked};
use prag_protocol::wire::collections::ReleaseKeys;
use prag_trust::permit::{Expected, PermitCache};
use prag_trust::request::NonceCache;
use std::sync::{Arc, Mutex, OnceLock};
use tower::ServiceExt;

/// Every inner route of this stage: method and template.
#[cfg(test)]
pub(super) const ROUTES: &[(&str, &str)] = &[("put", "/v1/root")];

/// What the handlers of this stage know.
#[derive(Clone)]
pub(super) struct Stage {
    sealed: Arc<Sealed>,
    settings: Settings,
    /// The open worker's routes, once there is one.
    open: Arc<OnceLock<Router>>,
}

impl Serves for Sealed {
    fn tls(&self) -> Option<&Arc<Certificates>> {
        Self::tls(self)
    }

    fn routes(self, settings: &Settings) -> Router {
        let open = Arc::new(OnceLock::new());
        let stage =
            Stage { sealed: Arc::new(self), settings: settings.clone(), open: Arc::clone(&open) };
        let switch = Switch { sealed: outer(stage), open };
        Router::new().fallback(choose).with_state(switch)
    }
}

/// Both stages' routes.
#[derive(Clone)]
struct Switch {
    sealed: Router,
    open: Arc<OnceLock<Router>>,
}

async fn choose(State(switch): State<Switch>, request: Request) -> Response {
    let routes = switch.open.get().unwrap_or(&switch.sealed).clone();
    match routes.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn outer(stage: Stage) -> Router {
    let door = |inner: Router<Stage>| {
        let (ring, clock) = (Arc::clone(stage.sealed.ring()), stage.sealed.clock());
        Door::new(
            (ring, Room::widest()),
            (clock, stage.sealed.worker_key()),
            closed(inner).with_state(stage.clone()),
            &stage.settings,
        )
    };
    let steward = door(Router::new().route("/v1/root", put(put_root)));
    let public = door(Router::new().route("/v1/attestation", get(attestation)));
    closed(
        Router::new()
            .route("/gateway", post(gateway::gateway))
            .with_state(steward)
            .route("/v1/attestation", get(gateway::plain))
            .with_state(public)
            .route("/healthz", get(system::alive))
            .route("/livez", get(system::alive)),
    )
}

/// Release the sealing root of a sealed worker. Steward only; the only route while the worker is sealed, and none after.
#[utoipa::path(put, path = "/v1/root", tag = "system", request_body = ReleaseKeys,
    responses((status = 200, body = Unlocked), (status = "default", body = ProblemBody, content_type = "application/problem+json")))]
pub(super) async fn put_root(State(stage): State<Stage>, signed: Signed) -> Reply<Unlocked> {
    let release: ReleaseKeys = signed.json()?;
    let worker = stage.sealed.unlock(&signed.caller, &release).await?;
    let ledger_id = hex::encode(worker.ledger_id());
    // Only one caller gets a worker out of `unlock`.
    let _ = stage.open.set(router::outer(worker, &stage.settings));
    Ok(Json(Unlocked { ledger_id }))
}

async fn attestation(State(stage): State<Stage>, uri: Uri) -> Reply<Attestation> {
    let nonce = system::nonce(&uri)?;
    let work = move || stage.sealed.attest(nonce);
    let internal = |_| Problem::new(Code::Internal, "the attestation was dropped");
    Ok(Json(tokio::task::spawn_blocking(work).await.map_err(internal)??))
}

fn closed<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes.fallback(sealed).method_not_allowed_fallback(sealed)
}

async fn sealed() -> Refusal {
    let detail = "its steward must release its root with `prag unlock`";
    Refusal(Problem::new(Code::WorkerSealed, detail))
}

impl Addressee for Stage {
    fn nonces(&self) -> &Mutex<NonceCache> {
        self.sealed.nonces()
    }

    fn permits(&self) -> &PermitCache {
        self.sealed.permits()
    }

    fn now(&self) -> u64 {
        self.sealed.clock().now()
    }

    fn worker_key(&self) -> [u8; 32] {
        self.sealed.worker_key()
    }

    fn expected(&self) -> Expected {
        self.sealed.expected()
    }
}
