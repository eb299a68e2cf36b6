//! Bulk: many lines, one status each, one durable commit.
//!
//! Layer: flow.
//! Holds: sealed corpus lines become documents here, inside the TEE.
//! Never: lets one bad line spoil the others.
//! Invariant: status i answers line i.

use super::{Worker, problems, validate};
use prag_protocol::CollectionId;
use prag_protocol::limits::BULK_LINES_MAX;
use prag_protocol::problem::Problem;
use prag_protocol::wire::documents::{BulkLine, BulkStatus, PutReply, Writing};
use prag_protocol::wire::receipt::Receipt;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

impl Worker {
    /// Put every line; a line that does not parse is passed as its problem. Answers when all are as safe as `ack`
    /// says; where the anchor is late, the lines that were written say so. With `receipt`, one for all that are taken.
    ///
    /// # Errors
    /// Only where the whole request is refused; a bad line has its own status.
    pub async fn bulk(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
        lines: Vec<Result<BulkLine, Problem>>,
        Writing { ack, receipt }: Writing,
    ) -> Result<(Vec<BulkStatus>, Option<Receipt>), Problem> {
        let (granted, held) = self.admit_write(caller, id).await?;
        let scope = granted.scope().cloned();
        let shard = held.shard()?;
        validate::at_most("lines", lines.len(), BULK_LINES_MAX, "lines")?;
        let (worker, written) = (self.clone(), Arc::clone(&shard));
        let address = caller.address.clone();
        let work = move || {
            let puts = lines
                .into_iter()
                .map(|line| match line? {
                    BulkLine::Document(put) => Ok(put),
                    BulkLine::Sealed(line) => worker.open_line(id, &address, &line),
                })
                .collect();
            let put = worker.put_now(&written, puts, scope.as_ref(), None, receipt);
            worker.freeze_if_due(&written);
            put
        };
        let put = tokio::task::spawn_blocking(work).await.map_err(problems::internal)??;
        let reached = if put.replies.iter().any(Result::is_ok) {
            self.acknowledge(&shard, ack).await
        } else {
            Ok(())
        };
        let status = |reply: Result<PutReply, Problem>| match (reply, &reached) {
            (Ok(reply), Ok(())) => BulkStatus::Ok(PutReply { ack, ..reply }),
            (Ok(_), Err(late)) => BulkStatus::Problem(late.clone()),
            (Err(problem), _) => BulkStatus::Problem(problem),
        };
        Ok((put.replies.into_iter().map(status).collect(), put.receipt))
    }
}
