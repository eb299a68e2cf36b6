//! Nibbles: what they estimate, and where there are none.

use super::signs::truth;
use super::*;
use prag_simd::{Isa, Kernel, Level, dispatch_at};

/// All estimates of a query, and no less than what a score is but for a few.
struct Estimates<'a> {
    nibbles: &'a Nibbles,
    query: &'a [f32],
    rows: u32,
}

impl Kernel for Estimates<'_> {
    type Output = Vec<(f32, f32)>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Self::Output {
        let mut pitched = Pitched::default();
        pitched.aim(self.nibbles, &Query::new(self.query, self.query.len()).unwrap());
        let rows: Vec<u32> = (0..self.rows).collect();
        let mut scores = vec![0f32; rows.len()];
        self.nibbles.estimates(isa, &pitched, &rows, &mut scores);
        let one = |(row, score): (u32, &f32)| {
            self.nibbles.expect(isa, row);
            let mut alone = [0f32];
            self.nibbles.estimates(isa, &pitched, &[row], &mut alone);
            assert_eq!(alone[0].to_bits(), score.to_bits());
            (*score, self.nibbles.high(&pitched, row, *score))
        };
        (0..).zip(&scores).map(one).collect()
    }
}

fn halved(dimension: usize, precision: Precision, rows: &[Vec<f32>]) -> Vectors {
    let mut vectors = filled(dimension, precision, rows);
    vectors.settle();
    // Made-up rows are far from each other.
    vectors.halve(|row| Some(u32::from(row == 0)));
    vectors
}

fn random(dice: &mut Dice, rows: usize, dimension: usize) -> Vec<Vec<f32>> {
    (0..rows).map(|_| dice.unit(dimension)).collect()
}

/// Estimates are near the scores, hardly one in a hundred above what is allowed for, and the same bits on every
/// instruction set, alone and among others, whatever the length of the query.
#[test]
fn estimates_are_near_and_equal() {
    let mut dice = Dice(71);
    for dimension in [65, 99, 100, 120, 130, 200, 248] {
        let rows = random(&mut dice, 203, dimension);
        let vectors = halved(dimension, Precision::F16, &rows);
        let nibbles = vectors.nibbles().unwrap();
        assert_eq!(nibbles.memory(), 203 * 64 * if dimension <= 120 { 1 } else { 2 });
        for length in [1.0, 0.01, 1000.0, 0.0] {
            let near = dice.near(&rows[7], 0.4);
            let query: Vec<f32> = near.iter().map(|value| value * length).collect();
            let ask = |level| dispatch_at(level, Estimates { nibbles, query: &query, rows: 203 });
            let base = ask(Level::Scalar);
            for level in Level::ALL {
                assert!(ask(level) == base, "{level:?} at {dimension}");
            }
            let scores = truth(&vectors, &query);
            let off =
                base.iter().zip(&scores).map(|((estimate, _), score)| (estimate - score).abs());
            assert!(off.sum::<f32>() <= 203.0 * 0.02 * length, "{dimension}");
            let missed = base.iter().zip(&scores).filter(|((_, high), score)| high < *score);
            assert!(missed.count() <= 2, "{dimension}");
        }
    }
}

/// Where they would take as many lines as codes, or there may be signs, or codes are the row, or more than one row in
/// 16 is rough, there are none.
#[test]
fn some_rows_have_no_nibbles() {
    let mut dice = Dice(72);
    for (dimension, precision) in
        [(256, Precision::F32), (64, Precision::F32), (124, Precision::F16), (100, Precision::I8)]
    {
        let rows = random(&mut dice, 20, dimension);
        assert!(halved(dimension, precision, &rows).nibbles().is_none(), "{dimension}");
    }
    let (rows, center) = (random(&mut dice, 320, 100), dice.unit(100));
    for (close, some) in [(0, true), (20, true), (21, false), (320, false)] {
        let spread = |(at, row): (usize, &Vec<f32>)| match at < close {
            true => dice.near(&center, 0.2),
            false => row.clone(),
        };
        let rows: Vec<Vec<f32>> = rows.iter().enumerate().map(spread).collect();
        let mut vectors = filled(100, Precision::F32, &rows);
        vectors.halve(|row| Some((row + 1) % 20));
        assert_eq!(vectors.nibbles().is_some(), some, "{close}");
    }
}
