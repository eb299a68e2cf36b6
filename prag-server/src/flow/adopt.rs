//! A collection comes to this worker by its owner's word.
//!
//! Layer: flow.
//! Holds: placement on this worker, and a collection that it did not know.
//! Never: a placement that the owner did not sign for this very worker; a name or a lineage from anybody but a peer whose
//! answer verified.
//! Invariant: the entry is in the catalogue before the shard is opened; a shard whose files are not here, or are behind
//! the peer's head, is not served, and the owner's word can be given again.
//!
//! `Place` replaces the shard's placement, so from then on the worker before is not placed any more. It may still give
//! the keys to the one that is: see `peer`.

use super::held::State;
use super::vaults::Word;
use super::{Asker, Held, Worker, lock, problems, validate};
use crate::vault::Entry;
use prag_protocol::CollectionId;
use prag_protocol::limits::COLLECTIONS_PER_OWNER_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{Collection, KeyAttempt};
use prag_trust::admission;
use std::sync::Arc;

impl Worker {
    /// Place a collection on this worker and get its keys from the vaults.
    ///
    /// # Errors
    /// `forbidden` for all but the owner; `key-missing` where no vault has the keys of a collection that is not known
    /// here. The placement stands then.
    pub async fn place_collection(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<Collection, Problem> {
        let view = self.owners_view(caller, id).await?;
        let granted = admission::admit_admin(caller, id, &view, &self.gate());
        let granted = granted.map_err(problems::denied)?;
        let epoch = granted.epoch();
        self.place(caller, id, epoch).await?;
        let held = match self.held(id).await {
            Ok(held) => held,
            Err(_unknown) => return self.adopt(id).await,
        };
        self.wake_if_it_fits(&held).await;
        if held.shard().is_err() {
            self.open_from_vaults(&held, false).await;
        }
        self.describe(&held, true, epoch)
    }

    async fn adopt(&self, id: CollectionId) -> Result<Collection, Problem> {
        let word: Word = self.word(id).await?;
        let (found, tried) = self.find_keys(id, &word).await;
        let Some(found) = found else {
            return Err(nothing(&tried));
        };
        let Some(said) = &found.handover else {
            let detail =
                "the vaults have the keys, but only a peer can tell what the collection is";
            return Err(Problem::new(Code::KeyMissing, detail));
        };
        let held = self.take_on(said.entry.clone())?;
        held.tried(tried);
        self.open_with(&held, word.record.epoch, found).await;
        self.describe(&held, true, word.record.epoch)
    }

    /// The collection in the catalogue and in the worker's hands, locked; another request may have been first.
    fn take_on(&self, entry: Entry) -> Result<Arc<Held>, Problem> {
        let mut collections = self.0.collections.write().unwrap_or_else(lock::ignore_poison);
        if let Some(held) = collections.get(&entry.id) {
            return Ok(Arc::clone(held));
        }
        let mine = collections.values().filter(|held| held.entry.owner == entry.owner);
        validate::at_most("collections", mine.count() + 1, COLLECTIONS_PER_OWNER_MAX, "entries")?;
        self.0.parts.catalog.keep(&entry).map_err(super::collections::vault)?;
        let held = Arc::new(Held::new(entry, State::Locked));
        self.note_room(&held);
        collections.insert(held.entry.id, Arc::clone(&held));
        Ok(held)
    }
}

fn nothing(tried: &[KeyAttempt]) -> Problem {
    let tried: Vec<String> =
        tried.iter().map(|one| format!("{} {}", one.kind.name(), one.reason)).collect();
    let tried = if tried.is_empty() { "none is configured".to_owned() } else { tried.join(", ") };
    let detail = format!("the worker is placed, but no vault gave the keys: {tried}");
    Problem::new(Code::KeyMissing, detail)
}
