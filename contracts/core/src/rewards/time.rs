//! When what may happen to an epoch.
//!
//! Layer: core, rewards.
//! Holds: the number of the epoch that runs, and the moments of any epoch.
//! Never: clocks; the header's time is an argument.
//! Invariant: all of an epoch's windows end before the next epoch can be reported, whatever the config.

use super::{RewardsError, Step};
use prag_protocol::ledger::INTEGER_MAX;
use prag_protocol::ledger::rewards::{EpochRecord, RewardsSettings, Schedule};

/// The epoch that runs at `time`; the first one also before its beginning.
pub(super) fn running(settings: &RewardsSettings, time: u64) -> Result<u64, RewardsError> {
    let since = time.saturating_sub(settings.genesis);
    since.checked_div(settings.epoch_seconds).ok_or(RewardsError::Damaged("settings"))
}

/// The moments of epoch `number`.
pub(super) fn schedule(
    settings: &RewardsSettings,
    number: u64,
    record: &EpochRecord,
) -> Result<Schedule, RewardsError> {
    let after = |moment: u64, seconds: u64| {
        let sum = moment.checked_add(seconds).filter(|sum| *sum <= INTEGER_MAX);
        sum.ok_or(RewardsError::Exhausted("the time"))
    };
    let config = &record.config;
    let since = number.checked_mul(settings.epoch_seconds);
    let start = after(settings.genesis, since.unwrap_or(u64::MAX))?;
    let end = after(start, settings.epoch_seconds)?;
    let reports_until = after(end, config.report_seconds)?;
    let third = config.challenge_seconds / 3;
    let demands_until = after(reports_until, third)?;
    let claims_until = record.split.as_ref().map(|split| after(split.closed, config.claim_seconds));
    Ok(Schedule {
        start,
        end,
        reports_until,
        demands_until,
        answers_until: after(demands_until, third)?,
        challenges_until: after(reports_until, config.challenge_seconds)?,
        claims_until: claims_until.transpose()?,
    })
}

impl Step<'_> {
    pub(super) fn not_before(&self, from: u64) -> Result<(), RewardsError> {
        if self.env.time < from { Err(RewardsError::Early { from }) } else { Ok(()) }
    }

    pub(super) fn before(&self, until: u64) -> Result<(), RewardsError> {
        if self.env.time < until { Ok(()) } else { Err(RewardsError::Late { until }) }
    }

    pub(super) fn schedule(
        &self,
        number: u64,
        record: &EpochRecord,
    ) -> Result<Schedule, RewardsError> {
        schedule(&self.settings, number, record)
    }
}
