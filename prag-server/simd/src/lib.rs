//! Inner products, compiled once per instruction set and chosen at run time.
//!
//! Layer: leaf under `prag-index`; depends on `libc` for one hint to the kernel, and on `libmimalloc-sys`.
//! Holds: cache lines of codes and of bits, the instruction sets, the way to run a whole loop with one of them, large
//! pages; and, since it must not be safe code either, the allocator.
//! Never: a read outside of the slices it is given; an instruction that the processor did not say it has.
//! Invariant: every instruction set gives the same integers, and the same bits of every f32.
//!
//! A search runs one [`Kernel`] and thus chooses once, not once per distance: `run` is compiled for each
//! instruction set, with all that it calls (which must be `inline(always)`).

mod allocator;
mod floats;
mod memory;
mod nibbles;
mod ranks;
mod scalar;
mod square;
mod terms;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use allocator::{Allocator, give_back};
pub use floats::{half, whole};
pub use memory::{flatten, large_pages, roomy};
pub use nibbles::{Halves, NIBBLE_BIAS, Pitch, scale};
pub use ranks::{BLOCK, Block, FIT_AHEAD, entry, node, score};
pub use square::{SIDE, Square, halves};
pub use terms::{Terms, tail};

/// The inner product of f32 and f32, to the length of the shorter, as wide as the caller is compiled for.
#[must_use]
#[inline(always)]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    floats::dot(left, right, |value| *value)
}

/// As [`dot`], where each number of `right` is read by `widen`.
#[must_use]
#[inline(always)]
pub fn dot_by<T>(left: &[f32], right: &[T], widen: impl Fn(&T) -> f32) -> f32 {
    floats::dot(left, right, widen)
}

/// 64 codes on a cache line of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Line<T>(pub [T; LINE]);

/// Codes on a line.
pub const LINE: usize = 64;

/// 512 numbers of 4 bits: plane j holds bit j of each.
pub type Planes = [Line<u8>; 4];

/// How far [`Isa::places`] may write behind the last.
pub const PLACES_AHEAD: usize = 16;

/// What a code of a row is moved by: code c, within ±127, is kept as the byte c + 128. VNNI multiplies bytes
/// without sign by bytes with one.
pub const BIAS: u8 = 128;

/// An instruction set. Values are made by [`dispatch`] only, where the processor has it.
pub trait Isa: Copy + sealed::Sealed {
    /// Σ query·(row − [`BIAS`]) over lines of equal count. `bias` is [`bias`] of the query.
    fn dot_codes(self, query: &[Line<i8>], bias: i32, row: &[Line<u8>]) -> i32;

    /// Four such sums, over rows of one length.
    #[inline(always)]
    fn dot_four(self, query: &[Line<i8>], bias: i32, rows: [&[Line<u8>]; 4]) -> [i32; 4] {
        let [a, b, c, d] = rows;
        [
            self.dot_codes(query, bias, a),
            self.dot_codes(query, bias, b),
            self.dot_codes(query, bias, c),
            self.dot_codes(query, bias, d),
        ]
    }

    /// Two such sums over one row.
    #[inline(always)]
    fn dot_two(self, query: [&[Line<i8>]; 2], bias: [i32; 2], row: &[Line<u8>]) -> [i32; 2] {
        [self.dot_codes(query[0], bias[0], row), self.dot_codes(query[1], bias[1], row)]
    }

    /// Σ (left − [`BIAS`])·(right − [`BIAS`]) over lines of equal count.
    fn dot_rows(self, left: &[Line<u8>], right: &[Line<u8>]) -> i32;

    /// Σ 2^j·|row & plane j|, where |…| counts bits, over lines of equal count: the sum of a query's numbers of 4 bits
    /// over the bits that are set in a row. At most 15·512 a line.
    fn sum_bits(self, query: &[Planes], row: &[Line<u8>]) -> u32;

    /// The scores of four rows of one length, at least a line: by [`Terms::score`] of [`Isa::sum_bits`] and [`tail`].
    #[inline(always)]
    fn scores_four(self, query: &[Planes], terms: &Terms, rows: [&[Line<u8>]; 4]) -> [f32; 4] {
        let [a, b, c, d] = rows;
        let score = |row| terms.score(self.sum_bits(query, row), tail(row));
        [score(a), score(b), score(c), score(d)]
    }

    /// For each of `rows` its score, as [`Isa::scores_four`] has it, into `scores`, which is as long. A row is as many
    /// of `lines` as the query has, at least one. Rows are asked for ahead.
    #[inline(always)]
    fn scores(
        self,
        query: &[Planes],
        terms: &Terms,
        lines: &[Line<u8>],
        rows: &[u32],
        scores: &mut [f32],
    ) {
        scalar::scores(self, query, terms, lines, rows, scores);
    }

    /// Σ low·number of the first half + high·number of the second, over lines of equal count, where low and high are
    /// the halves of a row's bytes, 0 to 15.
    fn dot_nibbles(self, query: &[Halves], row: &[Line<u8>]) -> i32;

    /// For each of `rows` its score, by [`Pitch::score`] of [`Isa::dot_nibbles`] and [`scale`], into `scores`, which is
    /// as long. A row is as many of `lines` as the query has, at least one.
    #[inline(always)]
    fn nibble_scores(
        self,
        query: &[Halves],
        pitch: &Pitch,
        lines: &[Line<u8>],
        rows: &[u32],
        scores: &mut [f32],
    ) {
        nibbles::scores(self, query, pitch, lines, rows, scores);
    }

    /// Which bits are set in `words`, ascending, into `places`: room for as many and [`PLACES_AHEAD`] more, since what
    /// is behind the last may be written to.
    #[inline(always)]
    fn places(self, words: &[u64], places: &mut [u32]) {
        scalar::places(words, places);
    }

    /// Bring those of `values` to the front whose score is at least `bar`, in order, and answer how many there are.
    /// What is behind them is any of the values. As many scores as values.
    #[inline(always)]
    fn keep(self, values: &mut [u32], scores: &[f32], bar: f32) -> usize {
        scalar::keep(values, scores, bar, 0, 0)
    }

    /// The entries of those nodes, of as many scores, that are greater than `bar`, in order, into `fit`: room for all
    /// and [`FIT_AHEAD`] more, since what is behind the last may be written to. Answers how many there are.
    #[inline(always)]
    fn fit(self, nodes: &[u32], scores: &[f32], bar: u64, fit: &mut [u64]) -> usize {
        ranks::fit(nodes, scores, bar, fit, 0, 0)
    }

    /// Put `entries` into `blocks`, the greatest of which are first and stay so; as many of the least fall out.
    #[inline(always)]
    fn insert(self, blocks: &mut [Block], entries: &[u64]) {
        ranks::insert(blocks, entries);
    }

    /// The inner product of f32 and f32, to the length of the shorter.
    fn dot_f32(self, left: &[f32], right: &[f32]) -> f32;

    /// The inner product of f32 and f16 (its bits), to the length of the shorter; bit for bit what
    /// [`Isa::dot_f32`] gives for the same numbers.
    fn dot_f16(self, left: &[f32], right: &[u16]) -> f32;

    /// The inner product of f32 and codes, to the length of the shorter; bit for bit what
    /// [`Isa::dot_f32`] gives for the same numbers.
    #[inline(always)]
    fn dot_f32_codes(self, left: &[f32], right: &[u8]) -> f32 {
        floats::dot(left, right, |code| f32::from(*code) - f32::from(BIAS))
    }

    /// Walsh and Hadamard's transform of a square's columns, then of its rows, not scaled; transposed.
    #[inline(always)]
    fn transform(self, square: &mut Square) {
        square::transform(square);
    }

    /// Ask for all of `memory` to be in the cache soon.
    fn prefetch<T>(self, memory: &[T]);
}

/// What [`Isa::dot_codes`] wants to know of a query beside its codes.
#[must_use]
pub fn bias(query: &[Line<i8>]) -> i32 {
    let codes = query.iter().flat_map(|line| line.0);
    codes.map(i32::from).sum::<i32>() * i32::from(BIAS)
}

/// A loop worth compiling for each instruction set. `run` and all it calls must be `inline(always)`.
pub trait Kernel {
    /// What it answers.
    type Output;

    /// The loop.
    fn run<S: Isa>(self, isa: S) -> Self::Output;
}

/// An instruction set by name, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of this architecture has.
    Scalar,
    /// AVX2 with F16C.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// The same with VNNI.
    Vnni,
    /// The same with VPOPCNTDQ and VBMI2.
    Popcnt,
}

impl Level {
    /// All of them, worst first.
    pub const ALL: [Self; 5] = [Self::Scalar, Self::Avx2, Self::Avx512, Self::Vnni, Self::Popcnt];

    /// Whether this processor has it.
    #[must_use]
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Scalar => true,
            Self::Avx2 => x86::has_avx2(),
            Self::Avx512 => x86::has_avx512(),
            Self::Vnni => x86::has_vnni(),
            Self::Popcnt => x86::has_popcnt(),
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Scalar;
    }

    /// The best that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|level| level.available()).unwrap_or(Self::Scalar)
    }
}

/// Run `kernel` with the best instruction set of this processor.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    return x86::dispatch(kernel);
    #[cfg(not(target_arch = "x86_64"))]
    return kernel.run(scalar::Scalar);
}

/// Run `kernel` with `level`, or with what every processor has where this one lacks it.
pub fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    return x86::dispatch_at(level, kernel);
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        kernel.run(scalar::Scalar)
    }
}

mod sealed {
    pub trait Sealed {}
}
