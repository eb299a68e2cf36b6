//! Quotas: units of a grant are taken on the ledger before they are served.
//!
//! Layer: flow.
//! Holds: slices: units that were taken on a chain in one transaction, and are served from memory, one request after
//! another.
//! Never: a unit served that was not taken; a slice of a grant that was replaced since.
//! Invariant: over all workers of a collection, what is served is at most what was taken, and that at most the quota.
//!
//! On the embedded ledger every request takes what it costs: a transition is a write to the worker's own disk. On a chain
//! it is a block, so a worker takes a twentieth of the quota at once, and the next before that is used up. What a worker
//! that dies had taken and not served is lost to the grantee: at most two slices.

use super::admit::Reader;
use super::lease::SHARD;
use super::{Worker, lock, problems};
use prag_client::ledger::{Authorization, LedgerError};
use prag_protocol::ledger::{AccessMsg, GrantRecord};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::{Address, CollectionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The slices of all grants that somebody reads under.
#[derive(Default)]
pub(super) struct Slices(Mutex<HashMap<(CollectionId, Address), Arc<Slice>>>);

/// What was taken from one grant.
#[derive(Default)]
pub(super) struct Slice {
    units: Mutex<Units>,
    /// Held while more is taken.
    taking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Units {
    /// Taken, and not served.
    left: u64,
    /// Taken in all, under this grant.
    taken: u64,
    /// The height at which the last of it shows on the ledger.
    height: u64,
}

/// What a view of the ledger says of a grant with a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    quota: u64,
    used: u64,
    height: u64,
}

impl Quota {
    /// Of a grant as of `height`; none where it has no quota.
    pub(super) fn of(grant: &GrantRecord, height: u64) -> Option<Self> {
        grant.quota.map(|quota| Self { quota, used: grant.used, height })
    }
}

impl Slices {
    fn of(&self, collection: CollectionId, grantee: &Address) -> Arc<Slice> {
        let mut slices = self.0.lock().unwrap_or_else(lock::ignore_poison);
        if slices.len() >= SLICES_MAX {
            slices.retain(|_, slice| slice.unserved() > 0);
        }
        Arc::clone(slices.entry((collection, grantee.clone())).or_default())
    }

    /// Units of a grant that this worker has taken and not served: the ledger counts them as used.
    pub(super) fn unserved(&self, collection: CollectionId, grantee: &Address, seen: Quota) -> u64 {
        let slices = self.0.lock().unwrap_or_else(lock::ignore_poison);
        slices.get(&(collection, grantee.clone())).map_or(0, |slice| {
            slice.forget_replaced(seen);
            slice.unserved()
        })
    }
}

impl Slice {
    fn units(&self) -> std::sync::MutexGuard<'_, Units> {
        self.units.lock().unwrap_or_else(lock::ignore_poison)
    }

    fn unserved(&self) -> u64 {
        self.units().left
    }

    /// A view that has seen all that was taken, and counts less, is of another grant: of that nothing was taken.
    fn forget_replaced(&self, seen: Quota) {
        let mut units = self.units();
        if seen.height >= units.height && seen.used < units.taken {
            *units = Units::default();
        }
    }

    /// Serves `wanted` units if they were taken; what is left then.
    fn serve(&self, wanted: u64) -> Option<u64> {
        let mut units = self.units();
        units.left = units.left.checked_sub(wanted)?;
        Some(units.left)
    }

    fn took(&self, more: u64, height: u64) {
        let mut units = self.units();
        let Units { left, taken, height: last } = *units;
        let (left, taken) = (left.saturating_add(more), taken.saturating_add(more));
        *units = Units { left, taken, height: last.max(height) };
    }
}

impl Worker {
    /// Use up `units` of the caller's quota before the reply; no request is served whose units were not taken durably.
    /// The owner has none.
    pub(super) async fn consume(&self, reader: &Reader, units: u64) -> Result<(), Problem> {
        let Some(seen) = reader.quota else { return Ok(()) };
        let (collection, grantee) = (reader.granted.collection(), reader.granted.caller());
        if self.0.parts.ledger.authorization() == Authorization::Request {
            let taken = self.take(collection, grantee, units).await;
            return taken.map(drop).map_err(|error| refusal(error, units, 0));
        }
        let slice = self.0.slices.of(collection, grantee);
        slice.forget_replaced(seen);
        let whole = slice_of(seen.quota).max(units);
        if slice.serve(units).is_none() {
            let _alone = slice.taking.lock().await;
            // Another request may have taken enough meanwhile.
            while slice.serve(units).is_none() {
                self.take_slice(collection, grantee, &slice, (whole, units)).await?;
            }
        }
        if slice.unserved() < whole / 4 {
            self.take_ahead(collection, grantee.clone(), slice, whole);
        }
        Ok(())
    }

    /// Takes a slice, or as much as is left of the quota.
    async fn take_slice(
        &self,
        collection: CollectionId,
        grantee: &Address,
        slice: &Slice,
        (whole, needed): (u64, u64),
    ) -> Result<(), Problem> {
        let left = match self.take(collection, grantee, whole).await {
            Ok(height) => {
                slice.took(whole, height);
                return Ok(());
            }
            Err(LedgerError::Quota(left)) if left > 0 => left,
            Err(error) => return Err(refusal(error, needed, slice.unserved())),
        };
        let all = left.saturating_add(slice.unserved());
        if all < needed {
            return Err(refusal(LedgerError::Quota(left), needed, slice.unserved()));
        }
        let height = self.take(collection, grantee, left).await;
        slice.took(left, height.map_err(|error| refusal(error, needed, slice.unserved()))?);
        Ok(())
    }

    /// Takes the next slice beside the requests, so that none of them waits for a block.
    fn take_ahead(
        &self,
        collection: CollectionId,
        grantee: Address,
        slice: Arc<Slice>,
        whole: u64,
    ) {
        let worker = self.clone();
        tokio::spawn(async move {
            let Ok(_alone) = slice.taking.try_lock() else { return };
            // A quota that ends is told to the request that it ends for.
            let _ = worker.take_slice(collection, &grantee, &slice, (whole, 1)).await;
        });
    }

    async fn take(
        &self,
        collection: CollectionId,
        grantee: &Address,
        units: u64,
    ) -> Result<u64, LedgerError> {
        let grantee = grantee.clone();
        let message = AccessMsg::Consume { collection, shard: SHARD, grantee, units };
        self.0.parts.ledger.execute(&self.0.parts.account, &[], message).await
    }
}

/// Why `units` are not served; `unserved`: those that were taken before.
fn refusal(error: LedgerError, units: u64, unserved: u64) -> Problem {
    match error {
        LedgerError::Quota(left) => {
            let left = left.saturating_add(unserved);
            let detail =
                format!("this costs {units} units, and {left} are left of the grant's quota");
            Problem::new(Code::QuotaExhausted, detail).limit(left)
        }
        LedgerError::Refused(why) => Problem::new(Code::LedgerStale, why),
        error => problems::ledger(error),
    }
}

/// What is taken of a quota at once.
fn slice_of(quota: u64) -> u64 {
    (quota / 20).clamp(1, SLICE_UNITS_MAX)
}

/// Longest slice.
const SLICE_UNITS_MAX: u64 = 1000;
/// Slices in memory before those that hold nothing go.
const SLICES_MAX: usize = 1 << 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn seen(used: u64, height: u64) -> Quota {
        Quota { quota: 100, used, height }
    }

    /// What was taken is served, and no more; a slice is a twentieth, of small quotas one.
    #[test]
    fn slices_are_served_to_the_unit() {
        let slice = Slice::default();
        assert_eq!(slice.serve(1), None);
        slice.took(5, 7);
        assert_eq!((slice.serve(3), slice.serve(3), slice.serve(2)), (Some(2), None, Some(0)));
        assert_eq!(slice.serve(1), None);
        assert_eq!([1, 39, 40, 100, 1 << 40].map(slice_of), [1, 1, 2, 5, 1000]);
    }

    /// A grant that counts less than was taken is a new one; a view from before the taking says nothing.
    #[test]
    fn replaced_grants_begin_anew() {
        let slices = Slices::default();
        let (id, who) = (CollectionId([1; 16]), "secret1reader".parse().unwrap());
        let slice = slices.of(id, &who);
        slice.took(5, 7);
        assert_eq!(slices.unserved(id, &who, seen(0, 6)), 5, "an older view");
        assert_eq!(slices.unserved(id, &who, seen(5, 7)), 5);
        assert_eq!(slices.unserved(id, &who, seen(30, 9)), 5, "another worker takes too");
        assert_eq!(slices.unserved(id, &who, seen(4, 9)), 0, "another grant");
        assert_eq!(slice.serve(1), None);
        let other = "secret1other".parse().unwrap();
        assert_eq!(slices.unserved(id, &other, seen(0, 9)), 0);
    }
}
