//! Placements and writers: which worker may hold a shard's key, and which one writes.
//!
//! Layer: core, access.
//! Holds: the rule of who acts for a shard; who did until another worker was placed.
//! Never: evidence; the owner has judged the worker before it places.
//! Invariant: a writer epoch grows by one with every claim, also across placements.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{LEASE_SECONDS_MAX, Placement, WriterRecord};
use prag_protocol::{Address, CollectionId};
use serde::{Deserialize, Serialize};

/// The worker that was placed until another one was. Where storage is closed, it is told of the collection meanwhile:
/// that it is placed no more, and to whom it may hand the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Left {
    /// Who it was.
    pub(super) account: Address,
    /// Until when, Unix seconds.
    pub(super) until: u64,
}

impl Step<'_> {
    pub(super) fn place(&mut self, placement: &Placement) -> Outcome {
        let &Placement { collection, shard, epoch, lease_until, .. } = placement;
        let current = self.own(collection)?.epoch;
        if epoch != current && Some(epoch) != current.checked_add(1) {
            return Err(AccessError::KeyEpoch { current });
        }
        self.ahead("lease_until", lease_until, LEASE_SECONDS_MAX)?;
        let row = keys::placement(collection, shard);
        let before = row.load(self.kv)?.filter(|before| {
            let runs = self.env.time < before.lease_until && before.epoch >= current;
            runs && before.account != placement.account
        });
        if let Some(Placement { account, .. }) = before {
            let until = self.env.time.saturating_add(HANDOVER_SECONDS);
            keys::left(collection, shard).save(self.kv, &Left { account, until })?;
        }
        row.save(self.kv, placement)?;
        let event = Event::Placed { collection, shard, epoch };
        Ok(Some(event))
    }

    pub(super) fn unplace(&mut self, collection: CollectionId, shard: u32) -> Outcome {
        self.own(collection)?;
        let row = keys::placement(collection, shard);
        if row.load(self.kv)?.is_none() {
            return Ok(None);
        }
        row.remove(self.kv);
        Ok(Some(Event::Unplaced { collection, shard }))
    }

    /// The account that the owner placed goes on with the signing key of its new boot. An account is a worker for as
    /// long as its wallet is sealed to one TEE; whoever has not that wallet cannot rebind.
    pub(super) fn rebind(
        &mut self,
        collection: CollectionId,
        shard: u32,
        worker: [u8; 32],
    ) -> Outcome {
        let mut placement = self.placed(collection, shard)?;
        if placement.worker == worker {
            return Ok(None);
        }
        placement.worker = worker;
        keys::placement(collection, shard).save(self.kv, &placement)?;
        Ok(Some(Event::Rebound { collection, shard }))
    }

    pub(super) fn claim_writer(
        &mut self,
        collection: CollectionId,
        shard: u32,
        epoch: u64,
    ) -> Outcome {
        let worker = self.placed(collection, shard)?.worker;
        let row = keys::writer(collection, shard);
        let last = row.load(self.kv)?.map_or(0, |writer| writer.epoch);
        let next = last.checked_add(1);
        let next = next.ok_or(AccessError::Exhausted("the writer epoch"))?;
        if epoch != next {
            return Err(AccessError::WriterEpoch { next });
        }
        let height = self.env.height;
        let record = WriterRecord { epoch, worker, height };
        row.save(self.kv, &record)?;
        let event = Event::WriterClaimed { collection, shard, epoch };
        Ok(Some(event))
    }

    /// The live placement through which the sender acts: leased, of a live collection, and not of a
    /// past key epoch, so that a rotation fences whoever was not placed for it.
    pub(super) fn placed(
        &self,
        collection: CollectionId,
        shard: u32,
    ) -> Result<Placement, AccessError> {
        let placement = keys::placement(collection, shard)
            .load(self.kv)?
            .filter(|placement| placement.account == *self.sender)
            .ok_or(AccessError::NotPlaced)?;
        let record = keys::collection(collection)
            .load(self.kv)?
            .ok_or(AccessError::Damaged("placements"))?;
        if record.destroyed {
            return Err(AccessError::Destroyed);
        }
        if self.env.time >= placement.lease_until || placement.epoch < record.epoch {
            return Err(AccessError::NotPlaced);
        }
        Ok(placement)
    }
}

/// How long a worker that was displaced is told of the collection: the time to notice, and to hand the keys over.
pub(super) const HANDOVER_SECONDS: u64 = 3600;
