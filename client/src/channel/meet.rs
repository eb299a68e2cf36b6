//! Meeting a worker: its evidence, over connections of their own.
//!
//! Layer: inside `channel`, above `attest`.
//! Holds: what is fetched in the open, and its bounds.
//! Never: a request of anybody's; an answer without a limit.
//! Invariant: each attempt has its own nonce, secret and transport.

use crate::attest::{self, Session};
use crate::error::ClientError;
use crate::resumed::ShortCut;
use crate::transport::Transport;
use prag_trust::entropy::Entropy;

/// What chance gives to one attempt.
pub(super) struct Attempt {
    nonce: [u8; 32],
    short_cut: ShortCut,
}

pub(super) fn attempts(entropy: &mut dyn Entropy) -> Result<[Attempt; ATTEMPTS], ClientError> {
    let mut one = || {
        let nonce = prag_trust::entropy::random(entropy)?;
        Ok::<_, ClientError>(Attempt { nonce, short_cut: ShortCut::new(entropy)? })
    };
    Ok([one()?, one()?])
}

/// Evidence over a transport of its own, and the session with it on the same.
pub(super) async fn establish(
    context: &attest::Context<'_>,
    attempts: [Attempt; ATTEMPTS],
) -> Result<Session, ClientError> {
    let mut last = ClientError::Attestation("it was not asked for");
    for Attempt { nonce, short_cut } in attempts {
        let transport = Transport::open(context.url)?;
        let fetched = fetch(&transport, context.url, nonce).await?;
        match attest::verify(&fetched, nonce, context, transport, short_cut) {
            // The worker may have replaced its certificate between the handshake and its answer.
            Err(error @ ClientError::Tls(_)) => last = error,
            session => return session,
        }
    }
    Err(last)
}

async fn fetch(transport: &Transport, base: &str, nonce: [u8; 32]) -> Result<Vec<u8>, ClientError> {
    let response = transport
        .http()
        .get(format!("{base}/v1/attestation?nonce={}", hex::encode(nonce)))
        .send()
        .await
        .map_err(|error| unreachable(base, &error))?;
    if response.status().as_u16() != 200 {
        return Err(ClientError::Attestation("the worker does not attest"));
    }
    bounded(response, base, ATTESTATION_BYTES_MAX).await
}

pub(super) async fn bounded(
    mut response: reqwest::Response,
    base: &str,
    limit: usize,
) -> Result<Vec<u8>, ClientError> {
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(length.unwrap_or_default().min(limit));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(ClientError::Reply("it is over its limit")),
            Ok(None) => return Ok(body),
            Err(error) => return Err(unreachable(base, &error)),
        }
    }
}

pub(super) fn unreachable(base: &str, error: &reqwest::Error) -> ClientError {
    let reason = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    ClientError::Unreachable { url: base.to_owned(), reason }
}

/// Tries to find one key both in a handshake and in the evidence that follows it.
const ATTEMPTS: usize = 2;
const ATTESTATION_BYTES_MAX: usize = 1 << 20;
