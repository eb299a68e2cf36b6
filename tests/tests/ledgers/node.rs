//! The way to a node, which can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::{TcpListener, TcpStream};

/// A way through this process to the node of `PRAG_CHAIN_RPC`.
#[derive(Clone)]
pub(crate) struct Way {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Way {
    pub(crate) async fn open(node: &str) -> Self {
        let node = node.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cut) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let way = Self { address, cut };
        let passing = way.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, node.clone(), passing.clone()));
            }
        });
        way
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on nothing passes, also on connections that are open; or again.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    async fn until_cut(&self) {
        while !self.cut.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

async fn pass(mut near: TcpStream, node: String, way: Way) {
    if way.cut.load(Ordering::SeqCst) {
        return;
    }
    let Ok(mut far) = TcpStream::connect(node).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        () = way.until_cut() => {}
    }
}
