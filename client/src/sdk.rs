//! Signed requests over the attested channel, and typed answers.
//!
//! Layer: client, above `channel` and `identity`.
//! Holds: one call: permit, signature, sealing, renewal where the worker's keys changed.
//! Never: a request that is not signed for the very worker it is sealed to.
//! Invariant: a refusal arrives as the worker's own problem, never as a bare status.

use crate::attest::Session;
use crate::channel::{Channel, Sent};
use crate::envelope::{Answer, Request};
use crate::error::ClientError;
use crate::identity::{Identity, Purpose, ShareStore};
use crate::introduction::Introduction;
use crate::metered::Awaited;
use crate::reading::Reading;
use crate::relay::RELAY_SECONDS_MAX;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::CollectionId;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::channel::BOND_HEADER;
use prag_protocol::wire::documents::Ack;
use prag_protocol::wire::relays::{INTRODUCTION_HEADER, RELAYS_HEADER};
use prag_trust::reply::SealedReply;
use prag_trust::request::{RequestParts, SignedRequest, sign_request, vouched};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A person's connection to one worker.
pub struct Client {
    channel: Channel,
    identity: Identity,
    shares: ShareStore,
    pub(crate) reading: Option<Reading>,
    pub(crate) awaited: Awaited,
    /// Held from the signature of a message to the ledger until it has happened.
    pub(crate) signing: tokio::sync::Mutex<()>,
}

/// What an answer answers.
pub(crate) struct Asked {
    /// Names the request ([`SignedRequest::digest`]).
    pub(crate) request: [u8; 32],
    /// With whom.
    pub(crate) session: Arc<Session>,
}

/// One call: what is asked, with which kind of permit.
pub(crate) struct Call<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) media_type: &'a str,
    pub(crate) body: Vec<u8>,
    /// The collection whose content is asked for: attested readers are answered sealed.
    pub(crate) reads: Option<CollectionId>,
    /// Whether it is enough that the session vouches for it.
    vouched: bool,
    /// How often the worker has answered it.
    pub(crate) sent: AtomicU32,
    /// The header with what the caller signed for the ledger, where that asks for it.
    relays: Mutex<Option<String>>,
}

impl Call<'_> {
    /// A call without a body.
    pub(crate) fn bare(purpose: Purpose, method: &'static str, path: String) -> Call<'static> {
        let (query, body) = (String::new(), Vec::new());
        let (reads, vouched) = (None, false);
        let (sent, relays) = (AtomicU32::new(0), Mutex::default());
        Call { purpose, method, path, query, media_type: JSON, body, reads, vouched, sent, relays }
    }

    /// A call with a JSON body.
    pub(crate) fn json(
        purpose: Purpose,
        method: &'static str,
        path: String,
        body: &impl Serialize,
    ) -> Result<Call<'static>, ClientError> {
        let body = serde_json::to_vec(body).map_err(|_| ClientError::Crypto("encoding a body"))?;
        Ok(Call { body, ..Call::bare(purpose, method, path) })
    }

    /// The same call, to be answered when what it writes is as safe as `ack` says.
    pub(crate) fn when(mut self, ack: Ack) -> Self {
        if ack != Ack::Sealed {
            self.query = format!("ack={}", ack.as_str());
        }
        self
    }

    /// The same call, with a receipt for what it writes.
    pub(crate) fn with_receipt(mut self) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str("receipt=true");
        self
    }

    /// From now on it carries these signed messages.
    pub(crate) fn sign(&self, relays: String) {
        *self.relays.lock().unwrap_or_else(PoisonError::into_inner) = Some(relays);
    }

    fn signed(&self) -> Option<String> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same call, for content of a collection.
    pub(crate) fn reading(self, id: CollectionId) -> Self {
        Self { reads: Some(id), ..self }
    }

    /// The same call, a search: the session vouches for it where it may.
    pub(crate) fn searching(self, id: CollectionId) -> Self {
        Self { vouched: true, ..self.reading(id) }
    }
}

impl Client {
    /// Speaks for `identity` over `channel`.
    #[must_use]
    pub fn new(channel: Channel, identity: Identity, shares: ShareStore) -> Self {
        let (awaited, signing) = (Awaited::default(), tokio::sync::Mutex::default());
        Self { channel, identity, shares, reading: None, awaited, signing }
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Who it speaks for.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The shares on this machine.
    #[must_use]
    pub fn shares(&self) -> &ShareStore {
        &self.shares
    }

    /// Sends a call and reads its JSON answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ClientError> {
        self.ask_in_session(call).await.map(|(answer, _)| answer)
    }

    /// As [`Client::ask`], with the session that the answer came in.
    pub(crate) async fn ask_in_session<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<(T, Arc<Session>), ClientError> {
        if let (Some(reading), Some(id)) = (&self.reading, call.reads) {
            return Box::pin(self.ask_sealed(reading, id, call)).await;
        }
        let (answer, asked) = self.send_asked(call).await?;
        let answer =
            serde_json::from_slice(&answer.body).map_err(|_| {
                match serde_json::from_slice::<SealedReply>(&answer.body) {
                    Ok(_) => ClientError::Sealed,
                    Err(_) => ClientError::Reply("its body is not what the route answers"),
                }
            })?;
        Ok((answer, asked.session))
    }

    /// Sends a call; an answer that is a problem comes back as one.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Answer, ClientError> {
        self.send_asked(call).await.map(|(answer, _)| answer)
    }

    /// As [`Client::send`], with what the answer answers.
    pub(crate) async fn send_asked(&self, call: &Call<'_>) -> Result<(Answer, Asked), ClientError> {
        let mut session = self.channel.session().await?;
        let mut busy = 0;
        let mut renewals = 0;
        loop {
            let (sent, request) = self.attempt(&session, call).await?;
            if matches!(sent, Sent::Answer(_)) {
                call.sent.fetch_add(1, Ordering::Relaxed);
            }
            match sent {
                Sent::Answer(answer) if (200..300).contains(&answer.status) => {
                    return Ok((answer, Asked { request, session }));
                }
                Sent::Answer(answer) => return Err(problem(&answer)),
                // The gateway turned it away unopened: too busy.
                Sent::Refused(503) if busy < BUSY_RETRIES => {
                    busy += 1;
                    tokio::time::sleep(BUSY_PAUSE * busy).await;
                }
                Sent::Refused(503) => {
                    let detail = "the worker is busy";
                    return Err(Problem::new(Code::Overloaded, detail).into());
                }
                Sent::Refused(_) | Sent::Moved if renewals < RENEWALS_MAX => {
                    renewals += 1;
                    session = self.channel.renew(&session).await?;
                }
                Sent::Moved => return Err(ClientError::Tls("each connection shows another key")),
                Sent::Refused(status) => return Err(ClientError::Gateway(status)),
            }
        }
    }

    /// Sends a call once; answers its digest beside what came back.
    async fn attempt(
        &self,
        session: &Session,
        call: &Call<'_>,
    ) -> Result<(Sent, [u8; 32]), ClientError> {
        let request = Request {
            method: call.method,
            path: &call.path,
            query: &call.query,
            media_type: call.media_type,
            body: &call.body,
        };
        let (key, way, now) = (self.identity.session(), session.short_cut(), self.channel.now());
        let permit = self.identity.permit_name(call.purpose, &session.expected(), now)?;
        if call.vouched
            && let Some(bond) = way.bond(&key.public_key(), &permit)
        {
            // The session's word counts in this channel alone; what it does not bring there, the key signs.
            match self.channel.resume(session, &request, &[vouched(now, &permit)]).await? {
                Some((Sent::Answer(answer), _)) if is_unknown(&answer) => way.doubted(&permit),
                Some((sent, number)) => return Ok((sent, bond.request(number))),
                None => {}
            }
        }
        let SignedRequest { mut headers, digest } = self.sign_call(session, call, now)?;
        let named = |name: &str, value| (name.to_owned(), value);
        headers.extend(call.signed().map(|relays| named(RELAYS_HEADER, relays)));
        if call.purpose == Purpose::Admin {
            let word = self.introduction(session)?;
            headers.extend(word.map(|word| named(INTRODUCTION_HEADER, word)));
        }
        let statement = way.bind(key, &session.worker().sig_pk);
        headers.extend(statement.map(|statement| named(BOND_HEADER, statement)));
        let sent = self.channel.send(session, &request, &headers).await?;
        if matches!(&sent, Sent::Answer(answer) if (200..300).contains(&answer.status)) {
            way.show(permit);
        }
        Ok((sent, digest))
    }

    fn sign_call(
        &self,
        session: &Session,
        call: &Call<'_>,
        now: u64,
    ) -> Result<SignedRequest, ClientError> {
        let permit = self.identity.permit(call.purpose, &session.expected(), now)?;
        let nonce = prag_trust::entropy::random(self.channel.entropy().as_mut())?;
        let parts = RequestParts {
            method: call.method,
            path: &call.path,
            query: &call.query,
            body: &call.body,
        };
        let (key, worker) = (self.identity.session(), &session.worker().sig_pk);
        sign_request(key, &parts, &permit, worker, now, nonce)
            .map_err(|_| ClientError::Crypto("signing a request"))
    }

    /// This person's word for the worker: where the ledger's storage is closed, the worker is told of what it does not
    /// serve yet, or no more. None where the ledger is on no chain.
    fn introduction(&self, session: &Session) -> Result<Option<String>, ClientError> {
        let now = self.channel.now();
        let permit = self.identity.permit(Purpose::Admin, &session.expected(), now)?;
        let (key, me) = (self.identity.session(), self.identity.address());
        let until = now.saturating_add(RELAY_SECONDS_MAX - SLACK_SECONDS);
        let guest = session.worker().sig_pk;
        let word = Introduction::sign(key, &permit, &session.expected(), me, &guest, until);
        let word = word.ok().and_then(|word| word.to_json().ok());
        Ok(word.map(|word| URL_SAFE_NO_PAD.encode(word)))
    }

    /// Every row of a listing, page by page.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        path: &str,
    ) -> Result<Vec<T>, ClientError> {
        self.every_page(async |cursor| {
            let mut call = Call::bare(purpose, "GET", path.to_owned());
            call.query = page_query(cursor.as_deref(), None, None);
            self.ask(&call).await
        })
        .await
    }

    /// Every row that `page` turns to.
    pub(crate) async fn every_page<T>(
        &self,
        page: impl AsyncFn(Option<String>) -> Result<Page<T>, ClientError>,
    ) -> Result<Vec<T>, ClientError> {
        let mut rows = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(cursor).await?;
            let empty = page.data.is_empty();
            rows.extend(page.data);
            match page.next_cursor {
                // A page without rows and yet not the last could go on for ever.
                Some(next) if !empty && rows.len() < ROWS_MAX => cursor = Some(next),
                _ => return Ok(rows),
            }
        }
    }
}

/// Whether the worker does not know (any more) what spoke for the request.
fn is_unknown(answer: &Answer) -> bool {
    !(200..300).contains(&answer.status) && problem(answer).code() == Some(Code::SignatureInvalid)
}

/// The path of a collection's resource; `rest` is empty or begins with `/`.
pub(crate) fn collection_path(id: CollectionId, rest: &str) -> String {
    format!("/v1/collections/{id}{rest}")
}

/// The query of one page of a listing; `more`: a field of its own.
pub(crate) fn page_query(cursor: Option<&str>, limit: Option<u32>, more: Option<String>) -> String {
    let cursor = cursor.map(|cursor| format!("cursor={}", percent(cursor)));
    let limit = limit.map(|limit| format!("limit={limit}"));
    let fields: Vec<String> = [cursor, limit, more].into_iter().flatten().collect();
    fields.join("&")
}

/// Opaque text as one path segment or query value (RFC 3986, unreserved characters stay).
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn problem(answer: &Answer) -> ClientError {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => problem.into(),
        Err(_) => ClientError::Reply("a refusal without a problem"),
    }
}

const JSON: &str = "application/json";
/// Clocks differ.
pub(crate) const SLACK_SECONDS: u64 = 60;
/// A rotation of keys and one of certificates may fall together.
const RENEWALS_MAX: u32 = 2;
const BUSY_RETRIES: u32 = 4;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
/// Most rows of a listing that are held at once.
const ROWS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Opaque text keeps its bytes in a URL.
    #[test]
    fn percent_encodes() {
        assert_eq!(percent("aZ0-._~"), "aZ0-._~");
        assert_eq!(percent("a/b?c=d&é"), "a%2Fb%3Fc%3Dd%26%C3%A9");
    }

    /// A refusal becomes the worker's problem; anything else is named as what it is.
    #[test]
    fn refusals_are_problems() {
        let refused = |body: &[u8]| problem(&Answer { status: 403, body: body.to_vec() });
        let found = refused(br#"{"type":"x","status":403,"code":"forbidden","detail":"d"}"#);
        assert_eq!(found.code(), Some(Code::Forbidden));
        assert!(matches!(refused(b"<html>"), ClientError::Reply(_)));
    }
}
