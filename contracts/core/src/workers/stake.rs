//! Stakes: in with a registration, out by slashing or leaving.
//!
//! Layer: core, workers.
//! Holds: all arithmetic on money.
//! Never: balances of the contract; a stake is in its worker's record only.
//! Invariant: stakes grow by the funds that came, and shrink by what is paid: nothing is made or lost.

use super::{Event, Outcome, Step, WorkersError};
use crate::Payment;
use prag_protocol::Address;
use prag_protocol::ledger::MILLION;
use prag_protocol::ledger::coin::AMOUNT_MAX;
use prag_protocol::ledger::workers::{WorkerRecord, WorkersTerms};

/// How much a worker counts: its capacity, as far as its stake covers it.
pub(super) fn weight(terms: &WorkersTerms, record: &WorkerRecord) -> u32 {
    let covered = record.stake.checked_div(terms.stake_per_capacity.get()).unwrap_or(0);
    u32::try_from(covered).unwrap_or(u32::MAX).min(record.capacity)
}

impl Step<'_> {
    /// The stake after the funds of a registration, if it covers the capacity.
    pub(super) fn staked(
        &self,
        before: Option<&WorkerRecord>,
        capacity: u32,
    ) -> Result<u128, WorkersError> {
        let terms = &self.config.terms;
        let sent = match self.call.funds {
            [] => 0,
            [coin] if coin.denom == terms.denom.as_str() && coin.amount > 0 => coin.amount,
            [..] => return Err(WorkersError::Funds),
        };
        let stake = before.map_or(0, |before| before.stake).checked_add(sent);
        let stake = stake.filter(|stake| *stake <= AMOUNT_MAX).ok_or(WorkersError::StakeFull)?;
        let needed = terms.stake_per_capacity.get().checked_mul(u128::from(capacity));
        let needed = needed.ok_or(WorkersError::StakeFull)?;
        if stake < needed { Err(WorkersError::Stake { needed }) } else { Ok(stake) }
    }

    pub(super) fn slash(&mut self, worker: Address, fraction: u32, reason: String) -> Outcome {
        if self.parties().rewards.as_ref() != Some(self.call.sender) {
            return Err(WorkersError::Forbidden);
        }
        let mut record = self.worker(&worker)?;
        self.cut_stake(&mut record, fraction)?;
        Ok(Some(Event::Slashed { worker, reason }))
    }

    /// Takes a part of a stake, at least one unit, to the treasury; keeps the record and its seat.
    pub(super) fn cut_stake(
        &mut self,
        record: &mut WorkerRecord,
        ppm: u32,
    ) -> Result<(), WorkersError> {
        let part = record.stake.checked_mul(u128::from(ppm));
        let part = part.and_then(|part| part.checked_div(u128::from(MILLION)));
        let cut = part.ok_or(WorkersError::StakeFull)?.max(1);
        record.stake = record.stake.checked_sub(cut).ok_or(WorkersError::NoStake)?;
        self.pay(self.parties().treasury.clone(), cut);
        self.save(record)?;
        self.keep_seat(record)
    }

    pub(super) fn pay(&mut self, to: Address, amount: u128) {
        if amount > 0 {
            let denom = self.config.terms.denom.as_str().to_owned();
            self.payments.push(Payment { to, denom, amount });
        }
    }
}
