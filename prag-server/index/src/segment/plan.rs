//! Walk or scan, from numbers alone.
//!
//! Layer: index.
//! Holds: the constants of that choice, and where they come from.
//! Never: looks at a filter, only at how many rows it allows: equal row sets give equal answers.
//! Invariant: a scan is always possible, so whatever a walk cannot do is answered exactly.

/// Whether a walk of breadth `ef` is the cheaper way to the best of `allowed` rows.
pub(super) fn walks(allowed: usize, ef: usize) -> bool {
    allowed > (SCORED + SCORED_PER_EF * ef) * DEAR
}

/// The most rows that a walk may score before a scan would have been the cheaper way all along.
pub(super) fn budget(allowed: usize) -> usize {
    allowed / DEAR
}

/// How many of the rows that a walk found are scored again by what is kept of them, for the `k` best.
pub(super) fn rescored(k: usize, ef: usize) -> usize {
    (RESCORE_MIN + ef / 4).max(k + k / 4)
}

/// A walk scores about so many rows: 252 at ef 10, 628 at 32, 1,120 at 64, 2,009 at 128, 3,599 at 256. (116,141
/// definitions of WordNet at 384 dimensions, m 16, ef_construction 100; the probe's defaults.)
const SCORED: usize = 128;
const SCORED_PER_EF: usize = 15;
/// A row that a walk scores costs about as much as six that a scan does, which reads them in order: 0.21 and 0.035 µs
/// in that same run, on a shared processor.
const DEAR: usize = 6;
/// With 40 and a quarter of ef, i8 codes cost no recall that was seen against f32 (DESIGN 12's prototype).
const RESCORE_MIN: usize = 40;
