//! One refinement of the bottom level.
//!
//! Layer: index.
//! Holds: relative-neighbourhood pruning over a wider choice than insertion had.
//! Never: more links than the cap.
//! Invariant: a node's links are its own choice; reachability is restored by `flatten`.
//!
//! `hnsw_rs` adds reverse edges without the diversity rule. Choosing again among out, in and
//! two-hop edges halves a walk's time on clustered vectors at equal recall, provided that the links
//! of insertion stay among the candidates: without the far ones of them clusters fall apart.

use super::grow::Grown;
use crate::simd::{Kernel, dot, vectorized};
use rayon::prelude::*;

/// Choose every node's bottom links again, at most `cap` of them.
pub(super) fn refine(vectors: &[&[f32]], grown: &mut Grown, cap: usize) {
    let out: Vec<&[u32]> =
        grown.links.iter().map(|levels| levels.first().map_or(&[][..], Vec::as_slice)).collect();
    let mut incoming: Vec<Vec<u32>> = vec![Vec::new(); out.len()];
    for (node, links) in (0u32..).zip(&out) {
        for &link in *links {
            incoming[link as usize].push(node);
        }
    }
    let chosen: Vec<Vec<u32>> = (0..out.len())
        .into_par_iter()
        .map(|node| {
            let candidates = gather(node, &out, &incoming);
            vectorized(Choose { vectors, node, held: out[node], candidates, cap })
        })
        .collect();
    for (levels, links) in grown.links.iter_mut().zip(chosen) {
        match levels.first_mut() {
            Some(bottom) => *bottom = links,
            None => levels.push(links),
        }
    }
}

fn gather(node: usize, out: &[&[u32]], incoming: &[Vec<u32>]) -> Vec<u32> {
    let near: Vec<u32> = out[node].iter().chain(&incoming[node]).copied().collect();
    let mut all = near.clone();
    for &link in &near {
        all.extend_from_slice(out[link as usize]);
    }
    all.sort_unstable();
    all.dedup();
    all.retain(|&candidate| candidate as usize != node);
    all
}

struct Choose<'a> {
    vectors: &'a [&'a [f32]],
    node: usize,
    /// The links that insertion gave it; the far ones among them hold clusters together.
    held: &'a [u32],
    candidates: Vec<u32>,
    cap: usize,
}

impl Kernel for Choose<'_> {
    type Output = Vec<u32>;

    /// Nearest first, keep a candidate unless a kept one is clearly nearer to it than the node is.
    #[inline(always)]
    fn run(self) -> Vec<u32> {
        let own = self.vectors[self.node];
        let mut near: Vec<(f32, u32)> = self
            .candidates
            .iter()
            .map(|&candidate| (1.0 - dot(own, self.vectors[candidate as usize]), candidate))
            .collect();
        let kept = self.cap * CANDIDATES_PER_LINK;
        if near.len() > kept {
            near.select_nth_unstable_by(kept, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let far = near.split_off(kept);
            near.extend(far.into_iter().filter(|candidate| self.held.contains(&candidate.1)));
        }
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut links: Vec<u32> = Vec::with_capacity(self.cap);
        for (distance, candidate) in near {
            if links.len() == self.cap {
                break;
            }
            let vector = self.vectors[candidate as usize];
            let mut shadowed = false;
            for &link in &links {
                let between = 1.0 - dot(vector, self.vectors[link as usize]);
                if between * SLACK < distance {
                    shadowed = true;
                    break;
                }
            }
            if !shadowed {
                links.push(candidate);
            }
        }
        links
    }
}

/// How much nearer a kept link must be to shadow a candidate; on 1 − cosine.
const SLACK: f32 = 1.1;
const CANDIDATES_PER_LINK: usize = 4;
