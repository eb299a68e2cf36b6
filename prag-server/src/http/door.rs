//! The bound on work: so many requests at once, each for so long.
//!
//! Layer: `http`.
//! Holds: slots, the time limit, and the way into the inner router.
//! Never: a queue; the request that finds no slot is refused.
//! Invariant: admitted work runs to its end, even if nobody waits for the answer any more, and holds its
//! slot until then; a write is never cut in half by a client that hangs up.

use super::problem::Refusal;
use super::serve::Settings;
use crate::channel::KeyRing;
use crate::room::Room;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use prag_protocol::problem::{Code, Problem};
use prag_trust::entropy::Clock;
use std::convert::Infallible;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

/// What both ways in share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Door {
    /// Keys of the channel.
    pub(super) ring: Arc<KeyRing>,
    /// The worker's time.
    pub(super) clock: Arc<dyn Clock>,
    /// Of a reply's hits.
    pub(super) room: Room,
    /// The key that this worker signs by.
    pub(super) own: [u8; 32],
    pass: Pass,
}

/// Slots, time limits and the inner router.
#[derive(Clone)]
pub(super) struct Pass {
    inner: Router,
    slots: Arc<Semaphore>,
    work: Duration,
    upload: Duration,
}

/// The right to be worked on.
pub(super) struct Slot {
    _held: OwnedSemaphorePermit,
}

impl Door {
    pub(super) fn new(
        (ring, room): (Arc<KeyRing>, Room),
        (clock, own): (Arc<dyn Clock>, [u8; 32]),
        inner: Router,
        settings: &Settings,
    ) -> Self {
        let pass = Pass::new(inner, settings);
        Self { ring, clock, room, own, pass }
    }

    pub(super) fn pass(&self) -> &Pass {
        &self.pass
    }
}

impl Pass {
    fn new(inner: Router, settings: &Settings) -> Self {
        Self {
            inner,
            slots: Arc::new(Semaphore::new(settings.concurrency)),
            work: settings.work,
            upload: settings.upload,
        }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// `overloaded` where all are taken.
    pub(super) fn enter(&self) -> Result<Slot, Problem> {
        let slots = Arc::clone(&self.slots);
        let taken = slots.try_acquire_owned();
        taken
            .map(|held| Slot { _held: held })
            .map_err(|_| Problem::new(Code::Overloaded, "too many requests at once"))
    }

    /// Waits for an upload as long as uploads may take.
    ///
    /// # Errors
    /// `overloaded` where it takes longer; else what `upload` answers.
    pub(super) async fn upload<T>(
        &self,
        upload: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let slow = Problem::new(Code::Overloaded, "the body took too long to arrive");
        tokio::time::timeout(self.upload, upload).await.map_err(|_| slow)?
    }

    /// Answers a request through the inner router.
    pub(super) async fn run(&self, slot: Slot, request: Request) -> Response {
        let inner = self.inner.clone();
        let mut work = Box::pin(async move {
            let answer = inner.oneshot(request).await;
            drop(slot);
            answer
        });
        // Most queries wait for nothing: they are done here, before another thread would have woken up for them. What
        // waits goes on in a task of its own, which does not end with the connection.
        let begun = poll_fn(|context| {
            let work = AssertUnwindSafe(|| work.as_mut().poll(context));
            Poll::Ready(catch_unwind(work))
        });
        match begun.await {
            Ok(Poll::Ready(answer)) => return answered(answer),
            Ok(Poll::Pending) => {}
            Err(_panicked) => return dropped(),
        }
        match tokio::time::timeout(self.work, tokio::spawn(work)).await {
            Ok(Ok(answer)) => answered(answer),
            Ok(Err(_panicked)) => dropped(),
            Err(_late) => refuse(Code::Overloaded, "no answer in time; the work goes on"),
        }
    }
}

fn answered(answer: Result<Response, Infallible>) -> Response {
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn dropped() -> Response {
    refuse(Code::Internal, "the request was dropped")
}

fn refuse(code: Code, detail: &str) -> Response {
    Refusal(Problem::new(code, detail)).into_response()
}

#[cfg(test)]
pub(super) fn for_tests(inner: Router) -> Pass {
    Pass::new(inner, &Settings { concurrency: 1, ..Settings::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tokio::sync::Notify;

    fn request(path: &str) -> Request {
        Request::builder().uri(path).body(Body::empty()).unwrap()
    }

    /// A slot is held until the work ends, also when its client has gone.
    #[tokio::test]
    async fn work_outlives_its_client() {
        let (begun, go, done) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let route = {
            let (begun, go, done) = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&done));
            get(move || async move {
                begun.notify_one();
                go.notified().await;
                done.notify_one();
            })
        };
        let pass = for_tests(Router::new().route("/", route));
        let slot = pass.enter().unwrap();
        assert_eq!(pass.enter().err().unwrap().code, Code::Overloaded);
        let client = tokio::spawn({
            let pass = pass.clone();
            async move { pass.run(slot, request("/")).await }
        });
        begun.notified().await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        assert!(pass.enter().is_err());
        go.notify_one();
        done.notified().await;
        while pass.enter().is_err() {
            tokio::task::yield_now().await;
        }
    }

    /// A handler that panics is an internal problem, and frees its slot.
    #[tokio::test]
    async fn a_panic_is_a_problem() {
        async fn broken() {
            panic!("on purpose");
        }
        async fn broken_later() {
            tokio::task::yield_now().await;
            panic!("on purpose");
        }
        let routes = Router::new().route("/", get(broken)).route("/later", get(broken_later));
        let pass = for_tests(routes);
        for path in ["/", "/later", "/", "/later"] {
            let response = pass.run(pass.enter().unwrap(), request(path)).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
