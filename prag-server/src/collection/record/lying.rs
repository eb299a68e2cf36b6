//! Documents without their texts, which lie in their segment's part on disk.
//!
//! Layer: inside `record`.
//! Holds: where each text lies in the encoded documents of a segment, and the way back.
//! Never: a text in memory; a read of the disk: callers bring the bytes.
//! Invariant: what lies at a document's places in the bytes that it was read from are its texts.

use super::{Chunk, Document, RecordError, Text};
use prag_protocol::DocumentId;
use serde::Deserialize;
use std::ops::Range;

/// As [`Document`] is encoded.
#[derive(Deserialize)]
struct Encoded<'a> {
    id: DocumentId,
    title: String,
    format: u8,
    content: &'a str,
    content_hash: [u8; 32],
    digest: [u8; 32],
    metadata: String,
    #[serde(borrow)]
    chunks: Vec<EncodedChunk<'a>>,
}

/// As [`Chunk`] is encoded.
#[derive(Deserialize)]
struct EncodedChunk<'a> {
    start: u32,
    end: u32,
    #[serde(borrow)]
    text: Option<&'a str>,
    heading_path: Vec<String>,
    tokens: u32,
    salt: [u8; 16],
}

/// The encoded documents `part`, their texts left where they lie in it.
///
/// # Errors
/// [`RecordError`] on anything but documents.
pub(in crate::collection) fn lying(part: &[u8]) -> Result<Vec<Document>, RecordError> {
    let encoded: Vec<Encoded<'_>> = super::decode(part)?;
    encoded.into_iter().map(|document| document.lying(part)).collect()
}

/// The text that lies at `lies` in `part`.
pub(in crate::collection) fn read_in<'a>(part: &'a [u8], lies: &Range<usize>) -> Option<&'a str> {
    std::str::from_utf8(part.get(lies.clone())?).ok()
}

impl Encoded<'_> {
    fn lying(self, part: &[u8]) -> Result<Document, RecordError> {
        let Self { id, title, format, content, content_hash, digest, metadata, chunks } = self;
        let content = text(content, part)?;
        let chunk = |chunk: EncodedChunk<'_>| {
            let EncodedChunk { start, end, heading_path, tokens, salt, .. } = chunk;
            let text = chunk.text.map(|own| text(own, part)).transpose()?;
            Ok(Chunk { start, end, text, heading_path, tokens, salt })
        };
        let chunks = chunks.into_iter().map(chunk).collect::<Result<_, RecordError>>()?;
        Ok(Document { id, title, format, content, content_hash, digest, metadata, chunks })
    }
}

impl Document {
    /// Where the cited text of chunk `index` lies, if it is on disk and its span is within the original.
    pub(in crate::collection) fn lies(&self, index: u32) -> Option<Range<usize>> {
        let chunk = self.chunks.get(index as usize)?;
        if let Some(own) = &chunk.text {
            return own.lies();
        }
        let whole = self.content.lies()?;
        let at =
            |offset: u32| whole.start.checked_add(offset as usize).filter(|at| *at <= whole.end);
        Some(at(chunk.start)?..at(chunk.end)?).filter(|lies| lies.start <= lies.end)
    }

    /// The same document with its texts, out of the part that it lies in; `None` if it lies in another one.
    pub(in crate::collection) fn filled(&self, part: &[u8]) -> Option<Self> {
        let fill = |text: &Text| match text.lies() {
            Some(lies) => read_in(part, &lies).map(Text::from),
            None => Some(text.clone()),
        };
        let chunk = |chunk: &Chunk| {
            let text = match &chunk.text {
                Some(own) => Some(fill(own)?),
                None => None,
            };
            Some(Chunk { text, heading_path: chunk.heading_path.clone(), ..*chunk })
        };
        let chunks: Option<Vec<Chunk>> = self.chunks.iter().map(chunk).collect();
        Some(Self {
            id: self.id.clone(),
            title: self.title.clone(),
            format: self.format,
            content: fill(&self.content)?,
            content_hash: self.content_hash,
            digest: self.digest,
            metadata: self.metadata.clone(),
            chunks: chunks?,
        })
    }
}

/// Where a text that was decoded out of `part` lies in it.
fn text(text: &str, part: &[u8]) -> Result<Text, RecordError> {
    let start = text.as_ptr().addr().checked_sub(part.as_ptr().addr());
    let lies = start.and_then(|start| Some(start..start.checked_add(text.len())?));
    let lies = lies.filter(|lies| read_in(part, lies) == Some(text)).ok_or(RecordError)?;
    Ok(Text::elsewhere(lies))
}
