//! Strangers on the listener: how many are heard, and for how long.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::settings::Tls;
use crate::tls::Certificates;
use axum::routing::get;
use prag_client::system::SystemClock;
use std::net::SocketAddr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A listener with one route, its address, what stops it, and its end.
async fn start(tls: bool, settings: Settings) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tls.then(|| {
        let born = Certificates::open(&Tls::Born {}, Arc::new(SystemClock::default())).unwrap();
        TlsAcceptor::from(born.server_config().unwrap())
    });
    let routes = Router::new().route("/", get(|| async { "fine" }));
    let connections = Connections::new(routes, acceptor, &settings);
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        let stop = async move { drop(stopped.await) };
        connections.accept_until(&listener, stop).await;
        drop(listener);
        connections.drain().await;
    });
    (address, stop, ended)
}

/// What arrives until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut bytes = vec![0; 4096];
    let count = stream.read(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

const SHORT: Duration = Duration::from_millis(200);

/// Who says nothing, or never ends his head, is let go; who asks is answered.
#[tokio::test]
async fn silence_ends_a_connection() {
    let (address, _stop, _) = start(false, Settings { idle: SHORT, ..Settings::default() }).await;
    let mut asks = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut asks).await.starts_with("HTTP/1.1 200"));
    let begun = Instant::now();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
    for stream in [&mut silent, &mut slow, &mut asks] {
        let said = rest(stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    assert!(begun.elapsed() < 20 * SHORT);
}

/// Over the bound a connection is closed at once, and a place that falls free is taken again.
#[tokio::test]
async fn connections_are_counted() {
    let settings = Settings { connections: 1, ..Settings::default() };
    let (address, _stop, _) = start(false, settings).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut first).await.starts_with("HTTP/1.1 200"));
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut second).await, "");
    drop(first);
    loop {
        let mut next = TcpStream::connect(address).await.unwrap();
        let _ = next.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if rest(&mut next).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

/// A handshake has its own time and its own count; plain HTTP on a TLS port is no request.
#[tokio::test]
async fn handshakes_are_bounded() {
    let settings = Settings { handshakes: 1, handshake: SHORT, ..Settings::default() };
    let (address, _stop, _) = start(true, settings).await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(address).await.unwrap();
    // Connections are taken in order: when this one is refused, the silent one holds the place.
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(rest(&mut second).await, "");
    assert!(begun.elapsed() < SHORT, "refused at once");
    assert_eq!(rest(&mut silent).await, "");
    assert!(begun.elapsed() >= SHORT, "the silent one had its time");
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(!rest(&mut plain).await.contains("HTTP/1.1"));
}

/// After the stop nobody is let in, and connections at rest are closed.
#[tokio::test]
async fn a_stop_drains() {
    let (address, stop, ended) = start(false, Settings::default()).await;
    let mut resting = TcpStream::connect(address).await.unwrap();
    assert!(ask(&mut resting).await.starts_with("HTTP/1.1 200"));
    drop(stop);
    assert_eq!(rest(&mut resting).await, "");
    ended.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
