//! Requests with a fault: in what is signed, in how it is signed, or in what is sent after it was signed.
//!
//! Layer: tests.
//! Holds: [`Letter`], and HTTP written by hand for what no client library would send.
//! Never: a check; what was answered is for the tests to judge.
//! Invariant: a letter without a fault is what the SDK would send.

use prag_client::Client;
use prag_client::channel::Sent;
use prag_client::envelope::{self, Answer, Request};
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_trust::entropy::random;
use prag_trust::permit::{Expected, Permit};
use prag_trust::request::{RequestParts, sign_request};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, and what is wrong with it.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) purpose: Purpose,
    /// Header fields beside the signed ones.
    pub(crate) extra: Vec<(String, String)>,
    pub(crate) fault: Fault,
}

/// What goes wrong between a request and the wire.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// The permit was signed so many seconds ago.
    Old(u64),
    /// The permit is signed for another ledger.
    Meant(fn(&mut Expected)),
    /// The permit is changed after the wallet signed it.
    Permit(fn(&mut Permit)),
    /// The request is signed at another time, seconds from now.
    Signed(i64),
    /// The request is signed for another worker.
    Worker([u8; 32]),
    /// The request is changed after it was signed.
    Sent(fn(&mut Letter)),
    /// The headers are changed after it was signed.
    Headers(fn(&mut Headers)),
}

/// Names and values.
pub(crate) type Headers = Vec<(String, String)>;

impl Letter {
    /// JSON with a permit for data.
    pub(crate) fn new(method: &'static str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            query: String::new(),
            media_type: "application/json",
            body: body.into(),
            purpose: Purpose::Data,
            extra: Vec::new(),
            fault: Fault::None,
        }
    }

    /// With an administrator's permit.
    pub(crate) fn admin(self) -> Self {
        Self { purpose: Purpose::Admin, ..self }
    }

    /// With `fault`.
    pub(crate) fn with(&self, fault: Fault) -> Self {
        Self { fault, ..self.clone() }
    }

    /// With a query.
    pub(crate) fn asking(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    /// What a failed assertion shows.
    pub(crate) fn label(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(120)]).into_owned();
        let Self { method, path, query, .. } = self;
        format!("{method} {path}?{query} {body}")
    }

    /// Signs it and sends it through the channel.
    pub(crate) async fn send(&self, client: &Client) -> Answer {
        let headers = self.sign(client).await;
        self.send_signed(client, headers).await
    }

    /// Sends it with headers that were made before.
    pub(crate) async fn send_signed(&self, client: &Client, headers: Headers) -> Answer {
        let mut sent = self.clone();
        if let Fault::Sent(change) = self.fault {
            change(&mut sent);
        }
        let request = Request {
            method: sent.method,
            path: &sent.path,
            query: &sent.query,
            media_type: sent.media_type,
            body: &sent.body,
        };
        let session = client.channel().session().await.unwrap();
        let reply = client.channel().send(&session, &request, &headers).await;
        match reply.unwrap() {
            Sent::Answer(answer) => answer,
            Sent::Refused(status) => panic!("the gateway refused {}: {status}", self.label()),
            Sent::Moved => panic!("another TLS key, in {}", self.label()),
        }
    }

    /// The headers of the request.
    pub(crate) async fn sign(&self, client: &Client) -> Headers {
        let session = client.channel().session().await.unwrap();
        let now = client.channel().now();
        let mut expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        let mut worker = session.worker().sig_pk;
        let (mut made, mut created) = (now, now);
        match self.fault {
            Fault::Old(seconds) => made = now - seconds,
            Fault::Meant(change) => change(&mut expected),
            Fault::Signed(seconds) => created = now.saturating_add_signed(seconds),
            Fault::Worker(other) => worker = other,
            Fault::None | Fault::Permit(_) | Fault::Sent(_) | Fault::Headers(_) => {}
        }
        let identity = client.identity();
        let mut permit = identity.permit(self.purpose, &expected, made).unwrap();
        if let Fault::Permit(change) = self.fault {
            change(&mut permit);
        }
        let parts = RequestParts {
            method: self.method,
            path: &self.path,
            query: &self.query,
            body: &self.body,
        };
        let nonce = random(&mut OsEntropy).unwrap();
        let signed = sign_request(identity.session(), &parts, &permit, &worker, created, nonce);
        let mut headers = signed.unwrap().headers;
        headers.extend(self.extra.iter().cloned());
        if let Fault::Headers(change) = self.fault {
            change(&mut headers);
        }
        headers
    }
}

/// What came back over plain HTTP, and how much of the body was taken before it came.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) taken: usize,
}

/// Writes `head`, then `part` so many times, while it reads the reply.
pub(crate) async fn http(address: SocketAddr, head: String, part: &[u8], times: usize) -> Reply {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    to.write_all(head.as_bytes()).await.unwrap();
    let mut taken = 0;
    let writing = async {
        for _ in 0..times {
            // Who refuses early closes early.
            if to.write_all(part).await.is_err() {
                break;
            }
            taken += part.len();
        }
        std::future::pending::<()>().await;
    };
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.expect("a reply, not a closed connection");
    let status = std::str::from_utf8(&bytes[9..12]).unwrap();
    Reply { status: status.parse().unwrap(), body: bytes[end + 4..].to_vec(), taken }
}

/// One request with a body of known length.
pub(crate) async fn exchange(
    address: SocketAddr,
    line: &str,
    media_type: &str,
    body: &[u8],
) -> Reply {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    http(address, head, body, 1).await
}

/// Seals any bytes to the worker, in place of a binary HTTP request, and opens the answer.
pub(crate) async fn through(client: &Client, address: SocketAddr, inner: &[u8]) -> Answer {
    let (message, opener) = seal(client, inner).await;
    let reply = exchange(address, "POST /gateway", SEALED, &message).await;
    assert_eq!(reply.status, 200);
    envelope::decode(&opener.decapsulate(&reply.body).unwrap()).unwrap()
}

/// Seals bytes to the worker's attested key.
pub(crate) async fn seal(client: &Client, inner: &[u8]) -> (Vec<u8>, ohttp::ClientResponse) {
    let session = client.channel().session().await.unwrap();
    let sender = ohttp::ClientRequest::from_encoded_config(&session.keys().ohttp_config);
    sender.unwrap().encapsulate(inner).unwrap()
}

/// The media type of the channel's requests.
pub(crate) const SEALED: &str = "message/ohttp-req";
