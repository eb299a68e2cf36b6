//! Admission: from a verified caller to the right to do one thing with one collection.
//!
//! Layer: flow.
//! Holds: the ledger view, its check, and the quota that a read uses up.
//! Never: a cached verdict; each request asks anew.
//! Invariant: absent, foreign, revoked and expired answer alike.

use super::{Held, Worker, problems};
use prag_client::ledger::LedgerError;
use prag_protocol::CollectionId;
use prag_protocol::ledger::AccessMsg;
use prag_protocol::problem::{Code, Problem};
use prag_trust::admission::{self, AccessView, Admin, Granted, Read, Write};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;

/// The right to read, and what it is exercised on.
pub(super) struct Reader {
    pub(super) granted: Granted<Read>,
    pub(super) held: Arc<Held>,
    /// True where the grant has a quota.
    metered: bool,
}

impl Worker {
    pub(super) async fn admit_read(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<Reader, Problem> {
        let view = self.view(caller, id).await?;
        let now = self.now();
        let granted = admission::admit_read(caller, id, &view, now, self.0.settings.staleness_s)
            .map_err(problems::denied)?;
        let quota = view.grant.as_ref().and_then(|grant| grant.quota);
        let metered = !granted.is_owner() && quota.is_some();
        Ok(Reader { granted, held: self.held(id).await?, metered })
    }

    pub(super) async fn admit_write(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<(Granted<Write>, Arc<Held>), Problem> {
        let view = self.view(caller, id).await?;
        let now = self.now();
        let granted = admission::admit_write(caller, id, &view, now, self.0.settings.staleness_s);
        Ok((granted.map_err(problems::denied)?, self.held(id).await?))
    }

    pub(super) async fn admit_admin(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<(Granted<Admin>, Arc<Held>), Problem> {
        let view = self.view(caller, id).await?;
        let now = self.now();
        let granted = admission::admit_admin(caller, id, &view, now, self.0.settings.staleness_s);
        let granted = granted.map_err(problems::denied)?;
        let held = self.held(id).await?;
        self.renew_if_due(caller, id, granted.epoch()).await;
        Ok((granted, held))
    }

    pub(super) async fn view(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<AccessView, Problem> {
        let ledger = &self.0.parts.ledger;
        ledger.view(id, &caller.address, &caller.permit_name).await.map_err(problems::ledger)
    }

    /// Use up `units` of the caller's quota, durably, before the reply. The owner has none.
    pub(super) async fn consume(&self, reader: &Reader, units: u64) -> Result<(), Problem> {
        if !reader.metered {
            return Ok(());
        }
        let message = AccessMsg::Consume {
            collection: reader.granted.collection(),
            shard: 0,
            grantee: reader.granted.caller().clone(),
            units,
        };
        let account = &self.0.parts.account;
        match self.0.parts.ledger.execute(account, &[], message).await {
            Ok(_) => Ok(()),
            Err(LedgerError::Refused(why)) if why.contains("quota") => Err(Problem::new(
                Code::QuotaExhausted,
                "the grant's quota is used up; ask the owner for more",
            )),
            Err(LedgerError::Refused(why)) => Err(Problem::new(Code::LedgerStale, why)),
            Err(error) => Err(problems::ledger(error)),
        }
    }

    /// What is held of a collection; locked, if its lease is over.
    pub(super) async fn held(&self, id: CollectionId) -> Result<Arc<Held>, Problem> {
        let held = {
            let collections = self.0.collections.read().unwrap_or_else(super::lock::ignore_poison);
            collections.get(&id).cloned().ok_or_else(problems::forbidden)?
        };
        self.check_lease(&held).await;
        Ok(held)
    }
}
