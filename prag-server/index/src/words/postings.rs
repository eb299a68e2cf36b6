//! A term's rows, block by block.
//!
//! Layer: index.
//! Holds: a cursor that only moves forward, over blocks of 128 rows.
//! Never: a call for each row where a block is at hand.
//! Invariant: rows ascend.

use super::Words;
use crate::error::IndexError;
use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{TERMINATED, Term};

/// Where in its postings a search is.
pub(super) struct Cursor {
    blocks: BlockSegmentPostings,
    /// Within the block.
    at: usize,
}

impl Words {
    /// Where the postings of `term` lie.
    pub(super) fn find(&self, term: &str) -> Result<Option<TermInfo>, IndexError> {
        let term = Term::from_field_text(self.field, term);
        self.terms.get_term_info(&term).map_err(|_| IndexError::Words)
    }

    pub(super) fn cursor(&self, info: &TermInfo) -> Result<Cursor, IndexError> {
        let option = IndexRecordOption::WithFreqs;
        let blocks = self.terms.read_block_postings_from_terminfo(info, option);
        Ok(Cursor { blocks: blocks.map_err(|_| IndexError::Words)?, at: 0 })
    }

    /// How many rows of a term are in `rows` (ascending), or where `mask` says so.
    pub(super) fn overlap(
        &self,
        info: &TermInfo,
        rows: &[u32],
        mask: impl Fn(u32) -> bool,
    ) -> Result<u64, IndexError> {
        let blocks = self.terms.read_block_postings_from_terminfo(info, IndexRecordOption::Basic);
        let mut blocks = blocks.map_err(|_| IndexError::Words)?;
        let mut count = 0;
        if rows.len() < info.doc_freq as usize / SEEK_PAYS {
            for &row in rows {
                let at = blocks.seek(row);
                count += u64::from(blocks.doc(at) == row);
            }
            return Ok(count);
        }
        while !blocks.docs().is_empty() {
            count += blocks.docs().iter().filter(|&&row| mask(row)).count() as u64;
            blocks.advance();
        }
        Ok(count)
    }
}

impl Cursor {
    /// The row that it is on.
    pub(super) fn row(&self) -> u32 {
        self.blocks.docs().get(self.at).copied().unwrap_or(TERMINATED)
    }

    /// Call `take` with each row before `end` and its count, and go to the first other one.
    #[inline(always)]
    pub(super) fn read_until(&mut self, end: u32, mut take: impl FnMut(u32, u32)) {
        loop {
            let (rows, counts) = (self.blocks.docs(), self.blocks.freqs());
            if rows.is_empty() {
                return;
            }
            let (rows, counts) = (&rows[self.at..], &counts[self.at..]);
            let length = rows.partition_point(|&row| row < end);
            for (&row, &count) in rows[..length].iter().zip(counts) {
                take(row, count);
            }
            if length < rows.len() {
                self.at += length;
                return;
            }
            self.at = 0;
            self.blocks.advance();
        }
    }

    /// Go to `row`, or behind it; how often it holds the term, if it does.
    pub(super) fn count_at(&mut self, row: u32) -> Option<u32> {
        if self.row() < row {
            self.at = self.blocks.seek(row);
        }
        (self.row() == row).then(|| self.blocks.freq(self.at))
    }
}

/// So many rows are read for the price of one search for a row.
const SEEK_PAYS: usize = 128;
