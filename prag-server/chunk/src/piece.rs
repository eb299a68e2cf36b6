//! What goes in and what comes out.
//!
//! Layer: a leaf of the server.
//! Holds: formats, parameters, pieces, and the trait through which the caller counts tokens.
//! Never: prints a piece's text.
//! Invariant: parameters that pass [`Params::check`] leave room for text beside a heading path.

use crate::{ChunkError, TOKENS_MIN, VERSION};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// CommonMark; headings make the heading path.
    Markdown,
    /// HTML; `h1` to `h6` make the heading path; scripts, styles and navigation are left out.
    Html,
    /// Plain text.
    Text,
    /// One JSON object a line: its `text`, or else its longest string; `title` is the heading path.
    Jsonl,
}

/// Counts tokens as the embedding model does, special tokens left out.
pub trait TokenCount {
    /// Tokens of `text`.
    fn count(&self, text: &str) -> usize;
}

impl<F: Fn(&str) -> usize> TokenCount for F {
    fn count(&self, text: &str) -> usize {
        self(text)
    }
}

/// How large pieces may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Most tokens of a piece with its heading path, at least [`TOKENS_MIN`].
    pub max_tokens: usize,
    /// Most bytes of a piece's text, 64 to 4096 by default: one token may be many bytes.
    pub max_bytes: usize,
    /// Tokens that a piece repeats of the one before it within a section; less than half of `max_tokens`.
    pub overlap_tokens: usize,
    /// Must be [`VERSION`]; a stored profile names it.
    pub version: u32,
}

impl Params {
    /// Pieces of at most `max_tokens` tokens and 4,096 bytes, without overlap.
    #[must_use]
    pub const fn new(max_tokens: usize) -> Self {
        Self { max_tokens, max_bytes: PIECE_BYTES_MAX, overlap_tokens: 0, version: VERSION }
    }

    pub(crate) fn check(&self) -> Result<(), ChunkError> {
        if self.version != VERSION {
            Err(ChunkError::Params("version"))
        } else if !(TOKENS_MIN..=TOKENS_MAX).contains(&self.max_tokens) {
            Err(ChunkError::Params("max_tokens"))
        } else if !(PIECE_BYTES_MIN..=PIECE_BYTES_MAX).contains(&self.max_bytes) {
            Err(ChunkError::Params("max_bytes"))
        } else if self.overlap_tokens * 2 >= self.max_tokens {
            Err(ChunkError::Params("overlap_tokens"))
        } else {
            Ok(())
        }
    }
}

/// One piece of a document.
#[derive(PartialEq, Eq)]
pub struct Piece {
    /// Where it stands in the source, bytes, on character boundaries.
    pub span: Range<usize>,
    /// What is cited and searched. Markdown and plain text: exactly `source[span]`.
    pub text: String,
    /// Headings above the text, outermost first; the section's own heading is the last.
    pub heading_path: Vec<String>,
    /// Tokens of [`Piece::embedded_text`].
    pub tokens: usize,
    /// What is embedded before the text; empty, or headings that the text itself does not begin with.
    pub(crate) context: String,
}

impl Piece {
    /// What is embedded: the headings that the text does not begin with, then the text.
    #[must_use]
    pub fn embedded_text(&self) -> String {
        with_context(&self.context, &self.text)
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Piece({:?}, {} tokens)", self.span, self.tokens)
    }
}

pub(crate) fn with_context(context: &str, text: &str) -> String {
    if context.is_empty() { text.to_owned() } else { [context, "\n", text].concat() }
}

const TOKENS_MAX: usize = 1 << 16;
const PIECE_BYTES_MIN: usize = 64;
const PIECE_BYTES_MAX: usize = 4096;
