//! Receipts as their holder keeps them: what was signed, and what opens its hashes.
//!
//! Layer: client, above `attest`.
//! Holds: one receipt's record, and the check that it holds and that its openings are what was signed.
//! Never: a clock, a connection; what a receipt says needs neither.
//! Invariant: a [`Checked`] was signed by a verified worker, and every salted hash in it was opened.

pub mod file;
mod take;

pub use file::{Judged, ReceiptFile, verify};
pub use take::Kept;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_protocol::DocumentId;
use prag_protocol::filter::Filter;
use prag_protocol::wire::receipt::{OpenedDocument, OpenedId};
use prag_trust::evidence::Worker;
use prag_trust::receipt::{
    ChunkParts, Deed, Passage, Receipt, ReceiptError, Retrieval, SignedReceipt, chunk_hash,
    deleted_hash, document_hash, query_hash,
};
use prag_trust::verified::Verified;
use serde::{Deserialize, Serialize};

/// Why a receipt is refused. Not retryable with the same receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// What is signed does not hold.
    #[error(transparent)]
    Signed(#[from] ReceiptError),
    /// A field is no base64 or hex of its length.
    #[error("its {0} does not parse")]
    Form(&'static str),
    /// It opens something else than what was signed: another kind, or another number of entries.
    #[error("it opens other entries than were signed")]
    Entries,
    /// A salted hash opens to something else.
    #[error("{what} {number} is not what was signed")]
    Opening {
        /// The kind of entry.
        what: &'static str,
        /// Its number, from 1.
        number: usize,
    },
    /// It belongs to something else than what was asked for.
    #[error("it is not of this request: {0}")]
    Request(&'static str),
}

/// A receipt as it is kept: a line of a receipt file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The bytes that are signed, base64.
    pub signed: String,
    /// Ed25519 by the worker's attested key, base64.
    pub signature: String,
    /// What opens the hashes in them.
    pub opening: Opening,
}

/// What opens a receipt's hashes, entry by entry.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// Of a retrieval.
    Retrieval(Box<OpenedRetrieval>),
    /// Of a write: the documents that were taken.
    Write(Vec<OpenedDocument>),
    /// Of a deletion: the documents that went.
    Deletion(Vec<OpenedId>),
}

/// What was asked, and what answered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedRetrieval {
    /// The query's salt, hex.
    pub salt: String,
    /// The query or prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The query's vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<f32>>,
    /// The caller's filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// The chunks, best first.
    pub chunks: Vec<OpenedChunk>,
}

/// A chunk that answered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenedChunk {
    /// The chunk's salt, hex.
    pub salt: String,
    /// The document.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// Which chunk of the document, from 0.
    pub chunk: u32,
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Headings above, outermost first.
    pub heading_path: Vec<String>,
    /// BLAKE3 of the original, hex.
    pub content_hash: String,
    /// The cited text.
    pub text: String,
}

/// A receipt that holds, with what it stands for.
pub struct Checked {
    /// What was signed.
    pub receipt: Verified<Receipt>,
    /// What it means.
    pub opening: Opening,
}

impl Record {
    /// The signed part.
    ///
    /// # Errors
    /// [`Refusal::Form`].
    pub fn signed(&self) -> Result<SignedReceipt, Refusal> {
        let bytes = STANDARD.decode(&self.signed).map_err(|_| Refusal::Form("signed part"))?;
        let signature = STANDARD.decode(&self.signature).ok().and_then(|raw| raw.try_into().ok());
        let signature = signature.ok_or(Refusal::Form("signature"))?;
        Ok(SignedReceipt { bytes, signature })
    }

    /// The receipt, if `worker` signed it, every proof in it holds, and every hash opens to what is shown.
    ///
    /// # Errors
    /// [`Refusal`], of the first check that failed.
    pub fn check(self, worker: &Verified<Worker>) -> Result<Checked, Refusal> {
        let receipt = self.signed()?.verify(worker)?;
        match (&receipt.deed, &self.opening) {
            (Deed::Retrieval(signed), Opening::Retrieval(shown)) => retrieval(signed, shown)?,
            (Deed::Write(signed), Opening::Write(shown)) => {
                entries("document", signed, shown, |signed, shown| {
                    let content = unhex(&shown.content_hash, "content hash")?;
                    let salt = unhex(&shown.salt, "salt")?;
                    Ok(signed.document == document_hash(&salt, shown.id.as_str(), &content))
                })?;
            }
            (Deed::Deletion(signed), Opening::Deletion(shown)) => {
                entries("document", &signed.documents, shown, |signed, shown| {
                    let salt = unhex(&shown.salt, "salt")?;
                    Ok(*signed == deleted_hash(&salt, shown.id.as_str()))
                })?;
            }
            (Deed::Retrieval(_) | Deed::Write(_) | Deed::Deletion(_), _) => {
                return Err(Refusal::Entries);
            }
        }
        Ok(Checked { receipt, opening: self.opening })
    }
}

fn retrieval(signed: &Retrieval, shown: &OpenedRetrieval) -> Result<(), Refusal> {
    let salt = unhex(&shown.salt, "salt")?;
    let filter = shown.filter.as_ref().map(Filter::to_bytes);
    let (text, vector) = (shown.text.as_deref(), shown.vector.as_deref());
    if signed.query != query_hash(&salt, text, vector, filter.as_deref()) {
        return Err(Refusal::Opening { what: "query", number: 1 });
    }
    entries("chunk", &signed.passages, &shown.chunks, |signed: &Passage, shown| {
        let parts = ChunkParts {
            salt: &unhex(&shown.salt, "salt")?,
            document: shown.document.as_str(),
            title: &shown.title,
            chunk: shown.chunk,
            start: shown.start,
            end: shown.end,
            heading_path: &shown.heading_path,
            content_hash: &unhex(&shown.content_hash, "content hash")?,
            text: &shown.text,
        };
        Ok(signed.chunk == chunk_hash(&parts))
    })
}

/// As many shown as signed, and each opens its own.
fn entries<S, O>(
    what: &'static str,
    signed: &[S],
    shown: &[O],
    opens: impl Fn(&S, &O) -> Result<bool, Refusal>,
) -> Result<(), Refusal> {
    if signed.len() != shown.len() {
        return Err(Refusal::Entries);
    }
    for (number, (signed, shown)) in (1..).zip(signed.iter().zip(shown)) {
        if !opens(signed, shown)? {
            return Err(Refusal::Opening { what, number });
        }
    }
    Ok(())
}

/// Bytes of lowercase hexadecimal text; any other spelling is refused, so that a value has one.
fn unhex<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], Refusal> {
    let mut out = [0; N];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if lower && hex::decode_to_slice(text, &mut out).is_ok() {
        Ok(out)
    } else {
        Err(Refusal::Form(what))
    }
}

#[cfg(test)]
mod tests;
