//! The graph: neighbours in flat arrays, and the walk over them.
//!
//! Layer: index.
//! Holds: one adjacency per level; every node is on the bottom one.
//! Never: vectors of its own; an unbounded walk.
//! Invariant: links name nodes that exist, and every node can be reached on the bottom level.

mod bytes;
mod flatten;
mod found;
mod grow;
mod pool;
mod refine;
mod score;
mod seen;
#[cfg(test)]
mod tests;
mod walk;

pub use grow::{Builder, Watch};
pub(crate) use grow::{Growth, grow};
pub(crate) use walk::Walk;

use prag_simd::Isa;

/// A navigable small world over a segment's rows.
#[derive(PartialEq)]
pub(crate) struct Graph {
    bottom: Adjacency,
    /// Level 1 first.
    upper: Vec<Level>,
    /// Where a walk begins: a place on the highest level.
    entry: u32,
}

/// Neighbours of node i: `links[offsets[i]..offsets[i + 1]]`.
#[derive(PartialEq)]
pub(crate) struct Adjacency {
    offsets: Vec<u32>,
    links: Vec<u32>,
}

/// A sparse level. Its nodes have places, 0, 1, 2…, and its links name places: no look-up on the way.
#[derive(PartialEq)]
pub(crate) struct Level {
    /// Ascending: the node at each place.
    nodes: Vec<u32>,
    adjacency: Adjacency,
    /// The place of each on the level below.
    below: Vec<u32>,
}

impl Graph {
    /// Levels from 1 up as they were grown, of nodes ascending and links that name nodes. A node is on each level
    /// below its highest, and its links go to nodes of their level; links that do not are dropped. `entry` is on the
    /// highest level.
    fn new(entry: u32, bottom: Adjacency, upper: Vec<(Vec<u32>, Adjacency)>) -> Self {
        let mut place = vec![u32::MAX; bottom.offsets.len()];
        let mut levels: Vec<Level> = Vec::with_capacity(upper.len());
        for (nodes, links) in upper {
            place.fill(u32::MAX);
            for (at, &node) in (0u32..).zip(&nodes) {
                place[node as usize] = at;
            }
            let local = |at: usize| {
                let places = links.of(at).iter().map(|&node| place[node as usize]);
                places.filter(|&at| at != u32::MAX).collect()
            };
            let adjacency = Adjacency::new((0..nodes.len()).map(local));
            let below = below(&nodes, levels.last()).unwrap_or_default();
            levels.push(Level { nodes, adjacency, below });
        }
        let entry = levels.last().map_or(entry, |_| place[entry as usize]);
        Self { bottom, upper: levels, entry }
    }

    /// A neighbour of a node on the bottom level: half of the others are about as near, or nearer.
    pub(crate) fn near(&self, node: u32) -> Option<u32> {
        let links = self.bottom.of(node as usize);
        links.get(links.len() / 2).copied()
    }

    /// Bytes that links and levels take.
    pub(crate) fn memory(&self) -> usize {
        let level = |level: &Level| {
            level.adjacency.memory()
                + (level.nodes.capacity() + level.below.capacity()) * size_of::<u32>()
        };
        self.bottom.memory() + self.upper.iter().map(level).sum::<usize>()
    }

    /// Ask for large pages: a walk jumps about.
    pub(crate) fn settle(&mut self) {
        self.bottom.links.shrink_to_fit();
        self.bottom.offsets.shrink_to_fit();
        prag_simd::large_pages(&self.bottom.links);
        prag_simd::large_pages(&self.bottom.offsets);
    }
}

/// The place of each of `nodes` on the level below; nothing where one is not there.
fn below(nodes: &[u32], level: Option<&Level>) -> Option<Vec<u32>> {
    let Some(level) = level else {
        return Some(nodes.to_vec());
    };
    let place = |node: &u32| level.nodes.binary_search(node).ok();
    nodes.iter().map(|node| place(node).and_then(|at| u32::try_from(at).ok())).collect()
}

impl Adjacency {
    fn new(rows: impl Iterator<Item = Vec<u32>>) -> Self {
        let mut adjacency = Self { offsets: vec![0], links: Vec::new() };
        for row in rows {
            adjacency.links.extend(row);
            // At most 2^24 rows of 129 links: below 2^32.
            adjacency.offsets.push(u32::try_from(adjacency.links.len()).unwrap_or(u32::MAX));
        }
        adjacency
    }

    #[inline(always)]
    fn of(&self, node: usize) -> &[u32] {
        &self.links[self.offsets[node] as usize..self.offsets[node + 1] as usize]
    }

    /// Ask for a node's links.
    #[inline(always)]
    fn expect<S: Isa>(&self, isa: S, node: u32) {
        isa.prefetch(self.of(node as usize));
    }

    /// Ask for where a node's links lie.
    #[inline(always)]
    fn expect_offsets<S: Isa>(&self, isa: S, node: u32) {
        isa.prefetch(&self.offsets[node as usize..][..2]);
    }

    fn memory(&self) -> usize {
        (self.offsets.capacity() + self.links.capacity()) * size_of::<u32>()
    }
}
