//! Shards coming into the worker's hands and leaving them.
//!
//! Layer: flow.
//! Holds: opening after a boot, creation, burial; each step repeatable.
//! Never: opens a shard without a fresh ledger view that says its epoch is alive.
//! Invariant: a KEK is used only if it opens the ledger's commitment.

use super::anchor::{LastAnchor, continued};
use super::collections::vault;
use super::held::State;
use super::{Held, Worker, lock, problems};
use crate::collection::shard::{Home, Identity};
use crate::collection::{CollectionError, CollectionShard};
use crate::vault::Entry;
use prag_client::ledger::Authorization;
use prag_client::system::OsEntropy;
use prag_client::vault::Shares;
use prag_protocol::ledger::{AccessQuery, AccessReply, CollectionRecord};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{Profile, VaultKind};
use prag_protocol::{CollectionId, Epoch};
use prag_store::{Open, Shard, ShardName, StoreError};
use prag_trust::head::Head;
use prag_trust::key::{Key, Wrap, derive_kek};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Worker {
    /// List the catalogue, open what the vaults can open, finish deaths that a crash cut short.
    /// While the ledger is unconfirmed everything stays locked; a confirmation comes back here.
    /// Vaults and ledgers on other machines are asked in the background: a boot does not wait for them, and where such a
    /// ledger does not answer, [`Worker::open_waiting`] comes back.
    pub(super) async fn open_all(&self) -> Result<(), Problem> {
        let parts = &self.0.parts;
        let alone = parts.vaults.iter().all(|vault| vault.kind() == VaultKind::Local);
        // A ledger that is not in this process takes its time to bind a placement.
        let alone = alone && parts.ledger.authorization() == Authorization::Request;
        let mut waiting = Vec::new();
        for entry in parts.catalog.all().map_err(vault)? {
            let id = entry.id;
            let known =
                self.0.collections.read().unwrap_or_else(lock::ignore_poison).get(&id).cloned();
            let held = known.unwrap_or_else(|| Arc::new(Held::new(entry, State::Locked)));
            self.hold(&held);
            match self.alive(id).await {
                Ok(Some(_)) if held.locked() && alone => self.open_from_vaults(&held, true).await,
                Ok(Some(_)) if held.locked() => waiting.push(held),
                Ok(Some(_)) => {}
                Ok(None) if self.is_gone(id).await? => {
                    self.0.collections.write().unwrap_or_else(lock::ignore_poison).remove(&id);
                    self.bury(&held.entry)?;
                }
                // A view from before it was created, say.
                Ok(None) => self.0.waiting.store(true, Ordering::Relaxed),
                Err(problem) if problem.code == Code::LedgerUnconfirmed => {}
                Err(problem) if problems::waits(&problem) => {
                    self.0.waiting.store(true, Ordering::Relaxed);
                }
                Err(problem) => return Err(problem),
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            for held in waiting {
                let Some(inner) = weak.upgrade() else { return };
                Self(inner).open_from_vaults(&held, true).await;
            }
        });
        Ok(())
    }

    /// Open what could not be opened while the ledger was silent, if it answers now.
    pub(super) async fn open_waiting(&self) {
        if !self.0.waiting.load(Ordering::Relaxed) || self.ready().await.is_err() {
            return;
        }
        self.0.waiting.store(false, Ordering::Relaxed);
        if let Err(problem) = self.open_all().await {
            tracing::warn!(%problem, "collections stay locked for now");
            self.0.waiting.store(true, Ordering::Relaxed);
        }
    }

    pub(super) async fn alive(
        &self,
        id: CollectionId,
    ) -> Result<Option<CollectionRecord>, Problem> {
        Ok(self.recorded(id).await?.filter(|record| !record.destroyed))
    }

    async fn recorded(&self, id: CollectionId) -> Result<Option<CollectionRecord>, Problem> {
        let query = AccessQuery::Collection { collection: id };
        match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Collection(record) => Ok(record),
            _ => Err(problems::another()),
        }
    }

    /// Whether a collection that is not alive is no more. A ledger keeps a record of what was destroyed, and one on other
    /// machines may show a state from before there was anything: what it does not have is not buried.
    pub(super) async fn is_gone(&self, id: CollectionId) -> Result<bool, Problem> {
        let here = self.0.parts.ledger.authorization() == Authorization::Request;
        Ok(self.recorded(id).await?.map_or(here, |record| record.destroyed))
    }

    pub(super) fn create_shard(
        &self,
        mut entry: Entry,
        profile: Profile,
        wrap: Key<Wrap>,
    ) -> Result<Arc<Held>, Problem> {
        let parts = &self.0.parts;
        let mode = Open::Writer { expected_epoch: 0, claim: entry.writer_epoch() };
        let store = parts
            .engine
            .open(ShardName(entry.shard()), mode)
            .map_err(|error| problems::collection(error.into()))?;
        let shard = CollectionShard::create(
            identity(&entry, entry.epoch),
            profile,
            wrap,
            self.home(store),
            &mut OsEntropy,
        )
        .map_err(problems::collection)?;
        entry.ready = true;
        parts.catalog.keep(&entry).map_err(vault)?;
        let held = Arc::new(Held::new(entry, State::Ready(Arc::new(shard))));
        held.touch(self.now());
        self.hold(&held);
        Ok(held)
    }

    /// As [`Worker::open_alone`], unless it is open already; it may as well stay locked.
    pub(super) async fn open_shard(
        &self,
        held: &Arc<Held>,
        epoch: Epoch,
        wrap: Key<Wrap>,
        seen: Option<Head>,
    ) {
        let _one_by_one = held.opening.lock().await;
        if held.kept().is_ok() {
            return;
        }
        if let Err(problem) = self.open_alone(held, epoch, Arc::new(wrap), seen).await {
            tracing::warn!(shard = %held.entry.lineage, %problem, "a shard stays locked");
        }
    }

    /// Open the shard with the key of the ledger's epoch, then end the epochs before it. Whoever asks holds `opening`.
    /// `seen`: a head that it must continue, besides the last anchor and the head that it went to rest with.
    ///
    /// # Errors
    /// The policy's, the ledger's, `memory-limit`, `overloaded`: it is as it was. What is wrong with the shard itself
    /// is its state.
    pub(super) async fn open_alone(
        &self,
        held: &Arc<Held>,
        epoch: Epoch,
        wrap: Arc<Key<Wrap>>,
        seen: Option<Head>,
    ) -> Result<(), Problem> {
        let rest = held.resting();
        let rested = rest.as_ref().map(|rest| rest.head);
        self.check_policy(held.entry.id).await?;
        let (worker, entry) = (self.clone(), held.entry.clone());
        let last = self.last_anchor().await?;
        let superseded = self.writes(&held.entry).await?;
        let work = move || worker.open_checked(&entry, epoch, wrap, &last, [seen, rested]);
        let opened: Result<_, CollectionError> = match superseded {
            None => match tokio::task::spawn_blocking(work).await {
                Ok(opened) => opened,
                Err(_) => Err(CollectionError::Tampered("shard")),
            },
            Some(superseded) => Err(superseded),
        };
        match opened {
            Ok(shard) => {
                let shard = Arc::new(shard);
                // What it had when it went to rest was counted.
                let counted = rest.filter(|rest| rest.counts.is_some());
                if counted.map(|rest| rest.head) != Some(shard.head()) {
                    self.make_room_of(&shard).await?;
                }
                held.touch(self.now());
                held.arrive(&shard, rested.is_some())?;
                self.end_restoration(&held.entry).await;
                if let Err(problem) = self.settle(held.entry.id, epoch, &shard).await {
                    tracing::warn!(%problem, "an earlier key epoch is not ended yet");
                }
            }
            Err(error @ (CollectionError::Memory(_) | CollectionError::Crowded { .. })) => {
                return Err(problems::collection(error));
            }
            // Nothing was found wrong with it: the disk may answer the next one.
            Err(error @ CollectionError::Store(StoreError::Io { .. } | StoreError::Busy(_)))
                if rested.is_some() =>
            {
                return Err(problems::collection(error));
            }
            Err(error) => held.fail(error),
        }
        Ok(())
    }

    /// A shard's store, with what all shards share.
    fn home(&self, store: Arc<dyn Shard>) -> Home {
        let accounts = Arc::clone(&self.0.memory.accounts);
        Home { store, accounts, upkeep: Arc::clone(&self.0.upkeep) }
    }

    /// The shard of `entry`, if all of it is authentic and continues what is known of it. Blocks.
    fn open_checked(
        &self,
        entry: &Entry,
        epoch: Epoch,
        wrap: Arc<Key<Wrap>>,
        last: &LastAnchor,
        [seen, rested]: [Option<Head>; 2],
    ) -> Result<CollectionShard, CollectionError> {
        let claim = entry.writer_epoch();
        let mode = Open::Writer { expected_epoch: claim, claim };
        let store = self.0.parts.engine.open(ShardName(entry.shard()), mode)?;
        let shard = CollectionShard::open(identity(entry, epoch), wrap, self.home(store))?;
        let restored = entry.restored.map(|restored| restored.head);
        let known = [seen.as_ref(), rested.as_ref(), restored.as_ref()];
        continued(&shard.head(), |size| shard.root_at(size), last, known)?;
        Ok(shard)
    }

    /// The head of `entry`'s shard as it is stored, if it continues the last anchor. Blocks.
    pub(super) fn stored_head(
        &self,
        entry: &Entry,
        epoch: Epoch,
        wrap: Arc<Key<Wrap>>,
        last: &LastAnchor,
    ) -> Result<Head, CollectionError> {
        let claim = entry.writer_epoch();
        let mode = Open::Writer { expected_epoch: claim, claim };
        let store = self.0.parts.engine.open(ShardName(entry.shard()), mode)?;
        let (head, tree) = CollectionShard::stored_head(identity(entry, epoch), wrap, &store)?;
        let restored = entry.restored.map(|restored| restored.head);
        continued(&head, |size| tree.root_at(size), last, [restored.as_ref()])?;
        Ok(head)
    }

    pub(super) fn bury(&self, entry: &Entry) -> Result<(), Problem> {
        let parts = &self.0.parts;
        parts.vaults.forget(entry.id).map_err(vault)?;
        parts.chain_shares.forget(entry.id).map_err(vault)?;
        self.remove_shards(entry.spare.iter().copied().chain([entry.shard()]))?;
        parts.catalog.forget(entry.id).map_err(vault)
    }

    pub(super) fn hold(&self, held: &Arc<Held>) {
        self.note_room(held);
        let mut collections = self.0.collections.write().unwrap_or_else(lock::ignore_poison);
        collections.insert(held.entry.id, Arc::clone(held));
    }
}

/// The wrap key, if the shares give the KEK that the ledger's commitment names.
pub(super) fn wrap_key(
    shares: &Shares,
    id: CollectionId,
    record: &CollectionRecord,
) -> Option<Key<Wrap>> {
    let kek = derive_kek(&shares.chain, &shares.owner, id, record.epoch);
    kek.opens(&record.commitment, id, record.epoch).then(|| kek.derive::<Wrap>())
}

fn identity(entry: &Entry, epoch: Epoch) -> Identity {
    let writer_epoch = entry.writer_epoch();
    Identity { collection: entry.id, lineage: entry.lineage, epoch, writer_epoch }
}
