//! Freezing and merging, in the background or when asked for.
//!
//! Layer: flow.
//! Holds: which long work is done on a shard, and the freeze of a tail that has grown.
//! Never: makes a search or a write wait for a build.
//! Invariant: whoever asks for work may write to the collection; a freeze that fails leaves the tail as it was.

use super::{Worker, problems};
use crate::collection::{CollectionError, CollectionShard, freeze, renew};
use crate::machine;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::operations::{Operation, OperationKind};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

/// Long work on a shard, which tells how much of how much is done.
type Work = fn(&CollectionShard, &dyn Fn(u64, u64)) -> Result<(), CollectionError>;

/// Threads for long work at once; each waits for the builds of its shard.
pub(super) const WORKS_MAX: usize = 16;

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
        let detail =
            "the worker is at as much long work as it takes on; try again when some is done";
        let one_more = Arc::clone(&self.0.works).try_acquire_owned();
        let one_more = one_more.map_err(|_| Problem::new(Code::Overloaded, detail))?;
        let (operation, task) = self.begin(&caller.address, kind)?;
        let thread = std::thread::Builder::new().name("prag-operation".to_owned());
        let started = thread.spawn(move || {
            machine::step_back();
            let done = work(&shard, &task.teller());
            drop(one_more);
            task.end(done.map_err(problems::collection).map(|()| None));
        });
        let unstarted = |_| Problem::new(Code::Overloaded, "no thread for the operation");
        started.map(|_| operation).map_err(unstarted)
    }

    /// Freeze a tail that has grown past the setting, and merge what is due, in the background.
    pub(super) fn freeze_if_due(&self, shard: &Arc<CollectionShard>) {
        if freeze::is_due(shard) {
            self.0.line.add(shard);
        }
    }
}
