//! Metering: units are taken from a grant before they are served.
//!
//! Layer: core, access.
//! Holds: the rule that nobody but the placed worker takes units.
//! Never: prices; the owner, who needs no grant, is not metered.
//! Invariant: `used` only grows while a grant stands, and never passes its quota.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::{Address, CollectionId};

impl Step<'_> {
    pub(super) fn consume(
        &mut self,
        collection: CollectionId,
        shard: u32,
        grantee: Address,
        units: u64,
    ) -> Outcome {
        self.placed(collection, shard)?;
        let row = keys::grant(collection, &grantee);
        let mut record = row
            .load(self.kv)?
            .filter(|grant| !grant.revoked && self.env.time < grant.expires)
            .ok_or(AccessError::NoGrant)?;
        // An unlimited grant still counts, as far as every reader keeps integers exactly.
        let quota = record.quota.unwrap_or(INTEGER_MAX);
        let used = record.used.checked_add(units);
        let Some(used) = used.filter(|used| *used <= quota) else {
            let left = quota.saturating_sub(record.used);
            return Err(AccessError::Quota { left });
        };
        record.used = used;
        row.save(self.kv, &record)?;
        let event = Event::Consumed { collection, grantee, units };
        Ok(Some(event))
    }
}
