//! Answers.
//!
//! Layer: core, access.
//! Holds: one reply per question.
//! Never: who may ask (`reader` says that, where storage is closed). Writes.
//! Invariant: an answer is of one height, and reads at most a page of rows.

use super::keys;
use crate::list::List;
use crate::{AccessError, Env, Kv};
use prag_protocol::ledger::{AccessQuery, AccessReply, Admission, GrantRecord, Source};
use prag_protocol::{Address, CollectionId};

/// Answers one question about the state at `env`.
///
/// # Errors
/// [`AccessError::Bound`] for a field outside its bounds; [`AccessError::Damaged`] where the state
/// does not read back.
pub fn query(kv: &dyn Kv, env: &Env, query: AccessQuery) -> Result<AccessReply, AccessError> {
    query.check()?;
    Ok(match query {
        AccessQuery::Collection { collection } => {
            AccessReply::Collection(keys::collection(collection).load(kv)?)
        }
        AccessQuery::Grant { collection, grantee } => {
            AccessReply::Grant(keys::grant(collection, &grantee).load(kv)?)
        }
        AccessQuery::PermitRevoked { address, permit_name } => {
            AccessReply::PermitRevoked(permit_revoked(kv, &address, &permit_name)?)
        }
        AccessQuery::Placement { collection, shard } => {
            AccessReply::Placement(keys::placement(collection, shard).load(kv)?)
        }
        AccessQuery::Writer { collection, shard } => {
            AccessReply::Writer(keys::writer(collection, shard).load(kv)?)
        }
        AccessQuery::Anchor { account } => AccessReply::Anchor(keys::anchor(&account).load(kv)?),
        AccessQuery::Policy { collection } => {
            AccessReply::Policy(keys::policy(collection).load(kv)?)
        }
        AccessQuery::Price { collection } => AccessReply::Price(keys::offer(collection).load(kv)?),
        AccessQuery::Admission { collection, caller, permit_name } => {
            let record = keys::collection(collection).load(kv)?;
            let permit_revoked = permit_revoked(kv, &caller, &permit_name)?;
            let policy = keys::policy(collection).load(kv)?;
            let grant = keys::grant(collection, &caller).load(kv)?;
            let through = through(kv, collection, grant.as_ref())?;
            AccessReply::Admission(Admission {
                height: env.height,
                time: env.time,
                collection: record,
                grant,
                through: through.map(Box::new),
                permit_revoked,
                policy,
            })
        }
        AccessQuery::Collections { owner, offset, limit } => {
            collections(kv, &keys::owned(&owner), offset, limit)?
        }
        AccessQuery::Shared { grantee, offset, limit } => {
            collections(kv, &keys::shared(&grantee), offset, limit)?
        }
        AccessQuery::Grants { collection, offset, limit } => {
            let (total, members) = keys::granted(collection).page(kv, offset, limit)?;
            // As the list reads its members.
            let rows: Vec<_> =
                members.into_iter().map(|member| grant_of(kv, collection, member)).collect();
            let rows = rows.into_iter().collect::<Result<_, _>>()?;
            AccessReply::Grants { total, rows }
        }
    })
}

pub(super) fn permit_revoked(
    kv: &dyn Kv,
    account: &Address,
    name: &str,
) -> Result<bool, AccessError> {
    // A row that reads back as false was never written; being there is what counts.
    Ok(keys::permit(account, name).load(kv)?.is_some())
}

/// The grant of whoever gave this one, where that was a delegate.
pub(super) fn through(
    kv: &dyn Kv,
    collection: CollectionId,
    grant: Option<&GrantRecord>,
) -> Result<Option<GrantRecord>, AccessError> {
    match grant.map(|grant| &grant.source) {
        Some(Source::Delegate { by, .. }) => Ok(keys::grant(collection, by).load(kv)?),
        Some(Source::Owner | Source::Sale) | None => Ok(None),
    }
}

fn collections(
    kv: &dyn Kv,
    list: &List,
    offset: u32,
    limit: u32,
) -> Result<AccessReply, AccessError> {
    let (total, members) = list.page(kv, offset, limit)?;
    let rows = members
        .into_iter()
        .map(|member| member.try_into().map(CollectionId))
        .collect::<Result<_, _>>()
        .map_err(|_| AccessError::Damaged("lists"))?;
    Ok(AccessReply::Collections { total, rows })
}

fn grant_of(
    kv: &dyn Kv,
    collection: CollectionId,
    member: Vec<u8>,
) -> Result<GrantRecord, AccessError> {
    let damaged = AccessError::Damaged("lists");
    let text = String::from_utf8(member).map_err(|_| damaged)?;
    let grantee = Address::try_from(text).map_err(|_| damaged)?;
    keys::grant(collection, &grantee).load(kv)?.ok_or(damaged)
}
