//! Receipts: what the worker signs of a write, a retrieval or a deletion.
//!
//! Layer: flow.
//! Holds: salts, hashes and proofs of what was done, under the key of this boot.
//! Never: a head or a proof for a reader with a scope: their sizes tell how much lies outside of it.
//! Invariant: a receipt's head is durable, and its proofs are of the very view that answered.

use super::ingest::Taken;
use super::query::thousandths;
use super::search::{Found, Plan};
use super::{Worker, problems};
use crate::collection::{CollectionError, CollectionShard};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_client::system::OsEntropy;
use prag_protocol::DocumentId;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::receipt::{
    OpenedDocument, OpenedId, OpenedPassage, Openings, Receipt as Handed,
};
use prag_protocol::wire::search::{Fusion, Mode, QueryRequest};
use prag_trust::entropy::random;
use prag_trust::head::Head;
use prag_trust::receipt::{
    Asked, Batch, Deed, Deletion, Passage, Receipt, Retrieval, Salt, Written, deleted_hash,
    document_hash, query_hash,
};

/// What was asked, for a receipt that is wanted.
pub(super) struct Question {
    salt: Salt,
    query: [u8; 32],
}

/// What was asked, and how.
pub(super) struct Inquiry {
    question: Question,
    asked: Asked,
}

impl Question {
    /// The question of a request; `None` where it wants no receipt.
    pub(super) fn of(request: &QueryRequest) -> Result<Option<Self>, Problem> {
        if !request.receipt {
            return Ok(None);
        }
        let salt = salt()?;
        let filter = request.filter.as_ref().map(prag_protocol::filter::Filter::to_bytes);
        let (text, vector) = (request.text.as_deref(), request.vector.as_deref());
        let query = query_hash(&salt, text, vector, filter.as_deref());
        Ok(Some(Self { salt, query }))
    }

    /// With the plan that was made for it; `budget` in tokens, 0 for a query.
    pub(super) fn planned(self, plan: &Plan, budget: u32) -> Inquiry {
        let bound = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let asked = Asked {
            budget,
            k: bound(plan.k),
            mode: match (&plan.vector, &plan.text) {
                (Some(_), Some(_)) => Mode::Hybrid,
                (Some(_), None) => Mode::Dense,
                (None, _) => Mode::Sparse,
            },
            exact: plan.exact,
            ef: bound(plan.ef),
            fusion: match &plan.fusion {
                prag_index::Fusion::Linear { weight } => Fusion::Linear { weight: *weight },
                prag_index::Fusion::Rrf { k, .. } => Fusion::Rrf { k: *k },
                prag_index::Fusion::Dbsf => Fusion::Dbsf,
            },
        };
        Inquiry { question: self, asked }
    }
}

impl Worker {
    /// For the hits of a query.
    pub(super) fn query_receipt(
        &self,
        shard: &CollectionShard,
        inquiry: Inquiry,
        head: Option<Head>,
        hits: &[Found],
    ) -> Result<Handed, Problem> {
        let salt = hex::encode(inquiry.question.salt);
        let chunks = hits.iter().map(|found| hex::encode(found.salt())).collect();
        let deed = retrieval(inquiry, hits.iter());
        self.sign(shard, head, RETRIEVAL_UNITS, deed, Openings::Query { salt, chunks })
    }

    /// For the passages of a context.
    pub(super) fn context_receipt(
        &self,
        shard: &CollectionShard,
        inquiry: Inquiry,
        head: Option<Head>,
        cited: &[&Found],
    ) -> Result<Handed, Problem> {
        let salt = hex::encode(inquiry.question.salt);
        let opened = |found: &&Found| OpenedPassage {
            salt: hex::encode(found.salt()),
            chunk: found.chunk,
            text: found.text().to_owned(),
        };
        let passages = cited.iter().map(opened).collect();
        let deed = retrieval(inquiry, cited.iter().copied());
        self.sign(shard, head, RETRIEVAL_UNITS, deed, Openings::Context { salt, passages })
    }

    /// For documents that were put by the last `written` batches before `head`.
    pub(super) fn write_receipt(
        &self,
        shard: &CollectionShard,
        head: &Head,
        written: u64,
        taken: &[&Taken],
    ) -> Result<Handed, Problem> {
        let first = head.size.saturating_sub(written);
        let seqs: Vec<u64> =
            taken.iter().filter_map(|one| one.batch).map(|batch| first + batch).collect();
        let mut batches = proven(shard, &seqs, head)?.into_iter();
        let (mut entries, mut opened) = (Vec::new(), Vec::new());
        for one in taken {
            let salt = salt()?;
            entries.push(Written {
                document: document_hash(&salt, one.id.as_str(), &one.content_hash),
                outcome: one.outcome,
                batch: one.batch.and_then(|_| batches.next()),
            });
            opened.push(OpenedDocument {
                salt: hex::encode(salt),
                id: one.id.clone(),
                content_hash: hex::encode(one.content_hash),
            });
        }
        self.sign(shard, Some(*head), 0, Deed::Write(entries), Openings::Write(opened))
    }

    /// For documents that were deleted by the last `written` batches before `head`.
    pub(super) fn deletion_receipt(
        &self,
        shard: &CollectionShard,
        head: &Head,
        written: u64,
        deleted: &[DocumentId],
        purged: bool,
    ) -> Result<Handed, Problem> {
        let seqs: Vec<u64> = (head.size.saturating_sub(written)..head.size).collect();
        let batches = proven(shard, &seqs, head)?;
        let (mut documents, mut opened) = (Vec::new(), Vec::new());
        for id in deleted {
            let salt = salt()?;
            documents.push(deleted_hash(&salt, id.as_str()));
            opened.push(OpenedId { salt: hex::encode(salt), id: id.clone() });
        }
        let deed = Deed::Deletion(Deletion { purged, documents, batches });
        self.sign(shard, Some(*head), 0, deed, Openings::Deletion(opened))
    }

    fn sign(
        &self,
        shard: &CollectionShard,
        head: Option<Head>,
        units: u64,
        deed: Deed,
        openings: Openings,
    ) -> Result<Handed, Problem> {
        let mut profile = [0; 32];
        hex::decode_to_slice(&shard.profile().digest, &mut profile).map_err(|_| unsigned())?;
        let (collection, epoch) = (shard.collection(), shard.epoch());
        let (worker, time) = (self.worker_key(), self.now());
        let receipt = Receipt { worker, collection, epoch, head, profile, time, units, deed };
        let signed = receipt.sign(&self.0.parts.signing);
        Ok(Handed {
            signed: STANDARD.encode(signed.bytes),
            signature: STANDARD.encode(signed.signature),
            openings,
        })
    }
}

fn retrieval<'a>(inquiry: Inquiry, found: impl Iterator<Item = &'a Found>) -> Deed {
    let passage = |found: &Found| Passage {
        chunk: found.chunk_hash(),
        score: thousandths(found.score),
        part: found.part.clone(),
    };
    let Inquiry { question: Question { query, .. }, asked } = inquiry;
    Deed::Retrieval(Retrieval { query, asked, passages: found.map(passage).collect() })
}

fn proven(shard: &CollectionShard, seqs: &[u64], head: &Head) -> Result<Vec<Batch>, Problem> {
    shard.inclusions(seqs, head.size).ok_or_else(unsigned)
}

fn salt() -> Result<Salt, Problem> {
    random(&mut OsEntropy).map_err(|error| problems::collection(CollectionError::Entropy(error)))
}

fn unsigned() -> Problem {
    Problem::new(Code::Internal, "the request is done, but its receipt could not be made")
}

/// What a query or a context uses up of a quota.
const RETRIEVAL_UNITS: u64 = 1;
