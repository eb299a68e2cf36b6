//! The second builder: `hnsw_rs` grows a graph, we take it apart.
//!
//! Layer: index.
//! Holds: the only place that knows `hnsw_rs`.
//! Never: its file formats (plaintext), its search, or a parameter that makes it exit the process.
//! Invariant: it sees vectors of unit length only, and distances that are not negative.

use super::lists::Lists;
use super::{Grown, GrownLevel, Growth, Watch};
use crate::simd::{Dot, vectorized};
use anndists::dist::distances::Distance;
use hnsw_rs::hnsw::Hnsw;

/// Link `vectors`. Nothing if the build was stopped.
pub(super) fn insert_all(vectors: &[&[f32]], growth: &Growth, watch: &Watch) -> Option<Grown> {
    let hnsw: Hnsw<'_, f32, Cosine> =
        Hnsw::new(growth.m, vectors.len(), LEVELS, growth.ef_construction, Cosine);
    let rows: Vec<(&[f32], usize)> = vectors.iter().copied().zip(0..).collect();
    // The first rows go in one by one: inserted side by side they would not see each other.
    let (first, rest) = rows.split_at(rows.len().min(SERIAL));
    for row in first {
        hnsw.insert_slice(*row);
    }
    for block in rest.chunks(BLOCK) {
        if watch.stopped() {
            return None;
        }
        hnsw.parallel_insert_slice(&block.to_vec());
        watch.add(block.len());
    }

    let mut levels: Vec<Vec<Vec<u32>>> = vec![Vec::new(); LEVELS];
    let mut nodes: Vec<Vec<u32>> = vec![Vec::new(); LEVELS];
    let points = hnsw.get_point_indexation();
    for level in 0..LEVELS {
        for point in points.get_layer_iterator(level) {
            // A point may hold links on levels above its own, and to points below a link's level;
            // neither is of use.
            let neighbours = point.get_neighborhood_id().into_iter().take(level + 1);
            for (at, neighbours) in (0u8..).zip(neighbours) {
                let there = neighbours.iter().filter(|neighbour| neighbour.p_id.0 >= at);
                let links = there.filter_map(|neighbour| u32::try_from(neighbour.d_id).ok());
                levels[usize::from(at)].push(links.collect());
                nodes[usize::from(at)].push(u32::try_from(point.get_origin_id()).ok()?);
            }
        }
    }
    let mut levels = nodes.into_iter().zip(levels).map(|(nodes, links)| sorted(nodes, links));
    let bottom = levels.next()?.lists;
    let upper = levels.take_while(|level| !level.nodes.is_empty()).collect();
    Some(Grown { bottom, upper })
}

/// A level with its nodes ascending.
fn sorted(nodes: Vec<u32>, links: Vec<Vec<u32>>) -> GrownLevel {
    let mut pairs: Vec<(u32, Vec<u32>)> = nodes.into_iter().zip(links).collect();
    pairs.sort_unstable_by_key(|pair| pair.0);
    // Room for one more, should a node be out of reach.
    let cap = pairs.iter().map(|pair| pair.1.len()).max().unwrap_or(0) + 1;
    let lists = Lists::collect(cap, pairs.iter().map(|pair| pair.1.as_slice()));
    GrownLevel { nodes: pairs.into_iter().map(|pair| pair.0).collect(), lists }
}

/// 1 − cosine of unit vectors, clamped: rounding must not make it negative, since `hnsw_rs`
/// asserts on that.
struct Cosine;

impl Distance<f32> for Cosine {
    fn eval(&self, left: &[f32], right: &[f32]) -> f32 {
        (1.0 - vectorized(Dot(left, right))).max(0.0)
    }
}

/// The most levels that `hnsw_rs` knows.
const LEVELS: usize = 16;
const SERIAL: usize = 64;
/// Rows between two looks at the watch.
const BLOCK: usize = 2048;
