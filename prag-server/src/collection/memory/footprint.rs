//! How much memory a segment takes: estimated before it is loaded or built, counted when it is there.
//!
//! Layer: collection, below `memory`.
//! Holds: the only place that turns lengths on disk, rows and dimensions into bytes of memory.
//! Never: an estimate below what comes, unless the rest is asked for (`ask`); one above it is given back.
//! Invariant: a loaded segment takes no more than it took when it was built.

use super::{Accounts, Charge, Component, Full, TextCharge};
use crate::collection::manifest::SegmentEntry;
use crate::collection::profile::Shape;
use crate::collection::record::Document;
use crate::collection::segment::{DOCUMENTS, HASHES, ROWS};
use prag_index::oblivious::Table;
use prag_index::{PartName, Precision, Segment};
use prag_protocol::wire::collections::Residency;
use std::sync::Arc;

/// What a segment takes, by component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    vectors: u64,
    graph: u64,
    words: u64,
    fields: u64,
    texts: u64,
    trees: u64,
    veil: u64,
}

/// A segment's memory, for as long as any view holds it.
#[derive(Debug)]
pub struct SegmentCharge {
    parts: Vec<Charge>,
    _texts: Option<TextCharge>,
}

impl SegmentCharge {
    fn new(parts: Vec<Charge>) -> Self {
        Self { parts, _texts: None }
    }

    /// Ask for what the documents take beyond what was estimated of them.
    ///
    /// # Errors
    /// [`Full`].
    pub fn ask<'a>(
        &self,
        accounts: &Arc<Accounts>,
        documents: impl Iterator<Item = &'a Document>,
        rows: u32,
    ) -> Result<(), Full> {
        let kept: u64 = documents.map(|document| document.kept_bytes() as u64).sum();
        let texts = self.parts.iter().filter(|charge| charge.component() == Component::Texts);
        let estimated: u64 = texts.map(Charge::bytes).sum();
        let more = (kept + view_bytes(u64::from(rows))).saturating_sub(estimated);
        // What comes is counted when the charge is settled.
        if more == 0 { Ok(()) } else { accounts.reserve(Component::Texts, more).map(drop) }
    }

    /// It is in memory now, its documents in this form: what was estimated becomes what is.
    pub fn settle<'a>(
        &mut self,
        accounts: &Arc<Accounts>,
        index: &Segment,
        documents: impl Iterator<Item = &'a Document>,
    ) {
        let (mut plain, mut kept, mut texts) = (0u64, 0u64, view_bytes(u64::from(index.len())));
        for document in documents {
            plain += document.content.len() as u64;
            kept += document.content.kept_bytes() as u64;
            texts += document.kept_bytes() as u64;
        }
        let memory = index.memory();
        for charge in &mut self.parts {
            match charge.component() {
                Component::Vectors => charge.set((memory.vectors + memory.codes) as u64),
                Component::Graph => charge.set(memory.links as u64),
                Component::Words => charge.set(memory.words as u64),
                Component::Fields => charge.set(memory.fields as u64),
                Component::Texts => charge.set(texts),
                Component::Trees
                | Component::Veils
                | Component::Tails
                | Component::Builds
                | Component::Requests
                | Component::Storage
                | Component::Base => {}
            }
        }
        self._texts = Some(TextCharge::new(accounts, plain, kept));
    }
}

impl Footprint {
    /// The footprint of a segment that is, or will be, loaded from these parts.
    #[must_use]
    pub fn of(entry: &SegmentEntry, shape: &Shape) -> Self {
        let rows = u64::from(entry.rows);
        let veil = if shape.oblivious { rows * Table::ROW_BYTES as u64 } else { 0 };
        let mut found = Self { trees: rows * TREE_ROW_BYTES, veil, ..Self::default() };
        for part in &entry.parts {
            let length = part.length;
            match PartName::from_u8(part.name) {
                // Codes beside the vectors: one byte for each two or four, with a scale and an error a row.
                Some(PartName::Vectors) => {
                    let beside = if shape.precision == Precision::I8 { 0 } else { length / 2 };
                    found.vectors += length + beside + rows * 8;
                }
                Some(PartName::Graph) => found.graph += length,
                Some(PartName::Words) => found.words += length,
                Some(PartName::Fields) => found.fields += 2 * length,
                None if part.name == ROWS => found.texts += rows * LOCATION_BYTES,
                // In the tree, which is counted by its rows.
                None if part.name == HASHES => {}
                // Of these only the records come into memory: asked for when they are there.
                None if part.name == DOCUMENTS && shape.residency == Residency::Disk => {}
                // Documents, and whatever is refused when it is read.
                None => found.texts += length,
            }
        }
        found
    }

    /// All of it, bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.parts().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Take it within the limit.
    ///
    /// # Errors
    /// [`Full`]; nothing was taken.
    pub fn reserve(&self, accounts: &Arc<Accounts>) -> Result<SegmentCharge, Full> {
        let parts = self.parts().map(|(component, bytes)| accounts.reserve(component, bytes));
        Ok(SegmentCharge::new(parts.into_iter().collect::<Result<_, _>>()?))
    }

    /// Count it: it is there.
    #[must_use]
    pub fn charge(&self, accounts: &Arc<Accounts>) -> SegmentCharge {
        let parts = self.parts().map(|(component, bytes)| accounts.charge(component, bytes));
        SegmentCharge::new(parts.into())
    }

    fn parts(&self) -> [(Component, u64); 7] {
        [
            (Component::Vectors, self.vectors),
            (Component::Graph, self.graph),
            (Component::Words, self.words),
            (Component::Fields, self.fields),
            (Component::Texts, self.texts),
            (Component::Trees, self.trees),
            (Component::Veils, self.veil),
        ]
    }
}

/// What a row of the tail takes: its vector, its terms with their postings, its document's share.
pub(crate) fn tail_row_bytes(shape: &Shape, text_bytes: usize) -> u64 {
    let veil = if shape.oblivious { Table::ROW_BYTES } else { 0 };
    let own = shape.dimension * size_of::<f32>() + 2 * text_bytes + veil;
    own as u64 + TREE_ROW_BYTES + TAIL_ROW_BYTES
}

/// What the tree over so many batches takes.
pub(crate) fn digest_bytes(batches: u64) -> u64 {
    batches * TREE_ROW_BYTES
}

/// What a second view of so many rows takes, beside its segments: where each document lies.
pub(crate) fn view_bytes(rows: u64) -> u64 {
    rows * PLACE_BYTES
}

/// What building a segment of so many rows takes beside the rows' old homes: a copy of vectors and texts, the graph as
/// it grows, and the new segment's parts in plain and sealed form.
pub(crate) fn build_bytes(rows: u64, dimension: usize, text_bytes: u64) -> u64 {
    let vector = (dimension * size_of::<f32>()) as u64;
    rows * (BUILD_VECTORS * vector + GROWING_ROW_BYTES) + BUILD_TEXTS * text_bytes
}

/// A leaf hash, and its share of the hashes above.
const TREE_ROW_BYTES: u64 = 64;
/// A row's entry, and its document's place in the ordered map.
const PLACE_BYTES: u64 = 192;
/// What is not on disk of a row's document, where each has one row: its place, and its record as it lies in memory.
const LOCATION_BYTES: u64 = PLACE_BYTES + 320;
/// Postings, lengths, metadata and places of a row of the tail, beside its words.
const TAIL_ROW_BYTES: u64 = 512;
/// Copies of the vectors while a segment is built: as rows, within the graph's builder, in the segment, in its part.
const BUILD_VECTORS: u64 = 4;
/// Links of a node, as the builder holds them.
const GROWING_ROW_BYTES: u64 = 1024;
/// Copies of the texts meanwhile.
const BUILD_TEXTS: u64 = 4;
