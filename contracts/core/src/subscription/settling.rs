//! What is earned, and the admin's way to it.
//!
//! Layer: core, subscription.
//! Holds: settlement by anybody, withdrawal by the admin.
//! Never: a run over all subscribers; each is settled by a message of its own, or when it is touched.
//! Invariant: no withdrawal touches what a refund may still claim.

use super::account::Account;
use super::plans::plan_of;
use super::{Done, Event, Step, SubscriptionError, keys};
use crate::funds::Payment;
use prag_protocol::Address;
use prag_protocol::ledger::coin::{Amount, Denom};

impl Step<'_> {
    pub(super) fn settle(&mut self, subscriber: Address) -> Done {
        let row = keys::subscriber(&subscriber);
        let mut record = row.load(self.kv)?.ok_or(SubscriptionError::NoSubscriber)?;
        let Some(running) = record.running.as_mut() else {
            return Ok(None);
        };
        let plan = plan_of(self.kv, running)?;
        let claim = self.seen(&plan, running).claim()?;
        let earned = running.reserved.saturating_sub(claim);
        if earned == 0 {
            return Ok(None);
        }
        let mut account = Account::open(self.kv, &plan.denom)?;
        account.reserve(running, claim)?;
        account.close(self.kv)?;
        row.save(self.kv, &record)?;
        Ok(Some(Event::Settled { subscriber, earned }))
    }

    pub(super) fn withdraw(&mut self, denom: Denom, amount: Amount, to: Address) -> Done {
        self.admin()?;
        let amount = amount.get();
        let mut account = Account::open(self.kv, &denom)?;
        account.withdraw(amount)?;
        account.close(self.kv)?;
        self.payments.push(Payment { to, denom: denom.as_str().to_owned(), amount });
        Ok(Some(Event::Withdrawn { denom, amount }))
    }
}
