//! What can go wrong in an index, and the names of its parts.
//!
//! Layer: index.
//! Holds: one error for the crate; it names rows and parts.
//! Never: text, terms, ids, vectors or scores.
//! Invariant: bytes that do not decode are [`IndexError::Corrupt`], whatever they hold.

use std::fmt;

/// Why an index refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// A vector or query is not as long as the part's dimension. Not retryable.
    #[error("a vector has {found} dimensions where {expected} are expected")]
    Dimension {
        /// The part's dimension.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A row's vector is not finite or not of unit length. Not retryable.
    #[error("the vector of row {0} is not finite or not of unit length")]
    Vector(usize),
    /// A query's vector is not finite. Not retryable.
    #[error("the query vector is not finite")]
    Query,
    /// No rows, or more than ordinals. Not retryable.
    #[error("a part holds at most 2^24 rows, and a segment at least one")]
    Rows,
    /// A build parameter is out of its range. Not retryable.
    #[error("a build parameter is out of range")]
    Params,
    /// Worker threads did not start. Worth one retry.
    #[error("the build's threads did not start")]
    Threads,
    /// The build was told to stop. Nothing was built; build again when there is time.
    #[error("the build was stopped")]
    Stopped,
    /// The term index failed. Not retryable: rebuild the segment.
    #[error("the term index failed")]
    Words,
    /// A part is missing. Rebuild the segment from its records.
    #[error("part {0} is missing")]
    Missing(PartName),
    /// A part does not decode. Rebuild the segment from its records.
    #[error("part {0} is corrupt")]
    Corrupt(PartName),
    /// A part is of a format or analyser that this build does not know. Rebuild the segment.
    #[error("part {0} is of an unknown format")]
    Format(PartName),
}

/// The parts that a segment is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartName {
    /// The vectors and their codes.
    Vectors = 1,
    /// The graph; small segments have none.
    Graph = 2,
    /// The term index.
    Words = 3,
    /// Document ids and metadata.
    Fields = 4,
}

impl PartName {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Vectors, Self::Graph, Self::Words, Self::Fields];

    /// The number that stands for the part in a manifest.
    #[must_use]
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The part that `number` stands for.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_u8() == number)
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Vectors => "vectors",
            Self::Graph => "graph",
            Self::Words => "words",
            Self::Fields => "fields",
        })
    }
}
