//! A worker's registration, verified by somebody else: what an approver looks at before it confirms.
//!
//! Layer: client, above `market`.
//! Holds: reading back what the registry keeps of a worker, and its verdict under this machine's policy.
//! Never: the word of the worker that registered: what is read is the ledger's, by way of a worker whose own evidence
//! holds.
//! Invariant: a hash to confirm exists only where the evidence verified, for this very ledger.

mod kept;

pub use kept::Kept;

use crate::attest::verify_worker;
use crate::border;
use crate::error::ClientError;
use crate::sdk::Client;
use prag_protocol::Address;
use prag_protocol::ledger::market::MarketQuery;
use prag_protocol::ledger::workers::{
    EVIDENCE_CHUNK_BYTES, EvidencePart, EvidenceRecord, WorkerRecord, WorkersQuery, WorkersReply,
};
use prag_trust::evidence::{EvidenceError, Worker};
use prag_trust::verified::Verified;

/// A registered worker whose evidence verified.
pub struct Registered {
    /// What the registry has of it.
    pub record: WorkerRecord,
    /// What its evidence shows.
    pub worker: Verified<Worker>,
    /// What an approver confirms of it: this evidence, key and URL, and no other.
    pub hash: [u8; 32],
}

impl Client {
    /// Verifies the evidence that a worker registered with, under this machine's policy. Where that lists no
    /// ledgers and settings, the ledger is the one of the worker that is asked, and the settings are shown unjudged.
    ///
    /// # Errors
    /// [`ClientError::EvidenceFile`] and [`ClientError::Kept`] say which check the evidence fails;
    /// [`ClientError::Usage`] if nobody of that account is registered.
    pub async fn registered(&self, worker: &Address) -> Result<Registered, ClientError> {
        let session = self.channel().session().await?;
        let worker = border::spelled(&session.expected(), worker);
        let record = match self.registry(WorkersQuery::Worker { worker: worker.clone() }).await? {
            WorkersReply::Worker(Some(record)) if record.worker == worker => *record,
            WorkersReply::Worker(None) => {
                let why = format!("{worker} is no registered worker; see `prag ledger workers`");
                return Err(ClientError::Usage(why));
            }
            _ => return Err(ANOTHER),
        };
        let said = match self.registry(WorkersQuery::Evidence { worker: worker.clone() }).await? {
            WorkersReply::Evidence(Some(said)) => *said,
            _ => return Err(ANOTHER),
        };
        let EvidenceRecord { report_bytes, collateral_bytes, .. } = said;
        let report = self.text(&worker, EvidencePart::Report, report_bytes).await?;
        let collateral = self.text(&worker, EvidencePart::Collateral, collateral_bytes).await?;
        let Kept { evidence, binding, hash } = Kept::read(&record, &said, &report, &collateral)?;
        let now = self.channel().now();
        if hex::encode(binding.ledger_id) != session.attestation().ledger_id {
            return Err(ClientError::EvidenceFile(EvidenceError::Ledger));
        }
        if record.evidence_expires <= now {
            return Err(ClientError::Kept("it has expired: the worker has to register anew"));
        }
        let worker = verify_worker(&evidence, &binding, self.channel().trusted(), now);
        let worker = worker.map_err(ClientError::EvidenceFile)?;
        Ok(Registered { record, worker, hash })
    }

    /// One of the texts that a registry keeps, in its chunks.
    async fn text(
        &self,
        worker: &Address,
        part: EvidencePart,
        bytes: u32,
    ) -> Result<String, ClientError> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes > part.bytes_max() {
            return Err(ANOTHER);
        }
        let mut text = String::with_capacity(bytes);
        for chunk in (0..).take(bytes.div_ceil(EVIDENCE_CHUNK_BYTES)) {
            let query = WorkersQuery::EvidenceChunk { worker: worker.clone(), part, chunk };
            match self.registry(query).await? {
                WorkersReply::Chunk(Some(more)) => text.push_str(&more),
                _ => return Err(ANOTHER),
            }
        }
        Ok(text)
    }

    async fn registry(&self, query: WorkersQuery) -> Result<WorkersReply, ClientError> {
        self.query_market(&MarketQuery::Workers(query)).await
    }
}

const ANOTHER: ClientError = ClientError::Reply("the registry answered another question");
