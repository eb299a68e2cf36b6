//! Delegates: grantees who may grant within their own grants.
//!
//! Layer: core, access.
//! Holds: who may give a grant, and how many a delegate has given.
//! Never: a delegate of a delegate; a delegate's word over the owner's, or over another delegate's.
//! Invariant: `given` is the number of unrevoked grants whose source is the delegate in its present term, and grows no
//! further than `delegate`. A delegate's own grant may be narrowed or revoked at any time without touching what it gave:
//! that never reaches further (`GrantRecord::reach`).

use super::{Step, keys};
use crate::AccessError;
use prag_protocol::ledger::{GrantRecord, Source};
use prag_protocol::{Address, CollectionId};

/// By whose word a grant is given or revoked.
pub(super) enum Giver {
    /// The collection's owner.
    Owner,
    /// A grantee, by this grant.
    Delegate(GrantRecord),
}

impl Giver {
    /// What a grant of `sender` has as its source.
    pub(super) fn source(&self, sender: &Address) -> Source {
        match self {
            Self::Owner => Source::Owner,
            Self::Delegate(own) => Source::Delegate { by: sender.clone(), term: own.term },
        }
    }
}

impl Step<'_> {
    /// What the sender is to a live collection, and whose that is.
    pub(super) fn giver(&self, collection: CollectionId) -> Result<(Giver, Address), AccessError> {
        let record = keys::collection(collection).load(self.kv)?.ok_or(AccessError::Forbidden)?;
        let giver = if record.owner == *self.sender {
            Giver::Owner
        } else {
            let own = keys::grant(collection, self.sender).load(self.kv)?;
            let own = own.filter(|own| own.delegate > 0 && own.holds(self.env.time));
            Giver::Delegate(own.ok_or(AccessError::Forbidden)?)
        };
        if record.destroyed { Err(AccessError::Destroyed) } else { Ok((giver, record.owner)) }
    }

    /// Whether the sender gave this grant as a delegate, in whatever term.
    pub(super) fn gave(&self, grant: &GrantRecord) -> bool {
        matches!(&grant.source, Source::Delegate { by, .. } if by == self.sender)
    }

    /// Whether a delegate whose grant is `own` may give `record` in place of `before`.
    pub(super) fn within(
        &self,
        own: &GrantRecord,
        record: &GrantRecord,
        before: Option<&GrantRecord>,
    ) -> Result<(), AccessError> {
        if before.is_some_and(|before| !self.gave(before)) {
            return Err(AccessError::Another);
        }
        let most = own.quota.unwrap_or(u64::MAX);
        let beyond = [
            ("read", record.can_read && !own.can_read),
            ("write", record.can_write && !own.can_write),
            ("max_k", record.max_k > own.max_k),
            ("quota", record.quota.is_some_and(|quota| quota > most)),
            ("expires", record.expires > own.expires),
            ("delegate", record.delegate > 0),
        ];
        match beyond.into_iter().find(|(_, beyond)| *beyond) {
            Some((field, _)) => Err(AccessError::Beyond(field)),
            None => Ok(()),
        }
    }

    /// Counts a grant that is given, where a delegate gives it.
    pub(super) fn count_in(
        &mut self,
        collection: CollectionId,
        grant: &GrantRecord,
    ) -> Result<(), AccessError> {
        let Source::Delegate { by, .. } = &grant.source else { return Ok(()) };
        let row = keys::grant(collection, by);
        let mut own = row.load(self.kv)?.ok_or(AccessError::Damaged("grants"))?;
        let full = AccessError::DelegatedFull { max: own.delegate };
        own.given = own.given.checked_add(1).filter(|given| *given <= own.delegate).ok_or(full)?;
        Ok(row.save(self.kv, &own)?)
    }

    /// Counts out a grant that ends or is replaced, where a delegate gave it in its present term.
    pub(super) fn let_go(
        &mut self,
        collection: CollectionId,
        grant: &GrantRecord,
    ) -> Result<(), AccessError> {
        let Source::Delegate { by, term } = &grant.source else { return Ok(()) };
        let damaged = AccessError::Damaged("grants");
        let row = keys::grant(collection, by);
        let mut own = row.load(self.kv)?.ok_or(damaged)?;
        if grant.revoked || own.term != *term {
            return Ok(());
        }
        own.given = own.given.checked_sub(1).ok_or(damaged)?;
        Ok(row.save(self.kv, &own)?)
    }
}

/// `given` and `term` of a grant whose `delegate` changes to this.
pub(super) fn after(before: &GrantRecord, delegate: u32) -> Result<(u32, u32), AccessError> {
    if before.delegate == 0 || delegate > 0 {
        return Ok((before.given, before.term));
    }
    let term = before.term.checked_add(1).ok_or(AccessError::Exhausted("the delegate's term"))?;
    Ok((0, term))
}
