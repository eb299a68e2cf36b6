//! What a paid plan is and is worth, at a time.
//!
//! Layer: core, subscription; pure.
//! Holds: the rules of periods, grace, refunds and their rounding.
//! Never: writes; jobs: whatever follows from the time is computed where it is read.
//! Invariant: a claim is never more than what is reserved for it, whatever the time; while nothing
//! is paid it only shrinks.
//!
//! Periods begin at `start` and every `period_seconds` later. A period that has not begun is
//! refunded whole, of the running one its whole days; the day that has begun is served instead.
//! In the grace, which a renewal pays for, the next period's units are used.

use super::SubscriptionError;
use prag_protocol::ledger::BPS;
use prag_protocol::ledger::subscription::{DAY_SECONDS, PlanRecord, RunningRecord, Terms};

/// A paid plan, seen at one time.
pub(super) struct Seen<'a> {
    pub(super) plan: &'a PlanRecord,
    pub(super) running: &'a RunningRecord,
    /// Unix seconds.
    pub(super) time: u64,
}

impl Seen<'_> {
    /// May be served now.
    pub(super) fn live(&self) -> bool {
        self.time < self.live_until()
    }

    /// Goes on as soon as it is paid for.
    pub(super) fn renewable(&self) -> bool {
        self.live() && !self.running.cancelled
    }

    /// How many paid periods have not begun.
    pub(super) fn periods_ahead(&self) -> u64 {
        // The second at which a period begins is its own.
        let left = self.left().saturating_sub(1);
        left.checked_div(self.plan.period_seconds).unwrap_or(0)
    }

    /// The price of all that is unused, rounded down. `reserved` does not matter.
    pub(super) fn worth(&self) -> Result<u128, SubscriptionError> {
        let price = self.plan.price.get();
        let seconds = u128::from(self.rest().saturating_sub(self.begun_day()));
        let running = price
            .checked_mul(seconds)
            .and_then(|product| product.checked_div(u128::from(self.plan.period_seconds)));
        let ahead = price.checked_mul(u128::from(self.periods_ahead()));
        running
            .zip(ahead)
            .and_then(|(running, ahead)| running.checked_add(ahead))
            .ok_or(SubscriptionError::Exhausted("a refund"))
    }

    /// What a refund without a fee would be.
    pub(super) fn claim(&self) -> Result<u128, SubscriptionError> {
        Ok(self.worth()?.min(self.running.reserved))
    }

    /// What a refund would be that the subscriber asked for, rounded down.
    pub(super) fn refund(&self) -> Result<u128, SubscriptionError> {
        let kept = BPS.saturating_sub(self.plan.refund_fee_bp);
        self.claim()?
            .checked_mul(u128::from(kept))
            .and_then(|product| product.checked_div(u128::from(BPS)))
            .ok_or(SubscriptionError::Exhausted("a refund"))
    }

    /// When it ends if it is cancelled now: with the day that has begun.
    pub(super) fn end_if_cancelled(&self) -> u64 {
        self.running.paid_until.min(self.time.saturating_add(self.begun_day()))
    }

    /// What may be used now.
    pub(super) fn terms(&self) -> Option<Terms> {
        let length = self.plan.period_seconds;
        let into = self.time.saturating_sub(self.running.start).checked_rem(length)?;
        let period_start = self.time.checked_sub(into)?;
        let live_until = self.live_until();
        self.live().then(|| Terms {
            plan: self.plan.id,
            units: self.plan.units,
            period_start,
            period_end: period_start.saturating_add(length).min(live_until),
            live_until,
        })
    }

    fn live_until(&self) -> u64 {
        let grace = if self.running.cancelled { 0 } else { self.plan.grace_seconds };
        self.running.paid_until.saturating_add(grace)
    }

    /// Seconds that are paid and not over.
    fn left(&self) -> u64 {
        self.running.paid_until.saturating_sub(self.time)
    }

    /// Seconds of the running period that are not over.
    fn rest(&self) -> u64 {
        let ahead = self.periods_ahead().saturating_mul(self.plan.period_seconds);
        self.left().saturating_sub(ahead)
    }

    /// Seconds of the running period that make no whole day.
    fn begun_day(&self) -> u64 {
        self.rest().checked_rem(DAY_SECONDS).unwrap_or(0)
    }
}
