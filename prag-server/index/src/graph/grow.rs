//! Growing a graph: `hnsw_rs` builds it, we take it apart.
//!
//! Layer: index.
//! Holds: the only place that knows `hnsw_rs`.
//! Never: its file formats (plaintext), its search, or a parameter that makes it exit the process.
//! Invariant: it sees vectors of unit length only, and distances that are not negative.

use super::Graph;
use super::flatten::flatten;
use super::refine::refine;
use crate::error::IndexError;
use crate::simd::{Dot, vectorized};
use anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

/// What shapes the graph.
pub(crate) struct Growth {
    /// Neighbours per node above the bottom level, where there are twice as many.
    pub(crate) m: usize,
    /// How many candidates a new node chooses them from.
    pub(crate) ef_construction: usize,
    /// Threads that build.
    pub(crate) threads: usize,
}

/// Neighbours as they were grown: per node, per level from 0, the nodes it links to.
pub(crate) struct Grown {
    pub(crate) links: Vec<Vec<Vec<u32>>>,
}

/// Build a graph over `vectors`, each checked to be of unit length. Answers it with the order in
/// which its nodes are numbered: new ordinal → index into `vectors`.
///
/// # Errors
/// [`IndexError::Params`], [`IndexError::Threads`].
pub(crate) fn grow(vectors: &[&[f32]], growth: &Growth) -> Result<(Graph, Vec<u32>), IndexError> {
    let sane = (2..=M_MAX).contains(&growth.m)
        && (growth.m..=EF_CONSTRUCTION_MAX).contains(&growth.ef_construction)
        && (1..=THREADS_MAX).contains(&growth.threads);
    if !sane {
        return Err(IndexError::Params);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(growth.threads)
        .build()
        .map_err(|_| IndexError::Threads)?;
    Ok(pool.install(|| {
        let mut grown = insert_all(vectors, growth);
        refine(vectors, &mut grown, growth.m * 2);
        flatten(vectors, grown)
    }))
}

fn insert_all(vectors: &[&[f32]], growth: &Growth) -> Grown {
    let hnsw: Hnsw<'_, f32, Cosine> =
        Hnsw::new(growth.m, vectors.len(), LEVELS, growth.ef_construction, Cosine);
    let rows: Vec<(&[f32], usize)> = vectors.iter().copied().zip(0..).collect();
    // The first rows go in one by one: inserted side by side they would not see each other.
    let (first, rest) = rows.split_at(rows.len().min(SERIAL));
    for row in first {
        hnsw.insert_slice(*row);
    }
    hnsw.parallel_insert_slice(&rest.to_vec());

    let mut links: Vec<Vec<Vec<u32>>> = vec![Vec::new(); vectors.len()];
    let points = hnsw.get_point_indexation();
    for level in 0..LEVELS {
        for point in points.get_layer_iterator(level) {
            // A point may hold links on levels above its own, and to points below a link's level;
            // neither is of use.
            let levels = point.get_neighborhood_id().into_iter().take(level + 1);
            links[point.get_origin_id()] = (0u8..)
                .zip(levels)
                .map(|(at, neighbours)| {
                    let there = neighbours.iter().filter(|neighbour| neighbour.p_id.0 >= at);
                    there.filter_map(|neighbour| u32::try_from(neighbour.d_id).ok()).collect()
                })
                .collect();
        }
    }
    Grown { links }
}

/// 1 − cosine of unit vectors, clamped: rounding must not make it negative, since `hnsw_rs`
/// asserts on that.
pub(super) fn distance(left: &[f32], right: &[f32]) -> f32 {
    (1.0 - vectorized(Dot(left, right))).max(0.0)
}

struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, left: &[f32], right: &[f32]) -> f32 {
        distance(left, right)
    }
}

/// `hnsw_rs` ends the process above 256.
const M_MAX: usize = 64;
const EF_CONSTRUCTION_MAX: usize = 4096;
const THREADS_MAX: usize = 1024;
/// The most levels that `hnsw_rs` knows.
const LEVELS: usize = 16;
const SERIAL: usize = 64;
