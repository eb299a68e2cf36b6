//! Freezing and merging, in the background or when asked for.
//!
//! Layer: flow.
//! Holds: which long work is done on a shard, and the freeze of a tail that has grown.
//! Never: makes a search or a write wait for a build.
//! Invariant: whoever asks for work may write to the collection; a freeze that fails leaves the tail as it was.

use super::{Worker, problems};
use crate::collection::{CollectionError, CollectionShard, freeze, renew};
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::problem::Problem;
use prag_protocol::wire::operations::{Operation, OperationKind};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

/// Long work on a shard, which tells how much of how much is done.
type Work = fn(&CollectionShard, &dyn Fn(u64, u64)) -> Result<(), CollectionError>;

impl Worker {
    /// Merge tail and segments into one segment, in the background.
    ///
    /// # Errors
    /// As admission.
    pub async fn compact(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<Operation, Problem> {
        let work = |shard: &CollectionShard, told: &dyn Fn(u64, u64)| {
            let chunks = shard.read().chunks();
            told(0, chunks);
            freeze::merge_all(shard, &mut OsEntropy)
        };
        self.long_work(caller, id, OperationKind::Compact, work).await
    }

    /// Seal what lies under keys of earlier epochs anew, in the background.
    ///
    /// # Errors
    /// As admission.
    pub async fn reencrypt(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<Operation, Problem> {
        let work = |shard: &CollectionShard, told: &dyn Fn(u64, u64)| {
            renew::reencrypt(shard, told, &mut OsEntropy)
        };
        self.long_work(caller, id, OperationKind::Reencrypt, work).await
    }

    async fn long_work(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        kind: OperationKind,
        work: Work,
    ) -> Result<Operation, Problem> {
        let (_granted, held) = self.admit_write(caller, id).await?;
        let shard = held.shard()?;
        let operation = self.begin(&caller.address, kind)?;
        let (worker, op) = (self.clone(), operation.id.clone());
        tokio::task::spawn_blocking(move || {
            let told = worker.teller(&op);
            let done = work(&shard, &told);
            worker.finish_with(&op, done.map_err(problems::collection).map(|()| None));
        });
        Ok(operation)
    }

    /// Freeze a tail that has grown past the setting, in the background.
    pub(super) fn freeze_if_due(&self, shard: &Arc<CollectionShard>) {
        let due = shard.read().tail.rows.len() >= self.0.settings.freeze_rows;
        if !due {
            return;
        }
        let (shard, merge) = (Arc::clone(shard), self.0.settings.merge_segments);
        tokio::task::spawn_blocking(move || {
            let all = shard.read().segments.len() + 1 >= merge;
            if let Err(error) = freeze::compact(&shard, all, &mut OsEntropy) {
                tracing::warn!(%error, "a freeze failed; the tail goes on");
            }
        });
    }
}
