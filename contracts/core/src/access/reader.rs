//! Who may ask what, where storage is closed.
//!
//! Layer: core, access.
//! Holds: the rule for every question.
//! Never: signatures (the shell has checked them); a different answer for what is absent and what is another's.
//! Invariant: a question that is not listed for its asker is refused before its row is read.
//!
//! A worker learns of a collection before it is placed by the owner's own word, then by its live placement, and for some
//! time after that because it may have to hand the keys over (`placements`).

use super::keys;
use super::query::{permit_revoked, query as answer, through};
use crate::{AccessError, Env, Kv};
use prag_protocol::ledger::{AccessQuery, AccessReply, Source};
use prag_protocol::{Address, CollectionId};

/// Who asks, as the shell has verified it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Who signed the permit.
    pub account: &'a Address,
    /// The permit's name.
    pub permit_name: &'a str,
    /// Whether the permit is for administration.
    pub administers: bool,
    /// For a worker: the shard through whose placement it asks.
    pub shard: Option<u32>,
    /// Whose word came along that it may be told of what is theirs, under a permit for administration.
    pub host: Option<Host<'a>>,
}

/// Who introduces a reader, as the shell has verified it.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Who signed the permit.
    pub account: &'a Address,
    /// The permit's name.
    pub permit_name: &'a str,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The account revoked the permit. Sign another.
    #[error("the permit is revoked")]
    Revoked,
    /// Absent, or not for this account; on purpose we do not say which.
    #[error("absent, or not for this account")]
    Hidden,
    /// The question is outside its bounds, or the state does not read back.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Answers one question about the state at `env`, if `by` may ask it.
///
/// # Errors
/// [`Unanswered`].
pub fn read(
    kv: &dyn Kv,
    env: &Env,
    by: &Reader<'_>,
    query: AccessQuery,
) -> Result<AccessReply, Unanswered> {
    query.check().map_err(AccessError::from)?;
    if permit_revoked(kv, by.account, by.permit_name)? {
        return Err(Unanswered::Revoked);
    }
    let state = State { kv, env };
    if !state.may(by, &query)? {
        return Err(Unanswered::Hidden);
    }
    Ok(answer(kv, env, query)?)
}

struct State<'a> {
    kv: &'a dyn Kv,
    env: &'a Env,
}

impl State<'_> {
    fn may(&self, by: &Reader<'_>, query: &AccessQuery) -> Result<bool, AccessError> {
        let Reader { account, shard, .. } = *by;
        match query {
            AccessQuery::Anchor { .. } | AccessQuery::Price { .. } => Ok(true),
            AccessQuery::PermitRevoked { address, .. } => Ok(address == account),
            AccessQuery::Shared { grantee, .. } => Ok(grantee == account),
            AccessQuery::Collections { owner, .. } => Ok(owner == account && by.administers),
            // A worker learns every grant that is used, and shows the list to whoever administers.
            AccessQuery::Grants { collection, .. } => Ok((self.owns(account, *collection)?
                && by.administers)
                || self.placed(account, *collection, shard)?),
            AccessQuery::Grant { collection, grantee } => Ok(grantee == account
                || self.gave(account, *collection, grantee)?
                || self.serves(account, *collection, shard)?),
            AccessQuery::Admission { collection, caller, .. } => {
                Ok(self.serves(account, *collection, shard)?
                    || (caller == account && self.concerns(account, *collection, shard)?)
                    || (by.host.is_some_and(|host| host.account == caller)
                        && self.introduced(by, *collection)?))
            }
            AccessQuery::Collection { collection }
            | AccessQuery::Placement { collection, .. }
            | AccessQuery::Writer { collection, .. }
            | AccessQuery::Policy { collection } => Ok(self.serves(account, *collection, shard)?
                || self.concerns(account, *collection, shard)?
                || self.introduced(by, *collection)?),
        }
    }

    /// Whether the account has a grant that holds, or was placed until a moment ago.
    fn concerns(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, AccessError> {
        Ok(self.granted(account, collection)? || self.left(account, collection, shard)?)
    }

    /// Whether the collection's owner introduces the reader, under a permit that was not revoked.
    fn introduced(&self, by: &Reader<'_>, collection: CollectionId) -> Result<bool, AccessError> {
        let Some(Host { account, permit_name }) = by.host else { return Ok(false) };
        Ok(self.owns(account, collection)? && !permit_revoked(self.kv, account, permit_name)?)
    }

    /// Whether the account owns the collection, or is its worker.
    fn serves(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, AccessError> {
        Ok(self.owns(account, collection)? || self.placed(account, collection, shard)?)
    }

    fn owns(&self, account: &Address, collection: CollectionId) -> Result<bool, AccessError> {
        let record = keys::collection(collection).load(self.kv)?;
        Ok(record.is_some_and(|record| record.owner == *account))
    }

    /// A revoked or expired grant, or one whose delegate's does not carry it, still says so to its grantee, but opens
    /// nothing else.
    fn granted(&self, account: &Address, collection: CollectionId) -> Result<bool, AccessError> {
        let grant = keys::grant(collection, account).load(self.kv)?;
        let through = through(self.kv, collection, grant.as_ref())?;
        let reach = grant.and_then(|grant| grant.reach(through.as_ref()));
        Ok(reach.is_some_and(|reach| reach.holds(self.env.time)))
    }

    /// Whether the account is the delegate who gave this grant, and its own holds.
    fn gave(
        &self,
        account: &Address,
        collection: CollectionId,
        grantee: &Address,
    ) -> Result<bool, AccessError> {
        let grant = keys::grant(collection, grantee).load(self.kv)?;
        let by = grant.is_some_and(
            |grant| matches!(grant.source, Source::Delegate { by, .. } if by == *account),
        );
        Ok(by && self.granted(account, collection)?)
    }

    /// Another worker was placed instead, so lately that this one may have to hand it the keys.
    fn left(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, AccessError> {
        let Some(shard) = shard else { return Ok(false) };
        let left = keys::left(collection, shard).load(self.kv)?;
        Ok(left.is_some_and(|left| left.account == *account && self.env.time < left.until))
    }

    /// A running lease of a key epoch that is not past. Destroyed collections too: their workers have to learn it.
    fn placed(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, AccessError> {
        let Some(shard) = shard else { return Ok(false) };
        let placement = keys::placement(collection, shard).load(self.kv)?;
        let Some(placement) = placement else { return Ok(false) };
        let running = self.env.time < placement.lease_until;
        let record = keys::collection(collection).load(self.kv)?;
        let current = record.is_some_and(|record| placement.epoch >= record.epoch);
        Ok(placement.account == *account && running && current)
    }
}
