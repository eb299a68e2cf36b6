//! Writer epochs: whose history of a shard counts, after a restoration.
//!
//! Layer: flow.
//! Holds: the ledger's word on the writer before a shard is opened, the claim, and the end of what a restoration left.
//! Never: a claim but for what its owner had restored here.
//! Invariant: a shard is served only under the writer epoch of the ledger; a claim that was cut short is made again by
//! whoever opens the shard, and the shard before goes only once the new one is open.
//!
//! A collection's first writer makes no claim: its writer epoch is 1, and n claims make it n + 1.

use super::collections::vault;
use super::lease::SHARD;
use super::{Worker, problems};
use crate::collection::CollectionError;
use crate::vault::{Entry, FIRST_WRITER};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{AccessMsg, AccessQuery, AccessReply};
use prag_protocol::problem::{Code, Problem};
use prag_store::{ShardName, StoreError};

impl Worker {
    /// The writer epoch of a collection's shard, as the ledger has it.
    pub(super) async fn writer_epoch(&self, id: CollectionId) -> Result<u64, Problem> {
        let query = AccessQuery::Writer { collection: id, shard: SHARD };
        let claims = match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Writer(writer) => writer.map_or(0, |writer| writer.epoch),
            _ => return Err(problems::another()),
        };
        Ok(claims.saturating_add(FIRST_WRITER))
    }

    /// `None` where the shard of `entry` is the one that counts: claimed now, if a restoration was cut short before.
    ///
    /// # Errors
    /// Where the ledger does not answer, shows a state from before, or refuses the claim.
    pub(super) async fn writes(&self, entry: &Entry) -> Result<Option<CollectionError>, Problem> {
        let (ours, ledger) = (entry.writer_epoch(), self.writer_epoch(entry.id).await?);
        if ours == ledger {
            return Ok(None);
        }
        if ours < ledger {
            return Ok(Some(CollectionError::Superseded { ours, ledger }));
        }
        if ours > ledger.saturating_add(1) {
            let detail = "the ledger shows a state from before this shard was restored";
            return Err(Problem::new(Code::LedgerStale, detail));
        }
        let epoch = ours - FIRST_WRITER;
        let message = AccessMsg::ClaimWriter { collection: entry.id, shard: SHARD, epoch };
        let parts = &self.0.parts;
        parts.ledger.execute(&parts.account, &[], message).await.map_err(problems::ledger)?;
        Ok(None)
    }

    /// Lock a shard that another writer has superseded, so that a worker which is placed again opens it anew, and sees.
    pub(super) async fn lock_if_superseded(&self, id: CollectionId) -> Result<(), Problem> {
        if let Ok(held) = self.known(id)
            && held.entry.writer_epoch() < self.writer_epoch(id).await?
        {
            held.lock();
        }
        Ok(())
    }

    /// The shards that a restoration left go: the one before, and those of tries that were cut short.
    pub(super) async fn end_restoration(&self, entry: &Entry) {
        if entry.spare.is_empty() {
            return;
        }
        let (worker, entry) = (self.clone(), entry.clone());
        let work = move || {
            worker.remove_shards(entry.spare.iter().copied())?;
            worker.0.parts.catalog.keep(&Entry { spare: Vec::new(), ..entry }).map_err(vault)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => {
                tracing::warn!(%problem, "spare shards stay until the next opening")
            }
            Err(_) => tracing::warn!("spare shards stay until the next opening"),
        }
    }

    /// Remove shards, there or not.
    pub(super) fn remove_shards(
        &self,
        shards: impl IntoIterator<Item = [u8; 16]>,
    ) -> Result<(), Problem> {
        for shard in shards {
            match self.0.parts.engine.destroy(ShardName(shard)) {
                Ok(()) | Err(StoreError::Absent(_)) => {}
                Err(error) => return Err(problems::collection(error.into())),
            }
        }
        Ok(())
    }
}
