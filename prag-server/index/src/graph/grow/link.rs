//! Links back: who was chosen learns of it.
//!
//! Layer: index.
//! Holds: the second step of a batch, parallel over the nodes that were chosen.
//! Never: two threads at one node.
//! Invariant: a list that would run over is chosen again, from what it held and what came.

use super::codes::{Codes, Probe};
use super::lists::{Lists, push, put, used};
use super::select::{SLACK, rank, select};
use prag_simd::{Isa, Kernel, dispatch};
use rayon::prelude::*;
use std::ops::Range;

/// Add each node of `new` to the lists of those that it links to; a full list keeps `keep` of its links.
pub(super) fn link_back(codes: &Codes, lists: &mut Lists, new: Range<u32>, keep: usize) {
    let chosen = |node: u32| lists.of(node).iter().map(move |&target| Edge { target, node });
    let mut edges: Vec<Edge> = new.flat_map(chosen).collect();
    edges.par_sort_unstable();
    let stride = lists.stride();
    spread(Link { codes, edges: &edges, first: 0, stride, keep, blocks: lists.blocks() });
}

/// `node` linked to `target`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    target: u32,
    node: u32,
}

struct Link<'a> {
    codes: &'a Codes,
    /// Ascending.
    edges: &'a [Edge],
    /// The node of the first block.
    first: u32,
    stride: usize,
    keep: usize,
    blocks: &'a mut [u32],
}

/// Halve the edges between two targets until they are few.
fn spread(link: Link<'_>) {
    let Link { codes, edges, first, stride, keep, blocks } = link;
    let middle = edges.get(edges.len() / 2).map_or(first, |edge| edge.target);
    let cut = edges.partition_point(|edge| edge.target < middle);
    if edges.len() <= TASK_EDGES || cut == 0 {
        return dispatch(Link { codes, edges, first, stride, keep, blocks });
    }
    let (left, right) = blocks.split_at_mut((middle - first) as usize * stride);
    let (before, behind) = edges.split_at(cut);
    rayon::join(
        || spread(Link { codes, edges: before, first, stride, keep, blocks: left }),
        || spread(Link { codes, edges: behind, first: middle, stride, keep, blocks: right }),
    );
}

impl Kernel for Link<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) {
        let (mut probe, mut near, mut kept) = (Probe::new(), Vec::new(), Vec::new());
        for group in self.edges.chunk_by(|a, b| a.target == b.target) {
            let Some(&Edge { target, .. }) = group.first() else { continue };
            let start = (target - self.first) as usize * self.stride;
            let block = &mut self.blocks[start..start + self.stride];
            if used(block).len() + group.len() < self.stride {
                for edge in group {
                    push(block, edge.node);
                }
                continue;
            }
            probe.aim(self.codes, target);
            let all = used(block).iter().copied().chain(group.iter().map(|edge| edge.node));
            near.clear();
            near.extend(all.map(|link| (self.codes.distance(isa, &probe, link), link)));
            rank(&mut near);
            select(isa, self.codes, near.iter().copied(), (self.keep, SLACK), &mut kept);
            put(block, &kept);
        }
    }
}

const TASK_EDGES: usize = 512;
