//! Liveness: one answer per window, and what a missing one costs.
//!
//! Layer: core, workers.
//! Holds: the rule of what an answer and a report of a missing one are.
//! Never: a clock; windows are those of the ledger's headers.
//! Invariant: a window costs at most once, and nothing if it was answered, not owed, or if the ledger took no message in
//! it (it may have stood still). An answer earns something only if its worker stands when it gives it: one that waits
//! spares itself the cost, and that is all.

use super::challenge::challenge;
use super::standing::{is_answered, note};
use super::{Event, Outcome, Step, WorkersError, keys, windows};
use prag_protocol::Address;
use prag_protocol::ledger::workers::WINDOWS_KEPT;

impl Step<'_> {
    pub(super) fn report_liveliness(&mut self, window: u64, signature: &[u8; 64]) -> Outcome {
        let mut record = self.staying()?;
        let current = self.window();
        if window != current {
            return Err(WorkersError::Window { current });
        }
        let standing = self.standing(&record)?;
        let counts = standing.is_some();
        if is_answered(&record, window, counts) {
            return Err(WorkersError::Answered);
        }
        if record.evidence_expires <= self.env.time {
            return Err(WorkersError::Expired);
        }
        let message = challenge(&self.config.ledger, self.call.sender, window);
        if !self.call.verify.ed25519(&message, signature, &record.signing_key) {
            return Err(WorkersError::Signature);
        }
        note(&mut record, window, counts);
        record.live_until = self.live_until(window, record.evidence_expires);
        self.save(&record)?;
        let seated = self.sit_down(&record, standing)?;
        Ok(Some(Event::LivelinessReported { worker: record.worker, window, seated }))
    }

    pub(super) fn report_missed(&mut self, worker: Address, window: u64) -> Outcome {
        let mut record = self.worker(&worker)?;
        let age = self.window().saturating_sub(window);
        if age == 0 {
            return Err(WorkersError::NotOver);
        }
        if age >= WINDOWS_KEPT {
            return Err(WorkersError::TooOld);
        }
        let left = record.leaving.as_ref().is_some_and(|leaving| leaving.window <= window);
        if window < record.since || left {
            return Err(WorkersError::NotOwed);
        }
        if windows::has(record.answered, window) {
            return Err(WorkersError::Answered);
        }
        if windows::has(record.punished, window) {
            return Err(WorkersError::Punished);
        }
        let heard = keys::heard().load(self.kv)?.unwrap_or_default();
        if !windows::has(heard, window) {
            return Err(WorkersError::Unheard);
        }
        record.punished = windows::with(record.punished, window);
        self.cut_stake(&mut record, self.config.terms.missed_ppm)?;
        Ok(Some(Event::MissReported { worker, window }))
    }

    /// An answer is good for its window and the next, as long as the evidence is.
    pub(super) fn live_until(&self, window: u64, evidence_expires: u64) -> u64 {
        windows::start(&self.config.terms, window.saturating_add(2)).min(evidence_expires)
    }
}
