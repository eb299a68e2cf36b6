//! The attested channel: Oblivious HTTP (RFC 9458) to keys that verified evidence vouches for, and from a session's
//! second message on, where the worker agrees, messages under a secret that the first one brought.
//!
//! Layer: client, above `envelope` and `attest`.
//! Holds: the current session with a worker, renewed before its keys expire or when the gateway refuses.
//! Never: a request outside the channel (only the public attestation travels in the open), a redirect.
//! Invariant: whoever holds a [`Session`] holds keys that a verified worker signed for this nonce.

mod meet;

use crate::attest::{self, Session};
use crate::envelope::{self, Answer, Request};
use crate::error::ClientError;
use crate::remembered::Remembered;
use crate::trusted::Trusted;
use prag_protocol::limits::BODY_BYTES_MAX;
use prag_protocol::wire::channel::{RESUMED_ANSWER_TYPE, RESUMED_REQUEST_TYPE, RESUMPTION_HEADER};
use prag_trust::entropy::{Clock, Entropy};
use prag_trust::evidence::BindingPurpose;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::RwLock;

/// A worker behind its gateway.
pub struct Channel {
    base: String,
    /// Where sealed messages go, taken apart once.
    gateway: reqwest::Url,
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

/// How a message went.
enum Posted {
    Answer(Vec<u8>),
    Refused(u16),
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
        let gateway = reqwest::Url::parse(&format!("{base}/gateway"));
        let gateway = gateway.map_err(|_| ClientError::Url)?;
        let attempts = meet::attempts(entropy.as_mut())?;
        let context = attest::Context {
            url: &base,
            trusted: &trusted,
            remembered: &remembered,
            now: clock.now(),
            purpose,
        };
        let session = meet::establish(&context, attempts).await?;
        Ok(Self {
            base,
            gateway,
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
        let attempts = meet::attempts(self.entropy().as_mut())?;
        let context = attest::Context {
            url: &self.base,
            trusted: &self.trusted,
            remembered: &self.remembered,
            now: self.clock.now(),
            purpose: self.purpose,
        };
        *current = Arc::new(meet::establish(&context, attempts).await?);
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
        if let Some((sent, _)) = self.resume(session, request, headers).await? {
            return Ok(sent);
        }
        let mut headers = headers.to_vec();
        if let Some(secret) = session.short_cut().offer() {
            headers.push((RESUMPTION_HEADER.to_owned(), secret.to_string()));
        }
        let inner = envelope::encode(request, &self.authority, &headers)?;
        let (sealed, opener) =
            ohttp::ClientRequest::from_encoded_config(&session.keys().ohttp_config)
                .and_then(|sender| sender.encapsulate(&inner))
                .map_err(|_| ClientError::Attestation("its channel key is not usable"))?;
        match self.post(session, ONCE, sealed).await? {
            Posted::Answer(answer) => {
                let inner = opener.decapsulate(&answer).map_err(|_| UNOPENED)?;
                session.short_cut().answered();
                envelope::decode(&inner).map(Sent::Answer)
            }
            Posted::Refused(status) => Ok(Sent::Refused(status)),
            Posted::Moved => Ok(Sent::Moved),
        }
    }

    /// The same under the secret that earlier messages brought, and the message's number; `None` where that is not the
    /// way (any more).
    pub(crate) async fn resume(
        &self,
        session: &Session,
        request: &Request<'_>,
        headers: &[(String, String)],
    ) -> Result<Option<(Sent, u64)>, ClientError> {
        let short_cut = session.short_cut();
        if !short_cut.is_open() {
            return Ok(None);
        }
        let inner = envelope::encode(request, &self.authority, headers)?;
        let Some((number, sealed)) = short_cut.seal(&inner) else { return Ok(None) };
        match self.post(session, RESUMED, sealed).await? {
            Posted::Answer(answer) => {
                let inner = short_cut.open(number, &answer).ok_or(UNOPENED)?;
                envelope::decode(&inner).map(|answer| Some((Sent::Answer(answer), number)))
            }
            Posted::Refused(BUSY) => Ok(Some((Sent::Refused(BUSY), number))),
            // It did not open: the worker knows the secret no more, or never did. The same request may be sent again.
            Posted::Refused(_) => {
                short_cut.refused();
                Ok(None)
            }
            Posted::Moved => Ok(Some((Sent::Moved, number))),
        }
    }

    /// A sealed message to the gateway, over connections that prove the TLS key of `session`.
    async fn post(
        &self,
        session: &Session,
        (request_type, answer_type): (&str, &str),
        sealed: Vec<u8>,
    ) -> Result<Posted, ClientError> {
        let transport = session.transport();
        let sent = transport
            .http()
            .post(self.gateway.clone())
            .header("content-type", request_type)
            .body(sealed)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_connect() && transport.moved() => return Ok(Posted::Moved),
            Err(error) => return Err(meet::unreachable(&self.base, &error)),
        };
        let status = response.status().as_u16();
        let media_type = response.headers().get("content-type");
        let opened = media_type.is_some_and(|value| value.as_bytes() == answer_type.as_bytes());
        let body = meet::bounded(response, &self.base, REPLY_BYTES_MAX).await?;
        if status == 200 && opened { Ok(Posted::Answer(body)) } else { Ok(Posted::Refused(status)) }
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

const SPARE_SECONDS: u64 = 60;
/// Media types of a message and its answer.
const ONCE: (&str, &str) = ("message/ohttp-req", "message/ohttp-res");
const RESUMED: (&str, &str) = (RESUMED_REQUEST_TYPE, RESUMED_ANSWER_TYPE);
/// What the gateway says before it looks at a message.
const BUSY: u16 = 503;
const UNOPENED: ClientError = ClientError::Reply("it does not open");
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
