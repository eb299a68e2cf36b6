//! Leases: a key is held for as long as the ledger says so, and not longer.
//!
//! Layer: flow.
//! Holds: what the ledger's placement of a shard allows this worker, asked at every admission and every few seconds.
//! Never: a key under a placement that is absent, another account's, of a past epoch, or over; a placement that the
//! owner did not authorise.
//! Invariant: where the ledger does not answer for longer than the staleness bound, keys go as if it had said no.
//!
//! What is kept at rest goes once the ledger says so out of a state that is not older than its first such word: a closed
//! ledger's nodes can show an old state for a while, and a placement that was renewed since must not cost a key.

use super::collections::vault;
use super::{Asker, Held, Worker, lock, problems};
use prag_client::ledger::Authorization;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply, LEASE_SECONDS_MAX, Placement};
use prag_protocol::problem::Problem;
use prag_protocol::{CollectionId, Epoch};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the ledger says about holding a collection's key.
enum Verdict {
    /// Held, until this time.
    Held(u64),
    /// Not yet: the placement names the key of an earlier boot, and the account is this worker's, so it may bind it; or
    /// the ledger shows a state from before the collection.
    Unbound,
    /// Not, or no more.
    Lapsed,
    /// As far as a closed ledger tells: not, or no more; or it shows a state from before the placement.
    Hidden,
    /// Another worker is placed: this one serves no longer, and may have to hand the keys over.
    Displaced,
    /// There is nothing to hold.
    Destroyed,
}

/// Whether a placement allows the key of `epoch` at Unix second `at`.
pub(super) fn lives(placement: &Placement, epoch: Epoch, at: u64) -> bool {
    placement.epoch >= epoch && at < placement.lease_until
}

impl Worker {
    /// The placement under which this worker may hold the key of `epoch`, if there is one.
    pub(super) async fn placed(
        &self,
        id: CollectionId,
        epoch: Epoch,
    ) -> Result<Option<Placement>, Problem> {
        let leased = self.leased(id, epoch).await?;
        Ok(leased.filter(|placement| placement.account == self.0.parts.account))
    }

    /// The live placement, whosever it is.
    async fn leased(&self, id: CollectionId, epoch: Epoch) -> Result<Option<Placement>, Problem> {
        let query = AccessQuery::Placement { collection: id, shard: SHARD };
        let found = match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Placement(found) => found,
            _ => return Err(problems::another()),
        };
        Ok(found.filter(|one| lives(one, epoch, self.now())))
    }

    /// As [`Worker::placed`], for this boot: the account that the owner placed gives the placement this boot's signing
    /// key. The account's wallet is sealed to this TEE and this image, so no other worker can.
    pub(super) async fn bound(
        &self,
        id: CollectionId,
        epoch: Epoch,
    ) -> Result<Option<Placement>, Problem> {
        let Some(mut placement) = self.placed(id, epoch).await? else { return Ok(None) };
        if placement.worker != self.worker_key() {
            placement.worker = self.worker_key();
            let worker = placement.worker;
            let message = AccessMsg::Rebind { collection: id, shard: SHARD, worker };
            let parts = &self.0.parts;
            parts.ledger.execute(&parts.account, &[], message).await.map_err(problems::ledger)?;
        }
        Ok(Some(placement))
    }

    /// Place the collection on this worker for as long as can be, on its owner's word. What is open here is closed
    /// where the ledger named another worker until now, or a later writer. It opens again as after a move: with what
    /// the vault says that has the keys, and that is the other worker where `peer` comes first.
    pub(super) async fn place(
        &self,
        caller: &Asker,
        id: CollectionId,
        epoch: Epoch,
    ) -> Result<(), Problem> {
        let another = |before: Placement| before.account != self.0.parts.account;
        let moved = self.leased(id, epoch).await?.is_some_and(another);
        let away = self.known(id).ok().filter(|_| moved);
        if let Some(held) = &away {
            // Noted before the ledger turns: nobody is served between the turn and the lock.
            held.note_displaced(self.now());
        }
        self.transition(caller, self.placing(id, epoch)).await?;
        if let Ok(held) = self.known(id) {
            held.note_turned(self.now());
        }
        if let Some(held) = away {
            held.lock();
        }
        self.lock_if_superseded(id).await
    }

    /// The message that places a collection on this worker.
    pub(super) fn placing(&self, id: CollectionId, epoch: Epoch) -> AccessMsg {
        let placement = Placement {
            collection: id,
            shard: SHARD,
            epoch,
            worker: self.worker_key(),
            account: self.0.parts.account.clone(),
            lease_until: self.now() + LEASE_SECONDS_MAX - LEASE_SLACK_SECONDS,
        };
        AccessMsg::Place { placement }
    }

    /// Renew a lease of which less than half is left, on the word of the request that its owner has just signed. A lease
    /// that is over is not renewed: that takes a release; and so does any on a ledger that asks for more than a request.
    pub(super) async fn renew_if_due(&self, caller: &Asker, id: CollectionId, epoch: Epoch) {
        if self.0.parts.ledger.authorization() != Authorization::Request {
            return;
        }
        // Whoever holds this lock places anew, or must not be disturbed.
        let Ok(_alone) = self.0.turning.try_lock() else { return };
        let due = |placement: &Placement| {
            placement.worker == self.worker_key()
                && placement.lease_until < self.now() + LEASE_SECONDS_MAX / 2
        };
        if let Ok(Some(placement)) = self.placed(id, epoch).await
            && due(&placement)
            && let Err(problem) = self.place(caller, id, placement.epoch).await
        {
            tracing::warn!(%problem, "a lease was not renewed");
        }
    }

    /// Lock a collection whose lease is over. At every admission; where the ledger fails, admission fails by itself.
    pub(super) async fn check_lease(&self, held: &Held) {
        if !held.ready() {
            return;
        }
        match self.verdict(held.entry.id).await {
            Ok(Verdict::Held(until)) => self.note_lease(held, until),
            Ok(Verdict::Displaced) => {
                held.note_displaced(self.now());
            }
            Ok(Verdict::Unbound | Verdict::Lapsed | Verdict::Hidden | Verdict::Destroyed) => {
                held.lock();
            }
            Err(_) => {}
        }
    }

    /// See [`Held::note_lease`]; what was closed opens again with the next look at the vaults.
    fn note_lease(&self, held: &Held, until: u64) {
        if held.note_lease(until, self.now()) {
            self.0.waiting.store(true, Ordering::Relaxed);
        }
    }

    async fn verdict(&self, id: CollectionId) -> Result<Verdict, Problem> {
        let Some(record) = self.alive(id).await? else {
            let gone = self.is_gone(id).await?;
            let closed = self.0.parts.ledger.is_closed();
            return Ok(match (gone, closed) {
                (true, _) => Verdict::Destroyed,
                (false, true) => Verdict::Hidden,
                (false, false) => Verdict::Unbound,
            });
        };
        Ok(match self.leased(id, record.epoch).await? {
            Some(placement) if placement.worker == self.worker_key() => {
                Verdict::Held(placement.lease_until)
            }
            Some(placement) if placement.account != self.0.parts.account => Verdict::Displaced,
            Some(_) => Verdict::Unbound,
            None => Verdict::Lapsed,
        })
    }

    /// Check every lease now; keys whose lease is over go, from memory and from the local vault.
    ///
    /// # Errors
    /// Where the vault fails; the next check comes back to it.
    pub async fn check_leases(&self) -> Result<(), Problem> {
        let held: Vec<Arc<Held>> = {
            let collections = self.0.collections.read().unwrap_or_else(lock::ignore_poison);
            collections.values().cloned().collect()
        };
        for held in held {
            let alone = self.0.turning.try_lock();
            let id = held.entry.id;
            let settled = self.settled(&held).await;
            let verdict = self.verdict(id).await;
            // A rotation or release that is under way has the ledger and the shard in its hands; where it waits for a
            // ledger that is silent, keys go all the same.
            let Ok(_alone) = alone else {
                match verdict {
                    Ok(Verdict::Held(until)) => self.note_lease(&held, until),
                    Ok(
                        Verdict::Unbound
                        | Verdict::Lapsed
                        | Verdict::Hidden
                        | Verdict::Displaced
                        | Verdict::Destroyed,
                    ) => {}
                    Err(_) => self.lock_unseen(&held),
                }
                continue;
            };
            match verdict {
                Ok(verdict) => self.obey(&held, verdict, settled).await?,
                Err(_) => self.lock_unseen(&held),
            }
        }
        Ok(())
    }

    /// What the ledger's word means for the keys; nothing else has them in its hands. What is kept at rest goes if that
    /// word is `settled`.
    async fn obey(&self, held: &Arc<Held>, verdict: Verdict, settled: bool) -> Result<(), Problem> {
        let id = held.entry.id;
        match verdict {
            Verdict::Held(until) => {
                self.note_lease(held, until);
                if let Err(problem) = self.obey_policy(held).await {
                    tracing::warn!(%problem, "a policy was not checked");
                }
            }
            Verdict::Unbound => {
                held.lock();
                held.note_placed();
                self.0.waiting.store(true, Ordering::Relaxed);
            }
            Verdict::Lapsed | Verdict::Hidden => {
                held.lock();
                held.note_lapsed(self.now());
                if matches!(verdict, Verdict::Hidden) {
                    self.0.waiting.store(true, Ordering::Relaxed);
                }
                if settled {
                    self.wipe(id).await?;
                }
            }
            Verdict::Displaced => {
                let since = held.note_displaced(self.now());
                if self.now() >= since.saturating_add(HANDOVER_SECONDS) {
                    held.lock();
                    if settled {
                        self.wipe(id).await?;
                    }
                }
            }
            Verdict::Destroyed => {
                held.lock();
                self.0.collections.write().unwrap_or_else(lock::ignore_poison).remove(&id);
                let (worker, held) = (self.clone(), Arc::clone(held));
                let work = move || worker.bury(&held.entry);
                tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
            }
        }
        Ok(())
    }

    /// Whether what the ledger says next is of a state from after its first word that this worker is not placed; on an
    /// open ledger it always is.
    async fn settled(&self, held: &Held) -> bool {
        let ledger = &self.0.parts.ledger;
        match held.out_since() {
            Some(since) => ledger.is_after(since).await,
            None => !ledger.is_closed(),
        }
    }

    /// Lock what the ledger has not confirmed for longer than the staleness bound.
    fn lock_unseen(&self, held: &Held) {
        if self.now() > held.seen().saturating_add(self.0.settings.staleness_s) {
            held.lock();
            self.0.waiting.store(true, Ordering::Relaxed);
        }
    }

    /// Forget the shares that the local vault keeps, where it keeps some.
    async fn wipe(&self, id: CollectionId) -> Result<(), Problem> {
        let worker = self.clone();
        let work = move || worker.0.parts.vaults.wipe(id);
        let wiped = tokio::task::spawn_blocking(work).await.map_err(problems::internal)?;
        wiped.map_err(vault)
    }

    /// Check leases at the cadence of the settings, as long as this worker lives.
    pub(super) fn keep_leases(&self) {
        let cadence = Duration::from_secs(self.0.settings.lease_check_s);
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(cadence).await;
                let Some(inner) = weak.upgrade() else { return };
                let worker = Self(inner);
                if let Err(problem) = worker.check_leases().await {
                    tracing::warn!(%problem, "leases were not checked");
                }
                worker.open_waiting().await;
            }
        });
    }
}

/// A collection has one shard.
pub(super) const SHARD: u32 = 0;
/// How long a worker that was displaced keeps the keys, for the one that takes its place to ask for them. It serves
/// nothing meanwhile.
const HANDOVER_SECONDS: u64 = 120;
/// Kept below the longest lease, so that a ledger whose clock is behind accepts it too.
const LEASE_SLACK_SECONDS: u64 = 3600;
