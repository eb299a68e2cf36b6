//! From extracted text back to the source.
//!
//! Layer: a leaf of the server.
//! Holds: runs of extracted text, each with the source bytes that it came from.
//! Never: the text itself.
//! Invariant: order is kept: a later position in the text never maps before an earlier one.

use std::ops::Range;

/// Where each byte of an extracted text came from.
pub(crate) enum Map {
    /// The text is the source from this offset on.
    Same(usize),
    /// Runs in order.
    Runs(Runs),
}

/// Runs of text, exact (byte for byte the source) or decoded (an entity, an escape, a line break).
#[derive(Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    text_end: usize,
}

struct Run {
    text: usize,
    source: Range<usize>,
    exact: bool,
}

impl Runs {
    /// The next `bytes` of text are exactly the source from `source` on.
    pub(crate) fn exact(&mut self, bytes: usize, source: usize) {
        let end = source + bytes;
        match self.runs.last_mut() {
            Some(last) if last.exact && last.source.end == source => last.source.end = end,
            _ => self.push(source..end, true),
        }
        self.text_end += bytes;
    }

    /// The next `bytes` of text stand for the source bytes `source`.
    pub(crate) fn decoded(&mut self, bytes: usize, source: Range<usize>) {
        self.push(source, false);
        self.text_end += bytes;
    }

    fn push(&mut self, source: Range<usize>, exact: bool) {
        self.runs.push(Run { text: self.text_end, source, exact });
    }

    fn run_at(&self, position: usize) -> Option<(&Run, usize)> {
        let after = self.runs.partition_point(|run| run.text <= position);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let end = self.runs.get(after).map_or(self.text_end, |next| next.text);
        Some((run, end))
    }

    fn start(&self, position: usize) -> usize {
        match self.run_at(position) {
            Some((run, _)) if run.exact => run.source.start + (position - run.text),
            Some((run, _)) => run.source.start,
            None => 0,
        }
    }

    /// A cut inside a decoded run leaves the whole run to the piece after the cut.
    fn end(&self, position: usize) -> usize {
        match self.run_at(position.saturating_sub(1)) {
            Some((run, _)) if run.exact => run.source.start + (position - run.text),
            Some((run, end)) if end == position => run.source.end,
            Some((run, _)) => run.source.start,
            None => 0,
        }
    }
}

impl Map {
    /// The source bytes of `text`, a range of the extracted text that is not empty.
    pub(crate) fn span(&self, text: Range<usize>) -> Range<usize> {
        match self {
            Self::Same(offset) => text.start + offset..text.end + offset,
            Self::Runs(runs) => {
                let start = runs.start(text.start);
                start..runs.end(text.end).max(start)
            }
        }
    }
}
