//! Grants and revoked permits.
//!
//! Layer: core, access.
//! Holds: the rule of who may be granted what, and the two lists that a grant is in.
//! Never: the meaning of a scope.
//! Invariant: a grant is in its collection's and its grantee's list exactly while it is unrevoked.

use super::delegates::{Giver, after};
use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{GRANT_SECONDS_MAX, GRANTS_PER_COLLECTION_MAX, GrantRecord, Source};
use prag_protocol::{Address, CollectionId};

impl Step<'_> {
    pub(super) fn grant(&mut self, collection: CollectionId, mut record: GrantRecord) -> Outcome {
        let (giver, owner) = self.giver(collection)?;
        if record.grantee == *self.sender || record.grantee == owner {
            return Err(AccessError::Owner);
        }
        if !record.can_read && !record.can_write {
            return Err(AccessError::EmptyGrant);
        }
        self.ahead("expires", record.expires, GRANT_SECONDS_MAX)?;

        let before = keys::grant(collection, &record.grantee).load(self.kv)?;
        if let Giver::Delegate(own) = &giver {
            self.within(own, &record, before.as_ref())?;
        }
        record.source = giver.source(self.sender);
        if let Some(before) = &before {
            (record.given, record.term) = after(before, record.delegate)?;
            self.let_go(collection, before)?;
        }
        self.count_in(collection, &record)?;
        self.keep(collection, before.as_ref(), &record)?;
        let event = Event::Granted { collection, grantee: record.grantee };
        Ok(Some(event))
    }

    /// Writes a grant that holds, in place of `before`.
    pub(super) fn keep(
        &mut self,
        collection: CollectionId,
        before: Option<&GrantRecord>,
        record: &GrantRecord,
    ) -> Result<(), AccessError> {
        let grantee = &record.grantee;
        if before.is_none_or(|before| before.revoked) {
            let list = keys::granted(collection);
            if list.count(self.kv)? >= GRANTS_PER_COLLECTION_MAX {
                let max = GRANTS_PER_COLLECTION_MAX;
                return Err(AccessError::GrantsFull { max });
            }
            list.add(self.kv, grantee.as_str().as_bytes())?;
            keys::shared(grantee).add(self.kv, &collection.0)?;
        }
        Ok(keys::grant(collection, grantee).save(self.kv, record)?)
    }

    pub(super) fn revoke(&mut self, collection: CollectionId, grantee: Address) -> Outcome {
        let (giver, _) = self.giver(collection)?;
        let row = keys::grant(collection, &grantee);
        let mut record = row.load(self.kv)?.ok_or(AccessError::NoGrant)?;
        if matches!(giver, Giver::Delegate(_)) && !self.gave(&record) {
            return Err(AccessError::Another);
        }
        if record.revoked {
            return Ok(None);
        }
        self.let_go(collection, &record)?;
        keys::granted(collection).remove(self.kv, grantee.as_str().as_bytes())?;
        keys::shared(&grantee).remove(self.kv, &collection.0)?;
        (record.given, record.term) = after(&record, 0)?;
        (record.delegate, record.revoked) = (0, true);
        if matches!(giver, Giver::Owner) {
            // The owner's word is the last: no delegate grants to whom the owner has revoked, and nobody sells.
            record.source = Source::Owner;
        }
        row.save(self.kv, &record)?;
        let event = Event::Revoked { collection, grantee };
        Ok(Some(event))
    }

    pub(super) fn revoke_permit(&mut self, name: &str) -> Outcome {
        let row = keys::permit(self.sender, name);
        if row.load(self.kv)?.is_some() {
            return Ok(None);
        }
        row.save(self.kv, &true)?;
        let account = self.sender.clone();
        Ok(Some(Event::PermitRevoked { account }))
    }
}
