//! Vectors: what is kept of them, i8 codes for the first pass, signs for a walk's and for long scans, and these scans.
//!
//! Layer: index.
//! Holds: rows of unit length in the precision that was chosen, and their codes.
//! Never: a vector that is not finite.
//! Invariant: scores are exact over what is kept: f32 as given, f16 rounded once, or the codes themselves.

mod bytes;
mod codes;
mod nibbles;
mod query;
mod rotate;
mod scan;
mod sift;
mod signs;
mod sought;
#[cfg(test)]
mod tests;

pub(crate) use codes::largest;
pub(crate) use nibbles::{Nibbles, Pitched};
pub(crate) use query::{Query, Target};
pub(crate) use signs::Signs;
pub(crate) use sought::Sought;

use crate::error::IndexError;
use crate::simd::{Dot, vectorized};
use crate::top::{Hit, Mask};
use codes::Codes;
use prag_simd::{Isa, half, whole};
use sift::By;

/// What is kept of a vector beside the codes of the first pass, which take a byte a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Four bytes a component: the vector as it came.
    F32,
    /// Two bytes a component: each rounded to 11 bits.
    #[default]
    F16,
    /// Nothing: the codes, 8 bits a component, are the vector.
    I8,
}

/// Rows of one dimension.
pub(crate) struct Vectors {
    dimension: usize,
    codes: Codes,
    kept: Kept,
    /// Where walks go by them.
    signs: Option<Signs>,
    /// Where walks go by these.
    nibbles: Option<Nibbles>,
}

enum Kept {
    F32(Vec<f32>),
    F16(Vec<u16>),
    I8,
}

impl Vectors {
    /// No rows yet, room for `rows`. `dimension` is at least one.
    pub(crate) fn new(dimension: usize, precision: Precision, rows: usize) -> Self {
        let kept = match precision {
            Precision::F32 => Kept::F32(prag_simd::roomy(rows * dimension)),
            Precision::F16 => Kept::F16(prag_simd::roomy(rows * dimension)),
            Precision::I8 => Kept::I8,
        };
        let codes = Codes::new(dimension, rows, precision != Precision::I8);
        Self { dimension, codes, kept, signs: None, nibbles: None }
    }

    /// Add a row that was checked by [`is_unit`].
    pub(crate) fn push(&mut self, vector: &[f32]) {
        match &mut self.kept {
            Kept::F32(floats) => {
                floats.extend_from_slice(vector);
                self.codes.push(vector);
            }
            Kept::F16(halves) => {
                let start = halves.len();
                halves.extend(vector.iter().map(|value| half(*value)));
                let rounded: Vec<f32> = halves[start..].iter().map(|value| whole(*value)).collect();
                self.codes.push(&rounded);
            }
            Kept::I8 => self.codes.push(vector),
        }
    }

    /// Take the signs of all rows, if they suit the dimension; not where codes are all that is kept, to save memory. No
    /// row may come behind.
    pub(crate) fn sign(&mut self) {
        if !Signs::suit(self.dimension) || matches!(self.kept, Kept::I8) {
            return;
        }
        let rows = || (0..).map_while(|ordinal| self.vector(ordinal));
        let mut sums = vec![0f64; self.dimension];
        for row in rows() {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        // a mean of 2^24 rows
        let mean = sums.into_iter().map(|sum| (sum / self.rows() as f64) as f32).collect();
        let mut signs = Signs::new(mean, self.rows());
        for row in rows() {
            signs.push(&row);
        }
        self.signs = Some(signs);
    }

    /// Make nibbles of all codes, if they suit; not of a dimension that may have signs, nor where codes are all that is
    /// kept, to save memory. `near`: a row that is as near to one as its neighbours in a graph are. No row may come
    /// behind.
    pub(crate) fn halve(&mut self, near: impl Fn(u32) -> Option<u32>) {
        if !Signs::suit(self.dimension) && !matches!(self.kept, Kept::I8) {
            self.nibbles = Nibbles::of(&self.codes, self.dimension, near);
        }
    }

    pub(crate) fn nibbles(&self) -> Option<&Nibbles> {
        self.nibbles.as_ref()
    }

    pub(crate) fn signs(&self) -> Option<&Signs> {
        self.signs.as_ref()
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    pub(crate) fn precision(&self) -> Precision {
        match self.kept {
            Kept::F32(_) => Precision::F32,
            Kept::F16(_) => Precision::F16,
            Kept::I8 => Precision::I8,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.codes.rows()
    }

    /// A row as it is kept.
    pub(crate) fn vector(&self, ordinal: u32) -> Option<Vec<f32>> {
        let row = ordinal as usize;
        (row < self.rows()).then(|| {
            let range = row * self.dimension..(row + 1) * self.dimension;
            match &self.kept {
                Kept::F32(floats) => floats[range].to_vec(),
                Kept::F16(halves) => halves[range].iter().map(|value| whole(*value)).collect(),
                Kept::I8 => self.codes.decode(row),
            }
        })
    }

    /// A row where rows are kept as they came ([`Precision::F32`]).
    #[inline(always)]
    pub(crate) fn floats(&self, ordinal: u32) -> Option<&[f32]> {
        let start = ordinal as usize * self.dimension;
        match &self.kept {
            Kept::F32(floats) => floats.get(start..start + self.dimension),
            Kept::F16(_) | Kept::I8 => None,
        }
    }

    /// The best `k` allowed rows, exactly.
    pub(crate) fn scan(&self, query: &Query<'_>, allowed: &Mask, k: usize) -> Vec<Hit> {
        scan::scan(self, query, allowed, k)
    }

    /// All but about one in a thousand of the best `k` allowed rows, by signs or nibbles where there are any and enough
    /// rows.
    pub(crate) fn sift(&self, query: &Query<'_>, allowed: &Mask, k: usize) -> Vec<Hit> {
        let by = self.signs.as_ref().map(By::Signs);
        match by.or(self.nibbles.as_ref().map(By::Nibbles)) {
            Some(by) if k > 0 && 2 * k <= allowed.len() => sift::sift(self, by, query, allowed, k),
            _ => self.scan(query, allowed, k),
        }
    }

    /// Bytes of what is kept beside the codes, and of the codes with their scales and errors, signs included.
    pub(crate) fn memory(&self) -> [usize; 2] {
        let kept = match &self.kept {
            Kept::F32(floats) => floats.capacity() * size_of::<f32>(),
            Kept::F16(halves) => halves.capacity() * size_of::<u16>(),
            Kept::I8 => 0,
        };
        let signs = self.signs.as_ref().map_or(0, Signs::memory);
        let nibbles = self.nibbles.as_ref().map_or(0, Nibbles::memory);
        [kept, self.codes.memory() + signs + nibbles]
    }

    /// No row comes any more: ask for large pages, which spare a walk most of its address translations.
    pub(crate) fn settle(&mut self) {
        match &mut self.kept {
            Kept::F32(floats) => {
                floats.shrink_to_fit();
                prag_simd::large_pages(floats);
            }
            Kept::F16(halves) => {
                halves.shrink_to_fit();
                prag_simd::large_pages(halves);
            }
            Kept::I8 => {}
        }
        self.codes.settle();
        if let Some(signs) = &mut self.signs {
            signs.settle();
        }
    }

    /// The score by codes.
    #[inline(always)]
    pub(crate) fn estimate<S: Isa>(&self, isa: S, query: &Query<'_>, ordinal: u32) -> f32 {
        self.codes.estimate(isa, query, ordinal as usize)
    }

    /// Four of [`Vectors::estimate`].
    #[inline(always)]
    pub(crate) fn estimates<S: Isa>(
        &self,
        isa: S,
        query: &Query<'_>,
        ordinals: [u32; 4],
    ) -> [f32; 4] {
        self.codes.estimates(isa, query, ordinals)
    }

    /// Ask for what [`Vectors::estimate`] reads.
    #[inline(always)]
    pub(crate) fn expect<S: Isa>(&self, isa: S, ordinal: u32) {
        self.codes.expect(isa, ordinal as usize);
    }

    /// The score by what is kept.
    #[inline(always)]
    pub(crate) fn exact<S: Isa>(&self, isa: S, target: Target<'_>, ordinal: u32) -> f32 {
        let start = ordinal as usize * self.dimension;
        let range = start..start + self.dimension;
        match &self.kept {
            Kept::F32(floats) => isa.dot_f32(target.floats(), &floats[range]),
            Kept::F16(halves) => isa.dot_f16(target.floats(), &halves[range]),
            Kept::I8 => self.codes.exact(isa, target.floats(), ordinal as usize),
        }
    }

    /// Ask for what [`Vectors::exact`] reads.
    #[inline(always)]
    pub(crate) fn expect_exact<S: Isa>(&self, isa: S, ordinal: u32) {
        let start = ordinal as usize * self.dimension;
        let range = start..start + self.dimension;
        match &self.kept {
            Kept::F32(floats) => isa.prefetch(&floats[range]),
            Kept::F16(halves) => isa.prefetch(&halves[range]),
            Kept::I8 => self.codes.expect(isa, ordinal as usize),
        }
    }
}

/// Whether `vector` is finite and of unit length, to three digits.
pub(crate) fn is_unit(vector: &[f32]) -> bool {
    let square = vectorized(Dot(vector, vector));
    (square - 1.0).abs() <= UNIT_SLACK
}

/// # Errors
/// [`IndexError::Dimension`], [`IndexError::Query`].
pub(crate) fn check_query(query: &[f32], dimension: usize) -> Result<(), IndexError> {
    if query.len() != dimension {
        return Err(IndexError::Dimension { expected: dimension, found: query.len() });
    }
    if vectorized(Dot(query, query)).is_finite() { Ok(()) } else { Err(IndexError::Query) }
}

const UNIT_SLACK: f32 = 2e-3;
