//! What grantees use, counted for vouchers that the rewards contract pays.
//!
//! Layer: beside `http` and `flow`, below both; on the vault's rows.
//! Holds: the sessions of every collection in memory, each as its row on disk says.
//! Never: an answer or a question; a count that is not durable in a voucher that leaves.
//! Invariant: a request is counted once, whatever becomes of its reply; no session owes more than its credit.
//!
//! A request is admitted, served, and counted before its reply leaves. Both the voucher that it brought and its count are in
//! one write: until then the client has the voucher, and brings it again.
//!
//! A session makes room once nothing is owed and nothing is left to report, though its permit lives. Where the ledger
//! takes reports its row stays, and it goes on from that; elsewhere it brings its voucher and goes on from there, also
//! where it kept the voucher back at first. A request whose reply was lost before, and that is asked again after, is
//! claimed again; its client accounts for it once, and refuses.

mod error;
mod session;

pub use error::MeterError;
pub use session::Mark;

use crate::vault::UsageRows;
use ed25519_dalek::SigningKey;
use prag_client::vault::VaultError;
use prag_contracts_core::rewards::book::Entry;
use prag_protocol::ledger::voucher::{Counters, OfferedVoucher, SignedVoucher, Voucher};
use prag_protocol::limits::{
    METERED_SESSIONS_KEPT_MAX, METERED_SESSIONS_MAX, METERED_SESSIONS_PER_ACCOUNT_MAX,
};
use prag_protocol::wire::metering::Standing;
use prag_protocol::{Address, CollectionId};
use prag_trust::verified::Verified;
use prag_trust::voucher::{offer, verify_signed};
use session::{Session, Taken};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who asks, of what.
#[derive(Clone, Debug)]
pub struct Who {
    /// What is read.
    pub collection: CollectionId,
    /// Whom the session acts for.
    pub consumer: Address,
    /// Its key.
    pub session: [u8; 32],
    /// When its permit ends, unix seconds.
    pub expires: u64,
    /// When it asks, unix seconds.
    pub now: u64,
}

/// The worker, as vouchers name it.
pub struct Vouching {
    /// The ledger that pays.
    pub ledger: [u8; 32],
    /// The worker's account.
    pub worker: Address,
    /// The key of this boot.
    pub signing: SigningKey,
    /// Whether that ledger takes reports: then a session is kept until all that it countersigned is reported.
    pub reports: bool,
}

/// The counters of all sessions.
pub struct Meter {
    credit: u64,
    vouching: Vouching,
    rows: UsageRows,
    sessions: Mutex<Sessions>,
}

/// By collection and session key. Only this map hands slots out.
type Sessions = BTreeMap<(CollectionId, [u8; 32]), Arc<Slot>>;

type Slot = Mutex<Live>;

struct Live {
    session: Session,
    /// Requests that are being served.
    busy: u64,
    /// It holds a voucher that its row does not hold yet.
    ahead: bool,
}

impl Live {
    fn new(session: Session) -> Slot {
        Mutex::new(Self { session, busy: 0, ahead: false })
    }

    /// What its row holds now.
    fn kept(&mut self, session: Session) {
        (self.session, self.ahead) = (session, false);
    }
}

/// A request that was admitted. Dropped uncounted, it costs nothing.
pub struct Charge {
    meter: Arc<Meter>,
    slot: Arc<Slot>,
    who: Who,
    mark: Option<Mark>,
    open: bool,
}

impl Meter {
    /// The counters in `rows`. Blocks.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if a row fails its check.
    pub fn open(credit: u64, vouching: Vouching, rows: UsageRows) -> Result<Self, VaultError> {
        let mut sessions = BTreeMap::new();
        for (collection, key, row) in rows.all()? {
            let session = Session::from_row(&row).ok_or(VaultError::Tampered)?;
            // What is over is read when it comes back.
            if !(vouching.reports && session.is_over(true)) {
                sessions.insert((collection, key), Arc::new(Live::new(session)));
            }
        }
        Ok(Self { credit, vouching, rows, sessions: Mutex::new(sessions) })
    }

    /// Queries that a session may owe.
    #[must_use]
    pub fn credit(&self) -> u64 {
        self.credit
    }

    /// Let a request be served, with the voucher that it brings. One that was counted before owes nothing new. Blocks.
    ///
    /// # Errors
    /// [`MeterError`]; an older voucher is passed over, as requests of one session overtake each other.
    pub fn admit(
        self: &Arc<Self>,
        who: Who,
        voucher: Option<SignedVoucher>,
        mark: Option<Mark>,
    ) -> Result<Charge, MeterError> {
        let signed = voucher.map(|voucher| self.verify(&who, voucher)).transpose()?;
        let slot = self.slot(&who)?;
        {
            let mut live = lock(&slot);
            if live.session.consumer != who.consumer {
                return Err(MeterError::Foreign);
            }
            if let Some(signed) = signed {
                live.ahead |= live.session.take(signed) == Taken::Newer;
            }
            let owed = live.session.owed().saturating_add(live.busy);
            if !live.session.knows(mark)? && owed >= self.credit {
                return Err(MeterError::Due { owed, credit: self.credit });
            }
            live.busy += 1;
        }
        Ok(Charge { meter: Arc::clone(self), slot, who, mark, open: true })
    }

    /// Keep a voucher, and say how the session stands. `None`: the session is unknown. Blocks.
    ///
    /// # Errors
    /// [`MeterError`].
    pub fn hand_in(
        &self,
        who: &Who,
        voucher: Option<SignedVoucher>,
    ) -> Result<Option<Standing>, MeterError> {
        let signed = voucher.map(|voucher| self.verify(who, voucher)).transpose()?;
        let known = lock(&self.sessions).get(&(who.collection, who.session)).cloned();
        let slot = match known {
            Some(slot) => slot,
            None if signed.is_some() || self.kept(who)?.is_some() => self.slot(who)?,
            None => return Ok(None),
        };
        let mut live = lock(&slot);
        if live.session.consumer != who.consumer {
            return Err(MeterError::Foreign);
        }
        if let Some(signed) = signed {
            let mut next = live.session.clone();
            match next.take(signed) {
                Taken::Old => return Err(MeterError::Old),
                Taken::Same if !live.ahead => {}
                Taken::Same | Taken::Newer => {
                    self.keep(who.collection, &who.session, &next)?;
                    live.kept(next);
                }
            }
        }
        let session = &live.session;
        let offered = session.is_counted().then(|| self.offer(who, session));
        Ok(Some(Standing { offered, countersigned: session.settled.clone() }))
    }

    /// What is countersigned and not reported yet: the entries of a report's book. Blocks.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let slots: Vec<Arc<Slot>> = lock(&self.sessions).values().cloned().collect();
        let entry = |slot: &Arc<Slot>| {
            let session = &lock(slot).session;
            let (signed, start) = (session.settled.clone()?, session.reported);
            let new = signed.voucher.used.minus(&start)?;
            (new != Counters::default()).then_some(Entry { signed, start })
        };
        slots.iter().filter_map(entry).collect()
    }

    /// These entries were reported, and the ledger has taken the report: they are not reported again. Blocks.
    ///
    /// # Errors
    /// [`MeterError::Storage`]: call again with all of them.
    pub fn reported(&self, entries: &[Entry]) -> Result<(), MeterError> {
        for Entry { signed: SignedVoucher { voucher, .. }, .. } in entries {
            let key = (voucher.collection, voucher.session);
            let Some(slot) = lock(&self.sessions).get(&key).cloned() else { continue };
            let mut live = lock(&slot);
            let mut next = live.session.clone();
            next.reported = next.reported.greatest(&voucher.used);
            self.keep(key.0, &key.1, &next)?;
            live.kept(next);
        }
        Ok(())
    }

    /// Whether a voucher is of this session, and both have signed it.
    fn verify(
        &self,
        who: &Who,
        signed: SignedVoucher,
    ) -> Result<Verified<SignedVoucher>, MeterError> {
        let voucher = &signed.voucher;
        let ours = voucher.ledger == self.vouching.ledger
            && voucher.worker == self.vouching.worker
            && self.rows.is_own(&voucher.worker_key);
        let theirs = voucher.collection == who.collection
            && voucher.consumer == who.consumer
            && voucher.session == who.session;
        if !(ours && theirs) {
            return Err(MeterError::Foreign);
        }
        verify_signed(signed).map_err(|_| MeterError::Invalid)
    }

    /// The session's place; a new one, where there is room.
    fn slot(&self, who: &Who) -> Result<Arc<Slot>, MeterError> {
        let mut sessions = lock(&self.sessions);
        let key = (who.collection, who.session);
        if let Some(slot) = sessions.get(&key) {
            return Ok(Arc::clone(slot));
        }
        let all = (who.collection, [0; 32])..=(who.collection, [0xff; 32]);
        let (mut total, mut own, mut owing) = (0usize, 0usize, 0usize);
        for (_, slot) in sessions.range(all.clone()) {
            let session = &lock(slot).session;
            let mine = session.consumer == who.consumer;
            total += 1;
            own += usize::from(mine);
            owing += usize::from(mine && !session.is_settled());
        }
        let debts = owing >= METERED_SESSIONS_PER_ACCOUNT_MAX;
        let full = own >= METERED_SESSIONS_KEPT_MAX;
        if debts || full || total >= METERED_SESSIONS_MAX {
            // An account that is full makes room among its own; a full collection, among all.
            let free = |session: &Session| {
                let mine = session.consumer == who.consumer;
                if debts {
                    return mine && !session.is_counted();
                }
                (mine || !full) && session.is_over(self.vouching.reports)
            };
            // Who is alone in the map is being served by nobody.
            let idle = sessions.range(all).filter(|(_, slot)| Arc::strong_count(slot) == 1);
            let over = idle.map(|(key, slot)| (*key, lock(slot).session.clone()));
            let over = over.filter(|(_, session)| free(session));
            let oldest = over.min_by_key(|(_, session)| session.expires);
            let (old, session) = oldest.ok_or(MeterError::Full)?;
            // What was reported is remembered: one that came back without its voucher would be reported from nothing again,
            // which the ledger takes for a false report.
            if session.is_counted() && !self.vouching.reports {
                self.rows.forget(old.0, &old.1).map_err(|_| MeterError::Storage)?;
            }
            sessions.remove(&old);
        }
        let session = self.kept(who)?;
        let session = session.unwrap_or_else(|| Session::new(who.consumer.clone(), who.now));
        let slot = Arc::new(Live::new(session));
        sessions.insert(key, Arc::clone(&slot));
        Ok(slot)
    }

    /// A session that made room, as its row has it.
    fn kept(&self, who: &Who) -> Result<Option<Session>, MeterError> {
        let row = self.rows.get(who.collection, &who.session).map_err(|_| MeterError::Storage)?;
        row.map(|row| Session::from_row(&row).ok_or(MeterError::Storage)).transpose()
    }

    fn keep(
        &self,
        collection: CollectionId,
        key: &[u8; 32],
        session: &Session,
    ) -> Result<(), MeterError> {
        let kept = self.rows.keep(collection, key, &session.to_row()?);
        kept.map_err(|_| MeterError::Storage)
    }

    fn offer(&self, who: &Who, session: &Session) -> OfferedVoucher {
        let Vouching { ledger, worker, signing, reports: _ } = &self.vouching;
        let voucher = Voucher {
            ledger: *ledger,
            worker: worker.clone(),
            worker_key: signing.verifying_key().to_bytes(),
            collection: who.collection,
            consumer: session.consumer.clone(),
            session: who.session,
            sequence: session.sequence,
            used: session.used,
        };
        offer(voucher, signing)
    }
}

impl Charge {
    /// Count the request, durably, and vouch for all that the session has used. Blocks.
    ///
    /// # Errors
    /// [`MeterError::Exhausted`], [`MeterError::Storage`]: the reply must not leave.
    pub fn count(mut self, cost: &Counters) -> Result<OfferedVoucher, MeterError> {
        let slot = Arc::clone(&self.slot);
        let mut live = lock(&slot);
        let mut next = live.session.clone();
        next.count(self.mark, cost)?;
        next.expires = next.expires.max(self.who.expires);
        self.meter.keep(self.who.collection, &self.who.session, &next)?;
        live.kept(next);
        live.busy = live.busy.saturating_sub(1);
        self.open = false;
        Ok(self.meter.offer(&self.who, &live.session))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.open {
            let mut live = lock(&self.slot);
            live.busy = live.busy.saturating_sub(1);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
