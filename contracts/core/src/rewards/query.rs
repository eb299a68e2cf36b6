//! Answers.
//!
//! Layer: core, rewards.
//! Holds: one reply per question.
//! Never: who may ask; that is the shell's matter. Writes.
//! Invariant: an answer is of one height, and reads at most three rows.

use super::claims::claimable;
use super::{RewardsError, keys, time};
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::rewards::{
    Claimable, EpochRecord, EpochView, RewardsQuery, RewardsReply, RewardsSettings, Schedule,
};

/// Answers one question about the state at `env`.
///
/// # Errors
/// [`RewardsError::Bound`] for a field outside its bounds; [`RewardsError::NotSetUp`] before
/// [`super::instantiate`]; [`RewardsError::Damaged`] where the state does not read back.
pub fn query(kv: &dyn Kv, env: &Env, query: RewardsQuery) -> Result<RewardsReply, RewardsError> {
    query.check()?;
    let settings = keys::settings().load(kv)?.ok_or(RewardsError::NotSetUp)?;
    Ok(match query {
        RewardsQuery::Config {} => {
            let epoch = time::running(&settings, env.time)?;
            RewardsReply::Config { settings: Box::new(settings), epoch }
        }
        RewardsQuery::Epoch { epoch } => {
            let view = viewed(kv, &settings, epoch)?;
            RewardsReply::Epoch(
                view.map(|(record, schedule)| Box::new(EpochView { record, schedule })),
            )
        }
        RewardsQuery::Report { epoch, worker } => {
            RewardsReply::Report(keys::report(epoch, &worker).load(kv)?.map(Box::new))
        }
        RewardsQuery::Demand { epoch, worker, tree, index } => {
            RewardsReply::Demand(keys::demand(epoch, tree, index, &worker).load(kv)?)
        }
        RewardsQuery::Claimable { account, epoch } => {
            RewardsReply::Claimable(claim_of(kv, env, &settings, &account, epoch)?)
        }
        RewardsQuery::Settled { worker, collection, session } => {
            RewardsReply::Settled(keys::settled(collection, &session, &worker).load(kv)?)
        }
        RewardsQuery::Pool {} => RewardsReply::Pool(keys::pool().load(kv)?.unwrap_or_default()),
    })
}

fn viewed(
    kv: &dyn Kv,
    settings: &RewardsSettings,
    epoch: u64,
) -> Result<Option<(EpochRecord, Schedule)>, RewardsError> {
    let Some(record) = keys::epoch(epoch).load(kv)? else {
        return Ok(None);
    };
    let schedule = time::schedule(settings, epoch, &record)?;
    Ok(Some((record, schedule)))
}

fn claim_of(
    kv: &dyn Kv,
    env: &Env,
    settings: &RewardsSettings,
    account: &Address,
    epoch: u64,
) -> Result<Claimable, RewardsError> {
    let report = keys::report(epoch, account).load(kv)?;
    let (Some(report), Some((record, schedule))) = (report, viewed(kv, settings, epoch)?) else {
        return Ok(Claimable { work: 0, uptime: 0, bond: 0 });
    };
    let ended = schedule.claims_until.is_some_and(|until| env.time >= until);
    claimable(&record, &report, ended)
}
