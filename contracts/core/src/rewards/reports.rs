//! Reports: what a worker commits to, and what counts.
//!
//! Layer: core, rewards.
//! Holds: the rule of who reports when, the weight of use, and the sums of what stands.
//! Never: leaves; nobody reads them unless somebody doubts.
//! Invariant: an epoch's sums are those of its reports that are neither void nor demanded.

use super::pool::{Purse, SUM_MAX};
use super::{Event, RewardsError, Step, Verdict, keys};
use prag_protocol::Address;
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::ledger::rewards::{
    EpochRecord, OUTPUT_WEIGHT, ReportRecord, RewardsConfig, Schedule, Standing, UsageReport,
};
use prag_protocol::ledger::voucher::Counters;

impl Step<'_> {
    /// Pays into the epoch that runs.
    pub(super) fn fund(&mut self) -> Verdict {
        let amount = self.sent(1, SUM_MAX)?;
        let epoch = super::time::running(&self.settings, self.env.time)?;
        let mut record = self.opened(epoch)?;
        let sum = record.funded.checked_add(amount);
        record.funded = sum.ok_or(RewardsError::Exhausted("the pool"))?;
        self.receive(Purse::Open, amount)?;
        keys::epoch(epoch).save(self.kv, &record)?;
        Ok(Some(Event::Funded { epoch, amount }))
    }

    /// The wallet alone reports nothing: the attested key must have signed, so that what is reported is what
    /// the measured image counted.
    pub(super) fn report_usage(
        &mut self,
        number: u64,
        report: &UsageReport,
        signature: &[u8; 64],
    ) -> Verdict {
        let mut epoch = self.opened(number)?;
        let schedule = self.schedule(number, &epoch)?;
        self.not_before(schedule.end)?;
        self.before(schedule.reports_until)?;
        let row = keys::report(number, self.sender);
        if row.load(self.kv)?.is_some() {
            return Err(RewardsError::Reported);
        }
        let bond = epoch.config.bond.get();
        self.sent(bond, bond)?;
        let answers = self.attested(number, &schedule, report, signature)?;
        let record = ReportRecord {
            root: report.root,
            leaves: report.leaves,
            totals: report.totals,
            royalty_root: report.royalty_root,
            collections: report.collections,
            weight: weight(&epoch.config, &report.totals)?,
            answers,
            bond,
            open: 0,
            void: false,
            claimed: false,
            royalties: 0,
        };
        self.receive(Purse::Bonds, bond)?;
        count(&mut epoch.standing, &record)?;
        keys::epoch(number).save(self.kv, &epoch)?;
        row.save(self.kv, &record)?;
        let worker = self.sender.clone();
        Ok(Some(Event::Reported { epoch: number, worker }))
    }

    /// The sender's liveness answers, if it is a worker and its registered key has signed the report.
    fn attested(
        &self,
        number: u64,
        schedule: &Schedule,
        report: &UsageReport,
        signature: &[u8; 64],
    ) -> Result<u64, RewardsError> {
        let registered = self.host.peers.worker(self.sender, schedule.start, schedule.end);
        let registered = registered.ok_or(RewardsError::NotWorker)?;
        let message = report.signed_bytes(&self.settings.ledger, self.sender, number);
        if !self.host.verify.ed25519(&message, signature, &registered.signing_key) {
            return Err(RewardsError::Unsigned);
        }
        if registered.answers > INTEGER_MAX {
            return Err(RewardsError::Exhausted("the liveness answers"));
        }
        Ok(registered.answers)
    }

    /// The epoch's record, or the one that it begins with.
    fn opened(&self, number: u64) -> Result<EpochRecord, RewardsError> {
        match keys::epoch(number).load(self.kv)? {
            Some(record) => Ok(record),
            None => Ok(EpochRecord {
                config: self.config(number)?,
                funded: 0,
                standing: Standing::default(),
                split: None,
            }),
        }
    }

    pub(super) fn epoch(&self, number: u64) -> Result<EpochRecord, RewardsError> {
        keys::epoch(number).load(self.kv)?.ok_or(RewardsError::NoEpoch)
    }

    pub(super) fn report(
        &self,
        epoch: u64,
        worker: &Address,
    ) -> Result<ReportRecord, RewardsError> {
        keys::report(epoch, worker).load(self.kv)?.ok_or(RewardsError::NoReport)
    }

    /// An epoch before one of its moments, and a report of it that is not void.
    pub(super) fn doubted(
        &self,
        number: u64,
        worker: &Address,
        until: fn(&Schedule) -> u64,
    ) -> Result<(EpochRecord, ReportRecord), RewardsError> {
        let epoch = self.epoch(number)?;
        self.before(until(&self.schedule(number, &epoch)?))?;
        let report = self.report(number, worker)?;
        if report.void { Err(RewardsError::Void) } else { Ok((epoch, report)) }
    }
}

/// Adds a report that stands.
pub(super) fn count(sums: &mut Standing, report: &ReportRecord) -> Result<(), RewardsError> {
    let sum = |sum: u128, own: u128| sum.checked_add(own).filter(|sum| *sum <= SUM_MAX).ok_or(FULL);
    *sums = Standing {
        reports: sums.reports.checked_add(1).ok_or(FULL)?,
        weight: sum(sums.weight, report.weight)?,
        units: sum(sums.units, report.totals.chunks.into())?,
        answers: sum(sums.answers, report.answers.into())?,
    };
    Ok(())
}

/// Takes out a report that stands no longer.
pub(super) fn discount(sums: &mut Standing, report: &ReportRecord) -> Result<(), RewardsError> {
    let damaged = RewardsError::Damaged("epochs");
    let rest = |sum: u128, own: u128| sum.checked_sub(own).ok_or(damaged);
    *sums = Standing {
        reports: sums.reports.checked_sub(1).ok_or(damaged)?,
        weight: rest(sums.weight, report.weight)?,
        units: rest(sums.units, report.totals.chunks.into())?,
        answers: rest(sums.answers, report.answers.into())?,
    };
    Ok(())
}

/// W = input + 4 × output + the configured weights of queries, chunks and embedded tokens.
///
/// Source: Secret AI's economics page for the first two terms.
fn weight(config: &RewardsConfig, totals: &Counters) -> Result<u128, RewardsError> {
    let terms = [
        (totals.input, 1),
        (totals.output, OUTPUT_WEIGHT),
        (totals.queries, config.query_weight),
        (totals.chunks, config.chunk_weight),
        (totals.embedded, config.embedded_weight),
    ];
    terms.into_iter().try_fold(0u128, |sum, (units, each)| {
        let term = u128::from(units).checked_mul(each.into()).ok_or(FULL)?;
        sum.checked_add(term).ok_or(FULL)
    })
}

const FULL: RewardsError = RewardsError::Exhausted("the epoch's sums");
