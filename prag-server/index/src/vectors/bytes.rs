//! The vectors in bytes.
//!
//! Layer: index.
//! Holds: the layout, codes included, so that opening encodes nothing.
//! Never: a row that is not finite or not of unit length, whatever the bytes say.
//! Invariant: what was read answers as what was written.

use super::codes::Codes;
use super::signs::{self, Signs, Weights};
use super::{Kept, Precision, UNIT_SLACK, Vectors, is_unit};
use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};
use crate::simd::{Kernel, dot, vectorized};
use prag_simd::whole;
use rayon::prelude::*;

impl Vectors {
    /// Dimension, precision, scales, errors (where the codes are not all that is kept), codes, what is kept. With
    /// signs: their mean, and per row o·c, factor and bits.
    pub(crate) fn to_bytes(&self, rows: u32) -> Vec<u8> {
        let mut writer = match &self.signs {
            Some(_) => Writer::signed(rows),
            None => Writer::new(PartName::Vectors, rows),
        };
        writer.number(u32::try_from(self.dimension).unwrap_or(u32::MAX));
        writer.number(match self.precision() {
            Precision::F32 => 0,
            Precision::F16 => 1,
            Precision::I8 => 2,
        });
        writer.floats(self.codes.scales());
        writer.floats(self.codes.errors());
        for row in 0..self.rows() {
            writer.raw(self.codes.codes(row));
        }
        match &self.kept {
            Kept::F32(floats) => writer.floats(floats),
            Kept::F16(halves) => writer.halves(halves),
            Kept::I8 => {}
        }
        if let Some(signs) = &self.signs {
            writer.floats(signs.mean());
            for (bits, Weights { across, factor }) in signs.rows() {
                writer.floats(&[across, factor]);
                writer.raw(bits);
            }
        }
        writer.into_bytes()
    }

    /// # Errors
    /// [`IndexError::Corrupt`], [`IndexError::Format`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, u32), IndexError> {
        let (mut reader, rows) = Reader::new(PartName::Vectors, bytes)?;
        let corrupt = reader.corrupt();
        let dimension = reader.number()? as usize;
        if dimension == 0 || dimension > prag_protocol::limits::DIMENSION_MAX {
            return Err(corrupt);
        }
        let precision = match reader.number()? {
            0 => Precision::F32,
            1 => Precision::F16,
            2 => Precision::I8,
            _ => return Err(corrupt),
        };
        let count = rows as usize;
        let components = dimension.checked_mul(count).ok_or(corrupt)?;
        let rough = precision != Precision::I8;
        let scales = reader.floats(count)?;
        let errors = reader.floats(if rough { count } else { 0 })?;
        let sound = |value: &f32| value.is_finite() && *value >= 0.0;
        if !scales.iter().chain(&errors).all(sound) {
            return Err(corrupt);
        }
        let stored = reader.raw(components)?;
        let (codes, kept) = rayon::join(
            || {
                let mut codes = Codes::new(dimension, count, rough);
                codes.extend(scales, errors, stored);
                codes
            },
            || {
                let kept = match precision {
                    Precision::F32 => Kept::F32(reader.floats(components)?),
                    Precision::F16 => Kept::F16(reader.halves(components)?),
                    Precision::I8 => Kept::I8,
                };
                let signs = match reader.signed() {
                    true => Some(read_signs(&mut reader, dimension, count)?),
                    false => None,
                };
                reader.end().map(|()| (kept, signs))
            },
        );
        let (kept, signs) = kept?;
        let mut vectors = Self { dimension, codes, kept, signs, nibbles: None };
        if !vectors.all_unit() {
            return Err(corrupt);
        }
        vectors.settle();
        Ok((vectors, rows))
    }

    fn all_unit(&self) -> bool {
        let task = self.dimension * TASK_ROWS;
        match &self.kept {
            Kept::F32(floats) => {
                floats.par_chunks(task).all(|rows| rows.chunks_exact(self.dimension).all(is_unit))
            }
            Kept::F16(halves) => halves
                .par_chunks(task)
                .all(|halves| vectorized(AllUnit { halves, dimension: self.dimension })),
            Kept::I8 => {
                let rows = (0..self.rows()).into_par_iter().with_min_len(TASK_ROWS);
                rows.all(|row| self.codes.is_unit(row))
            }
        }
    }
}

/// Signs of `count` rows, as they are stored.
///
/// # Errors
/// [`IndexError::Corrupt`] where the dimension has no signs, or an estimate might not be finite.
fn read_signs(
    reader: &mut Reader<'_>,
    dimension: usize,
    count: usize,
) -> Result<Signs, IndexError> {
    let corrupt = reader.corrupt();
    let mean = reader.floats(dimension)?;
    if !Signs::suit(dimension) || !mean.iter().all(|value| value.abs() <= MEAN_MAX) {
        return Err(corrupt);
    }
    let length = WEIGHTS + signs::bytes(dimension);
    let rows = reader.raw(length.checked_mul(count).ok_or(corrupt)?)?;
    let row = |row: usize| {
        let (weights, bits) = rows[row * length..(row + 1) * length].split_at(WEIGHTS);
        let (weights, _) = weights.as_chunks::<4>();
        let float = |at: usize| f32::from_le_bytes(weights[at]);
        (bits, Weights { across: float(0), factor: float(1) })
    };
    let sound = |at: usize| {
        let (bits, weights) = row(at);
        let spare = bits.last().map_or(0, |last| u32::from(*last) >> ((dimension - 1) % 8 + 1));
        signs::sound(weights) && spare == 0
    };
    if !(0..count).into_par_iter().with_min_len(TASK_ROWS).all(sound) {
        return Err(corrupt);
    }
    let mut signs = Signs::new(mean, count);
    signs.fill(count, row);
    Ok(signs)
}

/// [`is_unit`], row by row.
struct AllUnit<'a> {
    halves: &'a [u16],
    dimension: usize,
}

impl Kernel for AllUnit<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let mut row = vec![0f32; self.dimension];
        self.halves.chunks_exact(self.dimension).all(|halves| {
            for (value, half) in row.iter_mut().zip(halves) {
                *value = whole(*half);
            }
            (dot(&row, &row) - 1.0).abs() <= UNIT_SLACK
        })
    }
}

/// Bytes of the weights of a row's signs: two f32.
const WEIGHTS: usize = 8;
/// No component of a mean of rows of unit length is larger, but for rounding.
const MEAN_MAX: f32 = 2.0;
/// Rows that one thread looks at before it asks for more.
const TASK_ROWS: usize = 1024;
