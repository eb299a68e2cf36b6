//! A proxy that loses replies: the worker has answered, and its client never hears of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Breaks the connections whose replies are to be lost.
pub(crate) struct Cut {
    address: SocketAddr,
    lose: Arc<AtomicU64>,
}

impl Cut {
    pub(crate) async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let lose = Arc::new(AtomicU64::new(0));
        let losing = Arc::clone(&lose);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target, Arc::clone(&losing)));
            }
        });
        Self { address, lose }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next replies are lost, so many.
    pub(crate) fn lose(&self, replies: u64) {
        self.lose.store(replies, Ordering::SeqCst);
    }

    /// Replies that are still to be lost.
    pub(crate) fn left(&self) -> u64 {
        self.lose.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, target: SocketAddr, lose: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut client_in, mut client_out) = client.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let up = tokio::spawn(async move {
        let _ = copy(&mut client_in, &mut server_out).await;
    });
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = server_in.read(&mut buffer).await {
        let lost =
            lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if lost.is_ok() || client_out.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    up.abort();
}
