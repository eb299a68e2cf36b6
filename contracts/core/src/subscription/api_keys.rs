//! API keys, known by their hashes only.
//!
//! Layer: core, subscription.
//! Holds: the rule of who may add and revoke keys, and the two lists that a key is in.
//! Never: a key; whoever reads all of the state can serve nobody and ask for nobody.
//! Invariant: a hash is one account's at most, and is in the list of all and in its owner's exactly
//! while it has a record.

use super::subscribers::keys_allowed;
use super::{Done, Event, Step, SubscriptionError, keys};
use prag_protocol::Address;
use prag_protocol::ledger::subscription::{
    API_KEYS_MAX, ApiKeyRecord, PlanRecord, SubscriberRecord,
};

impl Step<'_> {
    pub(super) fn add_api_key(&mut self, hash: [u8; 32], record: ApiKeyRecord) -> Done {
        let subscriber = record.identity.clone();
        if subscriber != *self.sender {
            self.admin()?;
        }
        let owner = keys::subscriber(&subscriber).load(self.kv)?;
        let owner = owner.ok_or(SubscriptionError::NotActive)?;
        let max = keys_allowed(self.kv, self.env, &owner)?.ok_or(SubscriptionError::NotActive)?;
        let row = keys::api_key(&hash);
        if row.load(self.kv)?.is_some() {
            return Err(SubscriptionError::KeyTaken);
        }
        let own = keys::own_api_keys(&subscriber);
        if own.count(self.kv)? >= max {
            return Err(SubscriptionError::KeysFull { max });
        }
        row.save(self.kv, &record)?;
        own.add(self.kv, &hash)?;
        keys::all_api_keys().add(self.kv, &hash)?;
        Ok(Some(Event::ApiKeyAdded { subscriber }))
    }

    pub(super) fn revoke_api_key(&mut self, hash: [u8; 32]) -> Done {
        let record = keys::api_key(&hash).load(self.kv)?.ok_or(SubscriptionError::NoKey)?;
        let subscriber = record.identity;
        if subscriber != *self.sender {
            self.admin().map_err(|error| match error {
                SubscriptionError::NotAdmin => SubscriptionError::NoKey,
                other => other,
            })?;
        }
        self.drop_key(&subscriber, &hash)?;
        Ok(Some(Event::ApiKeyRevoked { subscriber }))
    }

    /// Takes a key of `subscriber` out of everything.
    pub(super) fn drop_key(
        &mut self,
        subscriber: &Address,
        hash: &[u8],
    ) -> Result<(), SubscriptionError> {
        let known = <&[u8; 32]>::try_from(hash).map_err(|_| SubscriptionError::Damaged("lists"))?;
        keys::api_key(known).remove(self.kv);
        keys::own_api_keys(subscriber).remove(self.kv, hash)?;
        keys::all_api_keys().remove(self.kv, hash)?;
        Ok(())
    }

    /// Whether the sender's keys are no more than it may have under `plan`.
    pub(super) fn keys_fit(
        &self,
        record: &SubscriberRecord,
        plan: &PlanRecord,
    ) -> Result<(), SubscriptionError> {
        let max = if record.registered { API_KEYS_MAX } else { plan.api_keys };
        if keys::own_api_keys(self.sender).count(self.kv)? > max {
            return Err(SubscriptionError::KeysFull { max });
        }
        Ok(())
    }
}
