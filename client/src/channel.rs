//! The attested channel: Oblivious HTTP (RFC 9458) to keys that verified evidence vouches for.
//!
//! Layer: client, above `envelope` and `attest`.
//! Holds: the current session with a worker, renewed before its keys expire or when the gateway refuses.
//! Never: a request outside the channel (only the public attestation travels in the open), a redirect.
//! Invariant: whoever holds a [`Session`] holds keys that a verified worker signed for this nonce.

use crate::attest::{self, Session};
use crate::envelope::{self, Answer, Request};
use crate::error::ClientError;
use crate::remembered::Remembered;
use crate::transport::Transport;
use crate::trusted::Trusted;
use prag_protocol::limits::BODY_BYTES_MAX;
use prag_trust::entropy::{Clock, Entropy};
use prag_trust::evidence::BindingPurpose;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::RwLock;

/// A worker behind its gateway.
pub struct Channel {
    base: String,
    authority: String,
    trusted: Arc<Trusted>,
    remembered: Remembered,
    clock: Box<dyn Clock>,
    entropy: Mutex<Box<dyn Entropy>>,
    purpose: BindingPurpose,
    session: RwLock<Arc<Session>>,
}

/// How sending went.
pub enum Sent {
    /// The worker answered.
    Answer(Answer),
    /// The gateway could not open the message (status), so the worker saw no request: renew and sign again.
    Refused(u16),
    /// The worker shows another TLS key than this session's, so it heard nothing: renew and sign again.
    Moved,
}

impl Channel {
    /// Fetches and verifies the evidence of the worker at `url`; nothing else is sent.
    ///
    /// # Errors
    /// [`ClientError::Url`], [`ClientError::Unreachable`], [`ClientError::Evidence`],
    /// [`ClientError::Attestation`], [`ClientError::Tls`], [`ClientError::Pin`].
    pub async fn connect(
        url: &str,
        trusted: impl Into<Arc<Trusted>>,
        remembered: Remembered,
        clock: Box<dyn Clock>,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, ClientError> {
        let purpose = BindingPurpose::Serve;
        Self::connect_for(purpose, url, trusted, remembered, clock, entropy).await
    }

    /// The same for another purpose: a steward's channel to a sealed worker is for [`BindingPurpose::Unlock`].
    ///
    /// # Errors
    /// As [`Channel::connect`]; [`ClientError::WorkerSealed`] and [`ClientError::NotSealed`].
    pub async fn connect_for(
        purpose: BindingPurpose,
        url: &str,
        trusted: impl Into<Arc<Trusted>>,
        remembered: Remembered,
        clock: Box<dyn Clock>,
        mut entropy: Box<dyn Entropy>,
    ) -> Result<Self, ClientError> {
        let trusted = trusted.into();
        let (base, authority) = split_url(url)?;
        let nonces = nonces(entropy.as_mut())?;
        let context = attest::Context {
            url: &base,
            trusted: &trusted,
            remembered: &remembered,
            now: clock.now(),
            purpose,
        };
        let session = establish(&context, nonces).await?;
        Ok(Self {
            base,
            authority,
            trusted,
            remembered,
            clock,
            entropy: Mutex::new(entropy),
            purpose,
            session: RwLock::new(Arc::new(session)),
        })
    }

    /// A session whose keys live for another minute at least.
    ///
    /// # Errors
    /// As [`Channel::connect`], where it has to be renewed.
    pub async fn session(&self) -> Result<Arc<Session>, ClientError> {
        let session = Arc::clone(&*self.session.read().await);
        if session.not_after() > self.clock.now() + SPARE_SECONDS {
            Ok(session)
        } else {
            self.renew(&session).await
        }
    }

    /// A session newer than `stale`, from fresh evidence.
    ///
    /// # Errors
    /// As [`Channel::connect`].
    pub async fn renew(&self, stale: &Session) -> Result<Arc<Session>, ClientError> {
        let mut current = self.session.write().await;
        if current.nonce() != stale.nonce() {
            return Ok(Arc::clone(&current));
        }
        let nonces = nonces(self.entropy().as_mut())?;
        let context = attest::Context {
            url: &self.base,
            trusted: &self.trusted,
            remembered: &self.remembered,
            now: self.clock.now(),
            purpose: self.purpose,
        };
        *current = Arc::new(establish(&context, nonces).await?);
        Ok(Arc::clone(&current))
    }

    /// Sends one request, sealed to the keys of `session`, over connections that prove the TLS key of `session`.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`] before anything is sent; [`ClientError::Unreachable`];
    /// [`ClientError::Reply`] for a reply that does not open.
    pub async fn send(
        &self,
        session: &Session,
        request: &Request<'_>,
        headers: &[(String, String)],
    ) -> Result<Sent, ClientError> {
        let inner = envelope::encode(request, &self.authority, headers)?;
        let (sealed, opener) =
            ohttp::ClientRequest::from_encoded_config(&session.keys().ohttp_config)
                .and_then(|sender| sender.encapsulate(&inner))
                .map_err(|_| ClientError::Attestation("its channel key is not usable"))?;
        let transport = session.transport();
        let sent = transport
            .http()
            .post(format!("{}/gateway", self.base))
            .header("content-type", "message/ohttp-req")
            .body(sealed)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_connect() && transport.moved() => return Ok(Sent::Moved),
            Err(error) => return Err(unreachable(&self.base, &error)),
        };
        let status = response.status().as_u16();
        let media_type = response.headers().get("content-type");
        let opened = media_type.is_some_and(|value| value.as_bytes() == b"message/ohttp-res");
        let body = bounded(response, &self.base, REPLY_BYTES_MAX).await?;
        if status != 200 || !opened {
            return Ok(Sent::Refused(status));
        }
        let inner =
            opener.decapsulate(&body).map_err(|_| ClientError::Reply("it does not open"))?;
        envelope::decode(&inner).map(Sent::Answer)
    }

    /// The worker's base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// What this machine remembers.
    #[must_use]
    pub fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// What this machine trusts; of another worker too, where it is shared with its channel.
    #[must_use]
    pub fn trusted(&self) -> &Arc<Trusted> {
        &self.trusted
    }

    /// This machine's time, unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// This machine's randomness; do not hold it across an `await`.
    pub fn entropy(&self) -> MutexGuard<'_, Box<dyn Entropy>> {
        self.entropy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nonces(entropy: &mut dyn Entropy) -> Result<[[u8; 32]; ATTEMPTS], ClientError> {
    let mut nonces = [[0; 32]; ATTEMPTS];
    for nonce in &mut nonces {
        *nonce = prag_trust::entropy::random(entropy)?;
    }
    Ok(nonces)
}

/// `http://host:port` and `host:port`; paths, queries and user names are refused.
///
/// # Errors
/// [`ClientError::Url`].
pub fn split_url(url: &str) -> Result<(String, String), ClientError> {
    let url = url.strip_suffix('/').unwrap_or(url);
    let (scheme, authority) = url.split_once("://").ok_or(ClientError::Url)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    let fits = !authority.is_empty() && authority.len() <= 255 && authority.bytes().all(plain);
    match scheme {
        "http" | "https" if fits => Ok((url.to_owned(), authority.to_owned())),
        _ => Err(ClientError::Url),
    }
}

/// Evidence over a transport of its own, and the session with it on the same.
async fn establish(
    context: &attest::Context<'_>,
    nonces: [[u8; 32]; ATTEMPTS],
) -> Result<Session, ClientError> {
    let mut last = ClientError::Attestation("it was not asked for");
    for nonce in nonces {
        let transport = Transport::open(context.url)?;
        let fetched = fetch(&transport, context.url, nonce).await?;
        match attest::verify(&fetched, nonce, context, transport) {
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

async fn bounded(
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

fn unreachable(base: &str, error: &reqwest::Error) -> ClientError {
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
const SPARE_SECONDS: u64 = 60;
const ATTESTATION_BYTES_MAX: usize = 1 << 20;
/// Replies hold up to 1000 hits of 4 KiB, escaped and padded.
const REPLY_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A base URL has a scheme and an authority, and nothing that could carry more.
    #[test]
    fn urls_are_bare() {
        let (base, authority) = split_url("http://127.0.0.1:7878/").unwrap();
        assert_eq!((&base[..], &authority[..]), ("http://127.0.0.1:7878", "127.0.0.1:7878"));
        assert!(split_url("https://[::1]:443").is_ok());
        for bad in
            ["", "127.0.0.1:7878", "ftp://a", "http://", "http://a/b", "http://u@a", "http://a?x"]
        {
            assert!(split_url(bad).is_err(), "{bad}");
        }
    }
}
