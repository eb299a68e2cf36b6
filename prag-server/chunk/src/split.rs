//! Cutting text under a token budget, along sections and sentences.
//!
//! Layer: a leaf of the server.
//! Holds: sections by heading, the joining of small ones, the cutting of large ones.
//! Never: crosses from a section into one that is not beside or below it.
//! Invariant: what leaves here was counted whole, context included, and is within the budget.

mod sections;

use crate::extract::{Extract, floor_boundary};
use crate::piece::with_context;
use crate::{ChunkError, PIECES_MAX, Params, Piece, TokenCount};
use sections::{Block, Sections};
use std::ops::Range;
use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter, TextSplitter};

/// Collects the pieces of one document.
pub(crate) struct Cutter<'a> {
    sizer: &'a dyn TokenCount,
    params: &'a Params,
    pieces: Vec<Piece>,
}

impl<'a> Cutter<'a> {
    pub(crate) fn new(sizer: &'a dyn TokenCount, params: &'a Params) -> Self {
        Self { sizer, params, pieces: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Piece> {
        self.pieces
    }

    /// Cuts one extract; its pieces follow those before it.
    pub(crate) fn cut(&mut self, extract: &Extract<'_>) -> Result<(), ChunkError> {
        let mut sections = Sections::new(extract);
        while let Some(mut block) = sections.next_block() {
            let context = self.context(&block.path);
            let ruler = self.ruler(&context);
            let mut tokens = ruler.size(&extract.text[block.range.clone()]);
            while tokens < self.params.max_tokens / SMALL_SHARE {
                let Some(longer) = sections.peek_joined(&block) else {
                    break;
                };
                let joined = ruler.size(&extract.text[longer]);
                if joined > self.params.max_tokens {
                    break;
                }
                tokens = joined;
                sections.join(&mut block);
            }
            if tokens <= self.params.max_tokens {
                self.push(extract, &block, &context, block.range.clone())?;
            } else {
                self.cut_block(extract, &block, &context)?;
            }
        }
        Ok(())
    }

    fn cut_block(
        &mut self,
        extract: &Extract<'_>,
        block: &Block,
        context: &str,
    ) -> Result<(), ChunkError> {
        let mut start = block.range.start;
        while start < block.range.end {
            let window = window(&extract.text[start..block.range.end]);
            let text = &extract.text[start..start + window];
            let found = self.split(text, context, extract.markdown)?;
            for piece in found {
                let range = start + piece.start..start + piece.end;
                self.push(extract, block, context, range)?;
            }
            start += window;
        }
        Ok(())
    }

    fn split(
        &self,
        text: &str,
        context: &str,
        markdown: bool,
    ) -> Result<Vec<Range<usize>>, ChunkError> {
        let max = self.params.max_tokens;
        let overlap = match self.params.overlap_tokens {
            0 => 0,
            // The ruler counts the context into every size, so into the overlap's too.
            tokens => (tokens + self.sizer.count(context)).min(max - 1),
        };
        let config = ChunkConfig::new(max)
            .with_sizer(self.ruler(context))
            .with_overlap(overlap)
            .map_err(|_| ChunkError::Params("overlap_tokens"))?;
        let room = PIECES_MAX + 1 - self.pieces.len().min(PIECES_MAX);
        let range = |(at, piece): (usize, &str)| at..at + piece.len();
        Ok(if markdown {
            let splitter = MarkdownSplitter::new(config);
            splitter.chunk_indices(text).take(room).map(range).collect()
        } else {
            let splitter = TextSplitter::new(config);
            splitter.chunk_indices(text).take(room).map(range).collect()
        })
    }

    /// Counts a range of the extracted text for good, and keeps it unless it is blank.
    fn push(
        &mut self,
        extract: &Extract<'_>,
        block: &Block,
        context: &str,
        range: Range<usize>,
    ) -> Result<(), ChunkError> {
        let raw = &extract.text[range.clone()];
        let text = raw.trim();
        if text.is_empty() {
            return Ok(());
        }
        if self.pieces.len() >= PIECES_MAX {
            return Err(ChunkError::TooManyPieces { max: PIECES_MAX });
        }
        let start = range.start + (raw.len() - raw.trim_start().len());
        let span = extract.map.span(start..start + text.len());
        let max = self.params.max_tokens;
        let mut context = context.to_owned();
        let mut tokens = self.ruler(&context).size(text);
        if extract.text[block.range.start..start].trim().is_empty() {
            // A piece that begins with its own heading does not need it twice.
            let above = self.context(&block.path[..block.above]);
            let fewer = self.ruler(&above).size(text);
            if fewer <= max {
                (context, tokens) = (above, fewer);
            }
        }
        if tokens > max {
            return Err(ChunkError::Unsplittable { at: span.start });
        }
        self.pieces.push(Piece {
            span,
            text: text.to_owned(),
            heading_path: block.path.clone(),
            tokens,
            context,
        });
        Ok(())
    }

    /// The headings to embed before a text: the innermost ones that fit in a quarter of the budget.
    fn context(&self, path: &[String]) -> String {
        (0..path.len())
            .map(|from| path[from..].join(" > "))
            .find(|context| self.sizer.count(context) <= self.params.max_tokens / CONTEXT_SHARE)
            .unwrap_or_default()
    }

    fn ruler(&self, context: &str) -> Ruler<'a> {
        Ruler { sizer: self.sizer, params: self.params, context: context.to_owned() }
    }
}

/// Counts a text with its context.
struct Ruler<'a> {
    sizer: &'a dyn TokenCount,
    params: &'a Params,
    context: String,
}

impl ChunkSizer for Ruler<'_> {
    fn size(&self, text: &str) -> usize {
        let text = text.trim();
        if text.len() > self.params.max_bytes {
            // Too long whatever its tokens; and hostile text is never counted at length.
            return self.params.max_tokens + text.len();
        }
        self.sizer.count(&with_context(&self.context, text))
    }
}

/// How much of a long text is cut at a time: up to a paragraph's, line's or word's end.
///
/// Bounds what a splitter sees, so that its cost is linear in the document.
fn window(text: &str) -> usize {
    if text.len() <= WINDOW_BYTES {
        return text.len();
    }
    let most = floor_boundary(text, WINDOW_BYTES);
    let tail_from = floor_boundary(text, WINDOW_BYTES / 2);
    let tail = &text[tail_from..most];
    let end = |mark: &str| tail.rfind(mark).map(|at| tail_from + at + mark.len());
    end("\n\n").or_else(|| end("\n")).or_else(|| end(" ")).unwrap_or(most)
}

const WINDOW_BYTES: usize = 64 << 10;
/// A block under this share of the budget is joined with what follows.
const SMALL_SHARE: usize = 4;
/// Headings may take this share of the budget.
const CONTEXT_SHARE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// A window ends at a paragraph if it can, and always on a character boundary.
    #[test]
    fn windows_end_softly() {
        let words = "word ".repeat(20_000);
        assert!(words[..window(&words)].ends_with(' '));
        let paragraphs = "one two\n\n".repeat(20_000);
        assert!(paragraphs[..window(&paragraphs)].ends_with("\n\n"));
        let solid = "é".repeat(100_000);
        assert!(solid.is_char_boundary(window(&solid)));
        assert_eq!(window("short"), 5);
    }
}
