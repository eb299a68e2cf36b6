//! The encrypted channel's way in: Oblivious HTTP (RFC 9458) around binary HTTP (RFC 9292), and then, for whoever sent
//! a secret in it, messages under keys of that secret (`trust::resumed`), which cost no key exchange.
//!
//! Layer: `http`; keys are `channel`'s.
//! Holds: open, decode, run the inner router, encode, pad, seal.
//! Never: an inner status, header or length outside; the outer answer is 200 whenever the message opens.
//! Invariant: what is sealed has a length that `pad` fixed.

use super::auth::{media_type, read};
use super::door::Door;
use super::pad::Shape;
use super::problem::{Refusal, to_binary};
use crate::channel::{ChannelError, KeyRing};
use crate::room::Room;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use bhttp::{ControlData, Message, Mode};
use prag_protocol::limits::BODY_BYTES_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::channel::{
    BOND_HEADER, RESUMED_ANSWER_TYPE, RESUMED_REQUEST_TYPE, RESUMPTION_HEADER,
};
use prag_trust::request::Bond;
use prag_trust::resumed::SECRET_BYTES;
use std::io::Cursor;
use std::sync::Arc;
use zeroize::Zeroizing;

/// `POST /gateway`.
pub(super) async fn gateway(
    State(door): State<Door>,
    request: Request,
) -> Result<Response, Refusal> {
    let slot = door.pass().enter()?;
    media_type(request.headers(), &[ONCE.0, RESUMED.0])?;
    // One that names no type is taken for the older form.
    let resumed = media_type(request.headers(), &[ONCE.0]).is_err();
    let body = read(request.into_body(), MESSAGE_BYTES_MAX);
    let message = door.pass().upload(body).await?;
    let inner = |request| door.pass().run(slot, request);
    let channel = (&*door.ring, &door.room, &door.own, door.clock.now());
    let sealed = exchange(channel, (&message, resumed), inner).await?;
    let (_, answer_type) = if resumed { RESUMED } else { ONCE };
    let headers = [(header::CONTENT_TYPE, answer_type), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, sealed).into_response())
}

/// A request outside the channel: the attestation, and all of `/v1` where the settings allow it.
pub(super) async fn plain(State(door): State<Door>, request: Request) -> Result<Response, Refusal> {
    let slot = door.pass().enter()?;
    let (mut parts, body) = request.into_parts();
    // What the outer router noted (its path parameters) is not for the inner one.
    parts.extensions.clear();
    let body = door.pass().upload(read(body, BODY_BYTES_MAX)).await?;
    let request = Request::from_parts(parts, Body::from(body));
    Ok(door.pass().run(slot, request).await)
}

/// Opens a message, lets `inner` answer it, and seals the answer.
///
/// # Errors
/// `channel-invalid` and `replayed`, outside the channel; every other problem goes through it.
async fn exchange<Answer: Future<Output = Response>>(
    (ring, room, own, now): (&KeyRing, &Room, &[u8; 32], u64),
    (message, resumed): (&[u8], bool),
    inner: impl FnOnce(Request) -> Answer,
) -> Result<Vec<u8>, Problem> {
    let opened = if resumed { ring.resume(message, now) } else { ring.decapsulate(message, now) };
    let opened = opened.map_err(explain)?;
    let (shape, response) = match decode(&opened.plain) {
        Ok((shape, mut request)) => {
            if let Some((secret, bond)) = offered(&mut request, own) {
                opened.resume(&secret, bond, now);
            }
            if let Some(word) = &opened.word {
                request.extensions_mut().insert(Arc::clone(word));
            }
            (shape, inner(request).await)
        }
        Err(problem) => (Shape::Loose, Refusal(problem).into_response()),
    };
    let mut reply = encode(response).await;
    // Asked after the answer: whatever is in it was stored before.
    let hit_bytes = room.hit_bytes();
    if !shape.pad(&mut reply, hit_bytes) {
        let limit = shape.length(reply.len(), hit_bytes);
        let detail = "bytes of the reply's bucket: ask for fewer hits, or without metadata";
        let problem = Problem::new(Code::TooLarge, detail).limit(limit);
        reply = encode(Refusal(problem).into_response()).await;
        if !shape.pad(&mut reply, hit_bytes) {
            return Err(internal());
        }
    }
    opened.seal.seal(&reply).map_err(|_| internal())
}

/// The secret under which the sender would go on, and its session key's bond by it with `own`, this worker's key. The
/// secret goes no further than this.
fn offered(request: &mut Request, own: &[u8; 32]) -> Option<Offer> {
    let value = request.headers_mut().remove(RESUMPTION_HEADER)?;
    let statement = request.headers_mut().remove(BOND_HEADER);
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    hex::decode_to_slice(value.as_bytes(), secret.as_mut()).ok()?;
    let bond = statement.and_then(|text| Bond::open(text.as_bytes(), &secret, own));
    Some((secret, bond))
}

type Offer = (Zeroizing<[u8; SECRET_BYTES]>, Option<Bond>);

/// Binary HTTP to a request, and the shape of its reply.
pub(super) fn decode(plain: &[u8]) -> Result<(Shape, Request), Problem> {
    let malformed = |what: &str| Problem::new(Code::Malformed, what);
    let mut reader = Cursor::new(plain);
    let message = Message::read_bhttp(&mut reader)
        .map_err(|_| malformed("the binary HTTP message does not parse"))?;
    let rest = plain.get(reader.position() as usize..).unwrap_or_default();
    if rest.iter().any(|&byte| byte != 0) {
        return Err(malformed("something but padding follows the message"));
    }
    let ControlData::Request { method, path, .. } = message.control() else {
        return Err(malformed("a response, where a request was due"));
    };
    let method = Method::from_bytes(method).map_err(|_| malformed("no HTTP method"))?;
    let target = Uri::try_from(path.as_slice()).map_err(|_| malformed("no request target"))?;
    if target.authority().is_some() || !target.path().starts_with('/') {
        return Err(malformed("the request target is no absolute path"));
    }
    if message.content().len() > BODY_BYTES_MAX {
        return Err(Problem::new(Code::TooLarge, "bytes of the body").limit(BODY_BYTES_MAX));
    }
    let fields = message.header().fields();
    if fields.len() > FIELDS_MAX || !message.trailer().is_empty() {
        return Err(malformed("too many header fields, or trailers"));
    }
    let shape = Shape::of(&method, target.path(), message.content());
    let body = Bytes::copy_from_slice(message.content());
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = target;
    for field in fields {
        let name = HeaderName::from_bytes(field.name()).map_err(|_| malformed("a header name"))?;
        let value =
            HeaderValue::from_bytes(field.value()).map_err(|_| malformed("a header value"))?;
        request.headers_mut().append(name, value);
    }
    Ok((shape, request))
}

/// A response to binary HTTP. What cannot be encoded becomes an empty 500.
async fn encode(response: Response) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, REPLY_BYTES_MAX).await;
    let mut message = Message::response(to_binary(parts.status, body.is_err()));
    for (name, value) in &parts.headers {
        if name != header::CONTENT_LENGTH {
            message.put_header(name.as_str(), value.as_bytes());
        }
    }
    let body = body.unwrap_or_default();
    // Room for the padding of a usual reply, so that it is not copied for it.
    let mut out = Vec::with_capacity(2 * body.len() + HEADER_BYTES);
    message.write_content(body);
    // A vector takes every write; an error would leave what was written, which the client refuses.
    let _ = message.write_bhttp(Mode::KnownLength, &mut out);
    out
}

fn explain(error: ChannelError) -> Problem {
    match error {
        ChannelError::Replayed => Problem::new(Code::Replayed, "this message was opened before"),
        ChannelError::Entropy => internal(),
        ChannelError::Closed => {
            let detail = "fetch the worker's keys again from /v1/attestation, and verify them";
            Problem::new(Code::ChannelInvalid, detail)
        }
    }
}

fn internal() -> Problem {
    Problem::new(Code::Internal, "the channel failed")
}

/// Media types of a request and its answer.
const ONCE: (&str, &str) = ("message/ohttp-req", "message/ohttp-res");
const RESUMED: (&str, &str) = (RESUMED_REQUEST_TYPE, RESUMED_ANSWER_TYPE);
/// A body, its headers, Padmé over both, and the encapsulation.
const MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX + (BODY_BYTES_MAX / 8) + (128 << 10);
/// Largest reply before padding: clients take 32 MiB with it.
const REPLY_BYTES_MAX: usize = 28 << 20;
const FIELDS_MAX: usize = 64;
/// Of a reply's head, more or less.
const HEADER_BYTES: usize = 8 << 10;

#[cfg(test)]
mod tests;
