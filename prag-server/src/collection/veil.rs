//! What an oblivious collection keeps of a part's rows for its scans.
//!
//! Layer: collection; in memory only, made anew from documents.
//! Holds: each chunk as one record of fixed size, with its document's cells, and which rows live.
//! Never: a lookup by what was found: a record carries all that an answer shows.
//! Invariant: row i of the veil is row i of the part.

use super::record::{Document, RecordError, decode, encode};
use super::state::Row;
use prag_index::oblivious::{Alive, Source, Table, Unfit};
use prag_index::{Segment, Tail};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Of a segment; rows do not change, but die.
#[derive(Clone)]
pub struct SegmentVeil {
    table: Arc<Table>,
    alive: Alive,
}

/// Of the tail.
#[derive(Default)]
pub struct TailVeil {
    table: Table,
    alive: Alive,
}

/// A chunk as an answer shows it.
#[derive(Serialize, Deserialize)]
pub struct Shown {
    /// Its document, with this chunk as the only one, and without the original.
    pub document: Document,
    /// Which of the document's chunks it is.
    pub chunk: u32,
    /// Its hash in Merkle trees and receipts.
    pub hash: [u8; 32],
}

/// A chunk that does not fit its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VeilError {
    /// By which limit.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It does not encode.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl SegmentVeil {
    /// Over rows that all live.
    ///
    /// # Errors
    /// [`VeilError`]: the rows were not checked when they were put.
    pub fn new(rows: &[Row]) -> Result<Self, VeilError> {
        let mut table = Table::new();
        for row in rows {
            push(&mut table, &row.document, row.chunk)?;
        }
        let everyone = (0..table.len()).collect();
        let alive = Alive::of(&everyone, table.len());
        Ok(Self { table: Arc::new(table), alive })
    }

    /// From now on these live.
    pub fn keep(&mut self, live: &RoaringBitmap) {
        self.alive = Alive::of(live, self.table.len());
    }

    /// A row is dead.
    pub fn kill(&mut self, ordinal: u32) {
        self.alive.kill(ordinal);
    }

    /// The part, as a scan takes it.
    #[must_use]
    pub fn source<'a>(&'a self, segment: &'a Segment) -> Source<'a> {
        Source::segment(segment, &self.table, &self.alive)
    }
}

impl TailVeil {
    /// The next row lives.
    ///
    /// # Errors
    /// [`VeilError`]: the document was not checked; nothing changed.
    pub fn push(&mut self, document: &Document, chunk: u32) -> Result<(), VeilError> {
        let row = self.table.len();
        push(&mut self.table, document, chunk)?;
        self.alive.push(row);
        Ok(())
    }

    /// A row is dead.
    pub fn kill(&mut self, ordinal: u32) {
        self.alive.kill(ordinal);
    }

    /// The part, as a scan takes it.
    #[must_use]
    pub fn source<'a>(&'a self, tail: &'a Tail) -> Source<'a> {
        Source::tail(tail, &self.table, &self.alive)
    }
}

/// Whether every chunk of a document fits an oblivious collection. Ask before it is written.
///
/// # Errors
/// [`VeilError`] names the limit.
pub fn check(document: &Document) -> Result<(), VeilError> {
    let chunks = u32::try_from(document.chunks.len()).unwrap_or(u32::MAX);
    let metadata = document.metadata();
    (0..chunks).try_for_each(|chunk| Ok(Table::check(&metadata, &record(document, chunk)?)?))
}

/// What an answer's record says.
///
/// # Errors
/// [`RecordError`] for what no veil made.
pub fn read(record: &[u8]) -> Result<Shown, RecordError> {
    decode(record)
}

fn push(table: &mut Table, document: &Document, chunk: u32) -> Result<(), VeilError> {
    let record = record(document, chunk)?;
    Ok(table.push(document.id.as_str(), &document.metadata(), &record)?)
}

fn record(document: &Document, chunk: u32) -> Result<Vec<u8>, RecordError> {
    let hash = document.chunk_hash(chunk).map_err(|_| RecordError)?;
    let document = document.excerpt(chunk).map_err(|_| RecordError)?;
    encode(&Shown { document, chunk, hash })
}
