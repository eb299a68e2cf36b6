//! Room for what is about to be stored.
//!
//! Layer: flow.
//! Holds: the class of a collection's longest passage in the catalogue, the widest of all in `room`.
//! Never: a passage visible whose class is not kept.
//! Invariant: the worker's class is at least that of each collection that it holds, whether its shard is open or not.

use super::collections::vault;
use super::{Held, Worker, problems};
use crate::collection::CollectionShard;
use crate::collection::record::{Chunk, Document};
use crate::room::{class, json_bytes};
use crate::vault::Entry;
use prag_protocol::CollectionId;
use prag_protocol::limits::HIT_BYTES_MAX;
use prag_protocol::problem::Problem;
use std::sync::Arc;

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
        let held = self.known(id)?;
        if held.hit_bytes() == HIT_BYTES_MAX {
            return Ok(());
        }
        let needed = documents.map(widest).max();
        needed.map_or(Ok(()), |needed| self.widen(&held, needed))
    }

    /// As [`Worker::make_room`], for what an opened shard holds: while it was elsewhere, longer passages may have been
    /// stored in it than any that were counted here.
    ///
    /// # Errors
    /// `storage`; it may not serve then.
    pub(super) async fn make_room_of(&self, shard: &Arc<CollectionShard>) -> Result<(), Problem> {
        let (worker, shard) = (self.clone(), Arc::clone(shard));
        let count = move || {
            let live = shard.read();
            let documents = live.documents.values().map(|at| &*at.document);
            worker.make_room(shard.collection(), documents)
        };
        tokio::task::spawn_blocking(count).await.map_err(problems::internal)?
    }

    /// Keep the widest class: while a restoration writes the collection's entry, passages write none beside it.
    ///
    /// # Errors
    /// `storage`.
    pub(super) fn make_all_room(&self, held: &Held) -> Result<(), Problem> {
        self.widen(held, HIT_BYTES_MAX)
    }

    fn widen(&self, held: &Held, needed: u32) -> Result<(), Problem> {
        held.widen(needed, |hit_bytes| {
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
    let of = |(index, chunk): (u32, &Chunk)| {
        let headings: usize = chunk.heading_path.iter().map(|heading| json_bytes(heading)).sum();
        class(fixed + headings + json_bytes(document.text(index)))
    };
    (0..).zip(&document.chunks).map(of).max().unwrap_or(0)
}
