//! Money: what came, what is held for whom, what went.
//!
//! Layer: core, rewards.
//! Holds: the purses, the moves between them, and the rule of a share.
//! Never: why money moves; that is each verb's.
//! Invariant: paid in = paid out + fees + everything held, after every move, to the last unit.

use super::{RewardsError, Step};
use crate::Payment;
use prag_protocol::Address;
use prag_protocol::ledger::rewards::PoolRecord;

/// Something that is held.
#[derive(Clone, Copy)]
pub(super) enum Purse {
    /// Bonds of reports.
    Bonds,
    /// Deposits of open demands.
    Deposits,
    /// Paid in for epochs that are not closed.
    Open,
    /// Not yet claimed of closed epochs.
    Unclaimed,
    /// Dust.
    Carry,
}

impl Purse {
    fn of(self, pool: &mut PoolRecord) -> &mut u128 {
        match self {
            Self::Bonds => &mut pool.bonds,
            Self::Deposits => &mut pool.deposits,
            Self::Open => &mut pool.open,
            Self::Unclaimed => &mut pool.unclaimed,
            Self::Carry => &mut pool.carry,
        }
    }
}

impl Step<'_> {
    /// The one coin that came along, of `min` to `max` units; 0 to 0 for none.
    pub(super) fn sent(&self, min: u128, max: u128) -> Result<u128, RewardsError> {
        let amount = match self.funds {
            [] => 0,
            [coin] if coin.denom == self.settings.denom.as_str() => coin.amount,
            [..] => return Err(RewardsError::Denom),
        };
        if (min..=max).contains(&amount) {
            Ok(amount)
        } else {
            Err(RewardsError::Amount { min, max })
        }
    }

    pub(super) fn receive(&mut self, into: Purse, amount: u128) -> Result<(), RewardsError> {
        let sum = self.pool.paid_in.checked_add(amount).filter(|sum| *sum <= SUM_MAX);
        self.pool.paid_in = sum.ok_or(FULL)?;
        add(into.of(&mut self.pool), amount)
    }

    pub(super) fn shift(
        &mut self,
        from: Purse,
        into: Purse,
        amount: u128,
    ) -> Result<(), RewardsError> {
        take(from.of(&mut self.pool), amount)?;
        add(into.of(&mut self.pool), amount)
    }

    pub(super) fn pay(
        &mut self,
        from: Purse,
        to: &Address,
        amount: u128,
    ) -> Result<(), RewardsError> {
        self.send(from, to, amount)?;
        add(&mut self.pool.paid_out, amount)
    }

    /// Pays the protocol's fee.
    pub(super) fn pay_fee(
        &mut self,
        from: Purse,
        to: &Address,
        amount: u128,
    ) -> Result<(), RewardsError> {
        self.send(from, to, amount)?;
        add(&mut self.pool.fees, amount)
    }

    fn send(&mut self, from: Purse, to: &Address, amount: u128) -> Result<(), RewardsError> {
        take(from.of(&mut self.pool), amount)?;
        // Banks refuse coins of nothing.
        if amount > 0 {
            let denom = self.settings.denom.to_string();
            self.payments.push(Payment { to: to.clone(), denom, amount });
        }
        Ok(())
    }
}

/// `floor(amount × own / total)`, without a product that could overflow.
///
/// `None` unless `own <= total`, and `total` is 1 to 2^127 - 1. The shares of parts that add up to
/// `total` add up to at most `amount`.
#[must_use]
pub fn share(amount: u128, own: u128, total: u128) -> Option<u128> {
    if own > total || total == 0 || total > SUM_MAX {
        return None;
    }
    // Long multiplication and division at once, a bit of `amount` at a time, the highest first: before and
    // after each bit, `bits so far × own = quotient × total + rest`, with `rest < total`.
    let (mut quotient, mut rest) = (0u128, 0u128);
    for bit in (0..u128::BITS).rev() {
        quotient = quotient.checked_mul(2)?;
        rest = rest.checked_mul(2)?;
        if rest >= total {
            rest = rest.checked_sub(total)?;
            quotient = quotient.checked_add(1)?;
        }
        if amount >> bit & 1 == 1 {
            rest = rest.checked_add(own)?;
            if rest >= total {
                rest = rest.checked_sub(total)?;
                quotient = quotient.checked_add(1)?;
            }
        }
    }
    Some(quotient)
}

/// [`share`] of numbers that were checked when they were stored.
pub(super) fn part(amount: u128, own: u128, total: u128) -> Result<u128, RewardsError> {
    share(amount, own, total).ok_or(RewardsError::Damaged("epochs"))
}

pub(super) fn add(to: &mut u128, amount: u128) -> Result<(), RewardsError> {
    *to = to.checked_add(amount).ok_or(FULL)?;
    Ok(())
}

pub(super) fn take(from: &mut u128, amount: u128) -> Result<(), RewardsError> {
    *from = from.checked_sub(amount).ok_or(RewardsError::Damaged("pool"))?;
    Ok(())
}

/// Most that can ever be paid in, and the greatest total of a share.
pub(super) const SUM_MAX: u128 = u128::MAX >> 1;
const FULL: RewardsError = RewardsError::Exhausted("the pool");
