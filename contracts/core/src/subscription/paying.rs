//! Paying for a plan, and being paid back.
//!
//! Layer: core, subscription.
//! Holds: the verbs of subscribers.
//! Never: part payments, change, prices in two denominations.
//! Invariant: every unit that comes is in an account before the message ends, and every unit that
//! goes is out of it.

use super::account::Account;
use super::plans::plan_of;
use super::time::Seen;
use super::{Done, Event, Step, SubscriptionError, keys};
use crate::funds::Payment;
use prag_protocol::Address;
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::ledger::subscription::{
    PERIODS_AHEAD_MAX, PlanRecord, RunningRecord, SubscriberRecord,
};

/// Whose plan, its state, and its terms.
type Paid = (SubscriberRecord, RunningRecord, PlanRecord);

impl Step<'_> {
    pub(super) fn subscribe(&mut self, id: u32) -> Done {
        let plan = self.open_plan(id)?;
        self.paid(&plan)?;
        let subscriber = self.sender.clone();
        let mut record = self.enter(&subscriber)?;
        self.keys_fit(&record, &plan)?;
        if let Some(mut before) = record.running.take() {
            let old = plan_of(self.kv, &before)?;
            if self.seen(&old, &before).renewable() {
                return Err(SubscriptionError::Running);
            }
            // It is over or cancelled, so nothing can be claimed for it any more.
            self.give_back(&subscriber, &old, &mut before, 0)?;
        }
        let paid_until = self.begin(record, &plan)?;
        Ok(Some(Event::Subscribed { subscriber, plan: id, paid_until }))
    }

    pub(super) fn renew(&mut self) -> Done {
        let (mut record, mut running, plan) = self.running()?;
        if !plan.active {
            return Err(SubscriptionError::PlanRetired);
        }
        self.paid(&plan)?;
        let seen = self.seen(&plan, &running);
        if seen.periods_ahead() >= PERIODS_AHEAD_MAX {
            return Err(SubscriptionError::PaidAhead { max: PERIODS_AHEAD_MAX });
        }
        let price = plan.price.get();
        // No more may be claimed for both than for the one before and all of the new one.
        let most = seen.claim()?.checked_add(price);
        let most = most.ok_or(SubscriptionError::Exhausted("a refund"))?;
        running.paid_until = later(running.paid_until, plan.period_seconds)?;
        let claim = self.seen(&plan, &running).worth()?.min(most);

        let mut account = Account::open(self.kv, &plan.denom)?;
        account.pay_in(price)?;
        account.reserve(&mut running, claim)?;
        account.close(self.kv)?;
        let (subscriber, paid_until) = (self.sender.clone(), running.paid_until);
        record.running = Some(running);
        keys::subscriber(&subscriber).save(self.kv, &record)?;
        Ok(Some(Event::Renewed { subscriber, paid_until }))
    }

    pub(super) fn cancel(&mut self) -> Done {
        let (mut record, mut running, plan) = self.last_paid()?;
        if running.cancelled {
            return Ok(None);
        }
        let seen = self.seen(&plan, &running);
        if !seen.renewable() {
            return Err(SubscriptionError::NotRunning);
        }
        let (units, paid_until) = (seen.refund()?, seen.end_if_cancelled());
        let subscriber = self.sender.clone();
        self.give_back(&subscriber, &plan, &mut running, units)?;
        (running.paid_until, running.cancelled) = (paid_until, true);
        record.running = Some(running);
        keys::subscriber(&subscriber).save(self.kv, &record)?;
        Ok(Some(Event::Cancelled { subscriber, paid_until }))
    }

    pub(super) fn upgrade(&mut self, id: u32) -> Done {
        let (record, mut before, old) = self.running()?;
        if id == old.id {
            return Err(SubscriptionError::SamePlan);
        }
        let plan = self.open_plan(id)?;
        self.paid(&plan)?;
        self.keys_fit(&record, &plan)?;
        let units = self.seen(&old, &before).refund()?;
        let subscriber = self.sender.clone();
        self.give_back(&subscriber, &old, &mut before, units)?;
        let paid_until = self.begin(record, &plan)?;
        Ok(Some(Event::Upgraded { subscriber, plan: id, paid_until }))
    }

    /// Ends every claim of a plan with a payment of `units`.
    pub(super) fn give_back(
        &mut self,
        to: &Address,
        plan: &PlanRecord,
        running: &mut RunningRecord,
        units: u128,
    ) -> Result<(), SubscriptionError> {
        let mut account = Account::open(self.kv, &plan.denom)?;
        account.refund(units)?;
        account.reserve(running, 0)?;
        account.close(self.kv)?;
        if units > 0 {
            let denom = plan.denom.as_str().to_owned();
            self.payments.push(Payment { to: to.clone(), denom, amount: units });
        }
        Ok(())
    }

    pub(super) fn seen<'s>(&self, plan: &'s PlanRecord, running: &'s RunningRecord) -> Seen<'s> {
        Seen { plan, running, time: self.env.time }
    }

    /// Puts the sender's first period of a plan, which is paid, into the account and on record; returns its end.
    fn begin(
        &mut self,
        record: SubscriberRecord,
        plan: &PlanRecord,
    ) -> Result<u64, SubscriptionError> {
        let start = self.env.time;
        let paid_until = later(start, plan.period_seconds)?;
        let mut running =
            RunningRecord { plan: plan.id, start, paid_until, cancelled: false, reserved: 0 };
        let claim = self.seen(plan, &running).worth()?;
        let mut account = Account::open(self.kv, &plan.denom)?;
        account.pay_in(plan.price.get())?;
        account.reserve(&mut running, claim)?;
        account.close(self.kv)?;
        let record = SubscriberRecord { running: Some(running), ..record };
        keys::subscriber(self.sender).save(self.kv, &record)?;
        Ok(paid_until)
    }

    /// The sender's running plan.
    fn running(&self) -> Result<Paid, SubscriptionError> {
        let (record, running, plan) = self.last_paid()?;
        if self.seen(&plan, &running).renewable() {
            Ok((record, running, plan))
        } else {
            Err(SubscriptionError::NotRunning)
        }
    }

    /// The last plan that the sender paid for, running or not.
    fn last_paid(&self) -> Result<Paid, SubscriptionError> {
        let record = keys::subscriber(self.sender).load(self.kv)?;
        let record = record.ok_or(SubscriptionError::NotRunning)?;
        let running = record.running.clone().ok_or(SubscriptionError::NotRunning)?;
        let plan = plan_of(self.kv, &running)?;
        Ok((record, running, plan))
    }

    /// Whether exactly the price came along.
    fn paid(&self, plan: &PlanRecord) -> Result<(), SubscriptionError> {
        let price = plan.price.get();
        match self.funds {
            [] => Err(SubscriptionError::Price { price }),
            [coin] if coin.denom != plan.denom.as_str() => Err(SubscriptionError::Denomination),
            [coin] if coin.amount != price => Err(SubscriptionError::Price { price }),
            [_] => Ok(()),
            [_, _, ..] => Err(SubscriptionError::Denomination),
        }
    }
}

fn later(time: u64, seconds: u64) -> Result<u64, SubscriptionError> {
    let end = time.checked_add(seconds).filter(|end| *end <= INTEGER_MAX);
    end.ok_or(SubscriptionError::Exhausted("the time"))
}
