//! Why a document was not cut.
//!
//! Layer: a leaf of the server.
//! Holds: one enum; each variant says which limit or which line.
//! Never: text of the document.
//! Invariant: no variant is retryable with the same source and parameters.

/// Why a document was not cut. Not retryable as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// Split the document before it is sent.
    #[error("source of {bytes} bytes is over {max}")]
    SourceTooLong {
        /// Length of the source.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Split the document, or allow more tokens a piece.
    #[error("more than {max} pieces")]
    TooManyPieces {
        /// The limit.
        max: usize,
    },
    /// A parameter is outside its bounds.
    #[error("parameter {0} is out of bounds")]
    Params(&'static str),
    /// A line is not a JSON object or string, or holds no text.
    #[error("line {line} is not a record with text")]
    Record {
        /// Counted from 1.
        line: usize,
    },
    /// One character alone is over the token budget.
    #[error("cannot cut below the token budget at byte {at}")]
    Unsplittable {
        /// Offset in the source.
        at: usize,
    },
}
