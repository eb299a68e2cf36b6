//! What the network sees: a proxy that records every byte.
//!
//! Layer: tests.
//! Holds: bytes of all connections through it, each way.
//! Never: a changed, delayed or dropped byte.
//! Invariant: a byte is recorded before it is passed on, so who has an answer finds it here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A recording proxy on a free port of loopback; it lives as long as the runtime.
pub struct Wiretap {
    address: SocketAddr,
    sent: Tape,
    received: Tape,
}

type Tape = Arc<Mutex<Vec<u8>>>;

impl Wiretap {
    /// Listens, and passes every connection on to `target`.
    ///
    /// # Panics
    /// Where loopback cannot be listened on.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, received) = (Tape::default(), Tape::default());
        let tapes = (Arc::clone(&sent), Arc::clone(&received));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (sent, received) = (Arc::clone(&tapes.0), Arc::clone(&tapes.1));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else {
                        return;
                    };
                    let (client_in, client_out) = client.into_split();
                    let (server_in, server_out) = server.into_split();
                    tokio::join!(
                        pass(client_in, server_out, sent),
                        pass(server_in, client_out, received)
                    );
                });
            }
        });
        Self { address, sent, received }
    }

    /// `http://` and where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes from clients so far.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap().clone()
    }

    /// Bytes from the worker so far.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }

    /// How many bytes the worker has sent so far.
    #[must_use]
    pub fn received_len(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, tape: Tape) {
    let mut buffer = vec![0; 64 << 10];
    // A connection that breaks ends, as it would without a proxy.
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        tape.lock().unwrap().extend_from_slice(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
