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
use crate::collection::text::Elsewhere;
use crate::room::class;
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
        let needed: Result<Vec<u32>, Elsewhere> = documents.map(widest).collect();
        let needed = needed.map_err(|error| problems::collection(error.into()))?;
        needed.into_iter().max().map_or(Ok(()), |needed| self.widen(&held, needed))
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
            // Of texts on disk it was counted when they were looked at.
            let shelves = live.segments.iter().filter_map(|segment| segment.shelf.as_ref());
            if let Some(needed) = shelves.map(|shelf| class(shelf.hit_bytes())).max() {
                worker.widen(&*worker.known(shard.collection())?, needed)?;
            }
            let here = live.documents.values().map(|at| &*at.document);
            let here = here.filter(|document| document.content.lies().is_none());
            worker.make_room(shard.collection(), here)
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
fn widest(document: &Document) -> Result<u32, Elsewhere> {
    // Unpacked once, not for each chunk.
    let whole = document.content.whole()?;
    let of = |(index, chunk): (u32, &Chunk)| {
        let span = whole.get(chunk.start as usize..chunk.end as usize).unwrap_or_default();
        let own = chunk.text.as_ref().map(|own| own.whole()).transpose()?;
        Ok(class(document.hit_bytes(index, own.as_deref().unwrap_or(span))))
    };
    let classes: Result<Vec<u32>, Elsewhere> = (0..).zip(&document.chunks).map(of).collect();
    Ok(classes?.into_iter().max().unwrap_or(0))
}
