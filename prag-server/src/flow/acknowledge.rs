//! When a write is answered.
//!
//! Layer: flow.
//! Holds: the wait for an anchor, where the caller asked for one.
//! Never: a level that was not reached; a write undone because its anchor is late.
//! Invariant: an answer of level `anchored` leaves only after the ledger has a head that covers the write.

use super::{Worker, problems};
use crate::collection::CollectionShard;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::documents::Ack;
use prag_trust::head::Head;
use std::time::Duration;

impl Worker {
    /// Wait until what was written to `shard` is as safe as `ack` says.
    ///
    /// # Errors
    /// `not-anchored`: the write is sealed and stays; the detail names its head. Sent again, the same write changes
    /// nothing and waits for the next anchor.
    pub(super) async fn acknowledge(
        &self,
        shard: &CollectionShard,
        ack: Ack,
    ) -> Result<(), Problem> {
        if ack == Ack::Sealed {
            return Ok(());
        }
        // At least the head of this write; of others too, which does no harm.
        let head = shard.head();
        let worker = self.clone();
        // On its own: who hangs up, or waits too long, must not cut an anchor in half.
        let anchored = tokio::spawn(async move { worker.cover(&head).await });
        match tokio::time::timeout(ANCHOR_WAIT, anchored).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(problem))) => Err(late(&head, &problem.detail)),
            Ok(Err(failed)) => Err(late(&head, &problems::internal(failed).detail)),
            Err(_) => Err(late(&head, "the ledger took too long")),
        }
    }
}

fn late(head: &Head, why: &str) -> Problem {
    let (lineage, size, root) = (head.lineage, head.size, hex::encode(head.root));
    let detail = format!(
        "the write is sealed in lineage {lineage} within its first {size} batches, of root {root}, and not yet \
         anchored: {why}; the next anchor covers it, and sending the same again waits for one"
    );
    Problem::new(Code::NotAnchored, detail)
}

/// How long a caller waits for the ledger.
const ANCHOR_WAIT: Duration = Duration::from_secs(30);
