//! Room for what is about to be stored.
//!
//! Layer: flow.
//! Holds: the class of a collection's longest passage in the catalogue, the widest of all in `room`.
//! Never: a passage visible whose class is not kept.
//! Invariant: the worker's class is at least that of each collection that it holds, whether its shard is open or not.

use super::collections::vault;
use super::{Held, Worker};
use crate::collection::record::Document;
use crate::room::{class, json_bytes};
use crate::vault::Entry;
use prag_protocol::CollectionId;
use prag_protocol::limits::HIT_BYTES_MAX;
use prag_protocol::problem::Problem;

impl Worker {
    /// Keep the class of `documents`, durably, before they are stored. Blocks where it grows: three times at most.
    ///
    /// # Errors
    /// `storage`; nothing may be stored then.
    pub(super) fn make_room<'a>(
        &self,
        id: CollectionId,
        documents: impl Iterator<Item = &'a Document>,
    ) -> Result<(), Problem> {
        let Some(needed) = documents.map(widest).max() else { return Ok(()) };
        let held = self.known(id)?;
        held.widen(needed, |hit_bytes| {
            let entry = Entry { hit_bytes, ..held.entry.clone() };
            self.0.parts.catalog.keep(&entry).map_err(vault)
        })?;
        self.0.room.widen(needed);
        Ok(())
    }

    /// Keep the widest class: while a restoration writes the collection's entry, passages write none beside it.
    ///
    /// # Errors
    /// `storage`.
    pub(super) fn make_all_room(&self, held: &Held) -> Result<(), Problem> {
        held.widen(HIT_BYTES_MAX, |hit_bytes| {
            let entry = Entry { hit_bytes, ..held.entry.clone() };
            self.0.parts.catalog.keep(&entry).map_err(vault)
        })?;
        self.note_room(held);
        Ok(())
    }

    /// What is held needs its room, too.
    pub(super) fn note_room(&self, held: &Held) {
        self.0.room.widen(held.hit_bytes());
    }
}

/// The class of a document's longest chunk.
fn widest(document: &Document) -> u32 {
    let fixed = json_bytes(document.id.as_str()) + json_bytes(&document.title);
    let of = |index: u32| {
        let chunk = document.chunks.get(index as usize);
        let headings = chunk
            .map_or(0, |chunk| chunk.heading_path.iter().map(|heading| json_bytes(heading)).sum());
        class(fixed + headings + json_bytes(document.text(index)))
    };
    (0..).take(document.chunks.len()).map(of).max().unwrap_or(0)
}
