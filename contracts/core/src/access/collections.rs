//! Collections: birth, key epochs, owners, end.
//!
//! Layer: core, access.
//! Holds: the rule of who owns.
//! Never: keys; a commitment is all that the ledger knows of one.
//! Invariant: an id is used once, a key epoch grows by one, the destroyed stays destroyed, and a
//! collection is in its owner's list exactly while it lives.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::CollectionRecord;
use prag_protocol::{Address, CollectionId, Epoch};

impl Step<'_> {
    pub(super) fn create(
        &mut self,
        collection: CollectionId,
        commitment: [u8; 32],
        epoch: Epoch,
    ) -> Outcome {
        let row = keys::collection(collection);
        if row.load(self.kv)?.is_some() {
            return Err(AccessError::Exists);
        }
        let owner = self.sender.clone();
        let record = CollectionRecord { owner, epoch, commitment, destroyed: false };
        row.save(self.kv, &record)?;
        keys::owned(self.sender).add(self.kv, &collection.0)?;
        Ok(Some(Event::CollectionCreated { collection }))
    }

    pub(super) fn destroy(&mut self, collection: CollectionId) -> Outcome {
        let mut record = self.own(collection)?;
        record.destroyed = true;
        keys::collection(collection).save(self.kv, &record)?;
        keys::owned(self.sender).remove(self.kv, &collection.0)?;
        keys::offer(collection).remove(self.kv);
        Ok(Some(Event::CollectionDestroyed { collection }))
    }

    pub(super) fn transfer(&mut self, collection: CollectionId, to: Address) -> Outcome {
        let mut record = self.own(collection)?;
        if to == *self.sender {
            return Err(AccessError::Owner);
        }
        keys::owned(self.sender).remove(self.kv, &collection.0)?;
        keys::owned(&to).add(self.kv, &collection.0)?;
        keys::offer(collection).remove(self.kv);
        record.owner = to.clone();
        keys::collection(collection).save(self.kv, &record)?;
        Ok(Some(Event::Transferred { collection, to }))
    }

    pub(super) fn rotate(
        &mut self,
        collection: CollectionId,
        epoch: Epoch,
        commitment: [u8; 32],
    ) -> Outcome {
        let mut record = self.own(collection)?;
        if (epoch, commitment) == (record.epoch, record.commitment) {
            return Ok(None);
        }
        let next = record.epoch.checked_add(1);
        let next = next.ok_or(AccessError::Exhausted("the key epoch"))?;
        if epoch != next {
            return Err(AccessError::RotatedEpoch { next });
        }
        (record.epoch, record.commitment) = (epoch, commitment);
        keys::collection(collection).save(self.kv, &record)?;
        Ok(Some(Event::EpochRotated { collection, epoch }))
    }

    /// The sender's own live collection.
    pub(super) fn own(&self, collection: CollectionId) -> Result<CollectionRecord, AccessError> {
        let record = keys::collection(collection).load(self.kv)?.ok_or(AccessError::Forbidden)?;
        if record.owner != *self.sender {
            return Err(AccessError::Forbidden);
        }
        if record.destroyed {
            return Err(AccessError::Destroyed);
        }
        Ok(record)
    }
}
