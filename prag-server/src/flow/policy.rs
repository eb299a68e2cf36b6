//! Policies of collections: which images may serve them, and which may read them.
//!
//! Layer: flow.
//! Holds: the owner's word to the ledger, and this worker's obedience to it.
//! Never: a judgement of what an image is worth; the owner lists digests.
//! Invariant: keys of a collection whose policy does not list this worker's image are not opened here, and are wiped
//! once a request, a new policy or [`Worker::obey_policy`] finds that it no longer does.

use super::{Asker, Held, Worker, problems, validate};
use prag_protocol::CollectionId;
use prag_protocol::ledger::{
    AccessMsg, AccessQuery, AccessReply, POLICY_ENTRIES_MAX, PolicyRecord,
};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::LedgerReply;
use prag_protocol::wire::policy::{CollectionPolicy, SetPolicy};
use prag_trust::admission::may_serve;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Worker {
    /// Replace a collection's policy. It holds here at once, elsewhere within the staleness bound.
    ///
    /// # Errors
    /// Names the field and the limit; the ledger is unchanged.
    pub async fn set_policy(
        &self,
        caller: &Asker,
        id: CollectionId,
        set: SetPolicy,
    ) -> Result<LedgerReply, Problem> {
        let (_granted, held) = self.admit_admin(caller, id).await?;
        for (field, images) in [("workers", &set.workers), ("readers", &set.readers)] {
            validate::at_most(field, images.len(), POLICY_ENTRIES_MAX, "images")?;
            if images.iter().collect::<BTreeSet<_>>().len() < images.len() {
                return Err(Problem::new(Code::InvalidField, "names an image twice").field(field));
            }
        }
        let (measurements, readers) = (set.workers, set.readers);
        let message = AccessMsg::SetPolicy { collection: id, measurements, readers };
        let reply = self.transition(caller, message).await?;
        if self.obey_policy(&held).await? && held.locked() {
            self.open_from_vaults(&held, false).await;
        }
        Ok(reply)
    }

    /// A collection's policy, for its owner.
    ///
    /// # Errors
    /// `forbidden` for everybody else.
    pub async fn policy(
        &self,
        caller: &Asker,
        id: CollectionId,
    ) -> Result<CollectionPolicy, Problem> {
        self.admit_admin(caller, id).await?;
        let (epoch, workers, readers) = match self.policy_record(id).await? {
            None => (0, Vec::new(), Vec::new()),
            Some(PolicyRecord { epoch, measurements, readers }) => (epoch, measurements, readers),
        };
        Ok(CollectionPolicy { epoch, workers, readers })
    }

    /// Locks a collection whose policy, by the ledger's newest view, does not list this worker's image. True if it may
    /// be served.
    ///
    /// # Errors
    /// Where the ledger does not answer: nothing is known, and nothing was changed.
    pub(super) async fn obey_policy(&self, held: &Arc<Held>) -> Result<bool, Problem> {
        let allowed = self.allowed(held.entry.id).await?;
        if !allowed {
            held.retire();
        }
        Ok(allowed)
    }

    /// Refuses where [`Worker::obey_policy`] would lock.
    pub(super) async fn check_policy(&self, id: CollectionId) -> Result<(), Problem> {
        if self.allowed(id).await? { Ok(()) } else { Err(problems::worker_image()) }
    }

    async fn allowed(&self, id: CollectionId) -> Result<bool, Problem> {
        let policy = self.policy_record(id).await?;
        Ok(may_serve(policy.as_ref(), &self.0.parts.image))
    }

    async fn policy_record(&self, id: CollectionId) -> Result<Option<PolicyRecord>, Problem> {
        let query = AccessQuery::Policy { collection: id };
        match self.0.parts.ledger.query(query).await.map_err(problems::ledger)? {
            AccessReply::Policy(policy) => Ok(policy),
            _ => Err(problems::another()),
        }
    }
}
