//! Policies: which measured images may serve a collection, and which may read from it.
//!
//! Layer: core, access.
//! Holds: the rule that a policy is replaced whole, under the next epoch.
//! Never: what a measurement means.
//! Invariant: a policy epoch grows by one with every change.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::CollectionId;
use prag_protocol::ledger::PolicyRecord;
use std::collections::BTreeSet;

impl Step<'_> {
    pub(super) fn set_policy(
        &mut self,
        collection: CollectionId,
        measurements: Vec<[u8; 32]>,
        readers: Vec<[u8; 32]>,
    ) -> Outcome {
        self.own(collection)?;
        distinct("measurements", &measurements)?;
        distinct("readers", &readers)?;
        let row = keys::policy(collection);
        let last = row.load(self.kv)?.map_or(0, |policy| policy.epoch);
        let next = last.checked_add(1);
        let epoch = next.ok_or(AccessError::Exhausted("the policy epoch"))?;
        let record = PolicyRecord { epoch, measurements, readers };
        row.save(self.kv, &record)?;
        Ok(Some(Event::PolicySet { collection, epoch }))
    }
}

fn distinct(field: &'static str, entries: &[[u8; 32]]) -> Result<(), AccessError> {
    let mut seen = BTreeSet::new();
    if entries.iter().all(|entry| seen.insert(entry)) {
        Ok(())
    } else {
        Err(AccessError::Repeated(field))
    }
}
