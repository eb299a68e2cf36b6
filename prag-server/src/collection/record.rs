//! What is stored: documents, chunks, batches.
//!
//! Layer: collection.
//! Holds: the postcard records inside sealed batches and segments (record format 1).
//! Never: leaves this module's types unsealed; callers seal the bytes at once.
//! Invariant: a batch decodes to exactly what was encoded, or to an error; decoding never panics.

use super::text::{Elsewhere, Text};
use prag_protocol::DocumentId;
use prag_protocol::metadata::Metadata;
use prag_protocol::wire::documents::Format;
use prag_protocol::wire::search::json_bytes;
use prag_trust::receipt::{ChunkParts, chunk_hash};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

mod lying;

pub(super) use lying::{lying, read_in};

/// A document as it is stored, without its vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The owner's id.
    pub id: DocumentId,
    /// The title.
    pub title: String,
    /// 0 Markdown, 1 HTML, 2 text, 3 JSONL.
    format: u8,
    /// The original.
    pub content: Text,
    /// BLAKE3 of the original.
    pub content_hash: [u8; 32],
    /// Digest over everything the owner sent: equal means unchanged.
    pub digest: [u8; 32],
    /// Metadata as JSON: postcard cannot carry its self-describing values.
    metadata: String,
    /// The chunks, in order of their spans.
    pub chunks: Vec<Chunk>,
}

/// A chunk: what is embedded, searched and cited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The cited text, where it is not the original's span itself.
    pub text: Option<Text>,
    /// Headings above, outermost first.
    pub heading_path: Vec<String>,
    /// Tokens as embedded.
    pub tokens: u32,
    /// Random; makes the chunk's hashes unlinkable once it is purged.
    pub salt: [u8; 16],
}

/// One atomic write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Random, so that the batch's digest tells nothing of its content.
    pub salt: [u8; 16],
    /// Unix seconds by the worker's clock.
    pub time: u64,
    /// What changes, in order.
    pub ops: Vec<Op>,
    /// The idempotency key that this batch answers.
    pub idempotency: Option<Idempotency>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Op {
    /// Create or replace a document; `vectors` holds `chunks.len()` rows.
    Put {
        /// The document.
        document: Document,
        /// f32, row i for chunk i, unit length.
        vectors: Vec<f32>,
    },
    /// Remove a document.
    Delete(DocumentId),
    /// Invisible: part `part` of an encoded [`Op::Put`] that is too large for one batch.
    Stage {
        /// Which upload.
        upload: [u8; 16],
        /// Position, from 0.
        part: u32,
        /// Bytes of the encoded op.
        bytes: Vec<u8>,
    },
    /// Makes a staged upload of `parts` parts visible.
    Publish {
        /// Which upload.
        upload: [u8; 16],
        /// How many parts it has.
        parts: u32,
    },
}

/// Remembers an acknowledged request for a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Keyed hash of (caller, key).
    pub key: [u8; 32],
    /// Digest of the document that was sent.
    pub digest: [u8; 32],
    /// Unix seconds.
    pub time: u64,
}

/// Bytes that are no record of this format. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record does not decode")]
pub struct RecordError;

impl Document {
    /// A document of validated parts.
    #[must_use]
    pub fn new(
        id: DocumentId,
        title: String,
        format: Format,
        content: String,
        metadata: &Metadata,
        chunks: Vec<Chunk>,
        digest: [u8; 32],
    ) -> Self {
        let content_hash = *blake3::hash(content.as_bytes()).as_bytes();
        let metadata = serde_json::to_string(metadata).unwrap_or_default();
        let (format, content) = (format as u8, content.into());
        Self { id, title, format, content, content_hash, digest, metadata, chunks }
    }

    /// How the original is read.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.format {
            0 => Format::Markdown,
            1 => Format::Html,
            3 => Format::Jsonl,
            _ => Format::Text,
        }
    }

    /// What filters see.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        serde_json::from_str(&self.metadata).unwrap_or_default()
    }

    /// The same as [`Document::text`], if it lies in memory as it is.
    #[must_use]
    pub fn kept_text(&self, index: u32) -> Option<&str> {
        let own = self.chunks.get(index as usize).is_none_or(|chunk| chunk.text.is_some());
        if !own && self.content.is_packed() {
            return None;
        }
        match self.text(index) {
            Ok(Cow::Borrowed(text)) => Some(text),
            Ok(Cow::Owned(_)) | Err(Elsewhere) => None,
        }
    }

    /// Bytes that reading the cited text of chunk `index` unpacks.
    #[must_use]
    pub fn unpacks(&self, index: u32) -> usize {
        let Some(chunk) = self.chunks.get(index as usize) else { return 0 };
        match &chunk.text {
            Some(text) => text.unpacks(&(0..text.len())),
            None => self.content.unpacks(&(chunk.start as usize..chunk.end as usize)),
        }
    }

    /// The cited text of chunk `index`; empty where there is no such chunk.
    ///
    /// # Errors
    /// [`Elsewhere`] where it is on disk.
    pub fn text(&self, index: u32) -> Result<Cow<'_, str>, Elsewhere> {
        let Some(chunk) = self.chunks.get(index as usize) else {
            return Ok(Cow::default());
        };
        match &chunk.text {
            Some(text) => text.whole(),
            None if self.content.lies().is_some() => Err(Elsewhere),
            None => {
                let span = chunk.start as usize..chunk.end as usize;
                Ok(self.content.slice(span).unwrap_or_default())
            }
        }
    }

    /// The same, with its original compressed where that saves memory.
    #[must_use]
    pub fn packed(self) -> Self {
        Self { content: self.content.packed(), ..self }
    }

    /// The document as an answer shows it: with chunk `index` as its only one, and without the original.
    ///
    /// # Errors
    /// [`Elsewhere`] where its text is on disk.
    pub fn excerpt(&self, index: u32) -> Result<Self, Elsewhere> {
        let text = Some(self.text(index)?.into_owned().into());
        let chunk = self.chunks.get(index as usize).cloned();
        Ok(Self {
            id: self.id.clone(),
            title: self.title.clone(),
            format: self.format,
            content: Text::default(),
            content_hash: self.content_hash,
            digest: [0; 32],
            metadata: self.metadata.clone(),
            chunks: chunk.map(|chunk| Chunk { text, ..chunk }).into_iter().collect(),
        })
    }

    /// Bytes of memory that it takes, about.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        let chunk = |chunk: &Chunk| {
            let headings = chunk.heading_path.iter().map(|one| size_of::<String>() + one.len());
            size_of::<Chunk>()
                + headings.sum::<usize>()
                + chunk.text.as_ref().map_or(0, Text::kept_bytes)
        };
        let texts = self.id.as_str().len() + self.title.len() + self.metadata.len();
        let chunks = self.chunks.iter().map(chunk).sum::<usize>();
        size_of::<Self>() + texts + self.content.kept_bytes() + chunks
    }

    /// Bytes of JSON that the texts of a hit on chunk `index` take, whose cited text is `text`.
    #[must_use]
    pub fn hit_bytes(&self, index: u32, text: &str) -> usize {
        let headings = self.chunks.get(index as usize).map_or(&[][..], |chunk| &chunk.heading_path);
        let headings: usize = headings.iter().map(|heading| json_bytes(heading)).sum();
        json_bytes(self.id.as_str()) + json_bytes(&self.title) + headings + json_bytes(text)
    }

    /// The salted hash that stands for chunk `index` in Merkle trees and receipts.
    ///
    /// # Errors
    /// [`Elsewhere`] where its text is on disk.
    pub fn chunk_hash(&self, index: u32) -> Result<[u8; 32], Elsewhere> {
        Ok(self.hash_of(index, &self.text(index)?))
    }

    /// As [`Document::chunk_hash`], by its cited text.
    #[must_use]
    pub fn hash_of(&self, index: u32, text: &str) -> [u8; 32] {
        let chunk = self.chunks.get(index as usize);
        chunk_hash(&ChunkParts {
            salt: chunk.map_or(&[0; 16], |chunk| &chunk.salt),
            document: self.id.as_str(),
            title: &self.title,
            chunk: index,
            start: chunk.map_or(0, |chunk| chunk.start),
            end: chunk.map_or(0, |chunk| chunk.end),
            heading_path: chunk.map_or(&[], |chunk| &chunk.heading_path),
            content_hash: &self.content_hash,
            text,
        })
    }

    /// What BM25 sees of chunk `index`: headings, then text.
    ///
    /// # Errors
    /// [`Elsewhere`] where its text is on disk.
    pub fn searched_text(&self, index: u32) -> Result<String, Elsewhere> {
        let mut text = String::new();
        if !self.title.is_empty() {
            text.push_str(&self.title);
            text.push('\n');
        }
        if let Some(chunk) = self.chunks.get(index as usize) {
            for heading in chunk.heading_path.iter().filter(|heading| **heading != self.title) {
                text.push_str(heading);
                text.push('\n');
            }
        }
        text.push_str(&self.text(index)?);
        Ok(text)
    }
}

/// Postcard bytes of `value`.
///
/// # Errors
/// [`RecordError`] cannot happen for the types here; kept so that nobody unwraps.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, RecordError> {
    postcard::to_allocvec(value).map_err(|_| RecordError)
}

/// The value in `bytes`, all of them.
///
/// # Errors
/// [`RecordError`] on anything but one whole record.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RecordError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| RecordError)?;
    if rest.is_empty() { Ok(value) } else { Err(RecordError) }
}
