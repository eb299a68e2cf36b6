//! Documents to pieces: what is embedded, searched and cited.
//!
//! Layer: a leaf of the server; knows none of our crates.
//! Holds: extraction (Markdown, HTML, plain text, JSON lines) and splitting under a token budget.
//! Never: tokenizes (the caller counts), keeps text, reads files.
//! Invariant: a piece's span says exactly where its text stands in the source, and no piece, its heading
//! path included, is over the budget.
//!
//! Source bytes are hostile: every step is bounded, and nothing here panics on them.

mod error;
mod extract;
mod map;
mod piece;
mod split;

pub use error::ChunkError;
pub use piece::{Format, Params, Piece, TokenCount};

/// Version of the chunker, part of a collection's profile: other pieces, other name.
pub const CHUNKER: &str = "prag-chunk/1";
/// The number in [`CHUNKER`].
pub const VERSION: u32 = 1;
/// Largest source, bytes.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;
/// Most pieces of one document.
pub const PIECES_MAX: usize = 8192;
/// Longest heading in a heading path, bytes; longer ones are cut. Six of them stay under 1,024.
pub const HEADING_BYTES_MAX: usize = 160;
/// Smallest token budget.
pub const TOKENS_MIN: usize = 16;

/// Cut a document into pieces, in the order of the source.
///
/// `source`: at most [`SOURCE_BYTES_MAX`] bytes. Returns at most [`PIECES_MAX`] pieces; none if there is
/// no visible text. Spans ascend and do not overlap, unless `params` ask for overlap. In Markdown and plain
/// text every visible character is in some piece. Blocks the thread.
///
/// # Errors
/// Nothing is returned in part: [`ChunkError`] names the limit, or the line of a bad record.
pub fn chunk(
    format: Format,
    source: &str,
    sizer: &dyn TokenCount,
    params: &Params,
) -> Result<Vec<Piece>, ChunkError> {
    params.check()?;
    if source.len() > SOURCE_BYTES_MAX {
        return Err(ChunkError::SourceTooLong { bytes: source.len(), max: SOURCE_BYTES_MAX });
    }
    let mut cutter = split::Cutter::new(sizer, params);
    match format {
        Format::Text => cutter.cut(&extract::text(source))?,
        Format::Markdown => cutter.cut(&extract::markdown(source))?,
        Format::Html => cutter.cut(&extract::html(source))?,
        Format::Jsonl => extract::jsonl(source, |record| cutter.cut(&record))?,
    }
    Ok(cutter.finish())
}

#[cfg(test)]
mod tests;
