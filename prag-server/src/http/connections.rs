//! Connections: how many, how long they may say nothing, and TLS where the worker speaks it.
//!
//! Layer: `http`, below `serve`.
//! Holds: accepting, handshakes, HTTP/1.1 on each connection, and the end of all of them.
//! Never: a queue: a connection over the bound is closed at once; a request before the handshake is done.
//! Invariant: a stranger holds at most one slot per connection, and none for longer than the limits say.

use super::serve::Settings;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// All connections of a listener.
pub(super) struct Connections {
    routes: Router,
    tls: Option<TlsAcceptor>,
    open: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    handshake: Duration,
    idle: Duration,
    graceful: GracefulShutdown,
}

impl Connections {
    pub(super) fn new(routes: Router, tls: Option<TlsAcceptor>, settings: &Settings) -> Self {
        Self {
            routes,
            tls,
            open: Arc::new(Semaphore::new(settings.connections)),
            handshakes: Arc::new(Semaphore::new(settings.handshakes)),
            handshake: settings.handshake,
            idle: settings.idle,
            graceful: GracefulShutdown::new(),
        }
    }

    /// Takes connections until `stop` is ready.
    pub(super) async fn accept_until(
        &self,
        listener: &TcpListener,
        stop: impl Future<Output = ()>,
    ) {
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.take(stream),
                Err(error) => pause(&error).await,
            }
        }
    }

    /// Lets admitted requests finish, and closes connections that are at rest.
    pub(super) async fn drain(self) {
        self.graceful.shutdown().await;
    }

    fn take(&self, stream: TcpStream) {
        let Ok(slot) = Arc::clone(&self.open).try_acquire_owned() else { return };
        // Replies are written whole: waiting for more of them would only delay the last packet.
        let _ = stream.set_nodelay(true);
        let (routes, idle, watcher) = (self.routes.clone(), self.idle, self.graceful.watcher());
        let Some(tls) = self.tls.clone() else {
            tokio::spawn(async move {
                speak(stream, routes, idle, watcher).await;
                drop(slot);
            });
            return;
        };
        let Ok(handshaking) = Arc::clone(&self.handshakes).try_acquire_owned() else { return };
        let limit = self.handshake;
        tokio::spawn(async move {
            let stream = tokio::time::timeout(limit, tls.accept(stream)).await;
            drop(handshaking);
            if let Ok(Ok(stream)) = stream {
                speak(stream, routes, idle, watcher).await;
            }
            drop(slot);
        });
    }
}

/// HTTP/1.1 until the peer leaves, is silent for too long, or the worker stops.
async fn speak<Io>(stream: Io, routes: Router, idle: Duration, watcher: Watcher)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = routes.map_request(|request: Request<Incoming>| request.map(Body::new));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    // How a connection ended is its peer's affair; what was asked on it has been answered or logged.
    let _ = watcher.watch(connection).await;
}

/// A connection that broke before it was taken is nothing; a lack of descriptors passes.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(kind = %error.kind(), "no connection can be accepted");
        tokio::time::sleep(PAUSE).await;
    }
}

const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
