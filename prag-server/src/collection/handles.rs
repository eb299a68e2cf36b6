//! Documents by handle and by id.
//!
//! Layer: collection, above `shard`.
//! Holds: the keyed hash that stands for an id where an id must not.
//! Never: an id in a handle.
//! Invariant: a handle names one document of one shard, for as long as the shard's lineage lives.

use super::keys::Keys;
use super::shard::CollectionShard;
use super::shelf::Kept;
use prag_protocol::DocumentId;

impl CollectionShard {
    /// The opaque handle of a document: a keyed hash of its id, 32 hex digits.
    #[must_use]
    pub fn handle(&self, id: &DocumentId) -> String {
        named(&self.keys(), id)
    }

    /// The document behind a handle.
    #[must_use]
    pub fn by_handle(&self, handle: &str) -> Option<Kept> {
        let (live, keys) = (self.read(), self.keys());
        let found = live.documents.iter().find(|(id, _)| named(&keys, id) == handle);
        found.map(|(_, at)| live.kept(at))
    }

    /// The document of this id.
    #[must_use]
    pub fn document(&self, id: &DocumentId) -> Option<Kept> {
        let live = self.read();
        live.documents.get(id).map(|at| live.kept(at))
    }
}

fn named(keys: &Keys, id: &DocumentId) -> String {
    hex::encode(&keys.names().name(id.as_str().as_bytes())[..16])
}
