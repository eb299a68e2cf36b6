//! Metering: units are taken from a grant before they are served.
//!
//! Layer: core, access.
//! Holds: the rule that nobody but the placed worker takes units.
//! Never: prices; the owner, who needs no grant, is not metered.
//! Invariant: `used` only grows while a grant stands, and never passes its quota; what a delegate's grantee uses, the
//! delegate has used.

use super::query::through;
use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{GrantRecord, INTEGER_MAX};
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
        let record = row.load(self.kv)?;
        let through = through(self.kv, collection, record.as_ref())?;
        let holds = |grant: &GrantRecord| grant.holds(self.env.time);
        let reach = record.as_ref().and_then(|grant| grant.reach(through.as_ref())).filter(holds);
        let (Some(mut record), Some(reach)) = (record, reach) else {
            return Err(AccessError::NoGrant);
        };
        record.used = used(&reach, units)?;
        if let Some(mut through) = through {
            through.used = used(&through, units)?;
            keys::grant(collection, &through.grantee).save(self.kv, &through)?;
        }
        row.save(self.kv, &record)?;
        let event = Event::Consumed { collection, grantee, units };
        Ok(Some(event))
    }
}

/// What is used of a grant then. An unlimited grant still counts, as far as every reader keeps integers exactly.
fn used(grant: &GrantRecord, units: u64) -> Result<u64, AccessError> {
    let quota = grant.quota.unwrap_or(INTEGER_MAX);
    let used = grant.used.checked_add(units).filter(|used| *used <= quota);
    used.ok_or(AccessError::Quota { left: quota.saturating_sub(grant.used) })
}
