//! The searchable parts of a shard: immutable segments and the exact tail.
//!
//! Layer: leaf of the server; reads only filters, metadata and limits from `protocol`.
//! Holds: vectors with their graph, the term index, the metadata index, fusion of ranked lists.
//! Never: files, keys, the ledger, or the order in which a request uses it.
//! Invariant: ordinals are dense from 0 within a part; a filter is applied before ranking, never
//! after; what a [`Tail`] and a [`Segment`] answer for the same rows is equal, but for the graph.

mod analyze;
mod bm25;
mod bytes;
mod error;
mod fields;
#[cfg(test)]
mod fixture;
mod fuse;
mod graph;
pub mod oblivious;
mod scratch;
mod segment;
mod simd;
mod tail;
mod top;
mod vectors;
mod words;

pub use analyze::{ANALYZER, Analyzed, Analyzer};
pub use bm25::TermStats;
pub use error::{IndexError, PartName};
pub use fuse::{Fused, Fusion, fuse};
pub use graph::{Builder, Watch};
pub use segment::{BuildParams, Built, Segment, SegmentMemory};
pub use tail::Tail;
pub use top::Hit;
pub use vectors::Precision;

use prag_protocol::metadata::Metadata;
use std::sync::Arc;

/// A chunk, as it is indexed.
pub struct Row {
    /// The document's id, which filters may name; not unique among rows.
    pub doc: String,
    /// What BM25 sees.
    pub text: String,
    /// Of unit L2 length and of the part's dimension.
    pub vector: Vec<f32>,
    /// What filters see.
    pub metadata: Arc<Metadata>,
}

/// Widest graph walk; wider ones are narrowed to it.
pub const EF_MAX: usize = 4096;
