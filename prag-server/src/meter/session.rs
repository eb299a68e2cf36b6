//! What one session has used of one collection: counted, countersigned, reported.
//!
//! Layer: server, below `meter`.
//! Holds: the counters, the latest countersigned voucher, and marks of the latest requests.
//! Never: a clock, storage, a signature made; a query or an id in a mark.
//! Invariant: counters and sequence only grow, and what is countersigned is never above them.

use super::MeterError;
use prag_protocol::Address;
use prag_protocol::ledger::voucher::{Counters, SignedVoucher};
use prag_protocol::limits::{REQUEST_IDS_MAX, REQUEST_REPEATS_MAX};
use prag_trust::verified::Verified;
use serde::{Deserialize, Serialize};

/// Half a hash over a request and its random id: who does not know the id learns nothing from it.
pub type Mark = [u8; 16];

/// The state of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Whom it acts for.
    pub(super) consumer: Address,
    /// Everything counted.
    pub(super) used: Counters,
    /// Number of its latest voucher: the minute in which the session began here, then a count from 1. So a voucher from
    /// before a session was forgotten is told from one of now.
    pub(super) sequence: u64,
    /// The latest that both have signed.
    pub(super) settled: Option<SignedVoucher>,
    /// What of it was reported to the ledger.
    pub(super) reported: Counters,
    /// Unix seconds; no permit of the session that was seen lives longer.
    pub(super) expires: u64,
    /// Counted requests, oldest first, and how often each was served again.
    recent: Vec<(Mark, u8)>,
}

/// What became of a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is the latest from now on.
    Newer,
    /// It was the latest before.
    Same,
    /// A later one is kept.
    Old,
}

impl Session {
    /// A session that has used nothing and begins `now`, unix seconds.
    pub(super) fn new(consumer: Address, now: u64) -> Self {
        let minute = (now.saturating_sub(YEAR_2020) / 60).min(MINUTES_MAX);
        Self {
            consumer,
            used: Counters::default(),
            sequence: minute << COUNT_BITS,
            settled: None,
            reported: Counters::default(),
            expires: 0,
            recent: Vec::new(),
        }
    }

    /// Queries counted and not countersigned.
    pub(super) fn owed(&self) -> u64 {
        self.used.queries.saturating_sub(self.countersigned().queries)
    }

    /// Whether there is anything to vouch for, hence a row.
    pub(super) fn is_counted(&self) -> bool {
        self.settled.is_some() || self.used != Counters::default()
    }

    /// Whether all that was counted is countersigned.
    pub(super) fn is_settled(&self) -> bool {
        self.is_counted() && self.used == self.countersigned()
    }

    /// Whether it may be forgotten: nothing was counted; or nothing is owed, and nothing is left to report to a ledger that
    /// takes `reports`.
    pub(super) fn is_over(&self, reports: bool) -> bool {
        !self.is_counted() || (self.is_settled() && (!reports || self.used == self.reported))
    }

    /// Whether a request was counted.
    ///
    /// # Errors
    /// [`MeterError::Repeats`] if it was served again as often as it may be.
    pub(super) fn knows(&self, mark: Option<Mark>) -> Result<bool, MeterError> {
        match self.recent.iter().find(|row| Some(row.0) == mark) {
            None => Ok(false),
            Some((_, repeats)) if *repeats < REQUEST_REPEATS_MAX => Ok(true),
            Some(_) => Err(MeterError::Repeats),
        }
    }

    /// Count a request, unless its mark shows that it was counted.
    ///
    /// # Errors
    /// [`MeterError::Exhausted`].
    pub(super) fn count(&mut self, mark: Option<Mark>, cost: &Counters) -> Result<(), MeterError> {
        if let Some(row) = self.recent.iter_mut().find(|row| Some(row.0) == mark) {
            row.1 = row.1.saturating_add(1);
            return Ok(());
        }
        let used = self.used.plus(cost).filter(|used| used.check().is_ok());
        let used = used.ok_or(MeterError::Exhausted)?;
        self.sequence = next(self.sequence)?;
        self.used = used;
        if let Some(mark) = mark {
            let old = (self.recent.len() + 1).saturating_sub(REQUEST_IDS_MAX);
            self.recent.drain(..old);
            self.recent.push((mark, 0));
        }
        Ok(())
    }

    /// Take a voucher of this session that both have signed.
    ///
    /// One from before the session was forgotten counts beside what was used since, and counts as reported as far as it
    /// goes: only where nothing is reported is a session forgotten. One that is above what is counted shows that a host
    /// has put an old disk back: both signatures prove it, so it counts again, but it may have been reported, so it is
    /// not reported again.
    pub(super) fn take(&mut self, signed: Verified<SignedVoucher>) -> Taken {
        let new = &signed.voucher;
        if let Some(kept) = &self.settled {
            // Under the key of another boot, it may be.
            if (kept.voucher.sequence, kept.voucher.used) == (new.sequence, new.used) {
                return Taken::Same;
            }
            if !new.supersedes(&kept.voucher) {
                return Taken::Old;
            }
        }
        let before = new.sequence >> COUNT_BITS < self.sequence >> COUNT_BITS;
        if before && self.settled.is_none() {
            self.used = new.used.plus(&self.used).unwrap_or(new.used);
            self.reported = new.used;
            self.sequence = next(self.sequence).unwrap_or(self.sequence);
        } else {
            if self.used.minus(&new.used).is_none() {
                self.reported = self.reported.greatest(&new.used);
            }
            self.used = self.used.greatest(&new.used);
            self.sequence = self.sequence.max(new.sequence);
        }
        self.settled = Some(signed.into_inner());
        Taken::Newer
    }

    /// As a row: version 1, then postcard.
    pub(super) fn to_row(&self) -> Result<Vec<u8>, MeterError> {
        let mut row = vec![VERSION];
        row.extend(postcard::to_allocvec(self).map_err(|_| MeterError::Storage)?);
        Ok(row)
    }

    /// Read [`Session::to_row`] back.
    pub(super) fn from_row(row: &[u8]) -> Option<Self> {
        let (version, row) = row.split_first()?;
        let (session, rest) = postcard::take_from_bytes(row).ok()?;
        (*version == VERSION && rest.is_empty()).then_some(session)
    }

    fn countersigned(&self) -> Counters {
        self.settled.as_ref().map(|signed| signed.voucher.used).unwrap_or_default()
    }
}

/// The next voucher's number.
fn next(sequence: u64) -> Result<u64, MeterError> {
    let ends = sequence & COUNT_MAX == COUNT_MAX;
    sequence.checked_add(1).filter(|_| !ends).ok_or(MeterError::Exhausted)
}

const VERSION: u8 = 1;
/// Vouchers of one session from its beginning here: 268 millions.
const COUNT_BITS: u32 = 28;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
/// Minutes beside the count, in a number below 2^53: until 2083.
const MINUTES_MAX: u64 = (1 << 25) - 1;
const YEAR_2020: u64 = 1_577_836_800;
