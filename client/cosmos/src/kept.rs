//! A worker's evidence as the workers contract keeps it: read whole, by proof.
//!
//! Layer: `cosmos`, above `contract`.
//! Holds: the way from a worker's account to the very text that it registered.
//! Never: a verdict: where the chain cannot verify quotes, whoever reads this does (`trust::evidence`).
//! Invariant: the text is of the length and SHA-256 that the contract has on record.

use crate::{Contract, CosmosError};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    EVIDENCE_CHUNK_BYTES, EvidencePart, EvidenceRecord, WorkersQuery, WorkersReply,
};
use sha2::{Digest, Sha256};

/// What a worker registered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvidence {
    /// What was said with it: the challenge that is its nonce, and what else it binds.
    pub record: EvidenceRecord,
    /// The report: a TDX quote in hex, an SNP report in base64.
    pub report: String,
    /// What a verifier needs beside it.
    pub collateral: String,
}

impl Contract {
    /// Of a workers contract: the evidence of `worker`, as the chain spells it; `None` if it is not registered.
    ///
    /// # Errors
    /// As [`Contract::query`]; [`CosmosError::Contract`] where the evidence changed while it was read: ask again.
    pub async fn kept_evidence(
        &self,
        worker: &Address,
    ) -> Result<Option<KeptEvidence>, CosmosError> {
        let record = match self.query(&WorkersQuery::Evidence { worker: worker.clone() }).await? {
            WorkersReply::Evidence(Some(record)) => *record,
            WorkersReply::Evidence(None) => return Ok(None),
            _ => return Err(OTHER),
        };
        let EvidenceRecord { report_bytes, report_sha256, .. } = record;
        let EvidenceRecord { collateral_bytes, collateral_sha256, .. } = record;
        let report = self.part(worker, EvidencePart::Report, report_bytes, report_sha256);
        let report = report.await?;
        let part = EvidencePart::Collateral;
        let collateral = self.part(worker, part, collateral_bytes, collateral_sha256).await?;
        Ok(Some(KeptEvidence { record, report, collateral }))
    }

    async fn part(
        &self,
        worker: &Address,
        part: EvidencePart,
        bytes: u32,
        sha256: [u8; 32],
    ) -> Result<String, CosmosError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes > part.bytes_max() {
            return Err(CosmosError::Large { what: "the evidence", max: part.bytes_max() });
        }
        let mut text = String::with_capacity(bytes);
        for chunk in (0..).take(bytes.div_ceil(EVIDENCE_CHUNK_BYTES)) {
            let query = WorkersQuery::EvidenceChunk { worker: worker.clone(), part, chunk };
            match self.query(&query).await? {
                WorkersReply::Chunk(Some(more)) => text.push_str(&more),
                WorkersReply::Chunk(None) => return Err(CHANGED),
                _ => return Err(OTHER),
            }
        }
        let same = text.len() == bytes && <[u8; 32]>::from(Sha256::digest(&text)) == sha256;
        if same { Ok(text) } else { Err(CHANGED) }
    }
}

const OTHER: CosmosError = CosmosError::Contract("an answer to another question");
const CHANGED: CosmosError = CosmosError::Contract("its evidence changed while it was read");

#[cfg(test)]
mod tests;
