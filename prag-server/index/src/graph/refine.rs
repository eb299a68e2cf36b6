//! One refinement of the bottom level.
//!
//! Layer: index.
//! Holds: relative-neighbourhood pruning over a wider choice than insertion had.
//! Never: more links than the cap.
//! Invariant: a node's links are its own choice; reachability is restored by `flatten`.
//!
//! `hnsw_rs` adds reverse edges without the diversity rule. Choosing again among out, in and two-hop edges halves a
//! walk's time on clustered vectors at equal recall, provided that the links of insertion stay among the candidates:
//! without the far ones of them clusters fall apart. Our own builder keeps the rule, and gains less.

use super::grow::{Codes, Lists, Probe, Watch, nearer, put, rank, select};
use super::seen::Seen;
use prag_simd::{Isa, Kernel, dispatch};
use rayon::prelude::*;

/// Every node's bottom links chosen again, at most `cap` of them, with room for one more. Nothing if stopped.
pub(super) fn refine(codes: &Codes, held: &Lists, cap: usize, watch: &Watch) -> Option<Lists> {
    let incoming = Incoming::of(held);
    let mut chosen = Lists::new(held.rows(), cap + 1);
    let stride = chosen.stride();
    let tasks = chosen.blocks().par_chunks_mut(stride * TASK_ROWS);
    tasks.enumerate().try_for_each(|(task, blocks)| {
        if watch.stopped() {
            return None;
        }
        let (incoming, first) = (&incoming, task * TASK_ROWS);
        dispatch(Choose { codes, held, incoming, first, stride, blocks });
        Some(())
    })?;
    Some(chosen)
}

/// Who links to a node: `sources[offsets[i]..offsets[i + 1]]`.
struct Incoming {
    offsets: Vec<u32>,
    sources: Vec<u32>,
}

impl Incoming {
    fn of(lists: &Lists) -> Self {
        let rows = lists.rows();
        let mut offsets = vec![0u32; rows + 2];
        let nodes = || 0..u32::try_from(rows).unwrap_or(u32::MAX);
        for node in nodes() {
            for &link in lists.of(node) {
                offsets[link as usize + 2] += 1;
            }
        }
        for at in 2..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut sources = vec![0u32; offsets[rows + 1] as usize];
        for node in nodes() {
            for &link in lists.of(node) {
                let place = &mut offsets[link as usize + 1];
                sources[*place as usize] = node;
                *place += 1;
            }
        }
        Self { offsets, sources }
    }

    #[inline(always)]
    fn of_node(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.sources[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }
}

struct Choose<'a> {
    codes: &'a Codes,
    held: &'a Lists,
    incoming: &'a Incoming,
    /// The node of the first block.
    first: usize,
    stride: usize,
    blocks: &'a mut [u32],
}

impl Kernel for Choose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) {
        let cap = self.stride - 2;
        let mut seen = Seen::default();
        seen.reserve(self.codes.rows());
        let (mut probe, mut near, mut kept) = (Probe::new(), Vec::new(), Vec::new());
        for (node, block) in (self.first..).zip(self.blocks.chunks_exact_mut(self.stride)) {
            #[allow(clippy::cast_possible_truncation)] // nodes are below 2^24
            let node = node as u32;
            probe.aim(self.codes, node);
            let held = self.held.of(node);
            seen.clear();
            seen.insert(node);
            near.clear();
            let direct = || held.iter().chain(self.incoming.of_node(node));
            let around = direct().flat_map(|&link| self.held.of(link));
            for &link in direct().chain(around) {
                if seen.insert(link) {
                    near.push((self.codes.distance(isa, &probe, link), link));
                }
            }
            // The far ones of what insertion chose hold clusters together: they stay among the candidates.
            let most = cap * CANDIDATES_PER_LINK;
            if near.len() > most {
                near.select_nth_unstable_by(most, nearer);
                let mut end = most;
                for at in most..near.len() {
                    if held.contains(&near[at].1) {
                        near.swap(end, at);
                        end += 1;
                    }
                }
                near.truncate(end);
            }
            rank(&mut near);
            select(isa, self.codes, near.iter().copied(), cap, &mut kept);
            put(block, &kept);
        }
    }
}

const CANDIDATES_PER_LINK: usize = 4;
const TASK_ROWS: usize = 256;
