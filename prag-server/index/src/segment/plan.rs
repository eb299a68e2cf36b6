//! Walk or scan, and how wide, from numbers alone.
//!
//! Layer: index.
//! Holds: the constants of that choice, and where they come from.
//! Never: looks at a filter, only at how many rows it allows: equal row sets give equal answers.
//! Invariant: a scan is always possible, so whatever a walk cannot do is answered, exactly or all but so.

/// What a walk compares rows by.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// A byte a component.
    Codes,
    /// Four bits a component: a row costs less, and as many are scored as by codes.
    Nibbles,
    /// A bit a component: less time a row, and more rows.
    Signs,
}

impl Means {
    /// Whether a walk of `breadth` is the cheaper way to the best of `allowed` rows among `rows`.
    pub(super) fn walks(self, allowed: usize, rows: usize, breadth: usize) -> bool {
        let (scored, per_breadth) = match self {
            Self::Codes | Self::Nibbles => (CODES_SCORED, CODES_SCORED_PER_BREADTH),
            Self::Signs => (SIGNS_SCORED, SIGNS_SCORED_PER_BREADTH),
        };
        allowed > (scored + per_breadth * breadth) * self.dear(allowed, rows)
    }

    /// The most rows that a walk may score before a scan would have been the cheaper way all along; by signs half as
    /// many again, since of walks that begin near that line many go over it, and all their work would be lost. (Half of
    /// 100,000 rows allowed, ef 88: 240 µs instead of 440.)
    pub(super) fn budget(self, allowed: usize, rows: usize) -> usize {
        let even = allowed / self.dear(allowed, rows);
        match self {
            Self::Codes => even,
            Self::Nibbles => 2 * even,
            Self::Signs => even + even / 2,
        }
    }

    /// Whether a scan of `allowed` rows begins with signs or nibbles.
    pub(super) fn sifts(self, allowed: usize) -> bool {
        matches!(self, Self::Signs | Self::Nibbles) && allowed >= SIFTED_MIN
    }

    /// As how many rows of a scan a row costs that a walk scores.
    fn dear(self, allowed: usize, rows: usize) -> usize {
        let (dear, bridging) = match self {
            Self::Codes => (CODES_DEAR, CODES_BRIDGING),
            Self::Nibbles => (NIBBLES_DEAR, NIBBLES_BRIDGING),
            Self::Signs => (SIGNS_DEAR, SIGNS_BRIDGING),
        };
        dear + bridging * rows.saturating_sub(allowed) / rows.max(1)
    }

    /// From how many of the best rows a walk for the `k` best at `ef` goes on, and how many of the rows that it found
    /// are scored again by what is kept of them.
    pub(super) fn breadth(self, k: usize, ef: usize) -> (usize, usize) {
        match self {
            Self::Codes => (ef, (RESCORE_MIN + ef / 4).max(k + k / 4)),
            Self::Nibbles => {
                let breadth = ef + NIBBLES_WIDER + ef / NIBBLES_WIDER_SHARE;
                (breadth, (RESCORE_MIN + ef / 4).max(k + k / 4).max(breadth))
            }
            Self::Signs => {
                let breadth = ef + SIGNS_WIDER.max(k - k / 4);
                (breadth, 2 * breadth)
            }
        }
    }
}

/// A walk by codes scores about so many rows: 252 at ef 10, 628 at 32, 1,120 at 64, 2,009 at 128, 3,599 at 256.
/// (116,141 definitions of WordNet at 384 dimensions, m 16, ef_construction 100.)
const CODES_SCORED: usize = 128;
const CODES_SCORED_PER_BREADTH: usize = 15;
/// A row that a walk scores costs about as much as six that a scan does, which reads them in order: 0.10 and 0.016 µs
/// over 100,000 such rows. The fewer are allowed, the more a walk looks at that it does not score, and then it costs as
/// much as twelve: 0.24 and 0.018 µs where a tenth is. (Processor time on an EPYC with VNNI.)
const CODES_DEAR: usize = 6;
const CODES_BRIDGING: usize = 6;
/// Among 100,000 rows of GloVe, of which a third is allowed, a walk at ef 80 takes as long as the scan that begins with
/// nibbles, and one in some goes over what it may score: so walks end at ef 58 there, and where a half is at 120.
const NIBBLES_DEAR: usize = 6;
const NIBBLES_BRIDGING: usize = 36;
/// With 40 and a quarter of ef, i8 codes cost no recall that was seen against f32.
const RESCORE_MIN: usize = 40;
/// By so much, and a sixteenth, a walk by nibbles is wider, to find what one by codes does at the same `ef`: on one
/// graph of 100,000 rows of GloVe 0.8349 instead of 0.8386 was found at 24, 0.8953 instead of 0.9015 at 48, 0.9809
/// instead of 0.9831 at 256. All that it went on from are scored by what is kept, where the bound allows.
const NIBBLES_WIDER: usize = 2;
const NIBBLES_WIDER_SHARE: usize = 16;
/// A walk by signs scores 1,003 rows at breadth 44, 1,808 at 100, 2,023 at 116 (100,000 definitions); with a filter, so
/// many at most.
const SIGNS_SCORED: usize = 400;
const SIGNS_SCORED_PER_BREADTH: usize = 18;
/// A row that is scored by its signs costs as much as ten that a scan by signs reads: 0.05 and 0.005 µs. The fewer are
/// allowed, the more a walk looks at without a score: 0.10 µs where a half is, 0.13 where a fifth is. So among 100,000
/// a walk at ef 24 begins with 25,000 allowed rows, at ef 88 with 45,000.
const SIGNS_DEAR: usize = 10;
const SIGNS_BRIDGING: usize = 20;
/// Of 500 rows a scan by signs takes 0.93 of the time of one by codes, of 1,200 it takes 0.76, of 10,000 a quarter, all
/// on a busy machine; codes are exact.
const SIFTED_MIN: usize = 1024;
/// By so much, or three quarters of `k`, a walk by signs is wider, to find what one by codes does at the same `ef`:
/// estimates are off by about 0.035, so the best are to be looked for further down. For the same reason twice as many
/// are scored by what is kept: in 40 clusters of 200 rows each, where rows lie closer than that, 8 in 100 are missed
/// without, 3 with.
const SIGNS_WIDER: usize = 10;
