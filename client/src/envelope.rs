//! Binary HTTP (RFC 9292) inside the channel: one request out, one answer back.
//!
//! Layer: client, below `channel`.
//! Holds: encoding with real path, headers and body; padding by trailing zeros (RFC 9292, section 3.8).
//! Never: encryption; `channel` wraps these bytes.
//! Invariant: the length of an encoded request is a Padmé length, so it tells log log n bits.

use crate::error::ClientError;
use bhttp::{Message, Mode};
use prag_protocol::limits::BODY_BYTES_MAX;
use std::io::Cursor;

/// A request before it is sealed.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'a str,
    /// Path from `/v1` on.
    pub path: &'a str,
    /// Query without `?`; empty for none.
    pub query: &'a str,
    /// Media type of `body`; not sent with an empty body.
    pub media_type: &'a str,
    /// At most [`BODY_BYTES_MAX`] bytes.
    pub body: &'a [u8],
}

/// An answer after it was opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status of the inner response.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// The padded bytes of `request` with `headers`.
///
/// # Errors
/// [`ClientError::TooLarge`] over [`BODY_BYTES_MAX`].
pub fn encode(
    request: &Request<'_>,
    authority: &str,
    headers: &[(String, String)],
) -> Result<Vec<u8>, ClientError> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(ClientError::TooLarge {
            what: "the request body",
            size: request.body.len(),
            limit: BODY_BYTES_MAX,
        });
    }
    let target = if request.query.is_empty() {
        request.path.to_owned()
    } else {
        format!("{}?{}", request.path, request.query)
    };
    let mut message = Message::request(
        request.method.as_bytes().to_vec(),
        b"https".to_vec(),
        authority.as_bytes().to_vec(),
        target.into_bytes(),
    );
    for (name, value) in headers {
        message.put_header(name.to_ascii_lowercase(), value.as_bytes());
    }
    if !request.body.is_empty() {
        message.put_header("content-type", request.media_type);
        message.write_content(request.body);
    }
    let mut bytes = Vec::with_capacity(request.body.len() + 4096);
    message
        .write_bhttp(Mode::KnownLength, &mut bytes)
        .map_err(|_| ClientError::Crypto("encoding a request"))?;
    let padded = prag_trust::padding::padded_len(bytes.len());
    bytes.resize(padded, 0);
    Ok(bytes)
}

/// Reads an answer; trailing zeros are padding, anything else after the message is refused.
///
/// # Errors
/// [`ClientError::Reply`].
pub fn decode(bytes: &[u8]) -> Result<Answer, ClientError> {
    let mut cursor = Cursor::new(bytes);
    let message = Message::read_bhttp::<_, Cursor<&[u8]>>(&mut cursor)
        .map_err(|_| ClientError::Reply("not binary HTTP"))?;
    let read = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
    let padding = bytes.get(read..).unwrap_or_default();
    // Not one by one: a reply is padding for the most part.
    if padding.chunks(64).any(|bytes| bytes.iter().fold(0, |all, byte| all | byte) != 0) {
        return Err(ClientError::Reply("something follows the message"));
    }
    let status = message.control().status().ok_or(ClientError::Reply("not a response"))?.code();
    Ok(Answer { status, body: message.content().to_vec() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn request(body: &[u8]) -> Request<'_> {
        Request {
            method: "POST",
            path: "/v1/collections",
            query: "limit=1",
            media_type: "application/json",
            body,
        }
    }

    /// A padded request reads back whole, and its length is a Padmé length.
    #[test]
    fn request_reads_back() {
        for size in [0, 1, 100, 5000, 70_000] {
            let body = vec![b'x'; size];
            let headers = [("Prag-Permit".to_owned(), "p".to_owned())];
            let bytes = encode(&request(&body), "localhost:7878", &headers).unwrap();
            assert_eq!(bytes.len(), prag_trust::padding::padded_len(bytes.len()));
            let mut cursor = Cursor::new(&bytes[..]);
            let read = Message::read_bhttp::<_, Cursor<&[u8]>>(&mut cursor).unwrap();
            assert_eq!(read.control().path().unwrap(), b"/v1/collections?limit=1");
            assert_eq!(read.content(), body);
            assert_eq!(read.header().get(b"prag-permit").unwrap(), b"p");
        }
        let large = vec![0u8; BODY_BYTES_MAX + 1];
        assert!(encode(&request(&large), "h", &[]).is_err());
    }

    /// Answers carry status and body; what follows them must be zeros; no prefix of one panics.
    #[test]
    fn answers_are_strict() {
        let mut message = Message::response(404u16.try_into().unwrap());
        message.write_content(b"{}");
        let mut bytes = Vec::new();
        message.write_bhttp(Mode::KnownLength, &mut bytes).unwrap();
        for cut in 0..bytes.len() {
            let _ = decode(&bytes[..cut]);
        }
        bytes.extend([0; 40]);
        let answer = decode(&bytes).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (404, &b"{}"[..]));
        bytes.push(1);
        assert!(decode(&bytes).is_err());
        let mut asked = Vec::new();
        Message::request(b"GET".to_vec(), b"https".to_vec(), b"h".to_vec(), b"/".to_vec())
            .write_bhttp(Mode::KnownLength, &mut asked)
            .unwrap();
        assert!(decode(&asked).is_err());
    }
}
