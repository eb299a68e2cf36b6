//! Documents: put, bulk, list, look up, delete.
//!
//! Layer: protocol, wire.
//! Holds: bodies of put, bulk, list, look-up and delete.
//! Never: a document's id in a path: a handle stands there.
//! Invariant: line i of a bulk reply answers line i of the request.

use crate::filter::Filter;
use crate::metadata::Metadata;
use crate::wire::metering::Metering;
use crate::wire::receipt::Receipt;
use crate::{CollectionId, DocumentId};
use serde::{Deserialize, Serialize};

/// When a write is answered: the query `ack` of put, bulk and delete.
///
/// `replicated` is a level of the design that this version does not have; it is refused by that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// Durable on this worker.
    #[default]
    Sealed,
    /// Also covered by an anchor on the ledger: from then on the worker itself refuses a shard from before the write.
    Anchored,
}

impl Ack {
    /// The level's text, as in a query.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Anchored => "anchored",
        }
    }
}

/// What a write is asked besides what it writes: the query of its route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// How safe it is to be before it is answered.
    pub ack: Ack,
    /// Whether the worker signs what it did.
    pub receipt: bool,
}

/// How a document's content is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// CommonMark.
    Markdown,
    /// HTML.
    Html,
    /// Plain text.
    #[default]
    Text,
    /// One JSON record per line.
    Jsonl,
}

/// `PUT /v1/collections/{c}/documents`, and a line of the bulk request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PutDocument {
    /// The document's id; the same id again replaces the document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DocumentId,
    /// At most 512 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How `content` is read.
    #[serde(default)]
    pub format: Format,
    /// The original, at most 2 MiB; spans in citations refer to it.
    pub content: String,
    /// What filters see.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: Metadata,
    /// Spans of `content` with their vectors: for a collection with supplied vectors, and only there.
    #[serde(
        default,
        deserialize_with = "crate::objects::maybe_many",
        skip_serializing_if = "Option::is_none"
    )]
    pub chunks: Option<Vec<SuppliedChunk>>,
}

/// A chunk that the owner cut and embedded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SuppliedChunk {
    /// First byte in `content`.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// As long as the collection's dimension; finite; normalised by the worker. Numbers, or base64 of little-endian f32.
    #[serde(with = "crate::wire::floats")]
    pub vector: Vec<f32>,
}

/// One line of `POST /v1/collections/{c}/documents/bulk` (NDJSON).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum BulkLine {
    /// A sealed corpus record.
    Sealed(SealedLine),
    /// A document.
    Document(PutDocument),
}

/// A record of an opened corpus.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SealedLine {
    /// The corpus id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub corpus: CollectionId,
    /// The record's number in the file, from 0.
    pub record: u64,
    /// The sealed record, base64.
    pub sealed: String,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// New.
    Created,
    /// Replaced.
    Updated,
    /// The same content, title, format and metadata were there already.
    Unchanged,
}

/// Reply to a put.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutReply {
    /// What became of it.
    pub outcome: Outcome,
    /// The document's opaque handle, for `GET` and `DELETE`.
    pub handle: String,
    /// Chunks made.
    pub chunks: u32,
    /// Tokens embedded.
    pub tokens: u64,
    /// Durable head after this write.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub head: serde_json::Value,
    /// Read-your-writes token.
    pub token: String,
    /// How safe the write was when this was sent: the level that was asked for.
    #[serde(default)]
    pub ack: Ack,
    /// Where one was asked for, and the put was not in bulk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// One status line of the bulk reply; line i answers input line i.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkStatus {
    /// Durable.
    Ok(PutReply),
    /// Refused; the other lines stand.
    Problem(crate::problem::Problem),
}

/// The last line of the bulk reply, where a receipt was asked for: one for all lines that were taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkReceipt {
    /// Its entries are the lines that were taken, in their order.
    pub receipt: Receipt,
}

/// A document as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentInfo {
    /// The id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DocumentId,
    /// Its opaque handle.
    pub handle: String,
    /// The title.
    pub title: String,
    /// The format.
    pub format: Format,
    /// Bytes of the original.
    pub bytes: u64,
    /// Chunks.
    pub chunks: u32,
    /// BLAKE3 of the original, hex.
    pub content_hash: String,
    /// The metadata.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: Metadata,
    /// The original; only where one document was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// `POST /v1/collections/{c}/documents/lookup`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The document's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DocumentId,
    /// For a metered session: which request this is, and what is countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Metering>,
}

/// `DELETE /v1/collections/{c}/documents`: exactly one of `ids` and `filter`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteDocuments {
    /// At most 1000 ids; an absent one is not an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub ids: Option<Vec<DocumentId>>,
    /// Every document that the filter matches; an empty filter is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub filter: Option<Filter>,
    /// Sign a receipt for it; then at most 4096 documents may go at once.
    #[serde(default)]
    pub receipt: bool,
    /// Answer only when the bytes of everything deleted are gone from this worker's files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purge: bool,
}

/// Reply to a delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeleteReply {
    /// How many documents went.
    pub deleted: u64,
    /// True where a purge was asked for, and no byte of what was ever deleted is left.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purged: bool,
    /// Durable head after this write.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub head: serde_json::Value,
    /// Read-your-writes token.
    pub token: String,
    /// How safe the write was when this was sent: the level that was asked for.
    #[serde(default)]
    pub ack: Ack,
    /// Where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}
