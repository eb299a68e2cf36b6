//! The scan that signs begin: what it finds of what the exact scan finds.

use super::signs::signed;
use super::*;
use crate::top::Hit;
use prag_simd::Level;

/// How many of the exact scan's hits are found, or others of the same score, and how many there are.
fn found(vectors: &Vectors, query: &[f32], allowed: &RoaringBitmap, k: usize) -> (usize, usize) {
    let coded = Query::new(query, vectors.dimension()).unwrap();
    let mask = Mask::new(allowed, mask_rows(vectors.rows()));
    let (hits, exact) = (vectors.sift(&coded, &mask, k), vectors.scan(&coded, &mask, k));
    assert_eq!(hits.len(), exact.len());
    // Each is allowed, found once, and scored as the scan scores it; the order is that of every ranking.
    let ordinals: Vec<u32> = hits.iter().map(|hit| hit.ordinal).collect();
    assert!(ordinals.iter().all(|row| mask.allows(*row)));
    let mut again = rescored(vectors, &coded, &ordinals, k);
    assert_eq!(pairs(&hits), pairs(&again));
    again.dedup_by_key(|hit| hit.ordinal);
    assert_eq!(again.len(), exact.len());
    let Some(worst) = exact.last() else { return (0, 0) };
    (hits.iter().filter(|hit| hit.score >= worst.score).count(), exact.len())
}

fn every(rows: &[Vec<f32>]) -> RoaringBitmap {
    (0..mask_rows(rows.len())).collect()
}

/// Rows on the edge of a cap around `center`: their scores with it differ by less than estimates are off.
fn cap(dice: &mut Dice, center: &[f32], count: usize) -> Vec<Vec<f32>> {
    (0..count).map(|_| dice.near(center, 0.7)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// 99 in 100 of the best rows are found, in clusters, for every dimension that has signs, share of rows and k.
    #[test]
    fn sift_finds_what_the_scan_finds(
        seed in any::<u64>(), dimension in 256usize..500, clusters in 1u64..40, one_in in 1u64..6, k in 1usize..40,
    ) {
        let mut dice = Dice(seed);
        let centers: Vec<Vec<f32>> = (0..clusters).map(|_| dice.unit(dimension)).collect();
        let near = |dice: &mut Dice, spread| {
            let center = dice.below(clusters) as usize;
            dice.near(&centers[center], spread)
        };
        let rows: Vec<Vec<f32>> = (0..1500).map(|_| near(&mut dice, 0.7)).collect();
        let vectors = signed(dimension, Precision::F16, &rows);
        let allowed: RoaringBitmap = (0..1600).filter(|_| dice.below(one_in) == 0).collect();
        let (mut hit, mut wanted) = (0, 0);
        for _ in 0..20 {
            let query = near(&mut dice, 0.9);
            let counts = found(&vectors, &query, &allowed, k);
            (hit, wanted) = (hit + counts.0, wanted + counts.1);
        }
        // Of 20 wanted one may be missed in one case of forty, two hardly ever.
        prop_assert!(hit + 2 + wanted / 100 >= wanted, "{} of {}", hit, wanted);
    }
}

/// Far clusters whose rows lie closer to each other than estimates tell them apart: here the best forty by estimate
/// hold half of the best ten, and a walk misses some; the bound keeps as many as it takes.
#[test]
fn close_rows_of_far_clusters_are_found() {
    let mut dice = Dice(51);
    let (mut hit, mut wanted, mut guessed) = (0, 0, 0);
    let centers: Vec<Vec<f32>> = (0..8).map(|_| dice.unit(384)).collect();
    let rows: Vec<Vec<f32>> =
        centers.iter().flat_map(|center| cap(&mut dice, center, 400)).collect();
    let vectors = signed(384, Precision::F16, &rows);
    for center in centers.iter().cycle().take(40) {
        let query = dice.near(center, 0.2);
        let counts = found(&vectors, &query, &every(&rows), 10);
        (hit, wanted) = (hit + counts.0, wanted + counts.1);
        let estimates = signs::bounds(&vectors, &query, Level::best()).into_iter().zip(0..);
        let hit_of = |((score, _), ordinal)| Hit { ordinal, score };
        let mut by_signs: Vec<Hit> = estimates.map(hit_of).collect();
        crate::top::rank(&mut by_signs);
        let coded = Query::new(&query, 384).unwrap();
        let best = vectors.scan(&coded, &Mask::All(mask_rows(rows.len())), 10);
        let among = |hit: &&Hit| by_signs[..40].iter().any(|other| other.ordinal == hit.ordinal);
        guessed += best.iter().filter(among).count();
    }
    assert!(guessed * 10 < wanted * 7, "{guessed} of {wanted}: too easy to prove anything");
    assert!(hit * 1000 >= wanted * 995, "{hit} of {wanted}");
}

/// The bound holds for all but two in a thousand rows, and does not hold for 15 in a hundred where it is a third: it is
/// not wider than it must be. Dense rows, rows with few components, rows in one cluster.
#[test]
fn bound_is_as_wide_as_it_must_be() {
    for dimension in [256usize, 384, 500, 768] {
        let mut dice = Dice(52);
        let center = dice.unit(dimension);
        let mut sparse = |filled: usize| {
            let mut row = vec![0f32; dimension];
            while row.iter().filter(|value| **value != 0.0).count() < filled {
                row[dice.below(dimension as u64) as usize] = 1.0 / (filled as f32).sqrt();
            }
            row
        };
        let few: Vec<Vec<f32>> = (0..3000).map(|at| sparse(1 + at % 9)).collect();
        let mut dice = Dice(53);
        let dense: Vec<Vec<f32>> = (0..3000).map(|_| dice.unit(dimension)).collect();
        let close: Vec<Vec<f32>> = (0..3000).map(|_| dice.near(&center, 0.5)).collect();
        for (rows, name) in [(few, "few"), (dense, "dense"), (close, "close")] {
            let vectors = signed(dimension, Precision::F32, &rows);
            let (mut over, mut over_a_third, mut all) = (0, 0, 0);
            for query in rows.iter().step_by(100) {
                for (off, bound) in signs::doubts(&vectors, query) {
                    over += usize::from(off > bound);
                    over_a_third += usize::from(off > bound / 3.0);
                    all += 1;
                }
            }
            assert!(over * 1000 <= all * 2, "{over} of {all} {name} at {dimension}");
            assert!(
                over_a_third * 100 >= all * 15,
                "{over_a_third} of {all} {name} at {dimension}"
            );
        }
    }
}

/// No row allowed, fewer than `k`, fewer than signs are asked for, all; no row wanted.
#[test]
fn few_rows_and_none() {
    let mut dice = Dice(54);
    let center = dice.unit(256);
    let rows = cap(&mut dice, &center, 900);
    let vectors = signed(256, Precision::F16, &rows);
    let coded = Query::new(&center, 256).unwrap();
    for (allowed, k) in
        [(0, 10), (1, 1), (5, 10), (19, 10), (20, 10), (21, 10), (900, 0), (900, 449), (900, 901)]
    {
        let allowed: RoaringBitmap = (0..allowed).map(|row| row * 7 % 900).collect();
        let mask = Mask::new(&allowed, 900);
        let (hits, exact) = (vectors.sift(&coded, &mask, k), vectors.scan(&coded, &mask, k));
        assert_eq!(hits.len(), exact.len(), "{} for {k}", allowed.len());
        if mask.len() <= 21 {
            assert_eq!(pairs(&hits), pairs(&exact), "{} for {k}", allowed.len());
        }
    }
    let unsigned = filled(256, Precision::F16, &rows);
    let mask = Mask::All(900);
    assert_eq!(pairs(&unsigned.sift(&coded, &mask, 30)), pairs(&unsigned.scan(&coded, &mask, 30)));
}

/// Equal rows are all found or all left, and the first of them are answered; so it is with queries of no length, of
/// hardly any, and of much, whose scores rounding makes equal or nearly so.
#[test]
fn equal_scores_answer_as_the_scan() {
    let mut dice = Dice(55);
    let kinds: Vec<Vec<f32>> = (0..30).map(|_| dice.unit(300)).collect();
    let rows: Vec<Vec<f32>> = kinds.iter().cycle().take(1200).cloned().collect();
    let vectors = signed(300, Precision::F16, &rows);
    let one = signed(300, Precision::F16, &vec![kinds[0].clone(); 1200]);
    let mask = Mask::All(1200);
    for query in &kinds {
        let coded = Query::new(query, 300).unwrap();
        for (vectors, k) in [(&vectors, 10), (&vectors, 40), (&one, 1), (&one, 10), (&one, 600)] {
            let (hits, exact) = (vectors.sift(&coded, &mask, k), vectors.scan(&coded, &mask, k));
            assert_eq!(pairs(&hits), pairs(&exact));
        }
    }
    for length in [0.0, 1e-12, 1e17, 1e18] {
        let query: Vec<f32> = kinds[3].iter().map(|value| value * length).collect();
        let (hit, wanted) = found(&vectors, &query, &every(&rows), 10);
        assert_eq!((hit, wanted), (10, 10), "{length}");
    }
}
