//! Walk or scan, from numbers alone.
//!
//! Layer: index.
//! Holds: the constants of that choice, and where they come from.
//! Never: looks at a filter, only at how many rows it allows: equal row sets give equal answers.
//! Invariant: a scan is always possible, so whatever a walk cannot do is answered exactly.

/// Whether a walk of breadth `ef` is the cheaper way to the best of `allowed` among `rows` rows.
pub(super) fn walks(allowed: usize, rows: usize, ef: usize) -> bool {
    if crate::tune::knob(10, 0) > 0 {
        return crate::tune::knob(10, 0) == 1;
    }
    let scored = BASE + PER_EF * ef;
    let dear = if allowed == rows { DEAR } else { DEAR_FILTERED };
    allowed > scored * dear
}

/// The most rows that a walk may score before a scan would have been the cheaper way all along.
pub(super) fn budget(allowed: usize) -> usize {
    allowed / DEAR
}

/// How many of the rows that a walk found are scored again by what is kept of them, for the `k` best.
pub(super) fn rescored(k: usize, ef: usize) -> usize {
    (crate::tune::knob(7, RESCORE_MIN) + ef * crate::tune::knob(8, 4) / 16).max(k + k / 4)
}

const BASE: usize = 400;
const PER_EF: usize = 14;
const DEAR: usize = 4;
const DEAR_FILTERED: usize = 12;
const RESCORE_MIN: usize = 40;
