//! Freezing and merging, in the background or when asked for.
//!
//! Layer: flow.
//! Holds: long operations and their states.
//! Never: makes a search or a write wait for a build.
//! Invariant: an operation is visible only to the address that started it.

use super::{Worker, problems};
use crate::collection::{CollectionError, CollectionShard, freeze, renew};
use prag_client::system::OsEntropy;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::operations::{Operation, OperationKind, OperationState};
use prag_protocol::wire::snapshots::Checked;
use prag_protocol::{Address, CollectionId};
use prag_trust::entropy::random;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

/// The last operations of this boot.
#[derive(Default)]
pub(super) struct Operations(VecDeque<(Address, Operation)>);

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

    /// An operation that `owner` may follow.
    pub(super) fn begin(&self, owner: &Address, kind: OperationKind) -> Result<Operation, Problem> {
        let bytes: [u8; 16] =
            random(&mut OsEntropy).map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        let (id, state) = (hex::encode(bytes), OperationState::Running);
        let operation =
            Operation { id, kind, state, done: 0, total: 0, problem: None, checked: None };
        self.record(owner, operation.clone());
        Ok(operation)
    }

    /// Shows how much of how much is done.
    pub(super) fn teller(&self, id: &str) -> impl Fn(u64, u64) + use<> {
        let (worker, id) = (self.clone(), id.to_owned());
        move |done, total| {
            worker.change(&id, |operation| (operation.done, operation.total) = (done, total));
        }
    }

    /// How far an operation is.
    ///
    /// # Errors
    /// `operation-not-found` for another caller's too.
    pub async fn operation(
        &self,
        caller: &Verified<Caller>,
        id: &str,
    ) -> Result<Operation, Problem> {
        let operations = self.0.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = operations.0.iter().find(|(owner, op)| *owner == caller.address && op.id == id);
        let found = mine.map(|(_, operation)| operation.clone());
        found.ok_or_else(|| Problem::new(Code::OperationNotFound, "no such operation of yours"))
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

    fn record(&self, owner: &Address, operation: Operation) {
        let mut operations = self.0.operations.lock().unwrap_or_else(PoisonError::into_inner);
        if operations.0.len() >= OPERATIONS_MAX {
            operations.0.pop_front();
        }
        operations.0.push_back((owner.clone(), operation));
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Operation)) {
        let mut operations = self.0.operations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, operation)) = operations.0.iter_mut().find(|(_, op)| op.id == id) {
            change(operation);
        }
    }

    /// The end of an operation, with the snapshot that it was about, if any.
    pub(super) fn finish_with(&self, id: &str, done: Result<Option<Checked>, Problem>) {
        self.change(id, |operation| {
            operation.state = match &done {
                Ok(_) => OperationState::Succeeded,
                Err(_) => OperationState::Failed,
            };
            if done.is_ok() {
                operation.done = operation.total;
            }
            match done {
                Ok(checked) => operation.checked = checked,
                Err(problem) => operation.problem = Some(problem),
            }
        });
    }
}

const OPERATIONS_MAX: usize = 1024;
