//! Long work: what its caller sees of it.
//!
//! Layer: flow.
//! Holds: the last operations of this boot and their states.
//! Never: the work itself, which goes on whether anybody looks or not.
//! Invariant: an operation is visible only to the address that started it; it ends when its work does, however that ends.

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

/// Work under way. Dropped before it was told how it ended, it failed.
pub(super) struct Task {
    worker: Worker,
    id: String,
}

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

    /// An operation that `owner` may follow, and the task that whoever does the work holds.
    pub(super) fn begin(
        &self,
        owner: &Address,
        kind: OperationKind,
    ) -> Result<(Operation, Task), Problem> {
        let bytes: [u8; 16] =
            random(&mut OsEntropy).map_err(|_| Problem::new(Code::Internal, "no randomness"))?;
        let (id, state) = (hex::encode(bytes), OperationState::Running);
        let operation =
            Operation { id, kind, state, done: 0, total: 0, problem: None, checked: None };
        let task = Task { worker: self.clone(), id: operation.id.clone() };
        let mut operations = self.0.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations.record(owner, operation.clone());
        Ok((operation, task))
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Operation)) {
        let mut operations = self.0.operations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, operation)) = operations.0.iter_mut().find(|(_, op)| op.id == id) {
            change(operation);
        }
    }
}

impl Operations {
    /// One more; the oldest that ended goes for it. Of those that run there are few: each kind bounds its own.
    fn record(&mut self, owner: &Address, operation: Operation) {
        if self.0.len() >= OPERATIONS_MAX {
            let ended = |(_, old): &(Address, Operation)| old.state != OperationState::Running;
            self.0.remove(self.0.iter().position(ended).unwrap_or(0));
        }
        self.0.push_back((owner.clone(), operation));
    }
}

impl Task {
    /// Shows how much of how much is done.
    pub(super) fn teller(&self) -> impl Fn(u64, u64) + Send + Sync + 'static + use<> {
        let (worker, id) = (self.worker.clone(), self.id.clone());
        move |done, total| {
            worker.change(&id, |operation| (operation.done, operation.total) = (done, total));
        }
    }

    /// How it ended, with the snapshot that it was about, if any.
    pub(super) fn end(self, done: Result<Option<Checked>, Problem>) {
        self.worker.change(&self.id, |operation| end(operation, done));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.worker.change(&self.id, |operation| {
            if operation.state == OperationState::Running {
                let detail = "the work broke off; what it had not finished is as it was before";
                end(operation, Err(Problem::new(Code::Internal, detail)));
            }
        });
    }
}

fn end(operation: &mut Operation, done: Result<Option<Checked>, Problem>) {
    match done {
        Ok(checked) => {
            operation.state = OperationState::Succeeded;
            operation.done = operation.total;
            operation.checked = checked;
        }
        Err(problem) => {
            operation.state = OperationState::Failed;
            operation.problem = Some(problem);
        }
    }
}

const OPERATIONS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Who looks for work that runs finds it, whatever others began and ended meanwhile; the list stays bounded.
    #[test]
    fn what_runs_is_kept() {
        let owner: Address = "secret1owner".parse().unwrap();
        let operation = |id: usize, state| Operation {
            id: id.to_string(),
            kind: OperationKind::Compact,
            state,
            done: 0,
            total: 0,
            problem: None,
            checked: None,
        };
        let mut operations = Operations::default();
        operations.record(&owner, operation(0, OperationState::Running));
        for id in 1..3 * OPERATIONS_MAX {
            operations.record(&owner, operation(id, OperationState::Succeeded));
        }
        assert_eq!(operations.0.len(), OPERATIONS_MAX);
        assert_eq!(operations.0[0].1.id, "0");
        assert_eq!(operations.0[1].1.id, (2 * OPERATIONS_MAX + 1).to_string());
    }
}
