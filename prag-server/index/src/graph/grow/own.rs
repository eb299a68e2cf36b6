//! Our own builder: batches of new nodes, each linked to the graph as it was before the batch.
//!
//! Layer: index.
//! Holds: the order of insertion, the levels, and the steps of a batch.
//! Never: a lock on a node: those of a batch only read what others write in the next step.
//! Invariant: the same vectors give the same graph, however many threads build it.
//!
//! Malkov and Yashunin 2018 (algorithms 1, 3 and 4), inserted in batches as Manohar et al. 2024 (ParlayANN) do. Nodes
//! go in by descending level, so the levels above the bottom are what the bottom was when it held their nodes: each is
//! a copy, and costs nothing to build.

use super::codes::{Codes, Probe};
use super::link::link_back;
use super::lists::{Lists, View, put};
use super::search::{Scratch, descend};
use super::select::{SLACK, rank, select};
use super::{Grown, GrownLevel, Growth, Watch};
use prag_simd::{Isa, Kernel, dispatch};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// A shuffle of 0..rows, always the same.
pub(super) fn shuffled(rows: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows).collect();
    let mut state = SEED;
    for last in (1..order.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The high half of the product: below last + 1.
        let pick = (u128::from(mixed) * (last as u128 + 1)) >> 64;
        order.swap(last, pick as usize);
    }
    order
}

/// Link all rows of `codes`. Nothing if the build was stopped.
pub(super) fn insert_all(codes: &Codes, growth: &Growth, watch: &Watch) -> Option<Grown> {
    let rows = codes.rows();
    let mut lists = Lists::new(rows, growth.m * ROOM - 1);
    let mut upper: Vec<GrownLevel> = Vec::new();
    let mut sizes = level_sizes(rows, growth.m);
    let scratches = Scratches { free: Mutex::default(), rows };
    let mut done = 1;
    while done < rows {
        if sizes.last() == Some(&done) {
            sizes.pop();
            let lists = thinned(codes, &lists, done, growth.m, 0);
            upper.push(GrownLevel { nodes: (0..number(done)).collect(), lists });
        }
        let end = (done + (done / BATCH_SHARE).clamp(1, BATCH_MAX)).min(rows);
        let end = sizes.last().map_or(end, |&size| end.min(size));
        if watch.stopped() {
            return None;
        }
        let stride = lists.stride();
        let (view, rest) = lists.split(done);
        let tasks = rest[..(end - done) * stride].par_chunks_mut(stride * TASK_ROWS);
        tasks.enumerate().for_each(|(task, blocks)| {
            let (first, upper) = (number(done + task * TASK_ROWS), &upper);
            scratches.with(|scratch| {
                dispatch(Insert { codes, view, upper, growth, first, stride, blocks, scratch });
            });
        });
        link_back(codes, &mut lists, number(done)..number(end), growth.m * 2);
        watch.add(end - done);
        done = end;
    }
    upper.reverse();
    Some(Grown { bottom: thinned(codes, &lists, rows, growth.m * 2, SPARE), upper })
}

/// A node by its place; rows are bounded by 2^24.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// How many nodes each level above the bottom has, the fullest first: each m-th of those below.
fn level_sizes(rows: usize, m: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut size = rows / m;
    while size > 1 && sizes.len() < LEVELS {
        sizes.push(size);
        size /= m;
    }
    sizes
}

/// The lists of the first `count` nodes, the longer ones cut to `cap` by a new choice. They link to each other only,
/// since nothing else is linked yet. `spare`: room beyond the cap.
fn thinned(codes: &Codes, lists: &Lists, count: usize, cap: usize, spare: usize) -> Lists {
    let mut thinned = Lists::new(count, cap + spare);
    let stride = thinned.stride();
    let tasks = thinned.blocks().par_chunks_mut(stride * TASK_ROWS);
    tasks.enumerate().for_each(|(task, blocks)| {
        let first = number(task * TASK_ROWS);
        dispatch(Thin { codes, lists: lists.view(), first, stride, cap, blocks });
    });
    thinned
}

/// Scratch, as many as threads have asked for at once.
struct Scratches {
    free: Mutex<Vec<Scratch>>,
    rows: usize,
}

impl Scratches {
    fn with(&self, work: impl FnOnce(&mut Scratch)) {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let held = free().pop();
        let mut scratch = held.unwrap_or_else(|| Scratch::new(self.rows));
        work(&mut scratch);
        free().push(scratch);
    }
}

/// Find and choose the neighbours of new nodes.
struct Insert<'a> {
    codes: &'a Codes,
    /// The graph before the batch.
    view: View<'a>,
    /// The lowest level last, as they were made: the smallest is the first.
    upper: &'a [GrownLevel],
    growth: &'a Growth,
    /// The node of the first block.
    first: u32,
    stride: usize,
    blocks: &'a mut [u32],
    scratch: &'a mut Scratch,
}

impl Kernel for Insert<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) {
        let Self { codes, view, upper, growth, scratch, .. } = self;
        let (mut probe, mut kept) = (Probe::new(), Vec::with_capacity(growth.m));
        for (node, block) in (self.first..).zip(self.blocks.chunks_exact_mut(self.stride)) {
            probe.aim(codes, node);
            let mut start = 0;
            for level in upper {
                start = descend(isa, codes, level.lists.view(), &probe, start);
            }
            scratch.search(isa, codes, view, &probe, start, growth.ef_construction);
            select(isa, codes, scratch.found(), (growth.m, SLACK), &mut kept);
            put(block, &kept);
        }
    }
}

/// Choose among the links of nodes that have more than `cap`.
struct Thin<'a> {
    codes: &'a Codes,
    lists: View<'a>,
    first: u32,
    stride: usize,
    cap: usize,
    blocks: &'a mut [u32],
}

impl Kernel for Thin<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) {
        let (mut probe, mut near, mut kept) = (Probe::new(), Vec::new(), Vec::new());
        for (node, block) in (self.first..).zip(self.blocks.chunks_exact_mut(self.stride)) {
            let links = self.lists.of(node);
            if links.len() <= self.cap {
                put(block, links);
                continue;
            }
            probe.aim(self.codes, node);
            near.clear();
            let measured = |&link| (self.codes.distance(isa, &probe, link), link);
            near.extend(links.iter().map(measured));
            rank(&mut near);
            select(isa, self.codes, near.iter().copied(), (self.cap, SLACK), &mut kept);
            put(block, &kept);
        }
    }
}

/// Room for links back, per neighbour above the bottom: 48 numbers a node at 16, three cache lines.
pub(super) const ROOM: usize = 3;
/// Room on the bottom for a node that would be out of reach.
const SPARE: usize = 1;
/// A batch is at most this part of what is linked already.
const BATCH_SHARE: usize = 32;
const BATCH_MAX: usize = 4096;
const TASK_ROWS: usize = 32;
/// Levels above the bottom, at most: as many as a graph's bytes may say.
const LEVELS: usize = 16;
const SEED: u64 = 0x7072_6167;
