//! Vectors: f32 as given, i8 codes for the first pass, and the exact scan over both.
//!
//! Layer: index.
//! Holds: rows of unit length, their codes, and how far each code may be off.
//! Never: a vector that is not finite.
//! Invariant: the scan is exact: what the codes rule out, their error bound rules out.

use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};
use crate::simd::{Dot, Kernel, dot, dot_codes, vectorized};
use crate::top::{Hit, Mask, Top};

/// The rows of a segment.
pub(crate) struct Vectors {
    dimension: usize,
    floats: Vec<f32>,
    codes: Vec<i8>,
    /// Per row: what one step of its codes is worth.
    scales: Vec<f32>,
    /// Per row: L2 length of the difference between the vector and its codes.
    errors: Vec<f32>,
}

/// A query vector and its codes.
pub(crate) struct Query<'a> {
    floats: &'a [f32],
    codes: Vec<i16>,
    scale: f32,
    error: f32,
    length: f32,
}

impl<'a> Query<'a> {
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub(crate) fn new(floats: &'a [f32], dimension: usize) -> Result<Self, IndexError> {
        check_query(floats, dimension)?;
        let scale = largest(floats) / QUERY_STEPS;
        #[allow(clippy::cast_possible_truncation)] // within ±2047 by the choice of scale
        let code = |value: &f32| {
            if scale > 0.0 { (value / scale).round() as i16 } else { 0 }
        };
        let codes: Vec<i16> = floats.iter().map(code).collect();
        let back = codes.iter().map(|code| f32::from(*code) * scale);
        let error = floats.iter().zip(back).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
        Ok(Self { floats, codes, scale, error, length: dot(floats, floats).sqrt() })
    }
}

impl Vectors {
    /// Take `floats`, row after row. Every row is checked.
    ///
    /// # Errors
    /// [`IndexError::Vector`] names the first row that is not finite or not of unit length.
    pub(crate) fn new(dimension: usize, floats: Vec<f32>) -> Result<Self, IndexError> {
        let rows = floats.len() / dimension.max(1);
        let mut vectors = Self {
            dimension,
            codes: Vec::with_capacity(floats.len()),
            scales: Vec::with_capacity(rows),
            errors: Vec::with_capacity(rows),
            floats: Vec::new(),
        };
        for (row, vector) in floats.chunks_exact(dimension).enumerate() {
            if !is_unit(vector) {
                return Err(IndexError::Vector(row));
            }
            vectors.encode(vector);
        }
        vectors.floats = floats;
        Ok(vectors)
    }

    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    #[inline(always)]
    pub(crate) fn row(&self, ordinal: u32) -> &[f32] {
        let start = ordinal as usize * self.dimension;
        &self.floats[start..start + self.dimension]
    }

    /// The score by codes.
    #[inline(always)]
    pub(crate) fn estimate(&self, query: &Query<'_>, ordinal: u32) -> f32 {
        let row = ordinal as usize;
        let codes = &self.codes[row * self.dimension..(row + 1) * self.dimension];
        #[allow(clippy::cast_precision_loss)] // an estimate; its bound has room for rounding
        let sum = dot_codes(&query.codes, codes) as f32;
        sum * (query.scale * self.scales[row])
    }

    /// The best `k` allowed rows, exactly.
    pub(crate) fn scan(&self, query: &Query<'_>, allowed: &Mask, k: usize) -> Vec<Hit> {
        let ordinals = allowed.ordinals();
        let wanted = k.min(ordinals.len());
        if wanted == 0 {
            return Vec::new();
        }
        if ordinals.len() <= DIRECT_MAX || wanted * 2 > ordinals.len() {
            return self.rescore(query, &ordinals, wanted);
        }
        let bounds = vectorized(Estimates { vectors: self, query, ordinals: &ordinals });
        let mut low: Vec<f32> = bounds.iter().map(|bound| bound.0).collect();
        let (_, bar, _) = low.select_nth_unstable_by(wanted - 1, |a, b| b.total_cmp(a));
        let bar = *bar;
        let candidates: Vec<u32> = ordinals
            .iter()
            .zip(&bounds)
            .filter(|(_, bound)| bound.1 >= bar)
            .map(|(ordinal, _)| *ordinal)
            .collect();
        self.rescore(query, &candidates, wanted)
    }

    /// The best `k` of `ordinals` by their f32 vectors.
    pub(crate) fn rescore(&self, query: &Query<'_>, ordinals: &[u32], k: usize) -> Vec<Hit> {
        exact(self.dimension, &self.floats, query.floats, ordinals, k)
    }

    pub(crate) fn to_bytes(&self, rows: u32) -> Vec<u8> {
        let mut writer = Writer::new(rows);
        writer.number(u32::try_from(self.dimension).unwrap_or(u32::MAX));
        writer.floats(&self.floats);
        writer.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, u32), IndexError> {
        let (mut reader, rows) = Reader::new(PartName::Vectors, bytes)?;
        let corrupt = reader.corrupt();
        let dimension = reader.number()? as usize;
        if dimension == 0 || dimension > prag_protocol::limits::DIMENSION_MAX {
            return Err(corrupt);
        }
        let floats = reader.floats(dimension.checked_mul(rows as usize).ok_or(corrupt)?)?;
        reader.end()?;
        let vectors = Self::new(dimension, floats).map_err(|_| corrupt)?;
        Ok((vectors, rows))
    }

    fn encode(&mut self, vector: &[f32]) {
        let scale = largest(vector) / ROW_STEPS;
        let mut error = 0f32;
        for value in vector {
            let step = (value / scale).round();
            error += (value - step * scale) * (value - step * scale);
            #[allow(clippy::cast_possible_truncation)] // within ±127 by the choice of scale
            self.codes.push(step as i8);
        }
        self.scales.push(scale);
        self.errors.push(error.sqrt());
    }
}

/// The best `k` of `ordinals` among `floats`, by inner product with `query`.
pub(crate) fn exact(
    dimension: usize,
    floats: &[f32],
    query: &[f32],
    ordinals: &[u32],
    k: usize,
) -> Vec<Hit> {
    vectorized(Exact { dimension, floats, query, ordinals, k })
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
    if dot(query, query).is_finite() { Ok(()) } else { Err(IndexError::Query) }
}

struct Exact<'a> {
    dimension: usize,
    floats: &'a [f32],
    query: &'a [f32],
    ordinals: &'a [u32],
    k: usize,
}

impl Kernel for Exact<'_> {
    type Output = Vec<Hit>;
    #[inline(always)]
    fn run(self) -> Vec<Hit> {
        let mut top = Top::new(self.k);
        for &ordinal in self.ordinals {
            let start = ordinal as usize * self.dimension;
            let score = dot(self.query, &self.floats[start..start + self.dimension]);
            top.push(Hit { ordinal, score });
        }
        top.into_hits()
    }
}

struct Estimates<'a> {
    vectors: &'a Vectors,
    query: &'a Query<'a>,
    ordinals: &'a [u32],
}

impl Kernel for Estimates<'_> {
    /// Below and above each row's true score.
    type Output = Vec<(f32, f32)>;

    /// |q·v − q̂·v̂| ≤ ‖q‖‖v − v̂‖ + ‖q − q̂‖‖v̂‖ (Cauchy and Schwarz), plus room for f32 rounding.
    #[inline(always)]
    fn run(self) -> Vec<(f32, f32)> {
        let query = self.query;
        let mut bounds = Vec::with_capacity(self.ordinals.len());
        for &ordinal in self.ordinals {
            let estimate = self.vectors.estimate(query, ordinal);
            let error = self.vectors.errors[ordinal as usize];
            let slack =
                query.length * (error + ROUNDING) + query.error * (1.0 + UNIT_SLACK + error);
            bounds.push((estimate - slack, estimate + slack));
        }
        bounds
    }
}

fn largest(vector: &[f32]) -> f32 {
    vector.iter().fold(0f32, |most, value| most.max(value.abs()))
}

const ROW_STEPS: f32 = 127.0;
const QUERY_STEPS: f32 = 2047.0;
const UNIT_SLACK: f32 = 2e-3;
/// Relative rounding of a sum of up to 4096 products in f32, with room.
const ROUNDING: f32 = 1e-4;
/// Up to so many rows the f32 vectors are scanned at once.
const DIRECT_MAX: usize = 256;

#[cfg(test)]
mod tests;
