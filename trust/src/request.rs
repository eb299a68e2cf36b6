//! Signed requests: which session key asks which worker for what, once, now.
//!
//! Layer: `trust`, above `permit`.
//! Holds: a closed subset of HTTP Message Signatures (Ed25519, one fixed list of components), signing and verification;
//! in `session`, who speaks in the messages of a session that its key signed for as a whole.
//! Never: another list of components, another algorithm, an unsigned body, a request for another worker.
//! Invariant: a [`Caller`] that exists vouched for this very request, and for no other with the same nonce.
//!
//! Source: RFC 9421 (signature base: section 2.5, Ed25519: 3.3.6), RFC 9530 (Content-Digest).

mod base;
mod nonces;
mod session;

pub use nonces::NonceCache;
pub use session::{Bond, VOUCHED, Word, vouched};

use crate::address::{SessionKey, ed25519_holds};
use crate::encoding::{digest, transcript};
use crate::permit::{Delegation, Expected, Permissions, Permit, PermitCache, PermitError};
use crate::verified::Verified;
use base::Parameters;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use prag_protocol::Address;
use prag_protocol::limits::{BODY_BYTES_MAX, CLOCK_SKEW_SECONDS_MAX};
use sha2::{Digest, Sha256};
use std::fmt;

/// Why a signed request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The header is absent, over its bound, or not in the one form that we take. Not retryable.
    #[error("header {0} is missing or malformed")]
    Header(&'static str),
    /// Method, path, query or body over a bound, or with a character that does not belong there.
    #[error("request part {0} is not acceptable")]
    Part(&'static str),
    /// The body is not the one that was signed. Not retryable.
    #[error("content-digest does not match the body")]
    Digest,
    /// Signed for another worker, or for this one before it restarted: verify it and sign again.
    #[error("request was signed for another worker")]
    Worker,
    /// Signed too long ago or in the future: set the clock and sign again.
    #[error("request was signed outside the time window")]
    ClockSkew,
    /// The permit does not verify.
    #[error(transparent)]
    Permit(#[from] PermitError),
    /// Signed by a key that the permit does not name. Not retryable.
    #[error("the permit delegates to another key")]
    Key,
    /// Not the key's signature over this request. Not retryable.
    #[error("request signature does not verify")]
    Signature,
    /// The session speaks by a permit that verified in none of its key's requests, or was forgotten: sign by the key.
    #[error("no request that was signed by the key has shown this permit")]
    Unknown,
    /// Seen before: sign again, with a fresh nonce.
    #[error("request was seen before")]
    Replayed,
    /// Too many requests within one time window: try again later.
    #[error("nonce cache is full")]
    Full,
}

/// What of a request is signed, besides its headers.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Absolute path, as sent.
    pub path: &'a str,
    /// Query as sent, without `?`; empty if there is none.
    pub query: &'a str,
    /// The whole body.
    pub body: &'a [u8],
}

/// Who asks, once the request verified. Not yet admitted anywhere ([`crate::admission`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The wallet's account.
    pub address: Address,
    /// The session key that signed the request.
    pub session_key: [u8; 32],
    /// What the permit allows.
    pub permissions: Permissions,
    /// The permit's name, for revocation.
    pub permit_name: String,
    /// Unix seconds; the permit is void from this second on.
    pub expires: u64,
    /// SHA-256 over what the signature covers, the nonce included, or over a session's secret and its message's number:
    /// no two requests share it.
    pub request: [u8; 32],
    /// What anybody needs to check later that the caller signed this request: permit as JSON, RFC 9421
    /// signature base, signature; domain-tagged and length-prefixed. The base covers the body's digest. Empty where the
    /// session vouched ([`Word`]): that shows nothing to others.
    pub authorization: Vec<u8>,
}

/// A request's signature, to be sent with it.
pub struct SignedRequest {
    /// Five headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Names the request, as [`Caller::request`] does.
    pub digest: [u8; 32],
}

/// A request that is well signed, and may have been seen before: nobody's yet.
pub struct Unseen {
    caller: Caller,
    nonce: [u8; 16],
    created: u64,
}

/// Sign a request to the worker whose signing key is `worker`.
///
/// `created`: Unix seconds. `nonce`: fresh for every request.
///
/// # Errors
/// [`RequestError::Part`] and [`RequestError::Permit`] for what no worker would take.
pub fn sign_request(
    key: &SessionKey,
    parts: &RequestParts<'_>,
    permit: &Permit,
    worker: &[u8; 32],
    created: u64,
    nonce: [u8; 16],
) -> Result<SignedRequest, RequestError> {
    check_parts(parts)?;
    let headers = Headers {
        content_digest: content_digest(parts.body),
        worker: URL_SAFE_NO_PAD.encode(worker),
        permit: URL_SAFE_NO_PAD.encode(permit.to_json()?),
    };
    let parameters = Parameters { created, nonce, key: key.public_key() };
    let base = headers.base(parts, &parameters);
    let digest = digest(REQUEST_DOMAIN, &[base.as_bytes()]);
    let signature = STANDARD.encode(key.sign(base.as_bytes()));
    let named = |name: &str, value: String| (name.to_owned(), value);
    let headers = vec![
        named(CONTENT_DIGEST, headers.content_digest),
        named(WORKER, headers.worker),
        named(PERMIT, headers.permit),
        named(SIGNATURE_INPUT, format!("{LABEL}={}", parameters.write())),
        named(SIGNATURE, format!("{LABEL}=:{signature}:")),
    ];
    Ok(SignedRequest { headers, digest })
}

/// Verify a request that anybody may have sent to the worker whose signing key is `own`, at Unix second `now`.
///
/// `header` returns the value of a header that occurs exactly once, by its lower-case name, and `None`
/// otherwise. The nonce is remembered last, so nobody without a good signature fills the cache.
///
/// # Errors
/// One [`RequestError`] per rule, cheapest first.
pub fn verify_request(
    header: &dyn Fn(&str) -> Option<String>,
    parts: &RequestParts<'_>,
    now: u64,
    own: &[u8; 32],
    expected: &Expected,
    nonces: &mut NonceCache,
) -> Result<Verified<Caller>, RequestError> {
    let fresh = |permit: &[u8]| Permit::from_json(permit)?.verify(now, expected);
    signed_by(header, parts, now, own, fresh)?.remember(nonces, now)
}

/// As [`verify_request`], but for what was seen: permits that are in `permits` are not verified again. The caller shows
/// the nonce to its cache afterwards, so that no lock is held while signatures are verified.
///
/// # Errors
/// As [`verify_request`].
pub fn check_request(
    header: &dyn Fn(&str) -> Option<String>,
    parts: &RequestParts<'_>,
    now: u64,
    own: &[u8; 32],
    expected: &Expected,
    permits: &PermitCache,
) -> Result<Unseen, RequestError> {
    signed_by(header, parts, now, own, |permit| permits.verify(permit, now, expected))
}

impl Unseen {
    /// Whose request it is, unless it was seen.
    ///
    /// # Errors
    /// [`RequestError::Replayed`], [`RequestError::Full`].
    pub fn remember(
        self,
        nonces: &mut NonceCache,
        now: u64,
    ) -> Result<Verified<Caller>, RequestError> {
        nonces.remember(self.caller.session_key, self.nonce, self.created, now)?;
        Ok(Verified::new(self.caller))
    }
}

fn signed_by(
    header: &dyn Fn(&str) -> Option<String>,
    parts: &RequestParts<'_>,
    now: u64,
    own: &[u8; 32],
    delegation: impl FnOnce(&[u8]) -> Result<Verified<Delegation>, PermitError>,
) -> Result<Unseen, RequestError> {
    check_parts(parts)?;
    let (headers, parameters, signature) = read(header)?;
    if headers.worker != URL_SAFE_NO_PAD.encode(own) {
        return Err(RequestError::Worker);
    }
    if parameters.created.abs_diff(now) > CLOCK_SKEW_SECONDS_MAX {
        return Err(RequestError::ClockSkew);
    }
    if headers.content_digest != content_digest(parts.body) {
        return Err(RequestError::Digest);
    }
    let base = headers.base(parts, &parameters);
    if !ed25519_holds(&parameters.key, base.as_bytes(), &signature) {
        return Err(RequestError::Signature);
    }
    let permit =
        URL_SAFE_NO_PAD.decode(&headers.permit).map_err(|_| RequestError::Header(PERMIT))?;
    let delegation = delegation(&permit)?.into_inner();
    if delegation.session_key != parameters.key {
        return Err(RequestError::Key);
    }
    let parts: [&[u8]; 3] = [&permit, base.as_bytes(), &signature];
    let authorization = transcript("PRAG-AUTHORIZATION/v1", &parts);
    let caller = Caller::of(delegation, digest(REQUEST_DOMAIN, &[base.as_bytes()]), authorization);
    Ok(Unseen { caller, nonce: parameters.nonce, created: parameters.created })
}

/// The `Content-Digest` of a body: `sha-256=:<base64>:`.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

impl Caller {
    fn of(delegation: Delegation, request: [u8; 32], authorization: Vec<u8>) -> Self {
        let Delegation { address, session_key, permissions, expires, permit_name } = delegation;
        Self { address, session_key, permissions, permit_name, expires, request, authorization }
    }
}

impl fmt::Debug for Caller {
    /// Who called is for no log: permissions and expiry only.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Caller")
            .field("permissions", &self.permissions)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The signed headers, as sent.
struct Headers {
    content_digest: String,
    worker: String,
    permit: String,
}

impl Headers {
    fn base(&self, parts: &RequestParts<'_>, parameters: &Parameters) -> String {
        let query = format!("?{}", parts.query);
        let components = [
            ("@method", parts.method),
            ("@path", parts.path),
            ("@query", query.as_str()),
            (CONTENT_DIGEST, self.content_digest.as_str()),
            (WORKER, self.worker.as_str()),
            (PERMIT, self.permit.as_str()),
        ];
        base::signature_base(&components, &parameters.write())
    }
}

fn read(
    header: &dyn Fn(&str) -> Option<String>,
) -> Result<(Headers, Parameters, [u8; 64]), RequestError> {
    let take = |name: &'static str, bytes_max: usize| {
        let value = header(name).ok_or(RequestError::Header(name))?;
        let fits = value.len() <= bytes_max && value.bytes().all(|b| matches!(b, b' '..=b'~'));
        if fits { Ok(value) } else { Err(RequestError::Header(name)) }
    };
    let headers = Headers {
        content_digest: take(CONTENT_DIGEST, HEADER_BYTES_MAX)?,
        worker: take(WORKER, HEADER_BYTES_MAX)?,
        permit: take(PERMIT, PERMIT_HEADER_BYTES_MAX)?,
    };
    let input = take(SIGNATURE_INPUT, HEADER_BYTES_MAX)?;
    let parameters = labelled(&input)
        .and_then(Parameters::parse)
        .ok_or(RequestError::Header(SIGNATURE_INPUT))?;
    let signature = take(SIGNATURE, HEADER_BYTES_MAX)?;
    let signature = labelled(&signature)
        .and_then(|value| value.strip_prefix(':')?.strip_suffix(':'))
        .and_then(|text| STANDARD.decode(text).ok()?.try_into().ok())
        .ok_or(RequestError::Header(SIGNATURE))?;
    Ok((headers, parameters, signature))
}

/// The one member of a dictionary header that we take.
fn labelled(value: &str) -> Option<&str> {
    value.strip_prefix(LABEL)?.strip_prefix('=')
}

/// Nothing in a part may end a line of the signature base.
fn check_parts(parts: &RequestParts<'_>) -> Result<(), RequestError> {
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let method = parts.method;
    if method.is_empty() || method.len() > 16 || !method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(RequestError::Part("method"));
    }
    let path = parts.path;
    if !path.starts_with('/')
        || path.len() > TARGET_BYTES_MAX
        || !visible(path)
        || path.contains(['?', '#'])
    {
        return Err(RequestError::Part("path"));
    }
    if parts.query.len() > TARGET_BYTES_MAX || !visible(parts.query) || parts.query.contains('#') {
        return Err(RequestError::Part("query"));
    }
    if parts.body.len() > BODY_BYTES_MAX {
        return Err(RequestError::Part("body"));
    }
    Ok(())
}

/// Header with the digest of the body.
const CONTENT_DIGEST: &str = "content-digest";
/// Header with the signing key of the worker that is meant, base64url.
const WORKER: &str = "prag-worker";
/// Header with the permit, base64url of its JSON.
const PERMIT: &str = "prag-permit";
const SIGNATURE_INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
const REQUEST_DOMAIN: &str = "PRAG-REQUEST/v1";
/// Our member of the two signature dictionaries.
const LABEL: &str = "prag";
/// Longest path, and longest query, bytes.
const TARGET_BYTES_MAX: usize = 2048;
/// Longest of the small headers, bytes.
const HEADER_BYTES_MAX: usize = 512;
/// Longest permit header, bytes of base64url.
const PERMIT_HEADER_BYTES_MAX: usize = crate::permit::PERMIT_BYTES_MAX.div_ceil(3) * 4;

#[cfg(test)]
mod tests;
