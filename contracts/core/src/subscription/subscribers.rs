//! Subscribers: who is one, and whether it may be served.
//!
//! Layer: core, subscription.
//! Holds: registration and removal by the admin, and the list of all subscribers.
//! Never: service by itself; workers ask whether an account is active.
//! Invariant: an account is in the list exactly while it has a record; it has keys only while it has
//! a record.

use super::plans::plan_of;
use super::time::Seen;
use super::{Done, Event, Step, SubscriptionError, keys};
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::subscription::{API_KEYS_MAX, SubscriberRecord};

impl Step<'_> {
    pub(super) fn register(&mut self, subscriber: Address) -> Done {
        self.admin()?;
        let mut record = self.enter(&subscriber)?;
        if record.registered {
            return Err(SubscriptionError::Registered);
        }
        record.registered = true;
        keys::subscriber(&subscriber).save(self.kv, &record)?;
        Ok(Some(Event::Registered { subscriber }))
    }

    /// Whoever is removed did not ask for it, so it is refunded without a fee.
    pub(super) fn remove(&mut self, subscriber: Address) -> Done {
        self.admin()?;
        let row = keys::subscriber(&subscriber);
        let record = row.load(self.kv)?.ok_or(SubscriptionError::NoSubscriber)?;
        if let Some(mut running) = record.running {
            let plan = plan_of(self.kv, &running)?;
            let units = self.seen(&plan, &running).claim()?;
            self.give_back(&subscriber, &plan, &mut running, units)?;
        }
        let own = keys::own_api_keys(&subscriber);
        let (_, hashes) = own.page(self.kv, 0, API_KEYS_MAX)?;
        for hash in hashes {
            self.drop_key(&subscriber, &hash)?;
        }
        row.remove(self.kv);
        keys::subscribers().remove(self.kv, subscriber.as_str().as_bytes())?;
        Ok(Some(Event::Removed { subscriber }))
    }

    /// The account's record; a new one is in the list, and still to be saved.
    pub(super) fn enter(
        &mut self,
        subscriber: &Address,
    ) -> Result<SubscriberRecord, SubscriptionError> {
        if let Some(record) = keys::subscriber(subscriber).load(self.kv)? {
            return Ok(record);
        }
        keys::subscribers().add(self.kv, subscriber.as_str().as_bytes())?;
        Ok(SubscriberRecord::default())
    }
}

/// How many keys an active account may have; `None` if it is not active.
pub(super) fn keys_allowed(
    kv: &dyn Kv,
    env: &Env,
    record: &SubscriberRecord,
) -> Result<Option<u32>, SubscriptionError> {
    if record.registered {
        return Ok(Some(API_KEYS_MAX));
    }
    let Some(running) = &record.running else {
        return Ok(None);
    };
    let plan = plan_of(kv, running)?;
    let live = Seen { plan: &plan, running, time: env.time }.live();
    Ok(live.then_some(plan.api_keys))
}
