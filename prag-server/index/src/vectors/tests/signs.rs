//! Signs: what they estimate, and how they are stored.

use super::*;
use prag_simd::{Isa, Kernel, Level, dispatch_at};

fn estimate<S: Isa>(signs: &Signs, isa: S, query: &Sought, row: u32) -> f32 {
    let mut score = [0f32];
    signs.estimates(isa, query, &[row], &mut score);
    score[0]
}

/// All estimates of a query, one at a time and several at once.
struct Estimates<'a> {
    signs: &'a Signs,
    query: &'a [f32],
    rows: u32,
}

impl Kernel for Estimates<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<f32> {
        let mut sought = Sought::default();
        sought.aim(isa, self.signs, self.query);
        let one = |row| estimate(self.signs, isa, &sought, row);
        let several = |row: u32| {
            self.signs.expect(isa, row);
            let mut scores = [0f32; 5];
            let rows = [row, 0, row, self.rows - 1, row];
            self.signs.estimates(isa, &sought, &rows, &mut scores);
            assert_eq!(scores[2].to_bits(), scores[4].to_bits());
            scores[2]
        };
        (0..self.rows).map(one).chain((0..self.rows).map(several)).collect()
    }
}

pub(super) fn signed(dimension: usize, precision: Precision, rows: &[Vec<f32>]) -> Vectors {
    let mut vectors = filled(dimension, precision, rows);
    vectors.sign();
    vectors.settle();
    vectors
}

fn estimates(vectors: &Vectors, query: &[f32], level: Level) -> Vec<f32> {
    let rows = u32::try_from(vectors.rows()).unwrap();
    dispatch_at(level, Estimates { signs: vectors.signs().unwrap(), query, rows })
}

/// Of each row what a scan estimates, and that with what it may be too low added.
pub(super) fn bounds(vectors: &Vectors, query: &[f32], level: Level) -> Vec<(f32, f32)> {
    dispatch_at(level, Bounds { signs: vectors.signs().unwrap(), query })
}

/// How far each row's estimate is below its score, and how far it may be.
pub(super) fn doubts(vectors: &Vectors, query: &[f32]) -> Vec<(f32, f32)> {
    let all = truth(vectors, query).into_iter().zip(bounds(vectors, query, Level::best()));
    all.map(|(score, (estimate, high))| (score - estimate, high - estimate)).collect()
}

struct Bounds<'a> {
    signs: &'a Signs,
    query: &'a [f32],
}

impl Kernel for Bounds<'_> {
    type Output = Vec<(f32, f32)>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<(f32, f32)> {
        let mut sought = Sought::default();
        sought.aim_roughly(isa, self.signs, self.query);
        let rows: Vec<u32> = (0..mask_rows(self.signs.rows().count())).collect();
        let mut highs = vec![0.0; rows.len()];
        self.signs.highs(isa, &sought, &rows, &mut highs);
        rows.iter().map(|row| estimate(self.signs, isa, &sought, *row)).zip(highs).collect()
    }
}

/// Scores in f64.
pub(super) fn truth(vectors: &Vectors, query: &[f32]) -> Vec<f32> {
    let row = |row| vectors.vector(row);
    let dot = |row: Vec<f32>| {
        row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    (0..).map_while(row).map(|row| dot(row) as f32).collect()
}

fn off(vectors: &Vectors, query: &[f32]) -> f64 {
    let squares = estimates(vectors, query, Level::best())
        .into_iter()
        .zip(truth(vectors, query))
        .map(|(estimate, score)| f64::from(estimate - score).powi(2));
    (squares.sum::<f64>() / vectors.rows() as f64).sqrt()
}

/// An estimate is off by what theory says (0.76 over √D, times the lengths without the mean; a little more for the four
/// bits of the query), in every dimension, one that is no multiple of eight too, and by less where rows lie close.
#[test]
fn estimates_are_as_good_as_theory_says() {
    for dimension in [256, 300, 384, 417, 768, 1023, 1024] {
        let mut dice = Dice(31);
        let center = dice.unit(dimension);
        for (spread, length) in [(0.4, 0.38), (3.0, 0.95)] {
            let rows: Vec<Vec<f32>> = (0..400).map(|_| dice.near(&center, spread)).collect();
            let vectors = signed(dimension, Precision::F16, &rows);
            let query = dice.near(&center, spread);
            let theory = 0.76 / (dimension as f64).sqrt() * length * length;
            let off = off(&vectors, &query);
            assert!(off < 1.25 * theory && off > 0.7 * theory, "{off} for {theory} at {dimension}");
        }
    }
}

/// What one component holds is spread over all before signs are taken: estimates of rows with one, two or four
/// components that are not zero are no worse than those of dense ones, and those of equal rows are exact.
#[test]
fn sparse_and_equal_rows_are_estimated() {
    let mut dice = Dice(32);
    for dimension in [256usize, 384, 500] {
        for filled in [1, 2, 4] {
            let mut sparse = || {
                let mut row = vec![0f32; dimension];
                while row.iter().filter(|value| **value != 0.0).count() < filled {
                    row[dice.below(dimension as u64) as usize] = 1.0 / (filled as f32).sqrt();
                }
                row
            };
            let rows: Vec<Vec<f32>> = (0..500).map(|_| sparse()).collect();
            let vectors = signed(dimension, Precision::F32, &rows);
            for query in [sparse(), rows[0].clone()] {
                let off = off(&vectors, &query);
                assert!(
                    off < 1.25 * 0.76 / (dimension as f64).sqrt(),
                    "{off} at {dimension}, {filled}"
                );
            }
        }
        let equal = signed(dimension, Precision::F16, &vec![dice.unit(dimension); 40]);
        for query in [dice.unit(dimension), equal.vector(0).unwrap(), vec![0.0; dimension]] {
            let off = off(&equal, &query);
            assert!(off < 1e-3, "{off} at {dimension}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Every instruction set gives the same bits of every estimate, four at once as one at a time; they are finite for
    /// queries of every length, and survive being stored.
    #[test]
    fn estimates_do_not_depend_on_the_machine(
        seed in any::<u64>(), dimension in 256usize..700, count in 1usize..40, power in -40i32..18,
    ) {
        let mut dice = Dice(seed);
        let rows: Vec<Vec<f32>> = (0..count).map(|_| dice.unit(dimension)).collect();
        let query: Vec<f32> = dice.unit(dimension).iter().map(|value| value * 10f32.powi(power)).collect();
        for precision in [Precision::F32, Precision::F16] {
            let vectors = signed(dimension, precision, &rows);
            let first = estimates(&vectors, &query, Level::Scalar);
            prop_assert!(first.iter().all(|estimate| estimate.is_finite()));
            prop_assert_eq!(&first[..count], &first[count..]);
            let bytes = vectors.to_bytes(mask_rows(count));
            let (read, _) = Vectors::from_bytes(&bytes).unwrap();
            prop_assert!(read.to_bytes(mask_rows(count)) == bytes);
            let pairs = bounds(&read, &query, Level::Scalar);
            prop_assert!(pairs.iter().all(|(estimate, high)| high.is_finite() && high >= estimate));
            for level in Level::ALL {
                prop_assert!(estimates(&read, &query, level) == first, "{:?}", level);
                prop_assert!(bounds(&read, &query, level) == pairs, "{:?}", level);
            }
        }
    }
}

/// Version 3 of the part is version 2 with signs behind it: the mean, then o·c, the factor and the bits of each row.
#[test]
fn golden_bytes_with_signs() {
    let mut dice = Dice(33);
    let rows = [dice.unit(300), dice.unit(300), dice.unit(300)];
    let plain = filled(300, Precision::F16, &rows).to_bytes(3);
    let vectors = signed(300, Precision::F16, &rows);
    let bytes = vectors.to_bytes(3);
    assert_eq!((&plain[..4], &bytes[..4]), (&[2, 0, 0x58, 0x50][..], &[3, 0, 0x58, 0x50][..]));
    let (shared, behind) = bytes[4..].split_at(plain.len() - 4);
    assert_eq!(shared, &plain[4..]);
    assert_eq!(behind.len(), 300 * 4 + 3 * (4 + 4 + 38));
    let hash = blake3::hash(&bytes).to_hex();
    assert_eq!(&hash[..16], "8320543c1ea02853");
    // As many rows in memory take a line each.
    assert_eq!(
        vectors.memory()[1] - filled(300, Precision::F16, &rows).memory()[1],
        3 * 64 + 300 * 4 * 5
    );
}

/// What would make estimates infinite, bits behind the last component, signs of a dimension that has none, and signs
/// that are cut or too long are refused.
#[test]
fn unsound_signs_are_refused() {
    let mut dice = Dice(34);
    let rows = [dice.unit(300), dice.unit(300)];
    let vectors = signed(300, Precision::F16, &rows);
    let bytes = vectors.to_bytes(2);
    let corrupt = Some(IndexError::Corrupt(PartName::Vectors));
    let from_end = |back: usize, with: &[u8]| {
        let mut bytes = bytes.clone();
        let at = bytes.len() - back;
        bytes[at..at + with.len()].copy_from_slice(with);
        Vectors::from_bytes(&bytes).err()
    };
    let row = 8 + 38;
    assert_eq!(from_end(row, &1f32.to_le_bytes()), None);
    for value in [f32::NAN, f32::INFINITY, 5.0, -5.0] {
        assert_eq!(from_end(row, &value.to_le_bytes()), corrupt);
        assert_eq!(from_end(row - 4, &value.to_le_bytes()), corrupt);
        assert_eq!(from_end(2 * row + 300 * 4, &value.to_le_bytes()), corrupt);
    }
    assert_eq!(from_end(row - 4, &(-0.5f32).to_le_bytes()), corrupt);
    // 300 components end within a byte.
    assert_eq!(from_end(1, &[0x0f]), None);
    assert_eq!(from_end(1, &[0x1f]), corrupt);
    assert_eq!(Vectors::from_bytes(&bytes[..bytes.len() - 1]).err(), corrupt);
    assert_eq!(Vectors::from_bytes(&[&bytes[..], &[0]].concat()).err(), corrupt);

    let mut small = filled(8, Precision::F16, &[dice.unit(8)]).to_bytes(1);
    small[0] = 3;
    small.extend([0; 8 * 4 + 8 + 1]);
    assert_eq!(Vectors::from_bytes(&small).err(), corrupt);
}
