//! Grants and permits: transitions of the access ledger.
//!
//! Layer: flow.
//! Holds: translation between REST bodies and ledger messages.
//! Never: a rule of its own; the contract core decides.
//! Invariant: only the owner and delegates, with an admin permit, reach the ledger through here; a delegate is shown what
//! it gave, and nothing else.

use super::{Asker, Worker, problems, validate};
use prag_client::ledger::LedgerHead;
use prag_protocol::filter::Filter;
use prag_protocol::ledger::{
    AccessMsg, AccessQuery, AccessReply, DELEGATED_MAX, GrantRecord, Source,
};
use prag_protocol::limits::K_MAX;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::Page;
use prag_protocol::wire::grants::{Grant, GrantFlag, LedgerReply, PutGrant, RevokeGrant};
use prag_protocol::{Address, CollectionId};
use prag_trust::address::check_address;
use prag_trust::permit::Permission;
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::collections::HashMap;

impl Worker {
    /// Grant, or replace a grant.
    ///
    /// # Errors
    /// Names the field and the limit; the ledger is unchanged.
    pub async fn put_grant(
        &self,
        caller: &Asker,
        id: CollectionId,
        put: PutGrant,
    ) -> Result<LedgerReply, Problem> {
        let (granted, held) = self.admit_give(caller, id).await?;
        grantee(&put.grantee)?;
        validate::within("max_k", u64::from(put.max_k), 1, u64::from(K_MAX))?;
        validate::within("delegate", u64::from(put.delegate), 0, u64::from(DELEGATED_MAX))?;
        let latest = self.now() + TEN_YEARS;
        validate::within("expires", put.expires, self.now() + 1, latest)?;
        if !put.read && !put.write {
            let detail = "a grant must allow `read`, `write`, or both";
            return Err(Problem::new(Code::InvalidField, detail).field("read"));
        }
        let scope = self.scope_for_ledger(&held, &put).await?;
        let message = AccessMsg::Grant {
            collection: id,
            grantee: put.grantee.clone(),
            read: put.read,
            write: put.write,
            max_k: put.max_k,
            quota: put.quota,
            expires: put.expires,
            scope,
            delegate: put.delegate,
        };
        let reply = self.transition(caller, message).await?;
        // Not a delegate's to say: its grantee would never be paced or noticed.
        if granted.is_owner() {
            held.watch().forget(&put.grantee);
        }
        Ok(reply)
    }

    /// One page of grants, with what the worker has noticed of each since its boot. Of a page, a delegate sees what it
    /// gave: pages may be short, and empty before the last.
    ///
    /// # Errors
    /// Names the field and the limit.
    pub async fn list_grants(
        &self,
        caller: &Asker,
        id: CollectionId,
        cursor: Option<String>,
        limit: Option<u32>,
    ) -> Result<Page<Grant>, Problem> {
        let (granted, held) = self.admit_give(caller, id).await?;
        let limit = u32::try_from(validate::page(limit)?.min(100)).unwrap_or(100);
        let offset = match cursor {
            None => 0,
            Some(cursor) => cursor
                .parse::<u32>()
                .map_err(|_| Problem::new(Code::InvalidField, "not a cursor").field("cursor"))?,
        };
        let query = AccessQuery::Grants { collection: id, offset, limit };
        let reply = self.0.parts.ledger.query(query).await.map_err(problems::ledger)?;
        let AccessReply::Grants { total, rows } = reply else {
            return Err(problems::another());
        };
        let end = offset.saturating_add(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let next_cursor = (end < total).then(|| end.to_string());
        let documents = held.counts().map_or(0, |counts| counts.documents);
        let mut data = Vec::with_capacity(rows.len());
        let mut delegates = HashMap::new();
        let own = |record: &GrantRecord| match &record.source {
            _ if granted.is_owner() => true,
            Source::Delegate { by, .. } => by == granted.caller(),
            Source::Owner | Source::Sale => false,
        };
        for record in rows.into_iter().filter(own) {
            let scope = self.shown_scope(&held, &record).await;
            let void = !self.is_carried(id, &record, &mut delegates).await?;
            let owner = granted.is_owner();
            let flags = owner.then(|| held.watch().flags(&record.grantee, documents));
            data.push(Grant { void, ..grant(record, scope, flags.unwrap_or_default()) });
        }
        Ok(Page { data, next_cursor })
    }

    /// Whether the delegate who gave a grant, if one did, still carries it. `known`: what was found of each delegate.
    async fn is_carried(
        &self,
        collection: CollectionId,
        grant: &GrantRecord,
        known: &mut HashMap<Address, Option<GrantRecord>>,
    ) -> Result<bool, Problem> {
        let Source::Delegate { by, .. } = &grant.source else { return Ok(true) };
        if !known.contains_key(by) {
            let query = AccessQuery::Grant { collection, grantee: by.clone() };
            let reply = self.0.parts.ledger.query(query).await.map_err(problems::ledger)?;
            let AccessReply::Grant(own) = reply else { return Err(problems::another()) };
            known.insert(by.clone(), own);
        }
        let through = known.get(by).and_then(Option::as_ref);
        let (now, reach) = (self.now(), grant.reach(through));
        Ok(grant.expires <= now || reach.is_some_and(|reach| reach.expires > now))
    }

    /// Revoke a grant; effective at once here, elsewhere within the staleness bound.
    ///
    /// # Errors
    /// `conflict` where there is nothing to revoke.
    pub async fn revoke_grant(
        &self,
        caller: &Asker,
        id: CollectionId,
        revoke: RevokeGrant,
    ) -> Result<LedgerReply, Problem> {
        self.admit_give(caller, id).await?;
        let message = AccessMsg::Revoke { collection: id, grantee: revoke.grantee };
        self.transition(caller, message).await
    }

    /// Revoke one of the caller's own permits, by name.
    ///
    /// # Errors
    /// `permission-missing` without an admin permit.
    pub async fn revoke_permit(
        &self,
        caller: &Asker,
        permit_name: String,
    ) -> Result<LedgerReply, Problem> {
        if !caller.permissions.allow(Permission::Admin) {
            return Err(Problem::new(Code::PermissionMissing, "the permit must carry prag_admin"));
        }
        self.transition(caller, AccessMsg::RevokePermit { permit_name }).await
    }

    /// Show a remembered ledger head; the worker serves from then on if it has that history.
    ///
    /// # Errors
    /// `ledger-stale` where this ledger was rolled back or forked.
    pub async fn confirm_ledger(
        &self,
        _caller: &Verified<Caller>,
        height: u64,
        root: &str,
    ) -> Result<LedgerReply, Problem> {
        let root = hex::decode(root).ok().and_then(|root| <[u8; 32]>::try_from(root).ok());
        let Some(root) = root else {
            return Err(
                Problem::new(Code::InvalidField, "`root` must be 64 hex digits").field("root")
            );
        };
        let remembered = LedgerHead { height, root };
        self.0.parts.ledger.confirm(remembered).await.map_err(problems::ledger)?;
        self.open_all().await?;
        Ok(LedgerReply { height: self.0.parts.ledger.head().await.height })
    }
}

fn grantee(address: &Address) -> Result<(), Problem> {
    check_address(address)
        .map_err(|_| Problem::new(Code::InvalidField, "not a valid address").field("grantee"))
}

fn grant(
    record: GrantRecord,
    (scope, scope_unreadable): (Option<Filter>, bool),
    flags: Vec<GrantFlag>,
) -> Grant {
    Grant {
        grant: PutGrant {
            grantee: record.grantee,
            read: record.can_read,
            write: record.can_write,
            max_k: record.max_k,
            quota: record.quota,
            expires: record.expires,
            scope,
            scope_salt: None,
            delegate: record.delegate,
        },
        scope_unreadable,
        used: record.used,
        revoked: record.revoked,
        bought: record.source == Source::Sale,
        void: false,
        by: match record.source {
            Source::Delegate { by, .. } => Some(by),
            Source::Owner | Source::Sale => None,
        },
        given: record.given,
        flags,
    }
}

const TEN_YEARS: u64 = 10 * 366 * 24 * 3600;
