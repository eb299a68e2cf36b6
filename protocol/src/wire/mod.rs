//! REST `/v1` bodies, requests and replies, one file per resource.
//!
//! Layer: protocol.
//! Holds: serde types; unknown fields are refused.
//! Never: document ids, query text or filters in a URL: they travel in bodies.
//! Invariant: what a field may hold is said here; the server's `flow` enforces it.

pub mod attestation;
pub mod channel;
pub mod collections;
pub mod documents;
pub mod floats;
pub mod grants;
pub mod metering;
pub mod models;
pub mod operations;
pub mod peer;
pub mod policy;
pub mod prices;
pub mod readers;
pub mod receipt;
pub mod relays;
pub mod search;
pub mod snapshots;

/// One page of a listing.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Page<T> {
    /// The rows, in the listing's order.
    pub data: Vec<T>,
    /// Opaque; send it back as `cursor` to go on. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
