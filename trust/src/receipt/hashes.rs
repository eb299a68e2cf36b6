//! What stands in a receipt for text, ids and queries. Frozen, version 1.
//!
//! Layer: `trust::receipt`.
//! Holds: SHA-256 over a domain, a salt and the thing itself, each part behind its length.
//! Never: a hash without a salt: ids, queries and many texts can be guessed.
//! Invariant: who has not the salt cannot tell whether a guess is right; the salt of a chunk goes with the chunk.

use crate::encoding::{digest, transcript};
use crate::merkle::Hash;

/// Random bytes that keep a hash from being guessed.
pub type Salt = [u8; 16];

/// All that a reader sees of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct ChunkParts<'a> {
    /// In the chunk's record.
    pub salt: &'a Salt,
    /// The document's id.
    pub document: &'a str,
    /// The document's title.
    pub title: &'a str,
    /// Which chunk of the document, from 0.
    pub chunk: u32,
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Headings above, outermost first.
    pub heading_path: &'a [String],
    /// BLAKE3 of the original.
    pub content_hash: &'a [u8; 32],
    /// The cited text.
    pub text: &'a str,
}

/// `SHA-256("PRAG-CHUNK/v1" ‖ LP(salt, document, title, chunk, start ‖ end, LP(headings), content hash, text))`.
#[must_use]
pub fn chunk_hash(parts: &ChunkParts<'_>) -> Hash {
    let headings: Vec<&[u8]> = parts.heading_path.iter().map(String::as_bytes).collect();
    digest(
        "PRAG-CHUNK/v1",
        &[
            parts.salt,
            parts.document.as_bytes(),
            parts.title.as_bytes(),
            &parts.chunk.to_be_bytes(),
            &[parts.start.to_be_bytes(), parts.end.to_be_bytes()].concat(),
            &transcript("", &headings),
            parts.content_hash,
            parts.text.as_bytes(),
        ],
    )
}

/// `SHA-256("PRAG-QUERY/v1" ‖ LP(salt, text, vector, filter))`; what is there begins with a byte 1, what is not is
/// empty. `vector` as f32 big-endian; `filter` as [`prag_protocol::filter::Filter::to_bytes`].
#[must_use]
pub fn query_hash(
    salt: &Salt,
    text: Option<&str>,
    vector: Option<&[f32]>,
    filter: Option<&[u8]>,
) -> Hash {
    let present = |bytes: &[u8]| [&[1], bytes].concat();
    let text = text.map_or(Vec::new(), |text| present(text.as_bytes()));
    let floats = |vector: &[f32]| vector.iter().flat_map(|x| x.to_bits().to_be_bytes()).collect();
    let vector = vector.map(floats).map_or(Vec::new(), |bytes: Vec<u8>| present(&bytes));
    let filter = filter.map_or(Vec::new(), present);
    digest("PRAG-QUERY/v1", &[salt, &text, &vector, &filter])
}

/// `SHA-256("PRAG-DOCUMENT/v1" ‖ LP(salt, id, content hash))`, the content hash being BLAKE3 of the original.
///
/// Salted, because whoever sees a receipt could otherwise try contents until one fits.
#[must_use]
pub fn document_hash(salt: &Salt, id: &str, content_hash: &[u8; 32]) -> Hash {
    digest("PRAG-DOCUMENT/v1", &[salt, id.as_bytes(), content_hash])
}

/// `SHA-256("PRAG-DELETED/v1" ‖ LP(salt, id))`.
#[must_use]
pub fn deleted_hash(salt: &Salt, id: &str) -> Hash {
    digest("PRAG-DELETED/v1", &[salt, id.as_bytes()])
}
