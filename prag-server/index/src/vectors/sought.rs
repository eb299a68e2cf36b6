//! A query as walks and scans by signs want it.
//!
//! Layer: index.
//! Holds: what is left of it without the mean, rotated, 4 or 3 bits a component in planes.
//! Never: outlives its search with what is in it: it is written anew each time.
//! Invariant: low + step·level is within half a step of each component.

use super::signs::Signs;
use prag_simd::{Isa, LINE, Line, Planes, Terms};

/// A query, rotated and coded.
#[derive(Default)]
pub(crate) struct Sought {
    rotated: Vec<f32>,
    levels: Vec<[u8; PLANE_BITS]>,
    planes: Vec<Planes>,
    /// Twice what a level is worth, twice the least component, and less the sum of all: Σ sign·q = 2 Σ over set bits
    /// − Σ q; as base q·c − c·c.
    terms: Terms,
}

impl Sought {
    /// Make `query`, which is finite, ready to be compared with the rows of `signs`. Inline: fast within a kernel.
    #[inline(always)]
    pub(crate) fn aim<S: Isa>(&mut self, isa: S, signs: &Signs, query: &[f32]) {
        self.aim_in(isa, signs, query, STEPS);
    }

    /// The same with 3 bits a component, so that the last plane is empty: a fifth less to count, and estimates are off
    /// by 6 % more.
    #[inline(always)]
    pub(super) fn aim_roughly<S: Isa>(&mut self, isa: S, signs: &Signs, query: &[f32]) {
        self.aim_in(isa, signs, query, STEPS_ROUGH);
    }

    #[inline(always)]
    fn aim_in<S: Isa>(&mut self, isa: S, signs: &Signs, query: &[f32], steps: f32) {
        let mean = signs.mean();
        self.rotated.clear();
        self.rotated.extend(query.iter().zip(mean).map(|(q, c)| q - c));
        let base = prag_simd::dot(&self.rotated, mean);
        signs.rotation().apply(isa, &mut self.rotated);
        let (low, high) = ends(&self.rotated);
        let step = (high - low) / steps;
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        self.levels.clear();
        self.levels.resize(signs.stride(), [0; PLANE_BITS]);
        for (values, levels) in self.rotated.chunks(PLANE_BITS).zip(&mut self.levels) {
            for (value, level) in values.iter().zip(levels) {
                #[allow(clippy::cast_possible_truncation)]
                // 0 to `steps` by the choice of step, and saturating
                let rounded = ((value - low) * inverse + 0.5) as i32;
                *level = (rounded & 15).to_le_bytes()[0];
            }
        }
        self.planes.clear();
        self.planes.extend(self.levels.iter().map(planes));
        // Of the levels, not of what they stand for: so rounding adds up to no more where it has the row's signs.
        let levels: u32 = self.levels.as_flattened().iter().map(|level| u32::from(*level)).sum();
        #[allow(clippy::cast_precision_loss)] // at most 15·4096
        let sum = -(self.rotated.len() as f32 * low + levels as f32 * step);
        self.terms = Terms { step: 2.0 * step, low: 2.0 * low, sum, base, ..Terms::default() };
    }

    /// As [`Sought::terms`], with what an estimate may be too low added: less than one score in 700 is higher.
    ///
    /// What is not along a row's direction, its signs do not tell: q's share of it is off by a number of about normal
    /// distribution, whose deviation is the row's factor times ‖q − c‖ √(1 − 2/π); and the levels of q are off by one
    /// of the factor times their step times √(D / 12). (Theorem 3.2 there, whose authors allow for 1.9 deviations.)
    #[inline(always)]
    pub(crate) fn highest(&self, signs: &Signs) -> Terms {
        let length = |values: &[f32]| prag_simd::dot(values, values).sqrt();
        let rest = length(&self.rotated);
        #[allow(clippy::cast_precision_loss)] // at most 4096
        let levels = 0.5 * self.terms.step * (self.rotated.len() as f32 / 12.0).sqrt();
        // Formed so that nothing is much greater than the query's length, of which no more is known than that its
        // square is finite.
        let share = if rest > 0.0 { levels / rest } else { 0.0 };
        let deviation = rest * (ACROSS + share * share).sqrt();
        let slack = ROUNDING * (rest + length(signs.mean()));
        Terms { doubt: DEVIATIONS * deviation, slack, ..self.terms }
    }

    #[inline(always)]
    pub(super) fn planes(&self) -> &[Planes] {
        &self.planes
    }

    #[inline(always)]
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// The least and the greatest.
#[inline(always)]
fn ends(values: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([f32::MAX; LANES], [f32::MIN; LANES]);
    for values in values.chunks(LANES) {
        for ((value, low), high) in values.iter().zip(&mut low).zip(&mut high) {
            *low = if *value < *low { *value } else { *low };
            *high = if *value > *high { *value } else { *high };
        }
    }
    (low.into_iter().fold(f32::MAX, f32::min), high.into_iter().fold(f32::MIN, f32::max))
}

/// Bit j of each level in plane j.
#[inline(always)]
fn planes(levels: &[u8; PLANE_BITS]) -> Planes {
    let (eights, _) = levels.as_chunks::<8>();
    let mut planes = [Line([0u8; LINE]); 4];
    for (at, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        for (number, plane) in planes.iter_mut().enumerate() {
            // The product brings the lowest bit of byte i to bit 56 + i, without a carry.
            let gathered = (eight >> number & EACH_BYTE).wrapping_mul(TO_THE_TOP) >> 56;
            plane.0[at] = gathered.to_le_bytes()[0];
        }
    }
    planes
}

/// A level is 0 to 15,
const STEPS: f32 = 15.0;
/// or 0 to 7.
const STEPS_ROUGH: f32 = 7.0;
/// As many standard deviations are allowed for. With levels of 4 bits 0.9970 of the best ten of 10,000 definitions of
/// WordNet were found with 2, 0.9998 with 2.5 and 0.9999 with 3, half a deviation for 2 or 3 of 70 µs.
const DEVIATIONS: f32 = 3.0;
/// 1 − 2/π
const ACROSS: f32 = 1.0 - std::f32::consts::FRAC_2_PI;
/// Relative rounding of sums of up to 4096 products in f32, with room.
const ROUNDING: f32 = 1e-4;
const LANES: usize = 16;
/// Components that fit on a line of bits.
const PLANE_BITS: usize = LINE * 8;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const TO_THE_TOP: u64 = 0x0102_0408_1020_4080;
