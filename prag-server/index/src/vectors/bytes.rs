//! The vectors in bytes.
//!
//! Layer: index.
//! Holds: the layout, codes included, so that opening encodes nothing.
//! Never: a row that is not finite or not of unit length, whatever the bytes say.
//! Invariant: what was read answers as what was written.

use super::codes::Codes;
use super::{Kept, Precision, UNIT_SLACK, Vectors, is_unit};
use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};
use crate::simd::{Kernel, dot, vectorized};
use prag_simd::whole;
use rayon::prelude::*;

impl Vectors {
    /// Dimension, precision, scales, errors (where the codes are not all that is kept), codes, what is kept.
    pub(crate) fn to_bytes(&self, rows: u32) -> Vec<u8> {
        let mut writer = Writer::new(PartName::Vectors, rows);
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
                reader.end().map(|()| kept)
            },
        );
        let kept = kept?;
        let mut vectors = Self { dimension, codes, kept };
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

/// Rows that one thread looks at before it asks for more.
const TASK_ROWS: usize = 1024;
