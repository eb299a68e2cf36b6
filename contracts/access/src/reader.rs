//! Who may ask what, where storage is closed.
//!
//! Layer: access shell.
//! Holds: the rule for every question.
//! Never: a different answer for what is absent and what is another's.
//! Invariant: a question that is not listed for its asker is refused before its row is read.

use crate::SignedQueryMsg;
use prag_contracts_core::{Env as Header, Kv, access};
use prag_contracts_permit::{Asker, Delegation, Permissions};
use prag_contracts_shell::std::{Deps, Env};
use prag_contracts_shell::{ReadStore, Refusal, ask, header, parse};
use prag_protocol::ledger::{AccessQuery, AccessReply, CollectionRecord};
use prag_protocol::{Address, CollectionId};

/// Answers a question of Secret Network.
pub(crate) fn answer(
    deps: Deps<'_>,
    env: &Env,
    message: SignedQueryMsg,
) -> Result<AccessReply, Refusal> {
    let (store, header) = (ReadStore(deps.storage), header(env));
    let state = State { kv: &store, header: &header };
    match message {
        SignedQueryMsg::Anchor { account } => state.query(AccessQuery::Anchor { account }),
        SignedQueryMsg::WithPermit(signed) => {
            let Asker { delegation, shard, query } = ask(deps, env, &signed)?;
            let query: AccessQuery = parse(&query)?;
            query.check().map_err(Refusal::core)?;
            if state.revoked(&delegation)? {
                return Err(Refusal::Revoked);
            }
            if state.may(&delegation, shard, &query)? {
                state.query(query)
            } else {
                Err(Refusal::Hidden)
            }
        }
    }
}

struct State<'a> {
    kv: &'a dyn Kv,
    header: &'a Header,
}

impl State<'_> {
    fn may(
        &self,
        by: &Delegation,
        shard: Option<u32>,
        query: &AccessQuery,
    ) -> Result<bool, Refusal> {
        let account = &by.account;
        match query {
            AccessQuery::Anchor { .. } => Ok(true),
            AccessQuery::PermitRevoked { address, .. } => Ok(address == account),
            AccessQuery::Shared { grantee, .. } => Ok(grantee == account),
            AccessQuery::Collections { owner, .. } => {
                Ok(owner == account && by.permissions == Permissions::Admin)
            }
            AccessQuery::Grants { collection, .. } => {
                Ok(self.owns(account, *collection)? && by.permissions == Permissions::Admin)
            }
            AccessQuery::Grant { collection, grantee } => {
                Ok(grantee == account || self.serves(account, *collection, shard)?)
            }
            AccessQuery::Admission { collection, caller, .. } => {
                Ok(caller == account || self.serves(account, *collection, shard)?)
            }
            AccessQuery::Collection { collection }
            | AccessQuery::Placement { collection, .. }
            | AccessQuery::Writer { collection, .. }
            | AccessQuery::Policy { collection } => {
                Ok(self.serves(account, *collection, shard)?
                    || self.granted(account, *collection)?)
            }
        }
    }

    /// Whether the account owns the collection, or is its worker.
    fn serves(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, Refusal> {
        Ok(self.owns(account, collection)? || self.placed(account, collection, shard)?)
    }

    fn owns(&self, account: &Address, collection: CollectionId) -> Result<bool, Refusal> {
        Ok(self.collection(collection)?.is_some_and(|record| record.owner == *account))
    }

    /// A revoked or expired grant still says so to its grantee, but opens nothing else.
    fn granted(&self, account: &Address, collection: CollectionId) -> Result<bool, Refusal> {
        let query = AccessQuery::Grant { collection, grantee: account.clone() };
        let AccessReply::Grant(grant) = self.query(query)? else {
            return Ok(false);
        };
        Ok(grant.is_some_and(|grant| !grant.revoked && self.header.time < grant.expires))
    }

    /// A running lease of a key epoch that is not past. Destroyed collections too: their workers have to learn it.
    fn placed(
        &self,
        account: &Address,
        collection: CollectionId,
        shard: Option<u32>,
    ) -> Result<bool, Refusal> {
        let Some(shard) = shard else {
            return Ok(false);
        };
        let query = AccessQuery::Placement { collection, shard };
        let AccessReply::Placement(Some(placement)) = self.query(query)? else {
            return Ok(false);
        };
        let running = self.header.time < placement.lease_until;
        let current =
            self.collection(collection)?.is_some_and(|record| placement.epoch >= record.epoch);
        Ok(placement.account == *account && running && current)
    }

    fn collection(&self, collection: CollectionId) -> Result<Option<CollectionRecord>, Refusal> {
        match self.query(AccessQuery::Collection { collection })? {
            AccessReply::Collection(record) => Ok(record),
            _ => Ok(None),
        }
    }

    fn revoked(&self, by: &Delegation) -> Result<bool, Refusal> {
        let (address, permit_name) = (by.account.clone(), by.permit_name.clone());
        let query = AccessQuery::PermitRevoked { address, permit_name };
        // Fail closed: only a plain "no" is a no.
        Ok(self.query(query)? != AccessReply::PermitRevoked(false))
    }

    fn query(&self, query: AccessQuery) -> Result<AccessReply, Refusal> {
        access::query(self.kv, self.header, query).map_err(Refusal::core)
    }
}
