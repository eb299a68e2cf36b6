//! Answers.
//!
//! Layer: core, workers.
//! Holds: one reply per question.
//! Never: writes; `signature` and the like of documented queries, which are not read.
//! Invariant: an answer is of one height, and reads at most three rows for each row of a page; a choice
//! reads one row for each bench.

use super::challenge::challenge;
use super::measurements::Approvals;
use super::standing::{is_answered, reporter, standing};
use super::{WorkersError, keys, rendezvous, seats, stake, windows};
use crate::list::List;
use crate::{Env, Kv};
use prag_protocol::Address;
use prag_protocol::ledger::workers::{
    LivelinessChallenge, WorkerRecord, WorkersQuery, WorkersReply,
};

/// Answers one question about the state at `env`.
///
/// # Errors
/// [`WorkersError::Field`] for a field that is not what it must be; [`WorkersError::NotInstantiated`];
/// [`WorkersError::Damaged`] where the state does not read back.
pub fn query(kv: &dyn Kv, env: &Env, query: WorkersQuery) -> Result<WorkersReply, WorkersError> {
    query.check()?;
    let config = keys::config().load(kv)?.ok_or(WorkersError::NotInstantiated)?;
    Ok(match query {
        WorkersQuery::Config {} => WorkersReply::Config(Box::new(config)),
        WorkersQuery::Measurements {} => WorkersReply::Measurements(Approvals::load(kv)?.rows),
        WorkersQuery::Count { model } => WorkersReply::Count(listed(model.as_deref()).count(kv)?),
        WorkersQuery::GetWorkers { offset, limit, .. } => {
            WorkersReply::Workers(page(kv, &keys::all(), offset, limit)?)
        }
        WorkersQuery::GetModels { offset, limit, .. } => {
            let (_, members) = keys::types().page(kv, offset, limit)?;
            let models = members.into_iter().map(String::from_utf8).collect::<Result<_, _>>();
            WorkersReply::Models(models.map_err(|_| DAMAGED)?)
        }
        WorkersQuery::GetUrls { model, offset, limit, .. } => {
            let (approvals, mut urls) = (Approvals::load(kv)?, Vec::new());
            for row in page(kv, &listed(model.as_deref()), offset, limit)? {
                let live = row.live_until > env.time && stake::weight(&config.terms, &row) > 0;
                let standing = standing(kv, env.time, &config.terms, &approvals, &row)?;
                if live && standing.is_some() {
                    urls.push(row.ip_address);
                }
            }
            WorkersReply::Urls(urls)
        }
        WorkersQuery::GetNextWorker { subscriber_public_key, service, .. } => {
            let next = next(kv, env, &service, &subscriber_public_key)?;
            WorkersReply::Worker(next.map(Box::new))
        }
        WorkersQuery::Worker { worker } => {
            WorkersReply::Worker(keys::worker(&worker).load(kv)?.map(Box::new))
        }
        WorkersQuery::Reporter { worker, from, until } => {
            WorkersReply::Reporter(reporter(kv, env, &config, &worker, (from, until))?)
        }
        WorkersQuery::GetLivelinessChallenge { worker } => {
            let window = windows::at(&config.terms, env.time);
            let answered = match keys::worker(&worker).load(kv)? {
                Some(record) => {
                    let approvals = Approvals::load(kv)?;
                    let standing = standing(kv, env.time, &config.terms, &approvals, &record)?;
                    is_answered(&record, window, standing.is_some())
                }
                None => false,
            };
            WorkersReply::Challenge(LivelinessChallenge {
                window,
                closes: windows::start(&config.terms, window.saturating_add(1)),
                challenge: challenge(&config.ledger, &worker, window),
                answered,
            })
        }
        WorkersQuery::Evidence { worker } => {
            WorkersReply::Evidence(keys::evidence(&worker).load(kv)?.map(Box::new))
        }
        WorkersQuery::EvidenceChunk { worker, part, chunk } => {
            WorkersReply::Chunk(keys::chunk(&worker, part, chunk).load(kv)?)
        }
    })
}

/// The worker that serves a subject: chosen among the seats that are live and stand at this height.
fn next(
    kv: &dyn Kv,
    env: &Env,
    service: &str,
    subject: &str,
) -> Result<Option<WorkerRecord>, WorkersError> {
    let approvals = Approvals::load(kv)?;
    let seats = seats::load(kv, service)?;
    let may = |seat: &&seats::Seat| {
        let stands = seat.approval == 0 || approvals.has(seat.approval);
        stands && seat.live_until > env.time
    };
    let Some(seat) = rendezvous::choose(service, subject, seats.iter().filter(may)) else {
        return Ok(None);
    };
    let worker = keys::numbered(seat.number).load(kv)?.ok_or(WorkersError::Damaged("seats"))?;
    let record = keys::worker(&worker).load(kv)?.ok_or(WorkersError::Damaged("seats"))?;
    Ok(Some(record))
}

fn listed(model: Option<&str>) -> List {
    model.map_or_else(keys::all, keys::typed)
}

fn page(
    kv: &dyn Kv,
    list: &List,
    offset: u32,
    limit: u32,
) -> Result<Vec<WorkerRecord>, WorkersError> {
    let (_, members) = list.page(kv, offset, limit)?;
    members.into_iter().map(|member| worker_of(kv, member)).collect()
}

fn worker_of(kv: &dyn Kv, member: Vec<u8>) -> Result<WorkerRecord, WorkersError> {
    let text = String::from_utf8(member).map_err(|_| DAMAGED)?;
    let worker = Address::try_from(text).map_err(|_| DAMAGED)?;
    keys::worker(&worker).load(kv)?.ok_or(DAMAGED)
}

const DAMAGED: WorkersError = WorkersError::Damaged("lists");
