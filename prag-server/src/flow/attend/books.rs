//! Kept books, off the async runtime.
//!
//! Layer: flow, attend.
//! Holds: reading and forgetting.
//! Never: a decision.
//! Invariant: none.

use crate::flow::collections::vault;
use crate::flow::{Worker, problems};
use crate::vault::KeptBook;
use prag_contracts_core::rewards::book::Entry;
use prag_protocol::problem::{Code, Problem};

impl Worker {
    pub(super) async fn books(&self) -> Result<Vec<KeptBook>, Problem> {
        let worker = self.clone();
        let work = move || worker.0.parts.reports.all().map_err(vault);
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }

    pub(super) async fn kept(&self, epoch: u64) -> Result<Vec<Entry>, Problem> {
        let worker = self.clone();
        let work = move || worker.0.parts.reports.entries(epoch).map_err(vault);
        let entries = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        entries.ok_or_else(|| Problem::new(Code::Internal, "the book of a report is gone"))
    }

    pub(super) async fn forget_book(&self, epoch: u64) -> Result<(), Problem> {
        let worker = self.clone();
        let work = move || worker.0.parts.reports.forget(epoch).map_err(vault);
        tokio::task::spawn_blocking(work).await.map_err(problems::internal)?
    }
}
