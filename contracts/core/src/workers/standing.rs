//! Standing: whether what a worker does now is chosen and paid.
//!
//! Layer: core, workers.
//! Holds: the one rule of it, and what a report of use is held against.
//! Never: a judgement of evidence; any other moment than now.
//! Invariant: whoever has vouched for a worker does so at the moment at which something is taken from it, or it is not
//! taken: no answer counts, no seat is given, no report of whichever epoch is paid while its evidence waits or is too
//! old, or its image is not on the admin's list.
//!
//! A retirement says that an image can no longer be believed. What it signs of epochs before is its word of now, so that
//! no report is taken of those either; what it answered before still counts once it attests anew, with another image.

use super::measurements::Approvals;
use super::{Step, WorkersError, keys, windows};
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{Reporter, WorkerRecord, WorkersConfig, WorkersTerms};

/// The approval that a worker stands under at `now`, by the chain's word or else the approver's: 0 on a ledger that wants
/// no evidence judged, and has nobody who judges. `None` if it does not stand.
pub(super) fn standing(
    kv: &dyn Kv,
    now: u64,
    terms: &WorkersTerms,
    approvals: &Approvals,
    record: &WorkerRecord,
) -> Result<Option<u32>, WorkersError> {
    let judged = terms.attested_only || terms.approved_only;
    if record.pending || (judged && record.evidence_expires <= now) {
        return Ok(None);
    }
    let vouched = match &record.attested {
        Some(attested) => Some(attested.approval),
        None if terms.approved_only => {
            keys::vouched(&record.worker).load(kv)?.map(|image| image.approval)
        }
        None => None,
    };
    Ok(match vouched {
        Some(approval) => Some(approval).filter(|approval| approvals.has(*approval)),
        None if judged => None,
        None => Some(0),
    })
}

/// What a report is held against that a worker makes now; `None` for who does not stand.
pub(super) fn reporter(
    kv: &dyn Kv,
    env: &Env,
    config: &WorkersConfig,
    worker: &Address,
    (from, until): (u64, u64),
) -> Result<Option<Reporter>, WorkersError> {
    let Some(record) = keys::worker(worker).load(kv)? else {
        return Ok(None);
    };
    let approvals = Approvals::load(kv)?;
    if standing(kv, env.time, &config.terms, &approvals, &record)?.is_none() {
        return Ok(None);
    }
    let answers = windows::answers(&record, config.terms.window_seconds, from, until);
    Ok(Some(Reporter { signing_key: record.signing_key, answers }))
}

impl Step<'_> {
    /// The approval that a worker stands under now; `None` if it does not stand.
    pub(super) fn standing(&self, record: &WorkerRecord) -> Result<Option<u32>, WorkersError> {
        let approvals = Approvals::load(self.kv)?;
        standing(self.kv, self.env.time, &self.config.terms, &approvals, record)
    }
}

/// Notes the answer of a window: one that counts, or one that only keeps the window from being reported as missed.
pub(super) fn note(record: &mut WorkerRecord, window: u64, counts: bool) {
    let set = if counts { &mut record.answered } else { &mut record.punished };
    *set = windows::with(*set, window);
}

/// Whether a worker has answered a window as well as it can now: who stands may answer once more what it answered while
/// it did not.
pub(super) fn is_answered(record: &WorkerRecord, window: u64, stands: bool) -> bool {
    windows::has(record.answered, window) || (!stands && windows::has(record.punished, window))
}
