//! Grants and revoked permits.
//!
//! Layer: core, access.
//! Holds: the rule of who may be granted what, and the two lists that a grant is in.
//! Never: the meaning of a scope.
//! Invariant: a grant is in its collection's and its grantee's list exactly while it is unrevoked.

use super::{Event, Outcome, Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{GRANT_SECONDS_MAX, GRANTS_PER_COLLECTION_MAX, GrantRecord};
use prag_protocol::{Address, CollectionId};

impl Step<'_> {
    pub(super) fn grant(&mut self, collection: CollectionId, record: GrantRecord) -> Outcome {
        self.own(collection)?;
        if record.grantee == *self.sender {
            return Err(AccessError::Owner);
        }
        if !record.can_read && !record.can_write {
            return Err(AccessError::EmptyGrant);
        }
        self.ahead("expires", record.expires, GRANT_SECONDS_MAX)?;

        let grantee = record.grantee.clone();
        let row = keys::grant(collection, &grantee);
        let listed = row.load(self.kv)?.is_some_and(|before| !before.revoked);
        if !listed {
            let list = keys::granted(collection);
            if list.count(self.kv)? >= GRANTS_PER_COLLECTION_MAX {
                let max = GRANTS_PER_COLLECTION_MAX;
                return Err(AccessError::GrantsFull { max });
            }
            list.add(self.kv, grantee.as_str().as_bytes())?;
            keys::shared(&grantee).add(self.kv, &collection.0)?;
        }
        row.save(self.kv, &record)?;
        let event = Event::Granted { collection, grantee };
        Ok(Some(event))
    }

    pub(super) fn revoke(&mut self, collection: CollectionId, grantee: Address) -> Outcome {
        self.own(collection)?;
        let row = keys::grant(collection, &grantee);
        let mut record = row.load(self.kv)?.ok_or(AccessError::NoGrant)?;
        if record.revoked {
            return Ok(None);
        }
        record.revoked = true;
        row.save(self.kv, &record)?;
        keys::granted(collection).remove(self.kv, grantee.as_str().as_bytes())?;
        keys::shared(&grantee).remove(self.kv, &collection.0)?;
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
