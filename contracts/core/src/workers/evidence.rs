//! Evidence: judged by what the chain found out, and kept whole.
//!
//! Layer: core, workers.
//! Holds: the rule of what evidence gets in, and its rows.
//! Never: a parser of evidence.
//! Invariant: the stored chunks, one after the other, are the text that was registered last, and its
//! SHA-256 is on record beside them.

use super::challenge::{binds, sha256};
use super::{Step, Verdict, WorkersError, keys};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    Attested, EVIDENCE_CHUNK_BYTES, EvidencePart, EvidenceRecord, Registration,
};

impl Step<'_> {
    /// What the chain vouches for. `nonce`: the challenge of the running window.
    pub(super) fn attested(
        &self,
        registration: &Registration,
        nonce: &[u8; 32],
    ) -> Result<Option<Attested>, WorkersError> {
        match &self.call.verdict {
            Verdict::Stored if self.config.terms.attested_only => Err(WorkersError::NotVerified),
            Verdict::Stored => Ok(None),
            Verdict::Attested { measurement, report_data } => {
                let approval = self.approved(measurement)?;
                let key = &registration.signing_key;
                if !binds(report_data, key, nonce, &registration.binding) {
                    return Err(WorkersError::Unbound);
                }
                Ok(Some(Attested { measurement: *measurement, approval }))
            }
        }
    }

    /// Keeps the evidence of a registration in place of the one before.
    pub(super) fn keep_evidence(
        &mut self,
        registration: &Registration,
        nonce: [u8; 32],
    ) -> Result<(), WorkersError> {
        let worker = self.call.sender;
        let row = keys::evidence(worker);
        let before = row.load(self.kv)?;
        let lengths =
            before.map_or([0, 0], |before| [before.report_bytes, before.collateral_bytes]);
        let Registration { attestation_report: report, collateral, .. } = registration;
        let [report_before, collateral_before] = lengths;
        let report_bytes = self.replace(EvidencePart::Report, report, report_before)?;
        let part = EvidencePart::Collateral;
        let collateral_bytes = self.replace(part, collateral, collateral_before)?;
        let record = EvidenceRecord {
            height: self.env.height,
            window: registration.window,
            nonce,
            binding: registration.binding.clone(),
            report_bytes,
            report_sha256: sha256(report),
            collateral_bytes,
            collateral_sha256: sha256(collateral),
        };
        Ok(row.save(self.kv, &record)?)
    }

    /// Forgets the evidence of a worker that is gone.
    pub(super) fn forget_evidence(&mut self, worker: &Address) -> Result<(), WorkersError> {
        let row = keys::evidence(worker);
        let Some(record) = row.load(self.kv)? else {
            return Ok(());
        };
        self.cut(worker, EvidencePart::Report, 0, record.report_bytes);
        self.cut(worker, EvidencePart::Collateral, 0, record.collateral_bytes);
        row.remove(self.kv);
        Ok(())
    }

    fn replace(
        &mut self,
        part: EvidencePart,
        text: &str,
        bytes_before: u32,
    ) -> Result<u32, WorkersError> {
        let worker = self.call.sender;
        let damaged = WorkersError::Damaged("evidence");
        let mut count = 0_u32;
        for chunk in text.as_bytes().chunks(EVIDENCE_CHUNK_BYTES) {
            // Evidence is ASCII, so that every cut is one between characters.
            let chunk = String::from_utf8(chunk.to_vec()).map_err(|_| damaged)?;
            keys::chunk(worker, part, count).save(self.kv, &chunk)?;
            count = count.saturating_add(1);
        }
        self.cut(worker, part, count, bytes_before);
        u32::try_from(text.len()).map_err(|_| damaged)
    }

    /// Removes the chunks of a text of `bytes` from number `first` on.
    fn cut(&mut self, worker: &Address, part: EvidencePart, first: u32, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(part.bytes_max());
        let end = u32::try_from(bytes.div_ceil(EVIDENCE_CHUNK_BYTES)).unwrap_or(u32::MAX);
        for number in first..end {
            keys::chunk(worker, part, number).remove(self.kv);
        }
    }
}
