//! Anchors: one root per worker account, replaced by compare-and-swap.
//!
//! Layer: core, access.
//! Holds: the last root of each account.
//! Never: what the root is over.
//! Invariant: the anchors of one account form a chain: each names the root that it replaces. Whoever names a shard holds its
//! live placement; where a ledger is not the worker's own, the shell lets in nobody who names none.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{Anchor, ShardOf};

impl Step<'_> {
    pub(super) fn anchor(
        &mut self,
        through: Option<ShardOf>,
        worker: [u8; 32],
        root: [u8; 32],
        previous: [u8; 32],
    ) -> Outcome {
        if root == NONE {
            return Err(AccessError::ZeroRoot);
        }
        if let Some(ShardOf { collection, shard }) = through {
            self.placed(collection, shard)?;
        }
        let row = keys::anchor(self.sender);
        let last = row.load(self.kv)?.map_or(NONE, |anchor| anchor.root);
        if previous != last {
            return Err(AccessError::StaleAnchor);
        }
        let height = self.env.height;
        let record = Anchor { worker, root, previous, height };
        row.save(self.kv, &record)?;
        let account = self.sender.clone();
        Ok(Some(Event::Anchored { account }))
    }
}

/// Stands for "no root yet".
const NONE: [u8; 32] = [0; 32];
