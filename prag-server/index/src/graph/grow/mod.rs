//! Growing a graph: the seam between builders and what is done to any builder's graph.
//!
//! Layer: index.
//! Holds: which builder, its bounds, what a build needs of memory, and the way to stop it.
//! Never: a search's code: what a build compares are codes of its own.
//! Invariant: whichever builder, the result is numbered and reachable alike.

mod codes;
mod link;
mod lists;
mod own;
mod reference;
mod search;
mod select;
mod watch;

pub(super) use codes::{Codes, Probe};
pub(super) use lists::{Lists, put};
pub(super) use search::Scratch;
pub(super) use select::{nearer, rank, select};
pub use watch::Watch;

use super::Graph;
use super::flatten::flatten;
use super::refine::refine;
use crate::error::IndexError;
use prag_simd::LINE;

/// Which code links a graph's nodes; all else is common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Builder {
    /// Ours: in batches over i8 codes. The same rows give the same graph.
    #[default]
    Own,
    /// `hnsw_rs`, over f32: several times slower, and different from run to run.
    HnswRs,
}

/// What shapes the graph.
pub(crate) struct Growth {
    pub(crate) builder: Builder,
    /// Neighbours per node above the bottom level, where there are twice as many.
    pub(crate) m: usize,
    /// How many candidates a new node chooses them from.
    pub(crate) ef_construction: usize,
    /// Whether the bottom's links are chosen once more.
    pub(crate) refine: bool,
    /// Threads that build.
    pub(crate) threads: usize,
}

impl Growth {
    /// Bytes that [`Builder::Own`] needs beside the rows and what it makes of them: codes, per thread two bits for
    /// every row, and three times the bottom's links: as they are held and chosen again, and who links to whom. (While
    /// nodes go in, their lists are half as long again, and stand alone.)
    pub(crate) fn bytes(&self, rows: u64, dimension: u64) -> u64 {
        let codes = dimension.next_multiple_of(LINE as u64) + 4;
        let links = 4 * (self.m * 2 + 2) as u64;
        // A level has the m-th part of the nodes of the one below: half a bottom in all, at most.
        let row = codes + 3 * links + links / 2 + ORDERS_BYTES;
        rows * row + self.threads as u64 * (rows / 4 + THREAD_BYTES)
    }
}

/// A graph as it was grown, before its nodes are numbered.
pub(super) struct Grown {
    pub(super) bottom: Lists,
    /// Level 1 first.
    pub(super) upper: Vec<GrownLevel>,
}

/// A sparse level: the i-th list is of `nodes[i]`. Nodes ascend.
pub(super) struct GrownLevel {
    pub(super) nodes: Vec<u32>,
    pub(super) lists: Lists,
}

/// Build a graph over `vectors`, at least one, each checked to be of unit length. Answers it with the order in
/// which its nodes are numbered: new ordinal → index into `vectors`.
///
/// # Errors
/// [`IndexError::Rows`], [`IndexError::Params`], [`IndexError::Threads`], [`IndexError::Stopped`].
pub(crate) fn grow(
    vectors: &[&[f32]],
    growth: &Growth,
    watch: &Watch,
) -> Result<(Graph, Vec<u32>), IndexError> {
    let sane = (2..=M_MAX).contains(&growth.m)
        && (growth.m..=EF_CONSTRUCTION_MAX).contains(&growth.ef_construction)
        && (1..=THREADS_MAX).contains(&growth.threads);
    let rows = u32::try_from(vectors.len()).map_err(|_| IndexError::Rows)?;
    if !sane {
        return Err(IndexError::Params);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(growth.threads)
        .build()
        .map_err(|_| IndexError::Threads)?;
    let grown = pool.install(|| {
        let order = match growth.builder {
            Builder::Own => own::shuffled(rows),
            Builder::HnswRs => (0..rows).collect(),
        };
        let codes = Codes::new(vectors, &order);
        let mut grown = match growth.builder {
            Builder::Own => own::insert_all(&codes, growth, watch),
            Builder::HnswRs => reference::insert_all(vectors, growth, watch),
        }?;
        if growth.refine {
            grown.bottom = refine(&codes, grown.bottom, growth, watch)?;
        }
        let (graph, mut places) = flatten(&codes, grown);
        for place in &mut places {
            *place = order[*place as usize];
        }
        Some((graph, places))
    });
    grown.ok_or(IndexError::Stopped)
}

/// `hnsw_rs` ends the process above 256.
const M_MAX: usize = 64;
const EF_CONSTRUCTION_MAX: usize = 4096;
const THREADS_MAX: usize = 1024;
/// A node's number in the order of insertion, in that of the graph, and the way back.
const ORDERS_BYTES: u64 = 12;
/// Candidates of one search, and a batch's links.
const THREAD_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests;
