#![allow(clippy::unwrap_used, clippy::panic)]

mod build;
mod filters;
mod fuzz;
mod nibbles;
mod signs;

use super::*;
use crate::PartName;
use crate::fixture::{Dice, clustered, pairs, rows};
use proptest::prelude::*;
use std::sync::LazyLock;

const DIMENSION: usize = 48;
const ROWS: u32 = 4000;

/// A segment with a graph, and the texts and vectors in its order.
static GRAPHED: LazyLock<Segment> = LazyLock::new(|| {
    let texts = clustered(&mut Dice(1), ROWS as usize, DIMENSION, 40);
    let rows = rows(&texts);
    let params = BuildParams { graph_rows_min: 1000, threads: 2, ..BuildParams::default() };
    let built = Segment::build(&rows, &params).unwrap();
    for (ordinal, &index) in (0u32..).zip(&built.order) {
        let kept = built.segment.vector(ordinal).unwrap();
        let given = &rows[index as usize].vector;
        assert!(kept.iter().zip(given).all(|(a, b)| (a - b).abs() <= b.abs() / 2048.0 + 1e-7));
    }
    let mut sorted = built.order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..ROWS).collect::<Vec<u32>>());
    built.segment
});

fn brute(segment: &Segment, query: &[f32], allowed: &RoaringBitmap, k: usize) -> Vec<u32> {
    let mut scored: Vec<(f64, u32)> = allowed
        .iter()
        .take_while(|&ordinal| ordinal < segment.len())
        .map(|ordinal| {
            let row = segment.vector(ordinal).unwrap();
            (row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum(), ordinal)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.iter().take(k).map(|(_, ordinal)| *ordinal).collect()
}

fn some(dice: &mut Dice, one_in: u64) -> RoaringBitmap {
    (0..ROWS + 50).filter(|_| dice.below(one_in) == 0).collect()
}

/// The scan finds what brute force in f64 finds, for any share of allowed rows and any k.
#[test]
fn scan_is_exact() {
    let mut dice = Dice(2);
    for round in 0..120u64 {
        let allowed = some(&mut dice, 1 + round % 40);
        let k = 1 + dice.below(60) as usize;
        let mut query = dice.unit(DIMENSION);
        if round % 2 == 0 {
            let center = &GRAPHED.vector(dice.below(4000) as u32).unwrap();
            query = dice.near(center, 0.5);
        }
        let hits = GRAPHED.dense_exact(&query, &allowed, k).unwrap();
        let found: Vec<u32> = hits.iter().map(|hit| hit.ordinal).collect();
        assert_eq!(found, brute(&GRAPHED, &query, &allowed, k));
    }
}

/// The walk finds at least 95 of 100, with every row allowed and with half or a third of them, and
/// never one that is not allowed. Its budget is apart: here it may look at every row, since in a
/// segment as small as this one a third of the rows is scanned sooner than walked to.
#[test]
fn walk_recalls() {
    let mut dice = Dice(3);
    for one_in in [1, 2, 3] {
        let (mut found, mut wanted, mut walked) = (0, 0, 0);
        for _ in 0..100 {
            let allowed = some(&mut dice, one_in);
            let center = &GRAPHED.vector(dice.below(4000) as u32).unwrap();
            let query = dice.near(center, 0.6);
            let coded = Query::new(&query, DIMENSION).unwrap();
            let mask = Mask::new(&allowed, ROWS);
            let Some(hits) = GRAPHED.walk_within(coded.target(), &mask, 10, 64, ROWS as usize)
            else {
                continue;
            };
            let best = brute(&GRAPHED, &query, &allowed, 10);
            assert!(hits.iter().all(|hit| allowed.contains(hit.ordinal)));
            found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
            wanted += best.len();
            walked += 1;
        }
        assert!(found * 100 >= wanted * 95, "{found} of {wanted} at 1 in {one_in}");
        assert!(walked >= 90, "{walked} of 100 at 1 in {one_in}");
    }
}

/// Whatever the planner chooses, 95 of 100 are found.
#[test]
fn dense_recalls_at_every_share() {
    let mut dice = Dice(5);
    for one_in in [1, 2, 3, 10, 40] {
        let (mut found, mut wanted) = (0, 0);
        for _ in 0..50 {
            let allowed = some(&mut dice, one_in);
            let center = &GRAPHED.vector(dice.below(4000) as u32).unwrap();
            let query = dice.near(center, 0.6);
            let hits = GRAPHED.dense(&query, &allowed, 10, 64).unwrap();
            let best = brute(&GRAPHED, &query, &allowed, 10);
            found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
            wanted += best.len();
        }
        assert!(found * 100 >= wanted * 95, "{found} of {wanted} at 1 in {one_in}");
    }
}

/// Clusters that lie far from each other stay one graph. (Without the far links of insertion, and by a
/// single path down the upper levels, recall is 0.84 here.)
#[test]
fn walk_crosses_between_clusters() {
    let mut dice = Dice(10);
    let texts = clustered(&mut dice, 8000, 384, 40);
    let params = BuildParams { graph_rows_min: 1000, threads: 2, ..BuildParams::default() };
    let segment = Segment::build(&rows(&texts), &params).unwrap().segment;
    let all: RoaringBitmap = (0..segment.len()).collect();
    let (mut found, mut wanted) = (0, 0);
    for _ in 0..200 {
        let center = &segment.vector(dice.below(8000) as u32).unwrap();
        let query = dice.near(center, 0.8);
        let coded = Query::new(&query, 384).unwrap();
        let hits =
            segment.walk_within(coded.target(), &Mask::All(8000), 10, 64, 8000).unwrap_or_default();
        let best = brute(&segment, &query, &all, 10);
        found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
        wanted += best.len();
    }
    assert!(found * 100 >= wanted * 95, "{found} of {wanted}");
}

/// Every row is found by its own vector through the graph: none is out of reach.
#[test]
fn walk_reaches_every_row() {
    let mask = Mask::All(ROWS);
    let reached = (0..ROWS)
        .filter(|&ordinal| {
            let vector = GRAPHED.vector(ordinal).unwrap();
            let query = Query::new(&vector, DIMENSION).unwrap();
            let hits = GRAPHED
                .walk_within(query.target(), &mask, 1, 64, ROWS as usize)
                .unwrap_or_default();
            hits.first().is_some_and(|hit| hit.ordinal == ordinal)
        })
        .count();
    assert!(reached * 1000 >= ROWS as usize * 995, "{reached} of {ROWS}");
}

/// Many equal vectors, and a graph as small as can be, neither hang nor lose rows.
#[test]
fn equal_vectors_build_and_answer() {
    let mut dice = Dice(4);
    let one = dice.unit(8);
    for count in [2usize, 3, 40, 600] {
        let texts: Vec<_> = (0..count).map(|_| ("same".to_owned(), one.clone())).collect();
        let params = BuildParams { graph_rows_min: 1, threads: 2, ..BuildParams::default() };
        let segment = Segment::build(&rows(&texts), &params).unwrap().segment;
        let all: RoaringBitmap = (0..u32::try_from(count).unwrap()).collect();
        assert_eq!(segment.dense(&one, &all, count, 10).unwrap().len(), count);
        let mask = Mask::new(&all, segment.len());
        let query = Query::new(&one, 8).unwrap();
        let found =
            segment.walk_within(query.target(), &mask, count, count.max(10), count).unwrap();
        assert_eq!(found.len(), count);
    }
}

/// A segment read from its parts writes the same parts and gives the same answers.
#[test]
fn parts_restore_the_segment() {
    let parts = GRAPHED.to_parts().unwrap();
    assert_eq!(parts.iter().map(|part| part.0).collect::<Vec<_>>(), PartName::ALL);
    let again = Segment::from_parts(&parts).unwrap();
    assert!(again.to_parts().unwrap() == parts);
    let mut dice = Dice(5);
    for _ in 0..20 {
        let (allowed, vector) = (some(&mut dice, 2), dice.unit(DIMENSION));
        let (left, right) =
            (GRAPHED.dense(&vector, &allowed, 10, 64), again.dense(&vector, &allowed, 10, 64));
        assert_eq!(pairs(&left.unwrap()), pairs(&right.unwrap()));
        let query = Analyzed::new(&dice.sentence(3));
        let stats = GRAPHED.stats(&query, None).unwrap();
        assert!(stats == again.stats(&query, None).unwrap());
        let left = GRAPHED.sparse(&query, &stats, &allowed, 10).unwrap();
        assert_eq!(pairs(&left), pairs(&again.sparse(&query, &stats, &allowed, 10).unwrap()));
    }
    for missing in [PartName::Vectors, PartName::Words, PartName::Fields] {
        let rest: Vec<_> = parts.iter().filter(|part| part.0 != missing).cloned().collect();
        assert_eq!(Segment::from_parts(&rest).err(), Some(IndexError::Missing(missing)));
    }
    let twice: Vec<_> = parts.iter().chain(&parts[..1]).cloned().collect();
    assert!(Segment::from_parts(&twice).is_err());
}

/// Words: few allowed rows (by seeking) and many (by windows) give the same scores; rows outside
/// the statistics do not change them.
#[test]
fn words_score_alike_by_both_ways() {
    let mut dice = Dice(6);
    let all: RoaringBitmap = (0..ROWS).collect();
    for _ in 0..30 {
        let query = Analyzed::new(&dice.sentence(3));
        let stats = GRAPHED.stats(&query, None).unwrap();
        let everywhere = GRAPHED.sparse(&query, &stats, &all, ROWS as usize).unwrap();
        let few: RoaringBitmap = everywhere.iter().step_by(97).map(|hit| hit.ordinal).collect();
        let mut expected: Vec<_> =
            everywhere.into_iter().filter(|hit| few.contains(hit.ordinal)).collect();
        expected.truncate(5);
        assert_eq!(pairs(&GRAPHED.sparse(&query, &stats, &few, 5).unwrap()), pairs(&expected));
    }
    let none = Analyzed::new("the of and");
    assert!(none.is_empty());
    let stats = GRAPHED.stats(&none, None).unwrap();
    assert!(GRAPHED.sparse(&none, &stats, &all, 5).unwrap().is_empty());
}

/// What cannot be built is refused by name, before any thread starts.
#[test]
fn bad_builds_are_refused() {
    let refused = |rows: &[Row], params: BuildParams| Segment::build(rows, &params).err();
    let good = || rows(&clustered(&mut Dice(8), 10, 8, 2));
    assert_eq!(refused(&[], BuildParams::default()), Some(IndexError::Rows));
    let mut short = good();
    short[3].vector.pop();
    let error = IndexError::Dimension { expected: 8, found: 7 };
    assert_eq!(refused(&short, BuildParams::default()), Some(error));
    let mut long = good();
    long[4].vector[0] = f32::NAN;
    assert_eq!(refused(&long, BuildParams::default()), Some(IndexError::Vector(4)));
    for m in [0, 1, 65, 300] {
        let params = BuildParams { m, graph_rows_min: 1, ..BuildParams::default() };
        assert_eq!(refused(&good(), params), Some(IndexError::Params));
    }
    let query = [0f32; 8];
    let segment = Segment::build(&good(), &BuildParams::default()).unwrap().segment;
    assert_eq!(segment.dense(&query, &(0..10).collect(), 3, 3).unwrap().len(), 3);
    assert!(segment.dense(&query, &RoaringBitmap::new(), 3, 3).unwrap().is_empty());
    assert!(segment.dense(&query, &(0..10).collect(), 0, 3).unwrap().is_empty());
    assert_eq!(segment.dense(&[f32::NAN; 8], &(0..10).collect(), 3, 3), Err(IndexError::Query));
    assert!(segment.dense(&query[..7], &(0..10).collect(), 3, 3).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// One damaged byte, or a cut, in any part: refused, or a segment that answers without a panic.
    #[test]
    fn damaged_parts_do_not_panic(
        part in 0usize..4, at in any::<prop::sample::Index>(), flip in 1u8.., cut in any::<bool>(),
    ) {
        static PARTS: LazyLock<Vec<(PartName, Vec<u8>)>> = LazyLock::new(|| {
            let texts = clustered(&mut Dice(9), 60, 8, 3);
            let params = BuildParams { graph_rows_min: 1, threads: 1, ..BuildParams::default() };
            Segment::build(&rows(&texts), &params).unwrap().segment.to_parts().unwrap()
        });
        let mut parts = PARTS.clone();
        let bytes = &mut parts[part].1;
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        if cut {
            bytes.truncate(place);
        }
        if let Ok(segment) = Segment::from_parts(&parts) {
            prop_assert!(!cut);
            let all: RoaringBitmap = (0..60).collect();
            let mut dice = Dice(at.index(1000) as u64);
            let vector = dice.unit(8);
            prop_assert!(segment.dense(&vector, &all, 5, 20).is_ok());
            let query = Query::new(&vector, 8).unwrap();
            let _ = segment.walk(query.target(), &Mask::All(60), 5, 20);
            let words = Analyzed::new("w0 w1 w2 w3 w5 w8 w13");
            let stats = segment.stats(&words, Some(&(0..40).collect())).unwrap();
            prop_assert!(segment.sparse(&words, &stats, &all, 5).is_ok());
        }
    }
}
