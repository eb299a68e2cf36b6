//! Query and context.
//!
//! Layer: protocol, wire.
//! Holds: bodies of query, of several queries at once, and of context.
//! Never: an exact score, or a vector in a reply.
//! Invariant: citation i belongs to passage i; hits are ordered best first.

use crate::DocumentId;
use crate::filter::Filter;
use crate::metadata::Metadata;
use crate::wire::metering::Metering;
use crate::wire::receipt::Receipt;
use serde::{Deserialize, Serialize};

/// `POST /v1/collections/{c}/query`. Exactly one of `text` and `vector` unless both legs are wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// What is sought, at most 16 KiB; needed for BM25, and embedded for the dense leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Dense query of the collection's dimension, instead of embedding `text`: numbers, or base64 of little-endian f32.
    #[serde(default, with = "crate::wire::floats::maybe", skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<f32>>,
    /// Hits wanted, 1 to 1000; default 10, and never more than the grant allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// Which legs run; default hybrid where both can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// How the legs are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusion>,
    /// Which documents may answer; applied before search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub filter: Option<Filter>,
    /// Exact scan instead of the graph.
    #[serde(default)]
    pub exact: bool,
    /// Breadth of the graph walk, `k` to 4096; default 96.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ef: Option<u32>,
    /// Put each document's metadata into the hits.
    #[serde(default)]
    pub with_metadata: bool,
    /// Sign a receipt for the answer.
    #[serde(default)]
    pub receipt: bool,
    /// A token from a write: answer only with that write visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// For a metered session: which request this is, and what is countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Metering>,
}

/// Which legs of the search run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Vectors only.
    Dense,
    /// BM25 only.
    Sparse,
    /// Both, fused.
    Hybrid,
}

/// How two ranked lists become one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fusion {
    /// Weighted sum of min-max normalised scores; `weight` of the dense leg, 0 to 1.
    Linear {
        /// Weight of the dense leg.
        weight: f32,
    },
    /// Reciprocal rank fusion.
    Rrf {
        /// The constant added to each rank, 1 to 1000; commonly 60.
        k: u32,
    },
    /// Distribution-based score fusion.
    Dbsf,
}

/// Reply to [`QueryRequest`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryReply {
    /// Best first.
    pub hits: Vec<Hit>,
    /// The profile's digest, hex.
    pub profile: String,
    /// Where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// `POST /v1/collections/{c}/queries`: several queries under one signature, of which each costs what it costs alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QueriesRequest {
    /// 1 to 64, that want at most 1000 hits together; without `metering` of their own.
    #[serde(deserialize_with = "crate::objects::many")]
    pub queries: Vec<QueryRequest>,
    /// For a metered session: which request this is, and what is countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Metering>,
}

/// Reply to [`QueriesRequest`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueriesReply {
    /// Reply i answers query i.
    pub replies: Vec<QueryReply>,
}

/// A chunk that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hit {
    /// The document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Which chunk of the document, from 0.
    pub chunk: u32,
    /// Fused score, three digits.
    pub score: f32,
    /// The chunk's text.
    pub text: String,
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Headings above the chunk, outermost first.
    pub heading_path: Vec<String>,
    /// BLAKE3 of the document's original, hex.
    pub content_hash: String,
    /// The document's metadata, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub metadata: Option<Metadata>,
}

/// `POST /v1/collections/{c}/context`: cited passages within a token budget.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ContextRequest {
    /// The prompt, at most 16 KiB.
    pub prompt: String,
    /// Most tokens of the whole `context`, 64 to 32768.
    pub budget: u32,
    /// Most passages, 1 to 200; default 12, and never more than the grant allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passages: Option<u32>,
    /// Sign a receipt for the answer.
    #[serde(default)]
    pub receipt: bool,
    /// Which documents may answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub filter: Option<Filter>,
    /// How the legs are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusion>,
    /// A token from a write: answer only with that write visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// For a metered session: which request this is, and what is countersigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Metering>,
}

/// Reply to [`ContextRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContextReply {
    /// Ready for a prompt: numbered passages, each fenced and marked untrusted.
    pub context: String,
    /// Tokens of `context`, by the collection's tokenizer.
    pub tokens: u32,
    /// The budget asked for.
    pub budget: u32,
    /// Citation i belongs to passage `[i]`.
    pub citations: Vec<Citation>,
    /// The profile's digest, hex.
    pub profile: String,
    /// Where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Where a passage comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Citation {
    /// The passage's number, from 1.
    pub number: u32,
    /// The document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Headings above the passage.
    pub heading_path: Vec<String>,
    /// First byte in the original.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// BLAKE3 of the document's original, hex.
    pub content_hash: String,
    /// Score, three digits.
    pub score: f32,
    /// Tokens of the passage.
    pub tokens: u32,
}

/// Bytes of `text` as a JSON string, its quotes and a comma included.
#[must_use]
pub fn json_bytes(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..=0x1f => 5,
        _ => 0,
    });
    text.len() + escaped.sum::<usize>() + 3
}
