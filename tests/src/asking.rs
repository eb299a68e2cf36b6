//! Requests that the SDK would not make.
//!
//! Layer: tests, over the client's channel and bare sockets.
//! Holds: [`ask`] (inside the channel), [`get`] (outside it), [`json`]; [`code`] of what was refused.
//! Never: a judgement of the answer; whoever asks looks at it.

use prag_client::Client;
use prag_client::channel::Sent;
use prag_client::envelope::{Answer, Request};
use prag_client::identity::Purpose;
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_trust::permit::Expected;
use prag_trust::request::{RequestParts, sign_request};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request as `client`, signed and sealed but otherwise as it is, and returns the answer as it is.
///
/// Paths that need an administrator's permit take [`Purpose::Admin`], all others [`Purpose::Data`].
///
/// # Panics
/// Where the gateway does not open the message, even with fresh keys.
pub async fn ask(client: &Client, purpose: Purpose, request: &Request<'_>) -> Answer {
    let channel = client.channel();
    let mut session = channel.session().await.unwrap();
    for _ in 0..2 {
        let now = channel.now();
        let expected = Expected {
            chain_id: session.attestation().chain_id.clone(),
            contract: session.attestation().contract.clone(),
        };
        let identity = client.identity();
        let permit = identity.permit(purpose, &expected, now).unwrap();
        let nonce = prag_trust::entropy::random(&mut OsEntropy).unwrap();
        let parts = RequestParts {
            method: request.method,
            path: request.path,
            query: request.query,
            body: request.body,
        };
        let worker = session.worker().sig_pk;
        let signed = sign_request(identity.session(), &parts, &permit, &worker, now, nonce);
        match channel.send(&session, request, &signed.unwrap().headers).await {
            Ok(Sent::Answer(answer)) => return answer,
            Ok(Sent::Refused(_) | Sent::Moved) => session = channel.renew(&session).await.unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the gateway does not open the message");
}

/// A plain request outside the channel, and its whole reply.
///
/// # Panics
/// Where the worker does not answer in text.
pub async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

/// The code of a refusal.
///
/// # Panics
/// Where the answer is none.
#[must_use]
pub fn code(answer: &Answer) -> Code {
    let said = String::from_utf8_lossy(&answer.body);
    serde_json::from_slice::<Problem>(&answer.body).unwrap_or_else(|_| panic!("{said}")).code
}

/// A JSON request for [`ask`], without a query.
#[must_use]
pub fn json<'a>(method: &'a str, path: &'a str, body: &'a [u8]) -> Request<'a> {
    Request { method, path, query: "", media_type: "application/json", body }
}
