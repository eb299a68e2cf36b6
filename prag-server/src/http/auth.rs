//! From a request to a verified caller.
//!
//! Layer: `http`; asks `trust::request`, decides nothing itself.
//! Holds: the extractor that every signed route starts with.
//! Never: a body over its limit, a header that was sent twice, an unsigned way past it.
//! Invariant: a handler that takes [`Signed`] runs only for a verified caller, over these very bytes.

use super::json;
use super::problem::Refusal;
use crate::flow::Worker;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use prag_protocol::limits::{BODY_BYTES_MAX, TOKEN_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_trust::request::{Caller, RequestError, RequestParts, verify_request};
use prag_trust::verified::Verified;
use serde::de::DeserializeOwned;
use std::sync::PoisonError;

/// A request whose signature and permit were verified.
pub(super) struct Signed {
    /// Who signed it, and what its permit allows.
    pub(super) caller: Verified<Caller>,
    /// The bytes that the signature covers.
    pub(super) body: Bytes,
    headers: HeaderMap,
}

impl FromRequest<Worker> for Signed {
    type Rejection = Refusal;

    async fn from_request(request: Request, worker: &Worker) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let body = read(body, BODY_BYTES_MAX).await?;
        let seen = RequestParts {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body: &body,
        };
        let header = |name: &str| once(&parts.headers, name);
        let verified = {
            let nonces = worker.nonces();
            let mut nonces = nonces.lock().unwrap_or_else(PoisonError::into_inner);
            verify_request(
                &header,
                &seen,
                worker.now(),
                &worker.worker_key(),
                &worker.expected(),
                &mut nonces,
            )
        };
        Ok(Self {
            caller: verified.map_err(|error| explain(&error))?,
            body,
            headers: parts.headers,
        })
    }
}

impl Signed {
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
fn explain(error: &RequestError) -> Problem {
    let _ = error; Problem::new(Code::SignatureInvalid, "x")
}

const IDEMPOTENCY_KEY: &str = "idempotency-key";
