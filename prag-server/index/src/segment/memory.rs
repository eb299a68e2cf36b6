//! What a segment takes of memory, part by part.
//!
//! Layer: index.
//! Holds: bytes that were asked of the allocator, whether filled or not.
//! Never: the allocator's own share; what a thread keeps for its searches.
//! Invariant: a part that grows shows it.

use super::Segment;
use crate::graph::Graph;

/// Bytes by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentMemory {
    /// What is kept of the vectors beside their codes.
    pub vectors: usize,
    /// i8 codes, their scales and errors.
    pub codes: usize,
    /// The graph.
    pub links: usize,
    /// The term index.
    pub words: usize,
    /// Metadata and document ids.
    pub fields: usize,
}

impl SegmentMemory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        self.vectors + self.codes + self.links + self.words + self.fields
    }
}

impl Segment {
    /// What the segment takes of memory.
    #[must_use]
    pub fn memory(&self) -> SegmentMemory {
        let [vectors, codes] = self.vectors.memory();
        let links = self.graph.as_ref().map_or(0, Graph::memory);
        let (words, fields) = (self.words.memory(), self.fields.memory());
        SegmentMemory { vectors, codes, links, words, fields }
    }
}
