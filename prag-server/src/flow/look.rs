//! Where searches run: where the request is, if that is done sooner than another thread is woken; else where one may
//! block, several side by side.
//!
//! Layer: flow, on `search`.
//! Holds: what counts as light.
//! Never: a long scan, or a read of the disk, on a thread that answers others.
//! Invariant: answer i is of plan i.

use super::search::{Plan, Ranked, Searched, search};
use super::{Held, problems};
use crate::collection::CollectionShard;
use prag_protocol::problem::{Code, Problem};
use prag_trust::head::Head;
use rayon::prelude::*;
use std::sync::Arc;

/// What was found, and the head of the view that was searched, where the plan asks for proofs.
pub(super) type Looked = (Searched, Option<Head>);

/// Run plans.
pub(super) async fn look(
    held: Arc<Held>,
    shard: Arc<CollectionShard>,
    plans: Vec<Plan>,
) -> Result<Vec<Looked>, Problem> {
    let light = plans.len() <= LIGHT_QUERIES && plans.iter().all(|plan| is_light(&shard, plan));
    if !light {
        let work = tokio::task::spawn_blocking(move || all(&held, &shard, &plans));
        return work.await.map_err(problems::internal)?;
    }
    let ranked = plans.iter().map(|plan| rank(&shard, plan));
    let ranked = ranked.collect::<Result<Vec<_>, Problem>>()?;
    let light = ranked.iter().all(|(ranked, _)| ranked.is_light());
    let read = move || ranked.into_iter().map(|ranked| read(&held, &shard, ranked)).collect();
    if light {
        return read();
    }
    tokio::task::spawn_blocking(read).await.map_err(problems::internal)?
}

/// Blocks.
fn all(held: &Held, shard: &Arc<CollectionShard>, plans: &[Plan]) -> Result<Vec<Looked>, Problem> {
    let one = |plan| read(held, shard, rank(shard, plan)?);
    match plans {
        // Threads that wait for work are woken later than one search ends.
        [plan] => Ok(vec![one(plan)?]),
        plans => plans.par_iter().map(one).collect(),
    }
}

fn rank(shard: &CollectionShard, plan: &Plan) -> Result<(Ranked, Option<Head>), Problem> {
    let (head, live) = if plan.proofs {
        let (head, live) = shard.snapshot().map_err(problems::collection)?;
        (Some(head), live)
    } else {
        (None, shard.read())
    };
    let ranked = search(&live, plan);
    drop(live);
    Ok((ranked.map_err(|_| Problem::new(Code::Internal, "the search failed"))?, head))
}

fn read(
    held: &Held,
    shard: &Arc<CollectionShard>,
    (ranked, head): (Ranked, Option<Head>),
) -> Result<Looked, Problem> {
    let searched = ranked.read().map_err(|error| held.damaged(shard, error))?;
    Ok((searched, head))
}

/// Whether a plan is ranked sooner than another thread would be woken for it: a walk of one graph, few rows to scan.
fn is_light(shard: &CollectionShard, plan: &Plan) -> bool {
    let walk = plan.text.is_none() && plan.filters.is_empty() && !plan.exact && !plan.proofs;
    // Who would have to wait for a writer waits on another thread.
    let Some(live) = shard.try_read() else { return false };
    let dimension = shard.profile().dimension as usize;
    let scanned = live.tail.rows.len().saturating_mul(dimension);
    walk && plan.ef.max(plan.depth()) <= LIGHT_EF
        && live.segments.len() <= LIGHT_SEGMENTS
        && scanned <= LIGHT_NUMBERS
}

/// Most queries of a request that are answered where it is.
const LIGHT_QUERIES: usize = 4;
/// Widest walk that is made where the request is: some tenths of a millisecond.
const LIGHT_EF: usize = 256;
/// Most graphs that are walked there.
const LIGHT_SEGMENTS: usize = 2;
/// Most numbers that are scanned there, of vectors of the tail.
const LIGHT_NUMBERS: usize = 1 << 20;
