//! Putting documents: admit, prepare, embed, commit, show.
//!
//! Layer: flow.
//! Holds: the order of a put, alone or in bulk.
//! Never: acknowledges before the shard is durable; embeds what is unchanged.
//! Invariant: a document is visible whole or not at all.

use super::chunking::{self, Prepared};
use super::{Worker, embed, problems, validate};
use crate::collection::CollectionShard;
use crate::collection::record::{Document, Idempotency, Op};
use crate::collection::shard::put_batches;
use crate::collection::veil;
use prag_embedder::{Embedder, Role};
use prag_protocol::filter::Filter;
use prag_protocol::limits::TOKEN_BYTES_MAX;
use prag_protocol::metadata::Metadata;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::collections::Profile;
use prag_protocol::wire::documents::{Ack, Outcome, PutDocument, PutReply, Writing};
use prag_protocol::wire::receipt::Receipt;
use prag_protocol::{CollectionId, DocumentId};
use prag_trust::head::Head;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

/// What happens with one document of a request.
pub(super) enum Step {
    Unchanged(Taken),
    Write { prepared: Prepared, existed: bool },
    Refused(Problem),
}

/// A document of a request that was not refused.
pub(super) struct Taken {
    pub(super) id: DocumentId,
    pub(super) content_hash: [u8; 32],
    pub(super) outcome: Outcome,
    /// Which of the request's batches made it visible, from 0; none where it is unchanged.
    pub(super) batch: Option<u64>,
    chunks: u32,
    tokens: u64,
}

/// What became of the documents of a request.
pub(super) struct Put {
    /// Reply i answers document i.
    pub(super) replies: Vec<Result<PutReply, Problem>>,
    /// For all that were taken, if it was wanted.
    pub(super) receipt: Option<Receipt>,
}

impl Step {
    /// What is to be written.
    fn document(&self) -> Option<&Document> {
        match self {
            Self::Write { prepared, .. } => Some(&prepared.document),
            Self::Unchanged(_) | Self::Refused(_) => None,
        }
    }
}

impl Worker {
    /// Create or replace one document, and answer when it is as safe as `ack` says.
    ///
    /// # Errors
    /// Names the field and the limit; nothing was written. `not-anchored`: it was, and is sealed.
    pub async fn put_document(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        put: PutDocument,
        idempotency_key: Option<String>,
        Writing { ack, receipt }: Writing,
    ) -> Result<PutReply, Problem> {
        let (granted, held) = self.admit_write(caller, id).await?;
        let scope = granted.scope().cloned();
        let shard = held.shard()?;
        let idempotency = self.idempotency(&shard, caller, &put, idempotency_key)?;
        let (worker, written) = (self.clone(), Arc::clone(&shard));
        let work = move || {
            let puts = vec![Ok(put)];
            let put = worker.put_now(&written, puts, scope.as_ref(), idempotency, receipt);
            worker.freeze_if_due(&written);
            put
        };
        let mut put = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        let reply = put.replies.pop().ok_or_else(|| Problem::new(Code::Internal, "no reply"))??;
        self.acknowledge(&shard, ack).await?;
        Ok(PutReply { ack, receipt: put.receipt, ..reply })
    }

    /// Put documents in one durable commit. Blocks.
    pub(super) fn put_now(
        &self,
        shard: &CollectionShard,
        puts: Vec<Result<PutDocument, Problem>>,
        scope: Option<&Filter>,
        idempotency: Option<Idempotency>,
        receipt: bool,
    ) -> Result<Put, Problem> {
        let step = |put| self.step(shard, scope, put);
        let mut steps: Vec<Step> =
            puts.into_iter().map(|put| put.map_or_else(Step::Refused, step)).collect();
        self.embed_steps(&mut steps)?;
        self.make_room(shard.collection(), steps.iter().filter_map(Step::document))?;
        let mut entropy = prag_client::system::OsEntropy;
        let mut batches = Vec::new();
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            outcomes.push(match step {
                Step::Refused(problem) => Err(problem),
                Step::Unchanged(taken) => Ok(taken),
                Step::Write { prepared, existed } => {
                    let mut taken = taken(&prepared, existed);
                    let Prepared { document, vectors, .. } = prepared;
                    let op = Op::Put { document, vectors };
                    let time = self.now();
                    batches.extend(
                        put_batches(op, idempotency.clone(), time, &mut entropy)
                            .map_err(problems::collection)?,
                    );
                    taken.batch = (batches.len() as u64).checked_sub(1);
                    Ok(taken)
                }
            });
        }
        let written = batches.len() as u64;
        let head = if batches.is_empty() {
            shard.head()
        } else {
            shard.write(batches, &mut entropy).map_err(problems::collection)?
        };
        let taken: Vec<&Taken> = outcomes.iter().flatten().collect();
        let sign = || self.write_receipt(shard, &head, written, &taken);
        let receipt = receipt.then(sign).transpose()?;
        let reply = |outcome: Result<Taken, Problem>| Ok(self.put_reply(shard, &head, &outcome?));
        Ok(Put { replies: outcomes.into_iter().map(reply).collect(), receipt })
    }

    fn put_reply(&self, shard: &CollectionShard, head: &Head, taken: &Taken) -> PutReply {
        self.0.metrics.ingested(u64::from(taken.chunks), taken.tokens);
        PutReply {
            outcome: taken.outcome,
            handle: shard.handle(&taken.id),
            chunks: taken.chunks,
            tokens: taken.tokens,
            head: self.signed_head(head),
            token: token(head),
            ack: Ack::Sealed,
            receipt: None,
        }
    }

    fn step(&self, shard: &CollectionShard, scope: Option<&Filter>, put: PutDocument) -> Step {
        if let Err(problem) = validate::document(&put).and_then(|()| in_scope(shard, scope, &put)) {
            return Step::Refused(problem);
        }
        let digest = chunking::digest(&put);
        let known = shard.read().documents.get(&put.id).map(|at| Arc::clone(&at.document));
        if let Some(document) = known.as_ref().filter(|known| known.digest == digest) {
            return Step::Unchanged(Taken {
                id: put.id,
                content_hash: document.content_hash,
                outcome: Outcome::Unchanged,
                batch: None,
                chunks: u32::try_from(document.chunks.len()).unwrap_or(u32::MAX),
                tokens: 0,
            });
        }
        let prepared = prepare(put, shard.profile(), self.embedder().as_ref());
        match prepared.and_then(|prepared| fits(shard, prepared)) {
            Ok(prepared) => Step::Write { prepared, existed: known.is_some() },
            Err(problem) => Step::Refused(problem),
        }
    }

    /// Embed every text of every step in one call, so that batches fill up.
    fn embed_steps(&self, steps: &mut [Step]) -> Result<(), Problem> {
        let texts: Vec<String> = steps
            .iter_mut()
            .filter_map(|step| match step {
                Step::Write { prepared, .. } => Some(std::mem::take(&mut prepared.texts)),
                Step::Unchanged(_) | Step::Refused(_) => None,
            })
            .flatten()
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let rows = embed::embed_now(self.embedder().as_ref(), Role::Passage, &texts)?;
        let mut rows = rows.iter();
        for step in steps {
            if let Step::Write { prepared, .. } = step
                && prepared.vectors.is_empty()
            {
                let wanted = prepared.document.chunks.len();
                prepared.vectors = rows.by_ref().take(wanted).flatten().copied().collect();
            }
        }
        Ok(())
    }

    fn idempotency(
        &self,
        shard: &Arc<CollectionShard>,
        caller: &Verified<Caller>,
        put: &PutDocument,
        key: Option<String>,
    ) -> Result<Option<Idempotency>, Problem> {
        let Some(key) = key else { return Ok(None) };
        validate::at_most("Idempotency-Key", key.len(), TOKEN_BYTES_MAX, "bytes")?;
        let mut hasher = blake3::Hasher::new_derive_key("prag 2026 idempotency key v1");
        hasher.update(&(caller.address.as_str().len() as u64).to_be_bytes());
        hasher.update(caller.address.as_str().as_bytes());
        hasher.update(key.as_bytes());
        let key = *hasher.finalize().as_bytes();
        let digest = chunking::digest(put);
        match shard.recall(&key, self.now()) {
            Some(seen) if seen != digest => Err(Problem::new(
                Code::IdempotencyMismatch,
                "this idempotency key was used with another document",
            )),
            Some(_) | None => Ok(Some(Idempotency { key, digest, time: self.now() })),
        }
    }
}

/// A scoped grantee writes only documents of its scope, and replaces only such.
fn in_scope(
    shard: &CollectionShard,
    scope: Option<&Filter>,
    put: &PutDocument,
) -> Result<(), Problem> {
    let Some(scope) = scope else { return Ok(()) };
    let fits = |metadata: &Metadata| scope.matches(put.id.as_str(), metadata);
    let replaced = shard.read().documents.get(&put.id).map(|at| at.document.metadata());
    if fits(&put.metadata) && replaced.is_none_or(|metadata| fits(&metadata)) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "the document is outside the scope of your grant"))
}

/// In an oblivious collection every chunk has the same room.
fn fits(shard: &CollectionShard, prepared: Prepared) -> Result<Prepared, Problem> {
    if shard.oblivious() {
        veil::check(&prepared.document)
            .map_err(|error| Problem::new(Code::TooLarge, error.to_string()))?;
    }
    Ok(prepared)
}

fn prepare(
    put: PutDocument,
    profile: &Profile,
    embedder: &dyn Embedder,
) -> Result<Prepared, Problem> {
    let mut entropy = prag_client::system::OsEntropy;
    if profile.pooling == "supplied" {
        chunking::supplied(put, profile.dimension as usize, &mut entropy)
    } else {
        chunking::by_model(put, embedder, profile.chunk_tokens as usize, &mut entropy)
    }
}

fn taken(prepared: &Prepared, existed: bool) -> Taken {
    Taken {
        id: prepared.document.id.clone(),
        content_hash: prepared.document.content_hash,
        outcome: if existed { Outcome::Updated } else { Outcome::Created },
        batch: None,
        chunks: u32::try_from(prepared.document.chunks.len()).unwrap_or(u32::MAX),
        tokens: prepared.tokens,
    }
}

/// Opaque read-your-writes token: shard-map version 1, size.
pub(super) fn token(head: &Head) -> String {
    format!("1.{}.{}", head.lineage, head.size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::collection::shard::Identity;
    use crate::flow::query::check_token;
    use prag_protocol::Lineage;
    use prag_store::{Engine, MemoryEngine, Open, ShardName};
    use prag_trust::key::{Share, derive_kek};

    /// Token format 1 is frozen: version, lineage in hex, number of batches in decimal. Written so, it is read.
    #[test]
    fn golden_token() {
        let (collection, lineage) = (CollectionId([1; 16]), Lineage([0xab; 16]));
        let head = Head { lineage, writer_epoch: 3, size: 258, root: [4; 32] };
        assert_eq!(token(&head), "1.abababababababababababababababab.258");

        let mode = Open::Writer { expected_epoch: 0, claim: 1 };
        let store = MemoryEngine::new().open(ShardName(lineage.0), mode).unwrap();
        let share = Share::from_bytes(&[3; 32]);
        let wrap = derive_kek(&share, &share, collection, 1).derive();
        let profile = serde_json::json!({
            "model": "supplied", "model_files": ["", "", ""], "pooling": "supplied",
            "query_prefix": "", "passage_prefix": "", "dimension": 2, "metric": "dot",
            "chunk_tokens": 0, "chunker": "", "analyzer": "english-stem-1", "digest": "",
        });
        let identity = Identity { collection, lineage, epoch: 1, writer_epoch: 1 };
        let profile: Profile = serde_json::from_value(profile).unwrap();
        let mut entropy = prag_client::system::OsEntropy;
        let shard = CollectionShard::create(identity, profile, wrap, store, &mut entropy).unwrap();
        let verdict = |token: &str| check_token(&shard, Some(token)).map_err(|no| no.code);
        assert_eq!(verdict("1.abababababababababababababababab.0"), Ok(()));
        let ahead = verdict("1.abababababababababababababababab.1");
        assert_eq!(ahead, Err(Code::Behind));
        for other in ["2.abababababababababababababababab.0", "1.abab.0", "1.0", ""] {
            assert_eq!(verdict(other), Err(Code::InvalidField), "{other}");
        }
    }
}
