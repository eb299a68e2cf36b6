//! Answers.
//!
//! Layer: core, subscription.
//! Holds: one reply per question, and who may have it.
//! Never: permits; the shell has verified one before it names a caller. Writes.
//! Invariant: an answer is of one height, and reads at most a page of rows.

use super::plans::plan_of;
use super::subscribers::keys_allowed;
use super::time::Seen;
use super::{SubscriptionError, keys};
use crate::list::List;
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::subscription::{
    API_KEYS_MAX, ApiKeyDetail, ApiKeyDetails, ApiKeyHash, ApiKeyHashes, ApiKeyStatus, Identity,
    PlanPage, SubscriberPage, SubscriberRecord, SubscriberStatus, Subscription, SubscriptionQuery,
    SubscriptionReply, Terms,
};

/// Answers one question about the state at `env`.
///
/// `caller`: whom the shell has authenticated, by the permit in the query or otherwise; `None` is
/// anybody.
///
/// # Errors
/// [`SubscriptionError::Bound`] for a field outside its bounds; [`SubscriptionError::Forbidden`] for a
/// caller who may not have the answer; [`SubscriptionError::NoAdmin`] before the contract is
/// instantiated; [`SubscriptionError::Damaged`] where the state does not read back.
pub fn query<P>(
    kv: &dyn Kv,
    env: &Env,
    caller: Option<&Address>,
    query: &SubscriptionQuery<P>,
) -> Result<SubscriptionReply, SubscriptionError> {
    query.check()?;
    let ask = Ask { kv, env, caller };
    match query {
        SubscriptionQuery::GetAdmin {} => ask.admin().map(SubscriptionReply::Admin),
        SubscriptionQuery::SubscriberStatus { public_key } => ask.status(public_key),
        SubscriptionQuery::SubscriberStatusWithPermit { public_key, .. } => {
            ask.privy_to(public_key)?;
            ask.status(public_key)
        }
        SubscriptionQuery::ApiKeys { offset, limit }
        | SubscriptionQuery::ApiKeysWithPermit { offset, limit, .. } => {
            ask.api_keys(*offset, *limit)
        }
        SubscriptionQuery::ApiKeysByIdentityWithPermit { identity, .. } => {
            ask.privy_to(identity)?;
            ask.api_keys_of(identity)
        }
        SubscriptionQuery::QueryIdentityByApiKeyHash { api_key_hash } => {
            let record = keys::api_key(api_key_hash).load(kv)?;
            let identity = record.map(|key| Identity { identity: key.identity });
            Ok(SubscriptionReply::Identity(identity))
        }
        SubscriptionQuery::ApiKey { hash } => ask.api_key(hash),
        SubscriptionQuery::SubscriptionWithPermit { subscriber, .. } => {
            ask.privy_to(subscriber)?;
            ask.subscription(subscriber)
        }
        SubscriptionQuery::SubscribersWithPermit { offset, limit, .. } => {
            ask.subscribers(*offset, *limit)
        }
        SubscriptionQuery::Plan { plan } => {
            Ok(SubscriptionReply::Plan(keys::plan(*plan).load(kv)?))
        }
        SubscriptionQuery::Plans { offset, limit } => ask.plans(*offset, *limit),
        SubscriptionQuery::Account { denom } => {
            Ok(SubscriptionReply::Account(keys::account(denom).load(kv)?))
        }
    }
}

/// One question on its way.
struct Ask<'a> {
    kv: &'a dyn Kv,
    env: &'a Env,
    caller: Option<&'a Address>,
}

type Answer = Result<SubscriptionReply, SubscriptionError>;

impl Ask<'_> {
    fn admin(&self) -> Result<Address, SubscriptionError> {
        let record = keys::admin().load(self.kv)?;
        Ok(record.ok_or(SubscriptionError::NoAdmin)?.admin)
    }

    fn is_admin(&self) -> Result<bool, SubscriptionError> {
        Ok(self.caller == Some(&self.admin()?))
    }

    /// Only the account itself and the admin may know.
    fn privy_to(&self, account: &Address) -> Result<(), SubscriptionError> {
        let may = self.caller == Some(account) || self.is_admin()?;
        if may { Ok(()) } else { Err(SubscriptionError::Forbidden) }
    }

    fn status(&self, account: &Address) -> Answer {
        let record = keys::subscriber(account).load(self.kv)?.unwrap_or_default();
        let active = keys_allowed(self.kv, self.env, &record)?.is_some();
        Ok(SubscriptionReply::Status(SubscriberStatus { active }))
    }

    fn api_keys(&self, offset: u32, limit: u32) -> Answer {
        let caller = self.caller.ok_or(SubscriptionError::Forbidden)?;
        let list = if self.is_admin()? { keys::all_api_keys() } else { keys::own_api_keys(caller) };
        let (total, rows) = self.page(&list, offset, limit, |member| {
            Some(ApiKeyHash { hashed_key: member.try_into().ok()? })
        })?;
        Ok(SubscriptionReply::ApiKeys(ApiKeyHashes { api_keys: rows, total }))
    }

    fn api_keys_of(&self, account: &Address) -> Answer {
        let list = keys::own_api_keys(account);
        let (_, hashes) = self.page(&list, 0, API_KEYS_MAX, |hash| hash.try_into().ok())?;
        let detail = |hash: [u8; 32]| {
            let record = keys::api_key(&hash).load(self.kv)?.ok_or(DAMAGED)?;
            Ok(ApiKeyDetail { api_key: hash, name: record.name, created: record.created })
        };
        let api_keys = hashes.into_iter().map(detail).collect::<Result<_, SubscriptionError>>()?;
        Ok(SubscriptionReply::ApiKeyDetails(ApiKeyDetails { api_keys }))
    }

    fn api_key(&self, hash: &[u8; 32]) -> Answer {
        let Some(key) = keys::api_key(hash).load(self.kv)? else {
            return Ok(SubscriptionReply::ApiKey(None));
        };
        let record = keys::subscriber(&key.identity).load(self.kv)?;
        let record = record.ok_or(SubscriptionError::Damaged("keys"))?;
        let terms = self.terms(&record)?;
        Ok(SubscriptionReply::ApiKey(Some(ApiKeyStatus {
            height: self.env.height,
            time: self.env.time,
            subscriber: key.identity,
            live: record.registered || terms.is_some(),
            terms,
        })))
    }

    fn subscription(&self, account: &Address) -> Answer {
        let Some(record) = keys::subscriber(account).load(self.kv)? else {
            return Ok(SubscriptionReply::Subscription(None));
        };
        let terms = self.terms(&record)?;
        let refund = match &record.running {
            Some(running) => {
                let plan = plan_of(self.kv, running)?;
                Seen { plan: &plan, running, time: self.env.time }.refund()?
            }
            None => 0,
        };
        Ok(SubscriptionReply::Subscription(Some(Subscription {
            registered: record.registered,
            active: record.registered || terms.is_some(),
            running: record.running,
            terms,
            refund,
            api_keys: keys::own_api_keys(account).count(self.kv)?,
        })))
    }

    fn subscribers(&self, offset: u32, limit: u32) -> Answer {
        if !self.is_admin()? {
            return Err(SubscriptionError::Forbidden);
        }
        let (total, rows) = self.page(&keys::subscribers(), offset, limit, |member| {
            Address::try_from(String::from_utf8(member).ok()?).ok()
        })?;
        Ok(SubscriptionReply::Subscribers(SubscriberPage { subscribers: rows, total }))
    }

    fn plans(&self, offset: u32, limit: u32) -> Answer {
        let (total, ids) = self.page(&keys::plans(), offset, limit, |member| {
            Some(u32::from_be_bytes(member.try_into().ok()?))
        })?;
        let plan = |id| keys::plan(id).load(self.kv)?.ok_or(DAMAGED);
        let plans = ids.into_iter().map(plan).collect::<Result<_, SubscriptionError>>()?;
        Ok(SubscriptionReply::Plans(PlanPage { plans, total }))
    }

    fn terms(&self, record: &SubscriberRecord) -> Result<Option<Terms>, SubscriptionError> {
        let Some(running) = &record.running else {
            return Ok(None);
        };
        let plan = plan_of(self.kv, running)?;
        Ok(Seen { plan: &plan, running, time: self.env.time }.terms())
    }

    /// The count, and a page of members as `read` understands them.
    fn page<T>(
        &self,
        list: &List,
        offset: u32,
        limit: u32,
        read: impl Fn(Vec<u8>) -> Option<T>,
    ) -> Result<(u32, Vec<T>), SubscriptionError> {
        let (total, members) = list.page(self.kv, offset, limit)?;
        let rows = members.into_iter().map(read).collect::<Option<_>>().ok_or(DAMAGED)?;
        Ok((total, rows))
    }
}

const DAMAGED: SubscriptionError = SubscriptionError::Damaged("lists");
