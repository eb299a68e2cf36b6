//! The account of one denomination.
//!
//! Layer: core, subscription.
//! Holds: the four totals, and the only verbs that move them.
//! Never: rules of who gets what; balances of the chain.
//! Invariant: reserved ≤ held, where held = paid in - refunded - withdrawn. An account that does not
//! add up is not written, so the message that broke it is refused.

use super::{SubscriptionError, keys};
use crate::Kv;
use prag_protocol::ledger::coin::Denom;
use prag_protocol::ledger::subscription::{AccountRecord, RunningRecord};

/// One account, read and not yet written.
pub(super) struct Account<'a> {
    denom: &'a Denom,
    record: AccountRecord,
}

impl<'a> Account<'a> {
    /// The account, empty if nothing was ever paid.
    pub(super) fn open(kv: &dyn Kv, denom: &'a Denom) -> Result<Self, SubscriptionError> {
        let record = keys::account(denom).load(kv)?.unwrap_or_default();
        Ok(Self { denom, record })
    }

    pub(super) fn pay_in(&mut self, units: u128) -> Result<(), SubscriptionError> {
        self.record.paid_in = add(self.record.paid_in, units)?;
        Ok(())
    }

    pub(super) fn refund(&mut self, units: u128) -> Result<(), SubscriptionError> {
        self.record.refunded = add(self.record.refunded, units)?;
        Ok(())
    }

    pub(super) fn withdraw(&mut self, units: u128) -> Result<(), SubscriptionError> {
        if self.record.paid_in == 0 {
            return Err(SubscriptionError::UnknownDenom);
        }
        let earned = self.earned()?;
        if units > earned {
            return Err(SubscriptionError::NotEarned { earned });
        }
        self.record.withdrawn = add(self.record.withdrawn, units)?;
        Ok(())
    }

    /// Reserves `claim` for a plan, in place of what was reserved for it.
    pub(super) fn reserve(
        &mut self,
        running: &mut RunningRecord,
        claim: u128,
    ) -> Result<(), SubscriptionError> {
        let others = self.record.reserved.checked_sub(running.reserved).ok_or(DAMAGED)?;
        self.record.reserved = add(others, claim)?;
        running.reserved = claim;
        Ok(())
    }

    pub(super) fn close(self, kv: &mut dyn Kv) -> Result<(), SubscriptionError> {
        self.earned()?;
        Ok(keys::account(self.denom).save(kv, &self.record)?)
    }

    /// What is held and no refund can claim.
    fn earned(&self) -> Result<u128, SubscriptionError> {
        let AccountRecord { paid_in, refunded, withdrawn, reserved } = self.record;
        paid_in
            .checked_sub(refunded)
            .and_then(|left| left.checked_sub(withdrawn))
            .and_then(|held| held.checked_sub(reserved))
            .ok_or(DAMAGED)
    }
}

fn add(total: u128, units: u128) -> Result<u128, SubscriptionError> {
    total.checked_add(units).ok_or(SubscriptionError::Exhausted("an account"))
}

const DAMAGED: SubscriptionError = SubscriptionError::Damaged("accounts");
