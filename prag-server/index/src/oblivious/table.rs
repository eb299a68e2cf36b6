//! What of a part's rows is kept for an oblivious scan, besides their vectors: cells and records of one size.
//!
//! Layer: index, oblivious.
//! Holds: cells for filters, records for answers, and which rows live.
//! Never: a read that a trace does not hear of.
//! Invariant: every row takes the same room, whatever it holds.

use super::cells::{Cell, field};
use super::trace::{Event, Trace};
use prag_protocol::metadata::Metadata;
use roaring::RoaringBitmap;

/// Most scalars in a row's metadata, elements of lists counted one by one.
pub const SCALARS_MAX: usize = 16;
/// Longest record of a row, bytes.
pub const RECORD_BYTES_MAX: usize = RECORD_WORDS * 8 - 8;

/// A row that does not fit. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Over [`SCALARS_MAX`].
    #[error("metadata has {0} values; oblivious search takes at most {SCALARS_MAX}")]
    Scalars(usize),
    /// Over [`RECORD_BYTES_MAX`].
    #[error(
        "text, title, headings, id and metadata of a chunk have {0} bytes; oblivious search takes at most {RECORD_BYTES_MAX}"
    )]
    Record(usize),
}

/// Cells and records of a part's rows.
#[derive(Default)]
pub struct Table {
    cells: Vec<[Cell; CELLS]>,
    records: Vec<Record>,
}

/// Which rows of a part live.
#[derive(Clone, Default)]
pub struct Alive(Vec<u64>);

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a row would fit.
    ///
    /// # Errors
    /// [`Unfit`] names the limit.
    pub fn check(metadata: &Metadata, record: &[u8]) -> Result<(), Unfit> {
        let scalars = metadata.iter().map(|(_, value)| value.scalars().len()).sum();
        if scalars > SCALARS_MAX {
            return Err(Unfit::Scalars(scalars));
        }
        let fits = record.len() <= RECORD_BYTES_MAX;
        if fits { Ok(()) } else { Err(Unfit::Record(record.len())) }
    }

    /// Add the next row. `record` comes back with an answer, and is nothing to the index.
    ///
    /// # Errors
    /// [`Unfit`] names the limit, and nothing changes.
    pub fn push(&mut self, doc: &str, metadata: &Metadata, record: &[u8]) -> Result<(), Unfit> {
        Self::check(metadata, record)?;
        let mut cells = [Cell::default(); CELLS];
        cells[0] = Cell::of_id(doc);
        let scalars = metadata.iter().flat_map(|(name, value)| {
            let field = field(name);
            value.scalars().iter().filter_map(move |scalar| Cell::of(field, scalar))
        });
        for (cell, scalar) in cells[1..].iter_mut().zip(scalars) {
            *cell = scalar;
        }
        let mut words = [0; RECORD_WORDS];
        words[0] = record.len() as u64;
        for (word, bytes) in words[1..].iter_mut().zip(record.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
        self.cells.push(cells);
        self.records.push(words);
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> u32 {
        // A part has at most 2^24 rows.
        u32::try_from(self.cells.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    #[inline(always)]
    pub(super) fn cells<T: Trace>(&self, row: u32, number: u32, trace: &mut T) -> &[Cell] {
        trace.note(Event::Cells(number));
        &self.cells[row as usize]
    }

    #[inline(always)]
    pub(super) fn record<T: Trace>(&self, row: u32, number: u32, trace: &mut T) -> &Record {
        trace.note(Event::Record(number));
        &self.records[row as usize]
    }
}

impl Alive {
    /// Of so many rows, those in `live`.
    #[must_use]
    pub fn of(live: &RoaringBitmap, rows: u32) -> Self {
        let mut alive = Self(vec![0; (rows as usize).div_ceil(64)]);
        live.iter().take_while(|&row| row < rows).for_each(|row| alive.set(row));
        alive
    }

    /// The next row, `row`, lives.
    pub fn push(&mut self, row: u32) {
        if self.0.len() * 64 <= row as usize {
            self.0.push(0);
        }
        self.set(row);
    }

    /// A row is dead from now on.
    pub fn kill(&mut self, row: u32) {
        if let Some(word) = self.0.get_mut(row as usize / 64) {
            *word &= !(1 << (row % 64));
        }
    }

    fn set(&mut self, row: u32) {
        if let Some(word) = self.0.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// How many rows there is room for.
    pub(super) fn room(&self) -> usize {
        self.0.len() * 64
    }

    /// All ones if the row lives, else zero.
    #[inline(always)]
    pub(super) fn read<T: Trace>(&self, row: u32, number: u32, trace: &mut T) -> u64 {
        trace.note(Event::Alive(number));
        (self.0[row as usize / 64] >> (row % 64) & 1).wrapping_neg()
    }
}

/// The document's id, and the scalars.
const CELLS: usize = 1 + SCALARS_MAX;
/// A record's length in bytes, then the record, then zeros.
pub(super) type Record = [u64; RECORD_WORDS];
/// 4 KiB.
pub(super) const RECORD_WORDS: usize = 512;
