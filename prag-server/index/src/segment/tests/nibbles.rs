//! Walks that go by nibbles: vectors of 65 to 255 components.

use super::signs::recall;
use super::*;
use crate::Precision;

const WIDE: usize = 100;

/// A segment with a graph over rows in clusters of a hundred, `spread` from their centres.
fn built(spread: f32, precision: Precision) -> Segment {
    let mut dice = Dice(81);
    let centers: Vec<Vec<f32>> = (0..ROWS as usize / 100).map(|_| dice.unit(WIDE)).collect();
    let near = |at: usize| (String::new(), dice.near(&centers[at % centers.len()], spread));
    let texts: Vec<_> = (0..ROWS as usize).map(near).collect();
    let params =
        BuildParams { graph_rows_min: 1000, threads: 2, precision, ..BuildParams::default() };
    Segment::build(&rows(&texts), &params).unwrap().segment
}

/// With every row allowed and with half or a third of them, nearly all of the best are found, with exact scores, as
/// often as one asks; read from parts, which hold no nibbles, a segment answers the same.
#[test]
fn walk_recalls_by_nibbles() {
    let mut dice = Dice(82);
    let segment = built(0.7, Precision::F16);
    let parts = segment.to_parts().unwrap();
    let again = Segment::from_parts(&parts).unwrap();
    assert!(again.to_parts().unwrap() == parts && again.memory().codes == segment.memory().codes);
    assert!([&segment, &again].iter().all(|segment| segment.vectors.nibbles().is_some()));
    for one_in in [1, 2, 3] {
        let near = |_| {
            let center = segment.vector(dice.below(4000) as u32).unwrap();
            dice.near(&center, 0.6)
        };
        let queries: Vec<Vec<f32>> = (0..100).map(near).collect();
        let allowed = some(&mut dice, one_in);
        let (recall, walked) = recall(&segment, &queries, &allowed, 64);
        assert!(recall >= 0.95 && walked >= 90, "{recall} in {walked} at 1 in {one_in}");
        for query in &queries {
            let exact = segment.dense_exact(query, &allowed, 4000).unwrap();
            let hits = segment.dense(query, &allowed, 10, 64).unwrap();
            assert!(hits.iter().all(|hit| exact.contains(hit)));
            assert_eq!(pairs(&hits), pairs(&again.dense(query, &allowed, 10, 64).unwrap()));
        }
    }
}

/// Rows that lie closer than nibbles tell apart are walked by codes, and found; so are those that are their codes.
#[test]
fn close_rows_are_found_by_codes() {
    for (spread, precision) in [(0.15, Precision::F16), (0.7, Precision::I8)] {
        let segment = built(spread, precision);
        assert!(segment.vectors.nibbles().is_none());
        let mut dice = Dice(83);
        let near = |_| {
            let center = segment.vector(dice.below(4000) as u32).unwrap();
            dice.near(&center, spread)
        };
        let queries: Vec<Vec<f32>> = (0..50).map(near).collect();
        let all: RoaringBitmap = (0..ROWS).collect();
        assert!(recall(&segment, &queries, &all, 64).0 >= 0.95);
    }
}
