//! Long work: what its caller sees of it.
//!
//! Layer: flow.
//! Holds: the last operations of this boot and their states.
//! Never: the work itself, which goes on whether anybody looks or not.
//! Invariant: an operation is visible only to the address that started it.

use super::Worker;
use prag_client::system::OsEntropy;
use prag_protocol::Address;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::operations::{Operation, OperationKind, OperationState};
use prag_protocol::wire::snapshots::Checked;
use prag_trust::entropy::random;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::collections::VecDeque;
use std::sync::PoisonError;

/// The last operations of this boot.
#[derive(Default)]
pub(super) struct Operations(VecDeque<(Address, Operation)>);

impl Worker {
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

    /// The end of an operation, with the snapshot that it was about, if any.
    pub(super) fn finish_with(&self, id: &str, done: Result<Option<Checked>, Problem>) {
        self.change(id, |operation| match done {
            Ok(checked) => {
                operation.state = OperationState::Succeeded;
                operation.done = operation.total;
                operation.checked = checked;
            }
            Err(problem) => {
                operation.state = OperationState::Failed;
                operation.problem = Some(problem);
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
}

const OPERATIONS_MAX: usize = 1024;
