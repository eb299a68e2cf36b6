//! What a grantee is narrowed to, on its way to the ledger and back.
//!
//! Layer: flow.
//! Holds: which form this worker's ledger is told, and what opens what it has.
//! Never: a scope that does not open taken for none; anything opened kept for the next request.
//! Invariant: a text opens for the collection and the grantee that it was made for, or nobody is admitted by it.
//!
//! An opened scope is not kept: opening costs microseconds, and what is not kept is never shown to somebody else.

use super::{Held, Worker, problems};
use prag_client::ledger::Scopes;
use prag_client::system::OsEntropy;
use prag_protocol::CollectionId;
use prag_protocol::filter::Filter;
use prag_protocol::ledger::{GrantRecord, SEALED_SCOPE_BYTES_MAX};
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::grants::PutGrant;
use prag_trust::admission::{AccessView, Denied, Gate, Granted, Right};
use prag_trust::scope::{OpenedScope, ScopeTerms, SealedScope};
use std::sync::Arc;

impl Worker {
    /// The scope of a grant as the ledger is told it.
    ///
    /// # Errors
    /// `bad-filter` names what is wrong with it; `invalid-field` where a salt is missing; `key-missing` where it is to be
    /// sealed and the collection's keys are not here.
    pub(super) async fn scope_for_ledger(
        &self,
        held: &Arc<Held>,
        put: &PutGrant,
    ) -> Result<Option<String>, Problem> {
        let Some(scope) = &put.scope else { return Ok(None) };
        if scope.is_empty() {
            return Err(bad("an empty scope is everything; leave `scope` out to grant that"));
        }
        scope.check().map_err(|error| bad(error.to_string()))?;
        let json = serde_json::to_string(scope).map_err(|error| bad(error.to_string()))?;
        match self.0.parts.ledger.scopes() {
            Scopes::Plain => Ok(Some(json)),
            Scopes::Sealed => self.seal_scope(held, put, json).await.map(Some),
        }
    }

    async fn seal_scope(
        &self,
        held: &Arc<Held>,
        put: &PutGrant,
        json: String,
    ) -> Result<String, Problem> {
        let Some(salt) = put.scope_salt.clone() else {
            let detail = "others read this worker's ledger: a scope comes with `scope_salt`, 32 random bytes in hex, and \
                 the ledger gets a commitment under it";
            return Err(Problem::new(Code::InvalidField, detail).field("scope_salt"));
        };
        if json.len() > SEALED_SCOPE_BYTES_MAX {
            let detail = format!(
                "the scope has {} bytes of JSON; at most {SEALED_SCOPE_BYTES_MAX} are sealed for this ledger",
                json.len()
            );
            return Err(bad(detail).limit(SEALED_SCOPE_BYTES_MAX as u64));
        }
        let shard = self.awake(held).await?;
        let grantee = put.grantee.clone();
        let seal = move || {
            let (collection, salt) = (shard.collection(), &salt.0);
            let terms = ScopeTerms { collection, grantee: &grantee, salt, json: &json };
            shard.seal_scope(&terms, &mut OsEntropy)
        };
        let sealed = tokio::task::spawn_blocking(seal).await.map_err(problems::internal)?;
        sealed.map_err(problems::collection)?.map_err(|error| bad(error.to_string()))
    }

    /// What `rule` admits to, and what it is exercised on. Where all that is missing is what sealed scopes say, of the
    /// caller's grant and of its delegate's, those are opened, and `rule` decides again.
    ///
    /// # Errors
    /// As `rule`; `key-missing` where the collection's keys are not here; `forbidden` for a scope that does not open.
    pub(super) async fn admitted<R: Right>(
        &self,
        (id, view): (CollectionId, &AccessView),
        rule: impl Fn(&Gate<'_>) -> Result<Granted<R>, Denied> + Send,
    ) -> Result<(Granted<R>, Arc<Held>), Problem> {
        let gate = self.gate();
        let first = rule(&gate);
        if !matches!(first, Err(Denied::Sealed)) {
            let granted = first.map_err(|denied| self.denied(id, denied))?;
            return Ok((granted, self.held(id).await?));
        }
        let held = self.held(id).await?;
        let mut scopes = Vec::new();
        for grant in view.grant.iter().chain(view.through.as_deref()) {
            if grant.scope.as_deref().is_some_and(SealedScope::is) {
                scopes.push(self.open_scope(&held, grant).await?);
            }
        }
        let granted = rule(&Gate { scopes: &scopes, ..gate });
        Ok((granted.map_err(|denied| self.denied(id, denied))?, held))
    }

    async fn open_scope(
        &self,
        held: &Arc<Held>,
        grant: &GrantRecord,
    ) -> Result<OpenedScope, Problem> {
        let shard = self.awake(held).await?;
        let text = grant.scope.as_deref().unwrap_or_default();
        shard.open_scope(text, &grant.grantee).map_err(|_| {
            let detail = "your grant's scope does not open with the collection's keys, or is not yours: ask the owner to \
                 grant it again";
            Problem::new(Code::Forbidden, detail)
        })
    }

    /// What a grant is narrowed to, for its owner to see; true where it is narrowed and that cannot be said.
    pub(super) async fn shown_scope(
        &self,
        held: &Arc<Held>,
        grant: &GrantRecord,
    ) -> (Option<Filter>, bool) {
        let Some(text) = grant.scope.as_deref() else { return (None, false) };
        let filter = if SealedScope::is(text) {
            let opened = self.open_scope(held, grant).await;
            opened.ok().map(|opened| opened.filter().clone())
        } else {
            serde_json::from_str(text).ok().filter(|scope: &Filter| !scope.is_empty())
        };
        let unreadable = filter.is_none();
        (filter, unreadable)
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Code::BadFilter, detail).field("scope")
}
