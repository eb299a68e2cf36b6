//! Approvals of workers: on a ledger that only stores evidence, somebody who has verified it says so.
//!
//! Layer: core, workers.
//! Holds: who may confirm, what exactly is confirmed, and what a worker is until then.
//! Never: a verdict of the contract's own: it parses no evidence.
//! Invariant: a confirmation is of the evidence, keys and URL that are on record when it happens; a registration
//! afterwards needs another.
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
        "PRAG-EVIDENCE/v1",
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

    pub(super) fn approve_worker(&mut self, worker: Address, seen: &[u8; 32]) -> Outcome {
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
        if !record.pending {
            return Ok(None);
        }
        record.pending = false;
        self.save(&record)?;
        let seated = self.sit_down(&record)?;
        Ok(Some(Event::WorkerApproved { worker, seated }))
    }

    pub(super) fn retire_worker(&mut self, worker: Address) -> Outcome {
        if !self.is_approver() {
            self.admin()?;
        }
        let mut record = self.worker(&worker)?;
        if record.pending || !self.pending(record.attested.as_ref()) {
            return Ok(None);
        }
        record.pending = true;
        self.save(&record)?;
        self.stand_up(&record)?;
        Ok(Some(Event::WorkerRetired { worker }))
    }

    fn is_approver(&self) -> bool {
        self.parties().approver.as_ref() == Some(self.call.sender)
    }
}
