//! Rows on their way into a segment.
//!
//! Layer: collection, below `freeze`.
//! Holds: documents with their texts, which are fetched where they lie on disk, and what the index takes of each row.
//! Never: a document twice; the texts of more segments on disk at once than one.
//! Invariant: each row that is kept has its text in memory.

use super::CollectionError;
use super::profile::Shape;
use super::record::Document;
use super::state::{LiveSegment, Row};
use prag_index::Row as IndexRow;
use prag_protocol::metadata::Metadata;
use std::collections::HashMap;
use std::sync::Arc;

/// The rows, in both forms.
#[derive(Default)]
pub(super) struct Taken {
    /// What the segment keeps of them.
    pub(super) kept: Vec<Row>,
    /// What its index does.
    pub(super) indexed: Vec<IndexRow>,
    /// By document, which many rows share.
    metadata: HashMap<*const Document, Arc<Metadata>>,
}

impl Taken {
    /// The living rows of a segment. Blocks on the disk where its texts lie there.
    pub(super) fn segment(
        &mut self,
        shape: &Shape,
        segment: &LiveSegment,
    ) -> Result<(), CollectionError> {
        let part = segment.shelf.as_ref().map(|shelf| shelf.part()).transpose()?;
        let mut filled: HashMap<*const Document, Arc<Document>> = HashMap::new();
        for ordinal in &segment.live {
            let row = segment.rows.get(ordinal as usize);
            let Some((row, vector)) = row.zip(segment.index.vector(ordinal)) else { continue };
            let Some(part) = &part else {
                self.push(shape, row, vector)?;
                continue;
            };
            let at = Arc::as_ptr(&row.document);
            let document = match filled.get(&at) {
                Some(document) => Arc::clone(document),
                None => {
                    let full = row.document.filled(part.expose());
                    let full = full.ok_or(CollectionError::Tampered("text"))?;
                    let full = Arc::new(shape.packed(full));
                    filled.insert(at, Arc::clone(&full));
                    full
                }
            };
            self.push(shape, &Row { document, chunk: row.chunk }, vector)?;
        }
        Ok(())
    }

    /// One row, whose text is in memory.
    pub(super) fn push(
        &mut self,
        shape: &Shape,
        row: &Row,
        vector: Vec<f32>,
    ) -> Result<(), CollectionError> {
        let document = &row.document;
        let read = || Arc::new(document.metadata());
        let metadata = self.metadata.entry(Arc::as_ptr(document)).or_insert_with(read);
        self.indexed.push(IndexRow {
            doc: document.id.as_str().to_owned(),
            text: shape.searched_text(document, row.chunk)?,
            vector,
            metadata: Arc::clone(metadata),
        });
        self.kept.push(row.clone());
        Ok(())
    }
}
