//! Sections of a document, in order, with the headings above them.
//!
//! Layer: a leaf of the server.
//! Holds: a cursor over headings and the stack of open ones.
//! Never: counts tokens.
//! Invariant: the blocks that leave here cover the text, in order, without overlap.

use crate::extract::{Extract, Heading};
use std::ops::Range;

/// A section, possibly joined with ones that follow.
pub(crate) struct Block {
    /// Of the extracted text.
    pub(crate) range: Range<usize>,
    /// Headings above it, its own last.
    pub(crate) path: Vec<String>,
    /// How many of `path` do not stand in the text itself.
    pub(crate) above: usize,
    /// The own heading's level; 0 without one.
    level: u8,
}

/// Walks the sections of one extract.
pub(crate) struct Sections<'a> {
    text_end: usize,
    headings: &'a [Heading],
    above: &'a [String],
    /// Headings that are open here, by number.
    open: Vec<usize>,
    /// The next heading to read.
    next: usize,
    /// Where the next section begins.
    start: usize,
}

impl<'a> Sections<'a> {
    pub(crate) fn new(extract: &'a Extract<'_>) -> Self {
        Self {
            text_end: extract.text.len(),
            headings: &extract.headings,
            above: &extract.above,
            open: Vec::new(),
            next: 0,
            start: 0,
        }
    }

    /// The next section alone.
    pub(crate) fn next_block(&mut self) -> Option<Block> {
        if self.start >= self.text_end {
            return None;
        }
        let own = self.headings.get(self.next).filter(|heading| heading.start <= self.start);
        let level = own.map_or(0, |heading| heading.level);
        if own.is_some() {
            self.open_next();
        }
        let titles = self.open.iter().map(|&number| &self.headings[number].title);
        let path: Vec<String> = self.above.iter().chain(titles).cloned().collect();
        let above = path.len() - usize::from(level > 0);
        let end = self.section_end();
        let range = self.start..end;
        self.start = end;
        Some(Block { range, path, above, level })
    }

    /// `block` with the section that follows it, if that stands beside or below it.
    pub(crate) fn peek_joined(&self, block: &Block) -> Option<Range<usize>> {
        let next = self.headings.get(self.next)?;
        let related = block.level > 0 && next.level >= block.level;
        let end = self.headings.get(self.next + 1).map_or(self.text_end, |after| after.start);
        related.then_some(block.range.start..end)
    }

    /// Joins the section that [`Sections::peek_joined`] showed to `block`.
    pub(crate) fn join(&mut self, block: &mut Block) {
        if self.headings[self.next].level == block.level {
            // Two sections of one rank: neither heading stands for both.
            block.path.truncate(block.above);
        }
        self.open_next();
        self.start = self.section_end();
        block.range.end = self.start;
    }

    fn open_next(&mut self) {
        let level = self.headings[self.next].level;
        while let Some(&last) = self.open.last()
            && self.headings[last].level >= level
        {
            self.open.pop();
        }
        self.open.push(self.next);
        self.next += 1;
    }

    fn section_end(&self) -> usize {
        self.headings.get(self.next).map_or(self.text_end, |heading| heading.start)
    }
}
