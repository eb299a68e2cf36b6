//! Probing recall: a share of the live dense queries is run again, exactly.
//!
//! Layer: flow; on the index's segments.
//! Holds: which queries are probed, one probe at a time, and the sums until a window is full.
//! Never: makes a reply, or a write, wait; keeps a query longer than its probe; a figure of one query or one
//! collection.
//! Invariant: a probe that finds another one at work is dropped.

use super::Worker;
use super::search::{Plan, allowed, best};
use crate::collection::CollectionShard;
use crate::collection::state::{LiveSegment, Part};
use prag_client::system::OsEntropy;
use prag_index::IndexError;
use prag_protocol::filter::Filter;
use prag_trust::entropy::random;
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is known of recall.
pub(super) struct Probe {
    alone: Arc<Semaphore>,
    window: Mutex<Window>,
}

/// Sums over all collections since the last full window.
#[derive(Default)]
struct Window {
    queries: u64,
    found: u64,
    wanted: u64,
}

/// A query to be probed.
pub(super) struct Sample {
    vector: Vec<f32>,
    filters: Vec<Filter>,
    k: usize,
    depth: usize,
    ef: usize,
    _alone: OwnedSemaphorePermit,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self { alone: Arc::new(Semaphore::new(1)), window: Mutex::default() }
    }

    /// The query, if it is one that walks the graph, chance takes it, and no other is being probed.
    pub(super) fn draw(&self, share: f64, plan: &Plan) -> Option<Sample> {
        let vector = plan.vector.as_ref().filter(|_| share > 0.0 && !plan.exact)?;
        if !taken(share, random(&mut OsEntropy).ok()?) {
            return None;
        }
        let alone = Arc::clone(&self.alone).try_acquire_owned().ok()?;
        let (vector, filters) = (vector.clone(), plan.filters.clone());
        let (k, depth, ef) = (plan.k, plan.depth(), plan.ef);
        Some(Sample { vector, filters, k, depth, ef, _alone: alone })
    }

    /// Add a probe; answers queries, found and wanted of a window that is full with it.
    fn add(&self, (found, wanted): (u64, u64)) -> Option<(u64, u64, u64)> {
        let mut window = self.window.lock().unwrap_or_else(super::lock::ignore_poison);
        window.queries += 1;
        window.found += found;
        window.wanted += wanted;
        if window.queries < WINDOW_QUERIES {
            return None;
        }
        let Window { queries, found, wanted } = std::mem::take(&mut *window);
        Some((queries, found, wanted))
    }
}

impl Worker {
    /// Run a query again, by the graph and exactly, in the background. The tail is always searched exactly, so it is
    /// left out; segments do not change, so writers wait no longer than it takes to list them.
    pub(super) fn probe(&self, shard: Arc<CollectionShard>, sample: Sample) {
        let worker = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut segments = shard.read().segments.clone();
            // No text is wanted, and nothing of the shard's store is to be held.
            segments.iter_mut().for_each(|segment| segment.shelf = None);
            drop(shard);
            let compared = compare(&segments, &sample);
            drop(sample);
            if let Ok(compared @ (_, 1..)) = compared
                && let Some((queries, found, wanted)) = worker.0.probe.add(compared)
            {
                worker.0.metrics.probed(queries, found, wanted);
            }
        });
    }
}

/// How many of the best rows the live way finds, and how many there are. Rows as good as the last of them count as
/// found.
fn compare(segments: &[LiveSegment], sample: &Sample) -> Result<(u64, u64), IndexError> {
    let depth = sample.depth;
    let ef = sample.ef.max(depth);
    let (mut walked, mut exact) = (Vec::new(), Vec::new());
    for (number, segment) in (0u32..).zip(segments) {
        let rows = allowed(&Part::Segment(segment), &sample.filters);
        let hits = segment.index.dense(&sample.vector, &rows, depth, ef)?;
        walked.extend(hits.into_iter().map(|hit| ((number, hit.ordinal), hit.score)));
        let hits = segment.index.dense_exact(&sample.vector, &rows, sample.k)?;
        exact.extend(hits.into_iter().map(|hit| ((number, hit.ordinal), hit.score)));
    }
    let (walked, exact) = (best(walked, sample.k), best(exact, sample.k));
    let Some((_, bar)) = exact.last() else { return Ok((0, 0)) };
    let found = walked.iter().filter(|(_, score)| score >= bar).count();
    Ok((found as u64, exact.len() as u64))
}

/// Whether a draw is within the share.
fn taken(share: f64, drawn: [u8; 4]) -> bool {
    f64::from(u32::from_le_bytes(drawn)) < share * f64::from(u32::MAX) + share
}

/// Queries behind every figure that is shown: one query's outcome is in none alone.
const WINDOW_QUERIES: u64 = 50;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_index::{BuildParams, Fusion, Row, Segment};
    use prag_protocol::metadata::Metadata;
    use roaring::RoaringBitmap;

    fn plan(vector: Option<Vec<f32>>, exact: bool) -> Plan {
        Plan {
            vector,
            text: None,
            filters: Vec::new(),
            k: 10,
            ef: 16,
            exact,
            fusion: Fusion::default(),
            proofs: false,
            embedded: 0,
        }
    }

    /// Nothing is drawn at a share of 0 and everything at 1; a sparse or an exact query never is, nor a second one.
    #[test]
    fn draws_one_dense_query_at_a_time() {
        let probe = Probe::new();
        let dense = plan(Some(vec![1.0]), false);
        for _ in 0..99 {
            assert!(probe.draw(0.0, &dense).is_none());
        }
        assert!(probe.draw(1.0, &plan(None, false)).is_none());
        assert!(probe.draw(1.0, &plan(Some(vec![1.0]), true)).is_none());
        let first = probe.draw(1.0, &dense);
        assert!(first.is_some() && probe.draw(1.0, &dense).is_none());
        drop(first);
        assert!(probe.draw(1.0, &dense).is_some());
        assert!(taken(1.0, [255; 4]) && !taken(0.0, [0; 4]));
        assert!(taken(0.001, [0; 4]) && !taken(0.001, [255; 4]));
    }

    /// A window shows nothing until it is full, and then the sum of it once.
    #[test]
    fn figures_are_of_whole_windows() {
        let probe = Probe::new();
        for _ in 1..WINDOW_QUERIES {
            assert_eq!(probe.add((9, 10)), None);
        }
        assert_eq!(probe.add((8, 10)), Some((50, 449, 500)));
        assert_eq!(probe.add((9, 10)), None);
    }

    /// A probe compares with what is allowed and alive: an exact segment has all of it, dead rows are in neither.
    #[test]
    fn compares_what_the_query_could_find() {
        let metadata = Arc::new(Metadata::new());
        let row = |number: u8| {
            let angle = f32::from(number) * 0.01;
            let vector = vec![angle.cos(), angle.sin()];
            Row { doc: String::new(), text: String::new(), vector, metadata: Arc::clone(&metadata) }
        };
        let rows: Vec<Row> = (0..60).map(row).collect();
        let index = Arc::new(Segment::build(&rows, &BuildParams::default()).unwrap().segment);
        let segment = |live: RoaringBitmap| LiveSegment {
            id: [0; 16],
            index: Arc::clone(&index),
            rows: Arc::default(),
            tree: Arc::default(),
            live,
            charge: None,
            veil: None,
            shelf: None,
        };
        let sample = Probe::new().draw(1.0, &plan(Some(vec![1.0, 0.0]), false)).unwrap();
        let parts = [segment((0..4).collect()), segment((50..53).collect())];
        assert_eq!(compare(&parts, &sample), Ok((7, 7)));
        assert_eq!(compare(&[segment((0..60).collect())], &sample), Ok((10, 10)));
        assert_eq!(compare(&[segment(RoaringBitmap::new())], &sample), Ok((0, 0)));
        assert_eq!(compare(&[], &sample), Ok((0, 0)));
    }
}
