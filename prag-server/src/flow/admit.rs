//! Admission: from a verified caller to the right to do one thing with one collection.
//!
//! Layer: flow.
//! Holds: the ledger view, its check, and the pace of a grantee.
//! Never: a cached verdict; each request asks anew.
//! Invariant: absent, foreign, revoked and expired answer alike.

use super::quota::Quota;
use super::rate::Pace;
use super::sketch::Signature;
use super::{Asker, Held, Worker, problems};
use prag_protocol::CollectionId;
use prag_protocol::problem::{Code, Problem};
use prag_trust::admission::{
    self, AccessView, Admin, Denied, Gate, Give, Granted, Read, See, Write,
};
use prag_trust::request::Caller;
use prag_trust::verified::Verified;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The right to read, and what it is exercised on.
pub(super) struct Reader {
    pub(super) granted: Granted<Read>,
    pub(super) held: Arc<Held>,
    /// Where the grant has a quota.
    pub(super) quota: Option<Quota>,
}

impl Reader {
    /// What `items` hits, rows or chunks cost: as many units as searches that could have returned them.
    pub(super) fn units(&self, items: usize) -> u64 {
        let units = items.div_ceil(self.granted.max_k().max(1) as usize);
        units.max(1) as u64
    }

    /// Note which documents a grantee got. The owner is not watched.
    pub(super) fn returned<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        if !self.granted.is_owner() {
            self.held.watch().returned(self.granted.caller(), ids);
        }
    }

    /// Note what a grantee asked for, and whether that was there.
    pub(super) fn searched(&self, signature: Signature, exact: bool) {
        if !self.granted.is_owner() {
            self.held.watch().searched(self.granted.caller(), signature, exact);
        }
    }
}

impl Worker {
    /// As [`Worker::admit_read`], for what returns content: a grantee is held to the pace of the settings. The
    /// owner is not: what it can learn is its own, and how much work is done at once is bounded for all.
    pub(super) async fn admit_search(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<Reader, Problem> {
        let reader = self.admit_read(caller, id).await?;
        self.keep_pace(&reader, 1)?;
        Ok(reader)
    }

    /// Hold a grantee to the pace of the settings, which counts searches.
    pub(super) fn keep_pace(&self, reader: &Reader, searches: u64) -> Result<(), Problem> {
        let settings = &self.0.settings;
        let pace = Pace { per_second: settings.rate_per_s, burst: settings.rate_burst };
        let (granted, now) = (&reader.granted, self.now());
        if granted.is_owner() || reader.held.watch().pass(granted.caller(), pace, (searches, now)) {
            return Ok(());
        }
        if searches > pace.burst {
            let detail = "searches at once are admitted under one grant; ask in smaller requests";
            return Err(Problem::new(Code::RateLimited, detail).limit(pace.burst));
        }
        let detail = "requests a second are admitted under one grant; try again in a second";
        Err(Problem::new(Code::RateLimited, detail).limit(pace.per_second))
    }

    pub(super) async fn admit_read(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<Reader, Problem> {
        let mut view = self.view(caller, id).await?;
        let quota = view.reach().and_then(|grant| Quota::of(&grant, view.height));
        if let Some(seen) = quota {
            // Of a delegate's grantee, both have counted it.
            let unserved = self.0.slices.unserved(id, &caller.address, seen);
            for grant in view.grant.iter_mut().chain(view.through.as_deref_mut()) {
                grant.used = grant.used.saturating_sub(unserved);
            }
        }
        let session = self.0.parts.sessions.of(&caller.session_key, self.now());
        let rule =
            |gate: &Gate<'_>| admission::admit_read(caller, session.as_ref(), id, &view, gate);
        let (granted, held) = self.admitted((id, &view), rule).await?;
        let quota = quota.filter(|_| !granted.is_owner());
        self.wake(&held).await?;
        Ok(Reader { granted, held, quota })
    }

    pub(super) async fn admit_write(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<(Granted<Write>, Arc<Held>), Problem> {
        let view = self.view(caller, id).await?;
        let rule = |gate: &Gate<'_>| admission::admit_write(caller, id, &view, gate);
        let (granted, held) = self.admitted((id, &view), rule).await?;
        self.wake(&held).await?;
        Ok((granted, held))
    }

    pub(super) async fn admit_see(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<(Granted<See>, Arc<Held>), Problem> {
        let view = self.view(caller, id).await?;
        let granted = admission::admit_see(caller, id, &view, &self.gate());
        Ok((granted.map_err(problems::denied)?, self.held(id).await?))
    }

    pub(super) async fn admit_admin(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<(Granted<Admin>, Arc<Held>), Problem> {
        let view = self.owners_view(caller, id).await?;
        let granted = admission::admit_admin(caller, id, &view, &self.gate());
        let granted = granted.map_err(problems::denied)?;
        let held = self.held(id).await?;
        self.renew_if_due(caller, id, granted.epoch()).await;
        Ok((granted, held))
    }

    /// Whoever may give and take grants: the owner, or a delegate.
    pub(super) async fn admit_give(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<(Granted<Give>, Arc<Held>), Problem> {
        let view = self.owners_view(caller, id).await?;
        let granted = admission::admit_give(caller, id, &view, &self.gate());
        let granted = granted.map_err(problems::denied)?;
        let held = self.held(id).await?;
        if granted.is_owner() {
            self.renew_if_due(caller, id, granted.epoch()).await;
        }
        Ok((granted, held))
    }

    pub(super) async fn view(
        &self,
        caller: &Verified<Caller>,
        id: CollectionId,
    ) -> Result<AccessView, Problem> {
        self.0.heard.store(true, Ordering::Relaxed);
        let ledger = &self.0.parts.ledger;
        ledger.view(id, &caller.address, &caller.permit_name).await.map_err(problems::ledger)
    }

    /// As [`Worker::view`], by the caller's own word where it came along: a ledger that tells this worker only what
    /// concerns it tells it then of what is the caller's, whether it is placed here or not.
    pub(super) async fn owners_view(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<AccessView, Problem> {
        let Some(word) = caller.introduction() else { return self.view(caller, id).await };
        self.0.heard.store(true, Ordering::Relaxed);
        let (ledger, Caller { address, permit_name, .. }) = (&self.0.parts.ledger, &***caller);
        ledger.view_introduced(id, address, permit_name, word).await.map_err(problems::ledger)
    }

    pub(super) fn gate(&self) -> Gate<'static> {
        let staleness_s = self.0.settings.staleness_s;
        Gate { image: self.0.parts.image, now: self.now(), staleness_s, scopes: &[] }
    }

    /// Why not. A retired image has no business with the keys any more: it forgets them on the way.
    pub(super) fn denied(&self, id: CollectionId, denied: Denied) -> Problem {
        if denied == Denied::WorkerImage
            && let Ok(held) = self.known(id)
        {
            held.retire();
        }
        problems::denied(denied)
    }

    /// What is held of a collection; locked, if its lease is over.
    pub(super) async fn held(&self, id: CollectionId) -> Result<Arc<Held>, Problem> {
        let held = self.known(id)?;
        self.check_lease(&held).await;
        Ok(held)
    }

    /// What is held of a collection, whatever the ledger says meanwhile.
    pub(super) fn known(&self, id: CollectionId) -> Result<Arc<Held>, Problem> {
        let collections = self.0.collections.read().unwrap_or_else(super::lock::ignore_poison);
        collections.get(&id).cloned().ok_or_else(problems::forbidden)
    }
}
