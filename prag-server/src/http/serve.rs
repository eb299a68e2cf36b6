//! Listening, and leaving in good order.
//!
//! Layer: `http`; called by the binary.
//! Holds: the settings of the listener, and the signals that end it.
//! Never: TLS without the worker's own certificate; a proxy may add it, and sees sealed messages only.
//! Invariant: after a signal no request is accepted, and those admitted have `grace` to finish.

use super::connections::Connections;
use super::router::outer;
use crate::flow::Worker;
use crate::tls::Certificates;
use axum::Router;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

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
    /// Most connections at once; more are closed unheard.
    pub connections: usize,
    /// Most TLS handshakes at once; more are closed unheard.
    pub handshakes: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may be silent before and between requests, and a request's head take to arrive.
    pub idle: Duration,
}

/// What can be served: a worker, or one that is still sealed.
pub trait Serves {
    /// The certificate to serve under; none means plain HTTP.
    fn tls(&self) -> Option<&Arc<Certificates>>;
    /// The listener's routes.
    fn routes(self, settings: &Settings) -> Router;
}

impl Serves for Worker {
    fn tls(&self) -> Option<&Arc<Certificates>> {
        Self::tls(self)
    }

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
            connections: 1024,
            handshakes: 128,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(60),
        }
    }
}

/// Serves until SIGTERM or SIGINT; over TLS where the worker has a certificate.
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
    let tls = what.tls().map(Certificates::server_config).transpose();
    let tls = tls.map_err(io::Error::other)?.map(TlsAcceptor::from);
    let connections = Connections::new(what.routes(&settings), tls, &settings);
    connections.accept_until(&listener, stop).await;
    // Nobody else is to be let in while those who are here finish.
    drop(listener);
    let _ = tokio::time::timeout(settings.grace, connections.drain()).await;
    Ok(())
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
