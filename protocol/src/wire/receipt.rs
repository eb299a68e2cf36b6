//! Receipts as the worker hands them out.
//!
//! Layer: protocol, wire.
//! Holds: the signed bytes, and what opens the salted hashes in them.
//! Never: in an opening, what the reply that it came with already shows.
//! Invariant: opening i belongs to entry i of the signed bytes.

use crate::DocumentId;
use serde::{Deserialize, Serialize};

/// A receipt, beside the reply that it is for. Its reader checks it (`trust::receipt`) and keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The bytes that are signed, base64.
    pub signed: String,
    /// Ed25519 by the worker's attested key, base64.
    pub signature: String,
    /// What opens its hashes: for its holder's eyes.
    pub openings: Openings,
}

/// What opens the salted hashes of a receipt. Salts are 32 hex digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Openings {
    /// Of a query; hit i shows the rest of chunk i.
    Query {
        /// The query's salt.
        salt: String,
        /// Each chunk's salt.
        chunks: Vec<String>,
    },
    /// Of a context; citation i shows the rest of passage i.
    Context {
        /// The prompt's salt.
        salt: String,
        /// What the citations lack.
        passages: Vec<OpenedPassage>,
    },
    /// Of a write: the documents that were taken, in the order of the request.
    Write(Vec<OpenedDocument>),
    /// Of a deletion: the documents that went.
    Deletion(Vec<OpenedId>),
}

/// What a citation does not say of its chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenedPassage {
    /// The chunk's salt.
    pub salt: String,
    /// Which chunk of the document, from 0.
    pub chunk: u32,
    /// The cited text, as it was before it was fenced.
    pub text: String,
}

/// A document that was put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenedDocument {
    /// The salt of this entry.
    pub salt: String,
    /// The document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DocumentId,
    /// BLAKE3 of the original, hex.
    pub content_hash: String,
}

/// A document that was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenedId {
    /// The salt of this entry.
    pub salt: String,
    /// The document.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: DocumentId,
}
