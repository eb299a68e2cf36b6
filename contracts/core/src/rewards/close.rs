//! The close: one pool becomes parts; later, what is left becomes dust.
//!
//! Layer: core, rewards.
//! Holds: the split and the sweep.
//! Never: a loop over workers or owners; they come for their shares.
//! Invariant: fee + parts + carry after = what was paid in for the epoch + carry before.

use super::pool::{Purse, part};
use super::{Event, RewardsError, Step, Verdict, keys};
use prag_protocol::ledger::BPS;
use prag_protocol::ledger::rewards::{RewardsConfig, Split, Standing};

/// How a pool is cut. What is in none of the four is carried.
#[derive(Default)]
struct Cut {
    fee: u128,
    royalty: u128,
    uptime: u128,
    work: u128,
}

impl Step<'_> {
    pub(super) fn close_epoch(&mut self, number: u64) -> Verdict {
        let mut epoch = self.epoch(number)?;
        if epoch.split.is_some() {
            return Err(RewardsError::Closed);
        }
        let from = self.schedule(number, &epoch)?.challenges_until;
        self.not_before(from)?;
        // Dust is for the latest epoch that can be closed: whoever earned in an older one does not wait for it to
        // grow before closing.
        let latest = self.env.time < from.saturating_add(self.settings.epoch_seconds);
        let dust = if latest { self.pool.carry } else { 0 };
        self.shift(Purse::Open, Purse::Carry, epoch.funded)?;
        let pool = epoch.funded.checked_add(dust).ok_or(RewardsError::Exhausted("the pool"))?;
        let cut = cut(&epoch.config, &epoch.standing, pool)?;
        let parts = [cut.royalty, cut.uptime, cut.work];
        let parts = parts.into_iter().try_fold(0u128, u128::checked_add);
        let unclaimed = parts.ok_or(RewardsError::Exhausted("the pool"))?;
        self.pay_fee(Purse::Carry, &epoch.config.treasury, cut.fee)?;
        self.shift(Purse::Carry, Purse::Unclaimed, unclaimed)?;
        let Cut { fee, royalty, uptime, work } = cut;
        let closed = self.env.time;
        let split = Split { closed, fee, royalty, uptime, work, unclaimed, swept: false };
        epoch.split = Some(split);
        keys::epoch(number).save(self.kv, &epoch)?;
        Ok(Some(Event::Closed { epoch: number, fee, royalty, uptime, work }))
    }

    pub(super) fn sweep(&mut self, number: u64) -> Verdict {
        let mut epoch = self.epoch(number)?;
        let until = self.schedule(number, &epoch)?.claims_until;
        self.not_before(until.ok_or(RewardsError::NotClosed)?)?;
        let split = epoch.split.as_mut().ok_or(RewardsError::NotClosed)?;
        if split.swept {
            return Err(RewardsError::Swept);
        }
        split.swept = true;
        let amount = std::mem::take(&mut split.unclaimed);
        self.shift(Purse::Unclaimed, Purse::Carry, amount)?;
        keys::epoch(number).save(self.kv, &epoch)?;
        Ok(Some(Event::Swept { epoch: number, amount }))
    }
}

/// A part that nobody has a claim on is carried, and pays no fee: the fee is cut in the proportion of what is
/// given out to what could be. An epoch in which nobody earned carries everything.
fn cut(config: &RewardsConfig, standing: &Standing, pool: u128) -> Result<Cut, RewardsError> {
    let of_pool = |bps: u32| part(pool, bps.into(), BPS.into());
    let (fee, royalty, uptime) =
        (of_pool(config.fee_bps)?, of_pool(config.royalty_bps)?, of_pool(config.uptime_bps)?);
    let damaged = RewardsError::Damaged("epochs");
    let whole = pool.checked_sub(fee).ok_or(damaged)?;
    let others = royalty.checked_add(uptime).ok_or(damaged)?;
    let work = whole.checked_sub(others).ok_or(damaged)?;
    if whole == 0 {
        return Ok(Cut::default());
    }
    let earned = |amount: u128, total: u128| if total > 0 { amount } else { 0 };
    let royalty = earned(royalty, standing.units);
    let uptime = earned(uptime, standing.answers);
    let work = earned(work, standing.weight);
    let given = royalty.checked_add(uptime).and_then(|sum| sum.checked_add(work));
    let fee = part(fee, given.ok_or(damaged)?, whole)?;
    Ok(Cut { fee, royalty, uptime, work })
}
