//! Listening, and leaving in good order.
//!
//! Layer: `http`; called by the binary.
//! Holds: the settings of the listener, and the signals that end it.
//! Never: TLS: a proxy may add it, and sees sealed messages only.
//! Invariant: after a signal no request is accepted, and those admitted have `grace` to finish.

use super::router::outer;
use crate::flow::Worker;
use axum::Router;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How the listener behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Answers all of `/v1` outside the channel too. Only for `--dev`: it ends every promise to the network.
    pub plain: bool,
    /// Most requests at once; more are refused as `overloaded`.
    pub concurrency: usize,
    /// How long a request's answer is waited for; the work itself goes on.
    pub work: Duration,
    /// How long a request's body may take to arrive.
    pub upload: Duration,
    /// How long admitted requests may take after the signal to stop.
    pub grace: Duration,
}

/// What can be served: a worker, or one that is still sealed.
pub trait Serves {
    /// The listener's routes.
    fn routes(self, settings: &Settings) -> Router;
}

impl Serves for Worker {
    fn routes(self, settings: &Settings) -> Router {
        outer(self, settings)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plain: false,
            concurrency: 64,
            work: Duration::from_secs(600),
            upload: Duration::from_secs(60),
            grace: Duration::from_secs(30),
        }
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// Whatever the listener or the registration of the signals fails with.
pub async fn serve(what: impl Serves, listener: TcpListener, settings: Settings) -> io::Result<()> {
    let stop = signals()?;
    serve_until(what, listener, settings, stop).await
}

/// Serves until `stop` is ready, then drains.
///
/// # Errors
/// Whatever the listener fails with.
pub async fn serve_until(
    what: impl Serves,
    listener: TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (tell, told) = oneshot::channel::<()>();
    let routes = what.routes(&settings);
    let drained = async move {
        // A dropped sender means the same: stop.
        let _ = told.await;
    };
    let server = axum::serve(listener, routes).with_graceful_shutdown(drained).into_future();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended,
        () = stop => {}
    }
    drop(tell);
    match tokio::time::timeout(settings.grace, server).await {
        Ok(ended) => ended,
        Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
