//! The term index of a segment: tantivy in memory, one segment, document ids = ordinals.
//!
//! Layer: index; the only place that knows tantivy's storage.
//! Holds: postings, length norms, true lengths.
//! Never: files or mmap; tantivy's deletes (a bitmap of ours says what lives); pruning by one
//! segment's own statistics.
//! Invariant: every document id in a posting list is a row of the segment.

mod build;
mod bytes;
mod postings;
mod search;
#[cfg(test)]
mod tests;

use crate::analyze::{Analyzed, Analyzer};
use crate::bm25::{TermStats, norm};
use crate::error::IndexError;
use crate::top::Mask;
use std::sync::Arc;
use tantivy::SegmentReader;
use tantivy::directory::RamDirectory;
use tantivy::index::InvertedIndexReader;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};

/// The terms of a segment's rows.
pub(crate) struct Words {
    directory: RamDirectory,
    field: Field,
    terms: Arc<InvertedIndexReader>,
    /// Length per row, as scores see it.
    norms: Vec<u8>,
    /// What made the terms.
    analyzer: Analyzer,
    /// Terms per row.
    lengths: Vec<u32>,
    /// Terms of all rows.
    tokens: u64,
}

impl Words {
    /// Read what lies in `directory`; `lengths` has an entry per row.
    fn open(
        directory: RamDirectory,
        lengths: Vec<u32>,
        analyzer: Analyzer,
    ) -> Result<Self, IndexError> {
        let index = tantivy::Index::open(directory.clone()).map_err(|_| IndexError::Words)?;
        let (schema, field) = schema();
        let segments = index.searchable_segments().map_err(|_| IndexError::Words)?;
        let [segment] = segments.as_slice() else {
            return Err(IndexError::Words);
        };
        let reader = SegmentReader::open(segment).map_err(|_| IndexError::Words)?;
        let whole = reader.max_doc() as usize == lengths.len() && !reader.has_deletes();
        if index.schema() != schema || !whole {
            return Err(IndexError::Words);
        }
        let terms = reader.inverted_index(field).map_err(|_| IndexError::Words)?;
        let stored = reader.get_fieldnorms_reader(field).map_err(|_| IndexError::Words)?;
        let norms: Vec<u8> = lengths.iter().map(|&length| norm(length)).collect();
        let agree = |(row, norm): (u32, &u8)| stored.fieldnorm_id(row) == *norm;
        if stored.num_docs() as usize != norms.len() || !(0u32..).zip(&norms).all(agree) {
            return Err(IndexError::Words);
        }
        let tokens = lengths.iter().map(|&length| u64::from(length)).sum();
        Ok(Self { directory, field, terms, norms, analyzer, lengths, tokens })
    }

    /// What made the terms.
    pub(crate) fn analyzer(&self) -> Analyzer {
        self.analyzer
    }

    /// Bytes of tantivy's files and of the lengths, in both forms.
    pub(crate) fn memory(&self) -> usize {
        let lengths = self.lengths.capacity() * size_of::<u32>() + self.norms.capacity();
        self.directory.total_mem_usage() + lengths
    }

    /// Statistics of `query` over the rows in `live`.
    pub(crate) fn stats(&self, query: &Analyzed, live: &Mask) -> Result<TermStats, IndexError> {
        let rows = self.lengths.len();
        let dead = rows - live.len();
        let length = |ordinal: u32| u64::from(self.lengths[ordinal as usize]);
        let (fewer, fewer_live) =
            if live.len() <= dead { (live.ordinals(), true) } else { (self.dead(live), false) };
        let some: u64 = fewer.iter().map(|&ordinal| length(ordinal)).sum();
        let tokens = if fewer_live { some } else { self.tokens - some };
        let mut frequencies = Vec::with_capacity(query.len());
        for (term, _) in query.terms() {
            let Some(info) = self.find(term)? else {
                frequencies.push(0);
                continue;
            };
            let all = u64::from(info.doc_freq);
            let held = if fewer.is_empty() {
                0
            } else {
                self.overlap(&info, &fewer, |ordinal| live.allows(ordinal) == fewer_live)?
            };
            frequencies.push(if fewer_live { held } else { all - held });
        }
        Ok(TermStats { docs: live.len() as u64, tokens, frequencies })
    }

    fn dead(&self, live: &Mask) -> Vec<u32> {
        match live {
            Mask::All(_) => Vec::new(),
            Mask::Some(..) => (0u32..)
                .zip(&self.lengths)
                .map(|(row, _)| row)
                .filter(|&row| !live.allows(row))
                .collect(),
        }
    }
}

/// One field of terms that we have analysed already; tantivy's own tokenizer is never used.
fn schema() -> (Schema, Field) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(true)
        .set_index_option(IndexRecordOption::WithFreqs);
    let mut builder = Schema::builder();
    let field =
        builder.add_text_field("words", TextOptions::default().set_indexing_options(indexing));
    (builder.build(), field)
}
