//! A query vector and its codes.
//!
//! Layer: index.
//! Holds: 16 bits a component, in two halves of 8: a walk reads the upper, a scan the lower too where the upper does
//! not decide.
//! Never: outlives its search; the memory goes back to the thread.
//! Invariant: step·(256·high + low) is within half a step of each component.

use super::{UNIT_SLACK, check_query, largest};
use crate::error::IndexError;
use crate::scratch::Lent;
use crate::simd::{Dot, Kernel, vectorized};
use prag_simd::{LINE, Line, bias};

/// A query vector of the rows' dimension, whose square is finite.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a>(&'a [f32]);

impl<'a> Target<'a> {
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub(crate) fn new(floats: &'a [f32], dimension: usize) -> Result<Self, IndexError> {
        check_query(floats, dimension)?;
        Ok(Self(floats))
    }

    #[inline(always)]
    pub(crate) fn floats(self) -> &'a [f32] {
        self.0
    }
}

/// A query, coded.
pub(crate) struct Query<'a> {
    target: Target<'a>,
    /// The lines of the upper halves, then those of the lower.
    halves: Lent<Line<i8>>,
    bias: [i32; 2],
    step: f32,
    error: f32,
    /// The same by the upper halves alone.
    error_high: f32,
    length: f32,
}

impl<'a> Query<'a> {
    /// # Errors
    /// [`IndexError::Dimension`], [`IndexError::Query`].
    pub(crate) fn new(floats: &'a [f32], dimension: usize) -> Result<Self, IndexError> {
        Ok(Self::of(Target::new(floats, dimension)?))
    }

    pub(crate) fn of(target: Target<'a>) -> Self {
        let floats = target.floats();
        let lines = floats.len().div_ceil(LINE);
        let mut halves: Lent<Line<i8>> = Lent::default();
        halves.resize(2 * lines, Line([0i8; LINE]));
        let (high, low) = halves.split_at_mut(lines);
        let (step, error, error_high) =
            vectorized(Encode { floats, high: &mut *high, low: &mut *low });
        let bias = [bias(high), bias(low)];
        let length = vectorized(Dot(floats, floats)).sqrt();
        Self { target, halves, bias, step, error, error_high, length }
    }

    #[inline(always)]
    pub(crate) fn target(&self) -> Target<'a> {
        self.target
    }

    #[inline(always)]
    pub(crate) fn floats(&self) -> &'a [f32] {
        self.target.floats()
    }

    #[inline(always)]
    pub(super) fn high(&self) -> &[Line<i8>] {
        &self.halves[..self.halves.len() / 2]
    }

    #[inline(always)]
    pub(super) fn low(&self) -> &[Line<i8>] {
        &self.halves[self.halves.len() / 2..]
    }

    /// What `prag_simd` wants to know of both halves.
    #[inline(always)]
    pub(super) fn bias(&self) -> [i32; 2] {
        self.bias
    }

    /// What a step of a lower half is worth.
    #[inline(always)]
    pub(super) fn step(&self) -> f32 {
        self.step
    }

    /// What a step of an upper half is worth.
    #[inline(always)]
    pub(super) fn step_high(&self) -> f32 {
        self.step * 256.0
    }

    #[inline(always)]
    pub(super) fn length(&self) -> f32 {
        self.length
    }

    /// How far a score by codes may be off, for a row whose codes are off by `error`.
    #[inline(always)]
    pub(super) fn slack(&self, error: f32) -> f32 {
        self.length * (error + ROUNDING) + self.error * (1.0 + UNIT_SLACK + error)
    }

    /// The same for a score by the upper halves.
    #[inline(always)]
    pub(super) fn slack_high(&self, error: f32) -> f32 {
        self.length * (error + ROUNDING) + self.error_high * (1.0 + UNIT_SLACK + error)
    }
}

struct Encode<'a> {
    floats: &'a [f32],
    high: &'a mut [Line<i8>],
    low: &'a mut [Line<i8>],
}

impl Kernel for Encode<'_> {
    /// Step, error, and error of the upper halves.
    type Output = (f32, f32, f32);

    #[inline(always)]
    fn run(self) -> (f32, f32, f32) {
        let step = largest(self.floats) / STEPS;
        let (mut error, mut error_high) = (0f32, 0f32);
        let lines = self.high.iter_mut().zip(self.low);
        for (part, (high, low)) in self.floats.chunks(LINE).zip(lines) {
            for ((value, high), low) in part.iter().zip(&mut high.0).zip(&mut low.0) {
                let steps = if step > 0.0 { (value / step).round_ties_even() } else { 0.0 };
                error += (value - steps * step) * (value - steps * step);
                #[allow(clippy::cast_possible_truncation)] // within ±32,512 by the choice of step
                let steps = steps as i32;
                let upper = (steps + 128) >> 8;
                #[allow(clippy::cast_precision_loss)] // within ±127
                let rest = value - upper as f32 * (256.0 * step);
                error_high += rest * rest;
                #[allow(clippy::cast_possible_truncation)] // within ±127, and −128 to 127
                let split = (upper as i8, (steps - upper * 256) as i8);
                (*high, *low) = split;
            }
        }
        (step, error.sqrt(), error_high.sqrt())
    }
}

/// 127 times 256: the upper half of the largest component is 127.
const STEPS: f32 = 32_512.0;
/// Relative rounding of a sum of up to 4096 products in f32, with room.
const ROUNDING: f32 = 1e-4;
