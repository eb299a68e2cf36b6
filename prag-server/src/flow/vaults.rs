//! Keys from the configured vaults, in order.
//!
//! Layer: flow.
//! Holds: the ledger's word before every vault, the walk, and the opening of a shard with what it found.
//! Never: asks a vault about what a fresh ledger view does not show alive and placed; uses a key that does not open the
//! ledger's commitment.
//! Invariant: a walk that finds nothing leaves the collection locked, says what was tried, and can be made again.
//!
//! Keys are kept by every vault that keeps any before the shard is opened: a crash between loses nothing. The head that a
//! peer had is anchored before the keys are kept, so that no later boot opens an older copy of the shard; where this
//! worker anchored that shard before, the peer's head is only compared.
//!
//! `local` needs a live placement of this worker's account, since the keys are here already. `peer` and `chain` need one of
//! this very key: they release; `peer` one of this very epoch too. A restarted worker binds its account's placement to
//! its new key first; a worker whose lease is over, or that never was placed, gets nothing until its owner places it,
//! which is also when it walks again; no timer does.

use super::collections::vault;
use super::held::State;
use super::lease::{SHARD, lives};
use super::opening::wrap_key;
use super::{Held, Worker, problems};
use crate::collection::shard::Rest;
use crate::collection::{CollectionError, CollectionShard};
use crate::vault::Handover;
use prag_client::ledger::Deposit;
use prag_client::vault::{Fetched, Shares, VaultError, Wanted};
use prag_protocol::ledger::{AccessQuery, AccessReply, CollectionRecord, Placement};
use prag_protocol::problem::Problem;
use prag_protocol::wire::collections::{KeyAttempt, VaultKind};
use prag_protocol::{CollectionId, Epoch};
use prag_trust::admission;
use prag_trust::head::Head;
use prag_trust::key::{Key, Share, Wrap};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the ledger says of a collection that lives.
pub(super) struct Word {
    pub(super) record: CollectionRecord,
    /// Live: leased, and not of a past key epoch.
    pub(super) placement: Option<Placement>,
    /// Images that may serve it, where its owner set a policy.
    pub(super) images: Option<Vec<[u8; 32]>>,
}

/// Keys that open the ledger's commitment.
pub(super) struct Found {
    kind: VaultKind,
    shares: Shares,
    wrap: Key<Wrap>,
    /// What a peer said of the collection.
    pub(super) handover: Option<Handover>,
}

impl Found {
    /// The kind of the vault, the shares, and the head that a peer had.
    pub(super) fn into_parts(self) -> (VaultKind, Shares, Option<Head>) {
        (self.kind, self.shares, self.handover.map(|said| said.head))
    }
}

impl Worker {
    /// What a fresh view of the ledger says.
    ///
    /// # Errors
    /// `ledger-stale`; `forbidden` for an absent or destroyed collection.
    pub(super) async fn word(&self, id: CollectionId) -> Result<Word, Problem> {
        let parts = &self.0.parts;
        let view = parts.ledger.view(id, &parts.account, NO_PERMIT).await;
        let view = view.map_err(problems::ledger)?;
        let now = self.now();
        admission::fresh(&view, now, self.0.settings.staleness_s).map_err(problems::denied)?;
        let record = view.collection.filter(|record| !record.destroyed);
        let record = record.ok_or_else(problems::forbidden)?;
        let query = AccessQuery::Placement { collection: id, shard: SHARD };
        let reply = parts.ledger.query(query).await.map_err(problems::ledger)?;
        let AccessReply::Placement(placement) = reply else { return Err(problems::another()) };
        // A lease is over when either clock says so.
        let latest = now.max(view.time);
        let placement = placement.filter(|one| lives(one, record.epoch, latest));
        let query = AccessQuery::Policy { collection: id };
        let reply = parts.ledger.query(query).await.map_err(problems::ledger)?;
        let AccessReply::Policy(policy) = reply else { return Err(problems::another()) };
        Ok(Word { record, placement, images: policy.map(|policy| policy.measurements) })
    }

    /// Walk the vaults for a collection that is held, and open its shard with the first keys that fit; or, as at boot,
    /// let it rest with them until somebody asks.
    pub(super) async fn open_from_vaults(&self, held: &Arc<Held>, at_boot: bool) {
        let id = held.entry.id;
        match self.word(id).await {
            Ok(mut word) => {
                if word.placement.is_some() {
                    match self.bound(id, word.record.epoch).await {
                        Ok(placement) => {
                            if let Some(placement) = &placement {
                                // Closed by that or not, it is to be opened now.
                                let _closed = held.note_lease(placement.lease_until, self.now());
                            }
                            word.placement = placement;
                        }
                        Err(problem) => {
                            tracing::warn!(%problem, "a placement was not bound");
                            if problems::waits(&problem) {
                                self.0.waiting.store(true, Ordering::Relaxed);
                                return;
                            }
                        }
                    }
                }
                let (found, tried) = self.find_keys(id, &word).await;
                held.tried(tried);
                if let Some(found) = found {
                    let rests = at_boot && self.0.settings.memory.idle_s > 0;
                    if rests && found.handover.is_none() && self.may_rest(held).await {
                        self.rest_with(held, word.record.epoch, found).await;
                    } else {
                        self.open_with(held, word.record.epoch, found).await;
                    }
                }
            }
            Err(problem) => {
                let tried = self.0.parts.vaults.iter();
                held.tried(tried.map(|one| attempt(one.kind(), problem.code.as_str())).collect());
                if problems::waits(&problem) {
                    self.0.waiting.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Ask the vaults, first to last, until one has keys that fit.
    pub(super) async fn find_keys(
        &self,
        id: CollectionId,
        word: &Word,
    ) -> (Option<Found>, Vec<KeyAttempt>) {
        let images = word.images.as_deref();
        let wanted = Wanted { collection: id, epoch: word.record.epoch, images };
        let mut tried = Vec::new();
        for vault in self.0.parts.vaults.iter() {
            let kind = vault.kind();
            let reason = if !self.may_ask(word, kind) {
                "not-placed"
            } else {
                match vault.fetch(&wanted).await {
                    Ok(fetched) => match fits(kind, fetched, id, &word.record) {
                        Ok(found) => return (Some(found), tried),
                        Err(reason) => reason,
                    },
                    Err(error) => error.word(),
                }
            };
            tried.push(attempt(kind, reason));
        }
        (None, tried)
    }

    /// Anchor what a peer had, keep the keys, then open the shard with them.
    pub(super) async fn open_with(&self, held: &Arc<Held>, epoch: Epoch, found: Found) {
        let Found { kind, shares, wrap, handover } = found;
        let head = handover.map(|said| said.head);
        if head.is_some()
            && let Err(problem) = self.anchor_with(head).await
        {
            tracing::warn!(%problem, "a released shard stays locked: its head was not anchored");
            held.tried(vec![attempt(kind, "not-anchored")]);
            return;
        }
        if kind != VaultKind::Local
            && let Err(error) = self.0.parts.vaults.keep(held.entry.id, epoch, &shares)
        {
            tracing::warn!(%error, "released keys are not kept for the next restart");
        }
        // Before it serves, so that nobody sees it serve without an origin; shown only while it serves.
        held.opened(kind);
        self.open_shard(held, epoch, wrap, head).await;
        if held.absent() {
            held.also_tried(attempt(kind, "files-absent"));
        }
        self.opened(held, kind, epoch, shares);
    }

    /// Whether nothing but a request needs the shard: it is the one that counts, and no restoration waits for its end.
    async fn may_rest(&self, held: &Held) -> bool {
        held.entry.spare.is_empty() && matches!(self.writes(&held.entry).await, Ok(None))
    }

    /// Hold the keys of a shard that nobody has asked for yet, and its head, which the next anchor covers.
    async fn rest_with(&self, held: &Arc<Held>, epoch: Epoch, found: Found) {
        let Found { kind, shares, wrap, handover: _ } = found;
        let wrap = Arc::new(wrap);
        let _one_by_one = held.opening.lock().await;
        if !held.locked() {
            return;
        }
        let head = match self.look_at(held, epoch, &wrap).await {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => return held.fail(error),
            Err(problem) => {
                tracing::warn!(shard = %held.entry.lineage, %problem, "a shard stays locked");
                return;
            }
        };
        if kind != VaultKind::Local
            && let Err(error) = self.0.parts.vaults.keep(held.entry.id, epoch, &shares)
        {
            tracing::warn!(%error, "released keys are not kept for the next restart");
        }
        held.opened(kind);
        let shares = self.gives().then_some((epoch, shares));
        held.set(State::Resting(Arc::new(Rest::unopened(epoch, wrap, head, shares))));
    }

    async fn look_at(
        &self,
        held: &Held,
        epoch: Epoch,
        wrap: &Arc<Key<Wrap>>,
    ) -> Result<Result<Head, CollectionError>, Problem> {
        self.check_policy(held.entry.id).await?;
        let last = self.last_anchor().await?;
        let (worker, entry, wrap) = (self.clone(), held.entry.clone(), Arc::clone(wrap));
        let work = move || worker.stored_head(&entry, epoch, wrap, &last);
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)
    }

    /// Note where the keys of an open shard came from; its shares stay in memory where peers may ask for them.
    pub(super) fn opened(&self, held: &Held, kind: VaultKind, epoch: Epoch, shares: Shares) {
        let Ok(shard) = held.kept() else { return };
        held.opened(kind);
        self.hand_out(&shard, epoch, shares);
    }

    /// Hold the shares of an open shard in memory, where peers may ask for them.
    pub(super) fn hand_out(&self, shard: &CollectionShard, epoch: Epoch, shares: Shares) {
        if self.gives() {
            shard.hold_shares(epoch, shares);
        }
    }

    fn may_ask(&self, word: &Word, kind: VaultKind) -> bool {
        let Some(placement) = &word.placement else { return false };
        match kind {
            VaultKind::Local | VaultKind::Owner => placement.account == self.0.parts.account,
            VaultKind::Peer => {
                placement.worker == self.worker_key() && placement.epoch == word.record.epoch
            }
            // A rotation that was cut short leaves the placement of the next epoch.
            VaultKind::Chain => placement.worker == self.worker_key(),
        }
    }

    /// Hand the ledger its share of a new key, or keep it beside a ledger that keeps none.
    pub(super) async fn keep_chain_share(
        &self,
        caller: &Verified<Caller>,
        place: (CollectionId, Epoch),
        shares: &Shares,
        (commitment, managed): ([u8; 32], bool),
    ) -> Result<(), Problem> {
        let parts = &self.0.parts;
        if !parts.ledger.keeps_shares() {
            return parts.chain_shares.keep(place.0, place.1, &shares.chain).map_err(vault);
        }
        let ((collection, epoch), chain) = (place, &shares.chain);
        let owner = managed.then_some(&shares.owner);
        let deposit = Deposit { collection, epoch, commitment, chain, owner };
        let (address, signed) = (&caller.address, &caller.authorization);
        let kept = parts.ledger.keep_shares(address, signed, &deposit).await;
        kept.map_err(problems::ledger)
    }

    /// The ledger's share: from the ledger, or from beside one that keeps none. This worker is placed.
    pub(super) async fn chain_share(
        &self,
        collection: CollectionId,
        epoch: Epoch,
    ) -> Result<Share, Problem> {
        let parts = &self.0.parts;
        if !parts.ledger.keeps_shares() {
            return parts.chain_shares.fetch(collection, epoch).map_err(vault);
        }
        let wanted = Wanted { collection, epoch, images: None };
        parts.chain.share(&wanted).await.map_err(vault)
    }
}

/// What a vault gave, if it opens the commitment and is about this collection.
fn fits(
    kind: VaultKind,
    fetched: Fetched,
    id: CollectionId,
    record: &CollectionRecord,
) -> Result<Found, &'static str> {
    let Fetched { shares, handover } = fetched;
    let wrap = wrap_key(&shares, id, record).ok_or("commitment")?;
    let handover = if handover.is_empty() {
        None
    } else {
        Some(Handover::parse(&handover, id, record).map_err(VaultError::word)?)
    };
    Ok(Found { kind, shares, wrap, handover })
}

fn attempt(kind: VaultKind, reason: &str) -> KeyAttempt {
    KeyAttempt { kind, reason: reason.to_owned() }
}

/// A view is always about some permit; this name is no permit's.
const NO_PERMIT: &str = "prag/worker";
