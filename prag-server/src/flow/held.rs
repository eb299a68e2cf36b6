//! A collection as this worker holds it.
//!
//! Layer: flow.
//! Holds: its catalogue entry, its shard while the worker has the key, where the key came from, and who of its
//! grantees asked.
//! Never: keys.
//! Invariant: `shard()` gives a shard only in state ready; one at rest is woken first.

use super::lock::ignore_poison;
use super::problems;
use super::watch::Watch;
use crate::collection::shard::{Counts, Rest};
use crate::collection::{CollectionError, CollectionShard};
use crate::vault::Entry;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::{CollectionState, KeyAttempt, KeyReport, VaultKind};
use prag_store::StoreError;
use prag_store::archive::Hex;
use prag_trust::head::Head;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

/// A collection in the worker's hands.
pub struct Held {
    /// What the catalogue said when it was taken in hand; of that only the class moves on (`entry_now`).
    pub entry: Entry,
    pub(super) state: RwLock<State>,
    /// Held while the shard is opened or goes to rest: two writers of one shard would be its end.
    pub(super) opening: tokio::sync::Mutex<()>,
    /// When somebody was last admitted, Unix seconds.
    used: AtomicU64,
    watch: Mutex<Watch>,
    report: Mutex<KeyReport>,
    /// Unix seconds; 0 until the ledger was asked.
    lease_until: AtomicU64,
    /// When the ledger last said that the key may be held, Unix seconds.
    seen: AtomicU64,
    /// Since when another worker is placed, Unix seconds; 0 while this one is.
    displaced: AtomicU64,
    /// Since when the ledger says that nobody is, or nothing; 0 while somebody is.
    lapsed: AtomicU64,
    /// Class of its longest passage, as the catalogue has it.
    hit_bytes: Mutex<u32>,
}

/// Whether it serves.
pub(super) enum State {
    Ready(Arc<CollectionShard>),
    /// Closed for want of use; it opens when it is asked for.
    Resting(Arc<Rest>),
    Locked,
    /// The key fits, and the shard's files are not on this machine.
    Absent,
    Quarantined(String),
}

impl Held {
    pub(super) fn new(entry: Entry, state: State) -> Self {
        let (watch, report) = (Mutex::default(), Mutex::default());
        let (lease_until, seen, displaced, lapsed, used) = Default::default();
        let hit_bytes = Mutex::new(entry.hit_bytes);
        let (state, opening) = (RwLock::new(state), tokio::sync::Mutex::default());
        Self {
            entry,
            state,
            opening,
            used,
            watch,
            report,
            lease_until,
            seen,
            displaced,
            lapsed,
            hit_bytes,
        }
    }

    /// Somebody was admitted at `now`.
    pub(super) fn touch(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    /// When somebody last was.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How much is in it, if it serves, open or at rest.
    pub(super) fn counts(&self) -> Option<Counts> {
        if self.displaced().is_some() {
            return None;
        }
        let shard = match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(shard) => Arc::clone(shard),
            State::Resting(rest) => return rest.counts,
            State::Locked | State::Absent | State::Quarantined(_) => return None,
        };
        Some(shard.counts())
    }

    /// The head that is durable, if it serves, open or at rest.
    pub(super) fn durable_head(&self) -> Option<Head> {
        if self.displaced().is_some() {
            return None;
        }
        self.kept_head()
    }

    /// As [`Held::durable_head`], also where another worker is placed already.
    pub(super) fn kept_head(&self) -> Option<Head> {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(shard) => shard.durable_head(),
            State::Resting(rest) => Some(rest.head),
            State::Locked | State::Absent | State::Quarantined(_) => None,
        }
    }

    /// The catalogue's entry as it is now.
    pub(super) fn entry_now(&self) -> Entry {
        Entry { hit_bytes: self.hit_bytes(), ..self.entry.clone() }
    }

    /// Class of its longest passage.
    pub(super) fn hit_bytes(&self) -> u32 {
        *self.hit_bytes.lock().unwrap_or_else(ignore_poison)
    }

    /// Makes the class at least `needed`, if `keep` keeps it.
    pub(super) fn widen(
        &self,
        needed: u32,
        keep: impl FnOnce(u32) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut hit_bytes = self.hit_bytes.lock().unwrap_or_else(ignore_poison);
        if needed > *hit_bytes {
            keep(needed)?;
            *hit_bytes = needed;
        }
        Ok(())
    }

    /// The shard, if it serves.
    ///
    /// # Errors
    /// `key-missing` or `shard-unavailable`, with what to do next.
    pub fn shard(&self) -> Result<Arc<CollectionShard>, Problem> {
        if self.displaced().is_some() && !self.quarantined() {
            let detail = "the collection is placed on another worker; ask that one";
            return Err(Problem::new(Code::KeyMissing, detail));
        }
        self.kept()
    }

    /// As [`Held::shard`], also where another worker is placed already: it may have to be given the keys.
    ///
    /// # Errors
    /// As [`Held::shard`].
    pub(super) fn kept(&self) -> Result<Arc<CollectionShard>, Problem> {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(shard) => Ok(Arc::clone(shard)),
            State::Resting(_) => Err(Problem::new(
                Code::Overloaded,
                "the collection is at rest and was not opened; ask again",
            )),
            State::Locked => Err(problems::key_missing()),
            State::Absent => Err(Problem::new(
                Code::ShardUnavailable,
                format!(
                    "the files of shard {} are not on this machine; move its folder here, then place it again",
                    Hex(&self.entry.shard())
                ),
            )),
            State::Quarantined(why) => Err(Problem::new(
                Code::ShardUnavailable,
                format!(
                    "shard {} is quarantined: {why}; other collections serve on",
                    self.entry.lineage
                ),
            )),
        }
    }

    /// Who of its grantees asked, how much and for what.
    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(ignore_poison)
    }

    /// Something is wrong with the shard itself.
    pub(super) fn fail(&self, error: CollectionError) {
        if let CollectionError::Store(StoreError::Absent(_)) = error {
            return self.set(State::Absent);
        }
        tracing::error!(shard = %self.entry.lineage, %error, "a shard is quarantined");
        self.set(State::Quarantined(error.to_string()));
    }

    /// Somebody's read of the open shard failed. Where a stored byte failed its check, it serves nobody from now on.
    pub(super) fn damaged(&self, shard: &Arc<CollectionShard>, error: CollectionError) -> Problem {
        if let CollectionError::Tampered(_) = error {
            let mut state = self.state.write().unwrap_or_else(ignore_poison);
            if matches!(&*state, State::Ready(open) if Arc::ptr_eq(open, shard)) {
                shard.close();
                tracing::error!(shard = %self.entry.lineage, %error, "a shard is quarantined");
                *state = State::Quarantined(error.to_string());
            }
        }
        problems::collection(error)
    }

    pub(super) fn set(&self, state: State) {
        *self.state.write().unwrap_or_else(ignore_poison) = state;
    }

    /// Stops serving, for a policy that no longer lists this worker: the keys are wiped with the shard, as soon as
    /// what is under way has ended.
    pub(super) fn retire(&self) {
        if self.lock() {
            tracing::warn!(shard = %self.entry.lineage, "the policy no longer lists this worker's image: locked");
        }
    }

    /// What was tried for its key, and gave none.
    pub(super) fn tried(&self, tried: Vec<KeyAttempt>) {
        self.report.lock().unwrap_or_else(ignore_poison).tried = tried;
    }

    /// One attempt more.
    pub(super) fn also_tried(&self, attempt: KeyAttempt) {
        self.report.lock().unwrap_or_else(ignore_poison).tried.push(attempt);
    }

    /// Where its key came from.
    pub(super) fn opened(&self, from: VaultKind) {
        self.report.lock().unwrap_or_else(ignore_poison).from = Some(from);
    }

    /// Where the key in use came from, if it serves, and what was tried.
    #[must_use]
    pub fn report(&self) -> KeyReport {
        let mut report = self.report.lock().unwrap_or_else(ignore_poison).clone();
        report.from = report.from.filter(|_| self.state() == CollectionState::Ready);
        report
    }

    /// Whether it serves, and why not.
    #[must_use]
    pub fn state(&self) -> CollectionState {
        match &*self.state.read().unwrap_or_else(ignore_poison) {
            State::Ready(_) | State::Resting(_) => CollectionState::Ready,
            State::Locked | State::Absent => CollectionState::Locked,
            State::Quarantined(_) => CollectionState::Quarantined,
        }
    }

    /// The ledger said at `now` that the key may be held until `until`. Where it named another worker meanwhile, that
    /// one may have written: what is open here is closed, to be checked against the ledger again. Answers whether it
    /// was.
    pub(super) fn note_lease(&self, until: u64, now: u64) -> bool {
        let closed = self.displaced().is_some() && self.lock();
        self.lease_until.store(until, Ordering::Relaxed);
        self.seen.store(now, Ordering::Relaxed);
        self.displaced.store(0, Ordering::Relaxed);
        self.lapsed.store(0, Ordering::Relaxed);
        closed
    }

    /// The ledger said at `now` that another worker is placed. Answers since when it has said so.
    pub(super) fn note_displaced(&self, now: u64) -> u64 {
        self.seen.store(now, Ordering::Relaxed);
        first(&self.displaced, now)
    }

    /// The ledger said at `now` that this worker is placed no more, and named no other.
    pub(super) fn note_lapsed(&self, now: u64) {
        first(&self.lapsed, now);
    }

    /// The ledger said that this worker's account is placed.
    pub(super) fn note_placed(&self) {
        self.lapsed.store(0, Ordering::Relaxed);
    }

    /// The ledger took a placement on this worker, by `now`: what it said before counts no more.
    pub(super) fn note_turned(&self, now: u64) {
        self.note_placed();
        let displaced = |since| (since > 0).then_some(now);
        let _none = self.displaced.fetch_update(Ordering::Relaxed, Ordering::Relaxed, displaced);
    }

    /// Since when the ledger says without a break that this worker is not placed, if it does.
    pub(super) fn out_since(&self) -> Option<u64> {
        let lapsed = self.lapsed.load(Ordering::Relaxed);
        self.displaced().or((lapsed > 0).then_some(lapsed))
    }

    fn displaced(&self) -> Option<u64> {
        Some(self.displaced.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    /// Unix seconds until which the key may be held, as the ledger last said; 0 if it was not asked.
    #[must_use]
    pub fn lease_until(&self) -> u64 {
        self.lease_until.load(Ordering::Relaxed)
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Give up the shard and its keys; true if they were here. Who is using it finishes; nothing more is written.
    pub(super) fn lock(&self) -> bool {
        self.lock_with_head().is_some()
    }

    /// As [`Held::lock`]. Answers the head that it had last.
    pub(super) fn lock_with_head(&self) -> Option<Head> {
        let mut state = self.state.write().unwrap_or_else(ignore_poison);
        let head = match &*state {
            State::Ready(shard) => {
                shard.close();
                shard.head()
            }
            State::Resting(rest) => rest.head,
            State::Locked | State::Absent | State::Quarantined(_) => return None,
        };
        *state = State::Locked;
        Some(head)
    }

    /// True if it serves.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.state() == CollectionState::Ready
    }

    /// True if a stored byte failed its check.
    #[must_use]
    pub fn quarantined(&self) -> bool {
        self.state() == CollectionState::Quarantined
    }

    /// True if the key fits and the files are not here.
    pub(super) fn absent(&self) -> bool {
        matches!(*self.state.read().unwrap_or_else(ignore_poison), State::Absent)
    }

    /// True if it waits for its key, or for its files.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.state() == CollectionState::Locked
    }
}

/// What `cell` holds; `now`, where that was 0.
fn first(cell: &AtomicU64, now: u64) -> u64 {
    let first = cell.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    first.map_or_else(|since| since, |_| now)
}
