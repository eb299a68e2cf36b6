//! Walk or scan, from numbers alone.
//!
//! Layer: index.
//! Holds: the constants of that choice, and where they come from.
//! Never: looks at a filter, only at how many rows it allows: equal row sets give equal answers.
//! Invariant: a scan is always possible, so whatever a walk cannot do is answered exactly.

/// Whether a walk of breadth `ef` is the cheaper way to the best of `allowed` rows among `rows`.
pub(super) fn walks(allowed: usize, rows: usize, ef: usize) -> bool {
    allowed > (SCORED + SCORED_PER_EF * ef) * dear(allowed, rows)
}

/// The most rows that a walk may score before a scan would have been the cheaper way all along.
pub(super) fn budget(allowed: usize, rows: usize) -> usize {
    allowed / dear(allowed, rows)
}

/// As how many rows of a scan a row costs that a walk scores.
fn dear(allowed: usize, rows: usize) -> usize {
    DEAR + BRIDGING * rows.saturating_sub(allowed) / rows.max(1)
}

/// How many of the rows that a walk found are scored again by what is kept of them, for the `k` best.
pub(super) fn rescored(k: usize, ef: usize) -> usize {
    (RESCORE_MIN + ef / 4).max(k + k / 4)
}

/// A walk scores about so many rows: 252 at ef 10, 628 at 32, 1,120 at 64, 2,009 at 128, 3,599 at 256. (116,141
/// definitions of WordNet at 384 dimensions, m 16, ef_construction 100.)
const SCORED: usize = 128;
const SCORED_PER_EF: usize = 15;
/// A row that a walk scores costs about as much as six that a scan does, which reads them in order: 0.10 and 0.016 µs
/// over 100,000 such rows. The fewer are allowed, the more a walk looks at that it does not score, and then it costs as
/// much as twelve: 0.24 and 0.018 µs where a tenth is. (Processor time on an EPYC with VNNI.)
const DEAR: usize = 6;
const BRIDGING: usize = 6;
/// With 40 and a quarter of ef, i8 codes cost no recall that was seen against f32.
const RESCORE_MIN: usize = 40;
