#![allow(clippy::unwrap_used, clippy::panic)]

mod nibbles;
mod sift;
mod signs;

use super::*;
use crate::error::PartName;
use crate::fixture::{Dice, pairs};
use crate::top::rank;
use prag_simd::{Kernel, dispatch};
use proptest::prelude::*;
use roaring::RoaringBitmap;

const ALL: [Precision; 3] = [Precision::F32, Precision::F16, Precision::I8];

fn filled(dimension: usize, precision: Precision, rows: &[Vec<f32>]) -> Vectors {
    let mut vectors = Vectors::new(dimension, precision, rows.len());
    for row in rows {
        assert!(is_unit(row));
        vectors.push(row);
    }
    vectors.settle();
    vectors
}

/// The best `k` of `ordinals` by what is kept of them.
fn rescored(vectors: &Vectors, query: &Query<'_>, ordinals: &[u32], k: usize) -> Vec<Hit> {
    dispatch(Rescore { vectors, query, ordinals, k })
}

struct Rescore<'a> {
    vectors: &'a Vectors,
    query: &'a Query<'a>,
    ordinals: &'a [u32],
    k: usize,
}

impl Kernel for Rescore<'_> {
    type Output = Vec<Hit>;

    #[inline(always)]
    fn run<S: Isa>(self, isa: S) -> Vec<Hit> {
        let score = |row: &u32| self.vectors.exact(isa, self.query.target(), *row);
        let all = self.ordinals.iter().map(|row| Hit { ordinal: *row, score: score(row) });
        let mut hits: Vec<Hit> = all.collect();
        rank(&mut hits);
        hits.truncate(self.k);
        hits
    }
}

/// Part format 2 is frozen: header, dimension, precision, scales, errors, codes plus 128, then what is kept, all
/// little-endian; where only codes are kept there are neither errors nor anything behind the codes.
#[test]
fn golden_bytes() {
    let rows = [vec![1.0, 0.0], vec![0.6, -0.8]];
    let head: &[u8] = &[0x02, 0x00, 0x58, 0x50, 2, 0, 0, 0, 2, 0, 0, 0];
    let floats =
        |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let halves = [0x3c00u16, 0x0000, 0x38cd, 0xba66];
    let rounded = |value: u16| whole(value);
    let codes: &[u8] = &[255, 128, 223, 1];
    for (number, precision) in (0u8..).zip(ALL) {
        let vectors = filled(2, precision, &rows);
        let least = if precision == Precision::F16 { -rounded(0xba66) } else { 0.8 };
        let first = if precision == Precision::F16 { rounded(0x38cd) } else { 0.6 };
        let scale = least / 127.0;
        let off = ((first - 95.0 * scale).powi(2) + (least - 127.0 * scale).powi(2)).sqrt();
        // Where codes are all, they are brought to unit length.
        let scale = if precision == Precision::I8 { 1.0 / 25_154f32.sqrt() } else { scale };
        let mut expected = [head, &[number, 0, 0, 0], &floats(&[1.0 / 127.0, scale])].concat();
        if precision != Precision::I8 {
            let zero = (1.0f32 - 127.0 * (1.0 / 127.0)).abs();
            expected.extend(floats(&[zero, off]));
        }
        expected.extend(codes);
        match precision {
            Precision::F32 => expected.extend(floats(&[1.0, 0.0, 0.6, -0.8])),
            Precision::F16 => expected.extend(halves.iter().flat_map(|half| half.to_le_bytes())),
            Precision::I8 => {}
        }
        let bytes = vectors.to_bytes(2);
        assert_eq!(bytes, expected, "{precision:?}");

        let (read, count) = Vectors::from_bytes(&bytes).unwrap();
        assert_eq!((count, read.dimension(), read.precision()), (2, 2, precision));
        assert_eq!(read.to_bytes(2), bytes);
        assert!(Vectors::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Vectors::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let mut other = bytes.clone();
        other[12] = 3;
        assert!(Vectors::from_bytes(&other).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The scan answers what sorting all scores answers, bit for bit, for every precision, dimension, share of rows and
    /// k; and a row that was kept once is kept the same a second time.
    #[test]
    fn scan_is_a_sorted_cut(
        seed in any::<u64>(), dimension in 1usize..200, count in 1usize..900, one_in in 1u64..9, k in 0usize..60,
    ) {
        let mut dice = Dice(seed);
        let center = dice.unit(dimension);
        let rows: Vec<Vec<f32>> = (0..count).map(|_| dice.near(&center, 0.8)).collect();
        let allowed: RoaringBitmap = (0..1000).filter(|_| dice.below(one_in) == 0).collect();
        let target = dice.near(&center, 0.8);
        for precision in ALL {
            let vectors = filled(dimension, precision, &rows);
            let query = Query::new(&target, dimension).unwrap();
            let mask = Mask::new(&allowed, u32::try_from(count).unwrap());
            let ordinals: Vec<u32> = allowed.iter().filter(|row| (*row as usize) < count).collect();
            prop_assert_eq!(mask.rows().collect::<Vec<_>>(), ordinals.clone());
            prop_assert_eq!(mask.len(), ordinals.len());
            let expected = rescored(&vectors, &query, &ordinals, k);
            prop_assert_eq!(pairs(&vectors.scan(&query, &mask, k)), pairs(&expected), "{:?}", precision);
            for hit in expected.iter().take(3) {
                let kept = vectors.vector(hit.ordinal).unwrap();
                let true_score: f64 = kept.iter().zip(&target).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                prop_assert!((true_score - f64::from(hit.score)).abs() < 1e-4);
            }
            let again: Vec<Vec<f32>> =
                (0..mask_rows(count)).map(|row| vectors.vector(row).unwrap()).collect();
            let twice = filled(dimension, precision, &again);
            let twice: Vec<Vec<f32>> = (0..mask_rows(count)).map(|row| twice.vector(row).unwrap()).collect();

            prop_assert!(again == twice, "{:?}", precision);
            prop_assert_eq!(vectors.vector(mask_rows(count)), None);
        }
    }
}

/// A row that its bytes do not make of unit length is refused, however it is kept.
#[test]
fn rows_off_unit_length_are_refused() {
    for precision in ALL {
        let mut bytes = filled(2, precision, &[vec![0.6, -0.8]]).to_bytes(1);
        assert!(Vectors::from_bytes(&bytes).is_ok());
        if precision == Precision::I8 {
            // The scale stands behind format, rows, dimension and precision.
            bytes[16..20].copy_from_slice(&2f32.to_le_bytes());
        } else {
            // -0.8 becomes as good as 0.
            *bytes.last_mut().unwrap() = 0;
        }
        let refused = Vectors::from_bytes(&bytes).err();
        assert_eq!(refused, Some(IndexError::Corrupt(PartName::Vectors)), "{precision:?}");
    }
}

fn mask_rows(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}
