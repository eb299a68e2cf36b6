//! From a request to a verified caller.
//!
//! Layer: `http`; asks `trust::request`, decides nothing itself.
//! Holds: the extractor that every signed route starts with.
//! Never: a body over its limit, a header that was sent twice, an unsigned way past it.
//! Invariant: a handler that takes [`Signed`] runs only for a verified caller, over these very bytes.

use super::json;
use super::problem::Refusal;
use crate::flow::{Asker, Worker};
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::limits::{BODY_BYTES_MAX, CLOCK_SKEW_SECONDS_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::relays::{
    INTRODUCTION_BYTES_MAX, INTRODUCTION_HEADER, RELAYS_HEADER, RELAYS_HEADER_BYTES_MAX,
};
use prag_trust::permit::{Expected, PermitCache, PermitError};
use prag_trust::request::{
    Caller, NonceCache, RequestError, RequestParts, VOUCHED, Word, check_request,
};
use prag_trust::verified::Verified;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, PoisonError};

/// A request whose signature and permit were verified.
pub(super) struct Signed {
    /// Who signed it, what its permit allows, and which messages to the ledger came along.
    pub(super) caller: Asker,
    /// The bytes that the signature covers.
    pub(super) body: Bytes,
    headers: HeaderMap,
}

/// Whom requests are signed for.
pub(super) trait Addressee: Send + Sync {
    /// Nonces seen within the time window.
    fn nonces(&self) -> &Mutex<NonceCache>;
    /// Permits that verified before.
    fn permits(&self) -> &PermitCache;
    /// Unix seconds.
    fn now(&self) -> u64;
    /// The Ed25519 key of this boot.
    fn worker_key(&self) -> [u8; 32];
    /// What a permit must name.
    fn expected(&self) -> Expected;
}

impl Addressee for Worker {
    fn nonces(&self) -> &Mutex<NonceCache> {
        Self::nonces(self)
    }

    fn permits(&self) -> &PermitCache {
        Self::permits(self)
    }

    fn now(&self) -> u64 {
        Self::now(self)
    }

    fn worker_key(&self) -> [u8; 32] {
        Self::worker_key(self)
    }

    fn expected(&self) -> Expected {
        Self::expected(self)
    }
}

impl<S: Addressee> FromRequest<S> for Signed {
    type Rejection = Refusal;

    async fn from_request(request: Request, worker: &S) -> Result<Self, Refusal> {
        Self::of(request, worker).await
    }
}

/// A request that its session key signed, or that its session speaks for: enough to read, and for nothing that somebody
/// else is to be shown.
pub(super) struct Vouched(pub(super) Signed);

impl<S: Addressee> FromRequest<S> for Vouched {
    type Rejection = Refusal;

    async fn from_request(mut request: Request, worker: &S) -> Result<Self, Refusal> {
        // The gateway left it there; nothing that comes over the network does.
        let word = request.extensions_mut().remove::<Arc<Word>>();
        let word = word.filter(|_| request.headers().contains_key(VOUCHED));
        let signed = match word {
            Some(word) => Signed::said(request, worker, &word).await?,
            None => Signed::of(request, worker).await?,
        };
        Ok(Self(signed))
    }
}

impl Signed {
    async fn of<S: Addressee>(request: Request, worker: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let body = read(body, BODY_BYTES_MAX).await?;
        let seen = seen(&parts, &body);
        let header = |name: &str| once(&parts.headers, name);
        let (now, own) = (worker.now(), worker.worker_key());
        let (expected, permits) = (worker.expected(), worker.permits());
        let unseen = check_request(&header, &seen, now, &own, &expected, permits);
        let unseen = unseen.map_err(explain)?;
        let verified = {
            let mut nonces = worker.nonces().lock().unwrap_or_else(PoisonError::into_inner);
            unseen.remember(&mut nonces, now)
        };
        let caller = asker(verified.map_err(explain)?, &parts.headers)?;
        Ok(Self { caller, body, headers: parts.headers })
    }

    /// What came sealed under the secret of `word`, whose seal covers all of it.
    async fn said<S: Addressee>(
        request: Request,
        worker: &S,
        word: &Word,
    ) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let body = read(body, BODY_BYTES_MAX).await?;
        let header = once(&parts.headers, VOUCHED).ok_or(RequestError::Header(VOUCHED));
        let (now, expected, permits) = (worker.now(), worker.expected(), worker.permits());
        let caller = header
            .and_then(|header| word.caller(&header, &seen(&parts, &body), now, &expected, permits));
        let caller = asker(caller.map_err(explain)?, &parts.headers)?;
        Ok(Self { caller, body, headers: parts.headers })
    }

    /// The JSON body.
    ///
    /// # Errors
    /// `media-type`, and those of [`json::parse`].
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.media_type(&["application/json"])?;
        json::parse(&self.body)
    }

    /// Refuses a body of a media type that is not among `taken`. A body without one is taken.
    pub(super) fn media_type(&self, taken: &[&str]) -> Result<(), Problem> {
        media_type(&self.headers, taken)
    }

    /// The `Idempotency-Key` header.
    pub(super) fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        if !self.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(None);
        }
        match once(&self.headers, IDEMPOTENCY_KEY) {
            Some(key) if (1..=TOKEN_BYTES_MAX).contains(&key.len()) => Ok(Some(key)),
            _ => {
                let detail = "one header of visible ASCII, bytes";
                let problem = Problem::new(Code::InvalidField, detail).field(IDEMPOTENCY_KEY);
                Err(problem.limit(TOKEN_BYTES_MAX))
            }
        }
    }
}

/// What of a request is vouched for.
fn seen<'a>(parts: &'a Parts, body: &'a [u8]) -> RequestParts<'a> {
    RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        body,
    }
}

/// The caller, with what it signed for the ledger beside its request.
fn asker(caller: Verified<Caller>, headers: &HeaderMap) -> Result<Asker, Problem> {
    let introduction =
        encoded(headers, INTRODUCTION_HEADER, INTRODUCTION_BYTES_MAX.div_ceil(3) * 4)?;
    let Some(bytes) = encoded(headers, RELAYS_HEADER, RELAYS_HEADER_BYTES_MAX)? else {
        return Ok(Asker::new(caller, Vec::new())?.introducing(introduction));
    };
    let relays: Vec<&RawValue> = serde_json::from_slice(&bytes).map_err(|_| {
        Problem::new(Code::InvalidField, "a JSON array of signed messages").field(RELAYS_HEADER)
    })?;
    let relays = relays.iter().map(|relay| relay.get().as_bytes().to_vec()).collect();
    Ok(Asker::new(caller, relays)?.introducing(introduction))
}

/// The bytes of a header that may be absent, of at most `limit` bytes of base64url.
fn encoded(headers: &HeaderMap, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let bad = |detail: &str| Problem::new(Code::InvalidField, detail).field(name);
    let text = once(headers, name).ok_or_else(|| bad("one header"))?;
    if text.len() > limit {
        let problem = Problem::new(Code::TooLarge, "bytes of the header").field(name);
        return Err(problem.limit(limit));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("base64url without padding"))?;
    Ok(Some(bytes))
}

/// Collects a body of at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let over = std::error::Error::source(&error)
            .is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if over {
            Problem::new(Code::TooLarge, "bytes of the body").limit(limit)
        } else {
            Problem::new(Code::Malformed, "the body ended early")
        }
    })
}

/// Refuses a `Content-Type` that is not among `taken`; parameters are passed over.
pub(super) fn media_type(headers: &HeaderMap, taken: &[&str]) -> Result<(), Problem> {
    let Some(found) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = found.to_str().unwrap_or_default().split(';').next();
    let essence = essence.unwrap_or_default().trim();
    if taken.iter().any(|one| essence.eq_ignore_ascii_case(one)) {
        return Ok(());
    }
    let detail = format!("this route takes {}", taken.join(" or "));
    Err(Problem::new(Code::MediaType, detail))
}

/// A header that was sent exactly once, as text.
fn once(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(str::to_owned)
}

/// What the client can do about it.
fn explain(error: RequestError) -> Problem {
    let code = match error {
        RequestError::ClockSkew => Code::ClockSkew,
        RequestError::Replayed => Code::Replayed,
        RequestError::Full => Code::Overloaded,
        RequestError::Permit(PermitError::Expired) => Code::PermitExpired,
        RequestError::Permit(_) => Code::PermitInvalid,
        RequestError::Part(_) => Code::InvalidField,
        RequestError::Header(PERMIT) => Code::PermitInvalid,
        RequestError::Header(_)
        | RequestError::Digest
        | RequestError::Worker
        | RequestError::Key
        | RequestError::Signature
        | RequestError::Unknown => Code::SignatureInvalid,
        _ => Code::SignatureInvalid,
    };
    let problem = Problem::new(code, error.to_string());
    match error {
        RequestError::ClockSkew => problem.limit(CLOCK_SKEW_SECONDS_MAX),
        RequestError::Header(place) | RequestError::Part(place) => problem.field(place),
        _ => problem,
    }
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header that carries the permit; its absence is named as the permit's, not the signature's.
const PERMIT: &str = "prag-permit";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use axum::http::HeaderValue;

    /// A header that was sent twice, or is no text, was not sent.
    #[test]
    fn headers_count_once() {
        let mut headers = HeaderMap::new();
        headers.insert("a", HeaderValue::from_static("1"));
        assert_eq!(once(&headers, "a").as_deref(), Some("1"));
        assert_eq!(once(&headers, "b"), None);
        headers.append("a", HeaderValue::from_static("1"));
        assert_eq!(once(&headers, "a"), None);
        headers.insert("c", HeaderValue::from_bytes(&[0xff]).unwrap());
        assert_eq!(once(&headers, "c"), None);
    }

    /// What is signed for the ledger comes in one header of base64url, within its bound, or not at all.
    #[test]
    fn signed_headers_are_bounded() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("a", HeaderValue::from_static(value));
            }
            encoded(&headers, "a", 8).map_err(|problem| (problem.code, problem.limit))
        };
        assert_eq!((read(&[]), read(&["AAECAwQF"])), (Ok(None), Ok(Some(vec![0, 1, 2, 3, 4, 5]))));
        assert_eq!(read(&["AAECAwQFBg"]), Err((Code::TooLarge, Some(8))));
        for bad in [&["AAEC", "AAEC"][..], &["AAE="], &["AA+/"]] {
            assert_eq!(read(bad), Err((Code::InvalidField, None)), "{bad:?}");
        }
    }

    /// Parameters and case of a media type do not matter; another type does.
    #[test]
    fn media_types_are_essences() {
        let mut headers = HeaderMap::new();
        assert!(media_type(&headers, &["application/json"]).is_ok());
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("Application/JSON; charset=utf-8"),
        );
        assert!(media_type(&headers, &["application/json"]).is_ok());
        let refused = media_type(&headers, &["application/x-ndjson"]).unwrap_err();
        assert_eq!(refused.code, Code::MediaType);
    }

    /// A body of the limit is read, one byte more is refused by name.
    #[tokio::test]
    async fn bodies_have_an_edge() {
        assert_eq!(read(Body::from("abcd"), 4).await.unwrap(), "abcd");
        let refused = read(Body::from("abcde"), 4).await.unwrap_err();
        assert_eq!((refused.code, refused.limit), (Code::TooLarge, Some(4)));
    }

    /// What a client can mend has its own code: its clock, its permit, its signature.
    #[test]
    fn refusals_say_what_to_mend() {
        for (error, code) in [
            (RequestError::ClockSkew, Code::ClockSkew),
            (RequestError::Permit(PermitError::Expired), Code::PermitExpired),
            (RequestError::Permit(PermitError::Chain), Code::PermitInvalid),
            (RequestError::Header("signature"), Code::SignatureInvalid),
            (RequestError::Header(PERMIT), Code::PermitInvalid),
            (RequestError::Replayed, Code::Replayed),
            (RequestError::Full, Code::Overloaded),
        ] {
            assert_eq!(explain(error).code, code);
        }
        assert_eq!(explain(RequestError::Header("signature")).field.as_deref(), Some("signature"));
    }
}
