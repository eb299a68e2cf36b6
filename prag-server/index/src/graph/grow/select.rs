//! Which of the candidates become neighbours.
//!
//! Layer: index.
//! Holds: Malkov and Yashunin 2018, algorithm 4: near ones, in different directions.
//! Never: the node itself, or one twice: the candidates name neither.
//! Invariant: what is kept does not depend on the order of candidates that are equally far.

use super::codes::Codes;
use prag_simd::Isa;
use std::cmp::Ordering;

/// Keep at most `cap` of `candidates`, nearest first: one that a kept one is nearer to than the node, by the factor
/// `slack`, is left out.
#[inline(always)]
pub(in crate::graph) fn select<S: Isa>(
    isa: S,
    codes: &Codes,
    candidates: impl Iterator<Item = (f32, u32)>,
    (cap, slack): (usize, f32),
    kept: &mut Vec<u32>,
) {
    kept.clear();
    for (distance, candidate) in candidates {
        if kept.len() == cap {
            break;
        }
        let mut shadowed = false;
        for &other in kept.iter() {
            if codes.between(isa, candidate, other) * slack < distance {
                shadowed = true;
                break;
            }
        }
        if !shadowed {
            kept.push(candidate);
        }
    }
}

/// Sort candidates, nearest first.
#[inline(always)]
pub(in crate::graph) fn rank(candidates: &mut [(f32, u32)]) {
    candidates.sort_unstable_by(nearer);
}

/// The nearer is the less, then the lower number.
#[inline(always)]
pub(in crate::graph) fn nearer(left: &(f32, u32), right: &(f32, u32)) -> Ordering {
    left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))
}

/// How much nearer a kept link must be to shadow a candidate; on 1 − cosine. A little keeps more links, and pays.
pub(super) const SLACK: f32 = 1.1;
