//! What the worker says of itself, and heads with their proofs.
//!
//! Layer: flow.
//! Holds: evidence bound to this boot's keys, fresh for each nonce.
//! Never: evidence over a nonce that nobody asked for.
//! Invariant: every field of the reply is bound by the evidence or signed by the key that it binds.

use super::{Worker, problems};
use crate::attestation::{POLICY_EPOCH, attestation};
use prag_client::ledger::Standing;
use prag_protocol::CollectionId;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::{Attestation, LedgerStanding};
use prag_protocol::wire::metering::Terms;
use prag_trust::evidence::{Binding, BindingPurpose};
use prag_trust::head::Head;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use serde::Serialize;

/// A head, and the proof that it continues an earlier one.
#[derive(Clone, Debug, Serialize)]
pub struct HeadReply {
    /// The signed head.
    pub head: serde_json::Value,
    /// Consistency proof from the size asked for, hex; empty without one.
    pub proof: Vec<String>,
    /// The ledger's newest durable height.
    pub ledger_height: u64,
    /// Its root, hex.
    pub ledger_root: String,
}

impl Worker {
    /// Fresh evidence over `nonce`, with this boot's keys.
    ///
    /// # Errors
    /// `device` where the platform gives none.
    pub async fn attest(&self, nonce: [u8; 32]) -> Result<Attestation, Problem> {
        let ledger = Some(self.standing().await);
        let worker = self.clone();
        let work = move || worker.attest_now(nonce);
        let said = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        Ok(Attestation { ledger, memory: Some(self.0.memory.standing()), ..said })
    }

    /// Where the ledger stands, for whoever asks. The height of the embedded one would tell how much is administered.
    pub async fn standing(&self) -> LedgerStanding {
        match self.ready().await {
            Ok(Standing { kind, height, time }) => LedgerStanding {
                kind: kind.to_owned(),
                height: time.map(|_| height),
                age_s: time.map(|time| self.now().saturating_sub(time)),
                problem: None,
            },
            Err(problem) => LedgerStanding {
                kind: String::new(),
                height: None,
                age_s: None,
                problem: Some(problem.detail),
            },
        }
    }

    fn attest_now(&self, nonce: [u8; 32]) -> Result<Attestation, Problem> {
        let parts = &self.0.parts;
        let binding = Binding {
            purpose: BindingPurpose::Serve,
            sig_pk: self.worker_key(),
            tls_spki_sha256: parts.tls.as_ref().map_or([0; 32], |tls| tls.spki_sha256()),
            nonce,
            ledger_id: parts.ledger.id(),
            config_digest: parts.config_digest,
            policy_epoch: POLICY_EPOCH,
        };
        let tee = parts.tee.as_ref();
        let (names, now) = (self.expected(), self.now());
        let said = attestation(tee, &parts.signing, &parts.ring, &binding, names, now)?;
        let worker = || self.ledger_account();
        let metering = parts.meter.as_ref();
        let metering = metering.map(|meter| Terms { credit: meter.credit(), worker: worker() });
        Ok(Attestation { metering, ..said })
    }

    /// The durable head of a collection, with a consistency proof from an earlier size.
    ///
    /// # Errors
    /// `behind` where the worker has fewer batches than `from`: it was rolled back.
    pub async fn head(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        from: Option<u64>,
    ) -> Result<HeadReply, Problem> {
        let (_granted, held) = self.admit_see(caller, id).await?;
        self.check_policy(id).await?;
        let shard = self.awake(&held).await?;
        let proof = match from {
            None => Vec::new(),
            Some(from) => shard.consistency(from).ok_or_else(|| {
                Problem::new(
                    Code::Behind,
                    "the worker has fewer batches than you remember; it may have been rolled back",
                )
            })?,
        };
        let ledger = self.0.parts.ledger.head().await;
        Ok(HeadReply {
            head: self.signed_head(&shard.head()),
            proof: proof.iter().map(hex::encode).collect(),
            ledger_height: ledger.height,
            ledger_root: hex::encode(ledger.root),
        })
    }

    pub(super) fn signed_head(&self, head: &Head) -> serde_json::Value {
        let signed = head.sign(&self.0.parts.signing);
        serde_json::to_value(signed).unwrap_or_default()
    }
}
