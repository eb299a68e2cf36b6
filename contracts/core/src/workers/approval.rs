//! Approvals of workers: on a ledger that only stores evidence, somebody who has verified it says so.
//!
//! Layer: core, workers.
//! Holds: who may confirm, what exactly is confirmed, and what a worker is until then.
//! Never: a verdict of the contract's own: it parses no evidence.
//! Invariant: a confirmation is of the evidence, keys and URL that are on record when it happens, and of an image on the
//! admin's list; a registration or another URL afterwards needs another.
//!
//! The approver names the image that the evidence shows: once the admin retires it, all workers of it are void at once,
//! and no approver brings them back, as it brings none back whom the admin retired, whose evidence is void from then on.
//! An approver that names another image than the evidence shows is seen by whoever verifies what is on record.
//!
//! An approver is a party, so that another one is shown to everybody for the timelock before it is in force. So the
//! admin does not confirm, unless it is that party: whoever has its key makes no worker up unseen. A confirmation itself
//! is in force at once: a worker registers anew with each boot, and would be away for the timelock after each.

use super::challenge::digest;
use super::{Event, Outcome, Step, WorkersError, keys};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{Attested, EvidenceRecord, WorkerRecord};

/// What an approver confirms: everything of a registration that its evidence has to bind.
#[must_use]
pub fn evidence_hash(record: &WorkerRecord, evidence: &EvidenceRecord) -> [u8; 32] {
    let binding = &evidence.binding;
    digest(
        "PRAG-CONFIRM/v1",
        &[
            record.worker.as_str().as_bytes(),
            &record.signing_key,
            &record.hpke_key,
            record.ip_address.as_bytes(),
            &evidence.nonce,
            &binding.tls_spki_sha256,
            &binding.ledger_id,
            &binding.config_digest,
            &binding.policy_epoch.to_be_bytes(),
            &evidence.report_sha256,
            &evidence.collateral_sha256,
        ],
    )
}

impl Step<'_> {
    /// Whether a registration waits: what the chain verified itself needs nobody.
    pub(super) fn pending(&self, attested: Option<&Attested>) -> bool {
        self.config.terms.approved_only && attested.is_none()
    }

    /// Whether it is the approver's word that a worker stands by, or waits for.
    pub(super) fn waits_for_approval(&self, record: &WorkerRecord) -> bool {
        self.pending(record.attested.as_ref())
    }

    pub(super) fn approve_worker(
        &mut self,
        worker: Address,
        seen: &[u8; 32],
        measurement: [u8; 32],
    ) -> Outcome {
        if !self.is_approver() {
            return Err(WorkersError::Forbidden);
        }
        let mut record = self.worker(&worker)?;
        if record.leaving.is_some() {
            return Err(WorkersError::Leaving);
        }
        let evidence = keys::evidence(&worker).load(self.kv)?;
        let evidence = evidence.ok_or(WorkersError::Damaged("evidence"))?;
        if evidence_hash(&record, &evidence) != *seen {
            return Err(WorkersError::OtherEvidence);
        }
        if !self.waits_for_approval(&record) {
            return Ok(None);
        }
        if record.evidence_expires <= self.env.time {
            return Err(WorkersError::Expired);
        }
        let image = Attested { measurement, approval: self.approved(&measurement)? };
        let row = keys::vouched(&worker);
        if !record.pending && row.load(self.kv)?.as_ref() == Some(&image) {
            return Ok(None);
        }
        row.save(self.kv, &image)?;
        record.pending = false;
        self.save(&record)?;
        let seated = self.sit_down(&record, Some(image.approval))?;
        Ok(Some(Event::WorkerApproved { worker, seated }))
    }

    /// The approver takes its own word back, and may give it again. What the admin retires is void for good: the worker
    /// registers anew, with evidence that is confirmed anew.
    pub(super) fn retire_worker(&mut self, worker: Address) -> Outcome {
        let for_good = !self.is_approver();
        if for_good {
            self.admin()?;
        }
        let mut record = self.worker(&worker)?;
        let now = self.env.time;
        let void = record.pending && (!for_good || record.evidence_expires <= now);
        if void || !self.waits_for_approval(&record) {
            return Ok(None);
        }
        if for_good {
            record.evidence_expires = record.evidence_expires.min(now);
            record.live_until = record.live_until.min(now);
        }
        self.lapse(&mut record)?;
        self.save(&record)?;
        Ok(Some(Event::WorkerRetired { worker }))
    }

    /// Nobody vouches for a worker any more; the record is still to be saved.
    pub(super) fn lapse(&mut self, record: &mut WorkerRecord) -> Result<(), WorkersError> {
        record.pending = true;
        keys::vouched(&record.worker).remove(self.kv);
        self.stand_up(record)
    }

    fn is_approver(&self) -> bool {
        self.parties().approver.as_ref() == Some(self.call.sender)
    }
}
