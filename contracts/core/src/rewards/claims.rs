//! Claims: workers and owners come for their shares.
//!
//! Layer: core, rewards.
//! Holds: the rule of who gets what of a closed epoch.
//! Never: a second payment for one share; a share of a report that does not count.
//! Invariant: claims of an epoch add up to at most its parts, also where a report was false and nobody saw it.

use super::challenges::prove_royalty;
use super::pool::{Purse, part, take};
use super::{Event, RewardsError, Step, Verdict, keys};
use prag_protocol::ledger::rewards::{Claimable, EpochRecord, ReportRecord, RoyaltyClaim, Split};

impl Step<'_> {
    /// A worker's share and bond. After the claims have ended only the bond is left.
    pub(super) fn claim(&mut self, number: u64) -> Verdict {
        let mut epoch = self.epoch(number)?;
        let mut report = self.report(number, self.sender)?;
        let ended = self.ended(number, &epoch)?;
        if !stands(&report) {
            return Err(RewardsError::Void);
        }
        if report.claimed {
            return Err(RewardsError::Claimed);
        }
        let Claimable { work, uptime, bond } = claimable(&epoch, &report, ended)?;
        let earned = work.checked_add(uptime).ok_or(RewardsError::Damaged("epochs"))?;
        let amount = earned.checked_add(bond).ok_or(RewardsError::Damaged("reports"))?;
        let split = split_of(&mut epoch)?;
        take(&mut split.unclaimed, earned)?;
        report.claimed = true;
        report.bond = 0;
        // One payment: the two purses meet first.
        self.shift(Purse::Bonds, Purse::Unclaimed, bond)?;
        let account = self.sender.clone();
        self.pay(Purse::Unclaimed, &account, amount)?;
        keys::epoch(number).save(self.kv, &epoch)?;
        keys::report(number, &account).save(self.kv, &report)?;
        Ok(Some(Event::Claimed { epoch: number, account, amount }))
    }

    /// One collection's royalty in one worker's report. It goes to who owns the collection now: a report
    /// cannot name an owner, so no worker can name its friend.
    pub(super) fn claim_royalty(&mut self, number: u64, claim: &RoyaltyClaim) -> Verdict {
        let RoyaltyClaim { worker, shown } = claim;
        let mut epoch = self.epoch(number)?;
        let mut report = self.report(number, worker)?;
        let until = self.schedule(number, &epoch)?.claims_until;
        self.before(until.ok_or(RewardsError::NotClosed)?)?;
        if !stands(&report) {
            return Err(RewardsError::Void);
        }
        prove_royalty(&report, shown)?;
        if self.host.peers.owner(shown.leaf.collection).as_ref() != Some(self.sender) {
            return Err(RewardsError::NotOwner);
        }
        let row = keys::royalty(number, shown.index, worker);
        if row.load(self.kv)?.is_some() {
            return Err(RewardsError::Claimed);
        }
        let units = shown.leaf.units;
        let claimed = report.royalties.checked_add(units);
        let within = claimed.filter(|claimed| *claimed <= report.totals.chunks);
        report.royalties = within.ok_or(RewardsError::Overclaimed)?;
        let total = epoch.standing.units;
        let split = split_of(&mut epoch)?;
        if units == 0 {
            return Err(RewardsError::Nothing);
        }
        let amount = part(split.royalty, units.into(), total)?;
        if amount == 0 {
            return Err(RewardsError::Nothing);
        }
        take(&mut split.unclaimed, amount)?;
        row.save(self.kv, &true)?;
        let account = self.sender.clone();
        self.pay(Purse::Unclaimed, &account, amount)?;
        keys::epoch(number).save(self.kv, &epoch)?;
        keys::report(number, worker).save(self.kv, &report)?;
        Ok(Some(Event::Claimed { epoch: number, account, amount }))
    }

    /// Whether the claims of a closed epoch have ended.
    fn ended(&self, number: u64, epoch: &EpochRecord) -> Result<bool, RewardsError> {
        let until = self.schedule(number, epoch)?.claims_until;
        Ok(self.env.time >= until.ok_or(RewardsError::NotClosed)?)
    }
}

/// What a worker's report is worth, once its epoch is closed; zeros if it does not count.
pub(super) fn claimable(
    epoch: &EpochRecord,
    report: &ReportRecord,
    ended: bool,
) -> Result<Claimable, RewardsError> {
    let nothing = Claimable { work: 0, uptime: 0, bond: 0 };
    let Some(split) = &epoch.split else {
        return Ok(nothing);
    };
    if !stands(report) || report.claimed {
        return Ok(nothing);
    }
    let own = |amount: u128, own: u128, total: u128| match (ended, own) {
        (true, _) | (_, 0) => Ok(0),
        (false, _) => part(amount, own, total),
    };
    Ok(Claimable {
        work: own(split.work, report.weight, epoch.standing.weight)?,
        uptime: own(split.uptime, report.answers.into(), epoch.standing.answers)?,
        bond: report.bond,
    })
}

/// Whether a report counts.
fn stands(report: &ReportRecord) -> bool {
    !report.void && report.open == 0
}

fn split_of(epoch: &mut EpochRecord) -> Result<&mut Split, RewardsError> {
    epoch.split.as_mut().ok_or(RewardsError::NotClosed)
}
