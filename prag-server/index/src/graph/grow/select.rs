//! Which of the candidates become neighbours.
//!
//! Layer: index.
//! Holds: Malkov and Yashunin 2018, algorithm 4: near ones, in different directions.
//! Never: the node itself, or one twice: the candidates name neither.
//! Invariant: what is kept does not depend on the order of candidates that are equally far.

use super::codes::Codes;
use prag_simd::Isa;

/// Keep at most `cap` of `candidates`, nearest first: one that a kept one is nearer to than the node, by the factor
/// `slack`, is left out.
#[inline(always)]
pub(in crate::graph) fn select<S: Isa>(
    isa: S,
    codes: &Codes,
    candidates: impl Iterator<Item = (f32, u32)>,
    cap: usize,
    slack: f32,
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

/// Nearest first, then by number.
#[inline(always)]
pub(in crate::graph) fn rank(candidates: &mut [(f32, u32)]) {
    candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
}
