//! Walks that go by signs: vectors of 256 components and more.

use super::*;
use crate::Precision;

const WIDE: usize = 256;

/// A segment with signs and a graph over rows in clusters.
static SIGNED: LazyLock<Segment> =
    LazyLock::new(|| built(&clustered(&mut Dice(41), ROWS as usize, WIDE, 40)));

/// Signs, however few rows there are.
fn signed() -> BuildParams {
    BuildParams { signs_rows_min: 0, ..BuildParams::default() }
}

fn built(texts: &[(String, Vec<f32>)]) -> Segment {
    let params = BuildParams { graph_rows_min: 1000, threads: 2, ..signed() };
    let segment = Segment::build(&rows(texts), &params).unwrap().segment;
    assert!(segment.vectors.signs().is_some());
    segment
}

/// The share of the true best ten that walks find which may look at every row, and how many of them ended.
pub(super) fn recall(
    segment: &Segment,
    queries: &[Vec<f32>],
    allowed: &RoaringBitmap,
    ef: usize,
) -> (f64, usize) {
    let (mut found, mut walked) = (0, 0);
    let rows = segment.len();
    for query in queries {
        let coded = Query::new(query, segment.dimension()).unwrap();
        let mask = Mask::new(allowed, rows);
        let Some(hits) = segment.walk_within(coded.target(), &mask, 10, ef, rows as usize) else {
            continue;
        };
        assert!(hits.iter().all(|hit| allowed.contains(hit.ordinal)));
        let best = brute(segment, query, allowed, 10);
        found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
        walked += 1;
    }
    (found as f64 / (walked * 10).max(1) as f64, walked)
}

/// As by codes, with every row allowed and with half or a third of them.
#[test]
fn walk_recalls_by_signs() {
    let mut dice = Dice(42);
    let near = |dice: &mut Dice| {
        let center = SIGNED.vector(dice.below(4000) as u32).unwrap();
        dice.near(&center, 0.6)
    };
    for one_in in [1, 2, 3] {
        let queries: Vec<Vec<f32>> = (0..100).map(|_| near(&mut dice)).collect();
        let allowed = some(&mut dice, one_in);
        let (recall, walked) = recall(&SIGNED, &queries, &allowed, 64);
        assert!(recall >= 0.95 && walked >= 90, "{recall} in {walked} at 1 in {one_in}");
    }
}

/// Rows with few components that are not zero, as of a bag of words, are found too.
#[test]
fn sparse_rows_are_found_by_signs() {
    let mut dice = Dice(43);
    let mut sparse = || {
        let mut row = vec![0f32; 300];
        for _ in 0..12 {
            let end = 1 + dice.below(300);
            row[dice.below(end) as usize] += 1.0;
        }
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        row.iter().map(|value| value / length).collect::<Vec<f32>>()
    };
    let texts: Vec<_> = (0..3000).map(|_| (String::new(), sparse())).collect();
    let queries: Vec<Vec<f32>> = (0..100).map(|_| sparse()).collect();
    let segment = built(&texts);
    let all: RoaringBitmap = (0..segment.len()).collect();
    let mut found = 0.0;
    // Many scores are equal here: what counts is how good the found are, not which.
    for query in &queries {
        let coded = Query::new(query, 300).unwrap();
        let hits = segment.walk_within(coded.target(), &Mask::All(3000), 10, 64, 3000).unwrap();
        let worst = segment.dense_exact(query, &all, 10).unwrap()[9].score;
        found += hits.iter().filter(|hit| hit.score >= worst).count() as f64 / 10.0;
    }
    assert!(found >= 95.0, "{found} of 100");
}

/// Equal vectors, whose signs say nothing, neither hang nor lose rows, nor does a query of nothing.
#[test]
fn equal_rows_answer_by_signs() {
    let one = Dice(44).unit(WIDE);
    let texts: Vec<_> = (0..1200).map(|_| ("same".to_owned(), one.clone())).collect();
    let segment = built(&texts);
    for query in [one, vec![0.0; WIDE]] {
        let coded = Query::new(&query, WIDE).unwrap();
        let found = segment.walk_within(coded.target(), &Mask::All(1200), 300, 300, 1200).unwrap();
        assert_eq!(found.len(), 300);
    }
}

/// Of more clusters than a walk could try, the right one is found nearly always: it begins with the best of a level.
#[test]
fn far_clusters_are_found_by_signs() {
    let mut dice = Dice(49);
    let segment = built(&clustered(&mut dice, 4000, WIDE, 200));
    let near = |_| {
        let center = segment.vector(dice.below(4000) as u32).unwrap();
        dice.near(&center, 0.6)
    };
    let queries: Vec<Vec<f32>> = (0..200).map(near).collect();
    let all: RoaringBitmap = (0..4000).collect();
    let (recall, walked) = recall(&segment, &queries, &all, 64);
    assert!(recall >= 0.9 && walked == 200, "{recall} in {walked}");
    assert!(segment.dense(&queries[0], &all, 0, 64).unwrap().is_empty());
}

/// Scores are those of what is kept, however rows are kept, and walks of one query are equal, bit for bit.
#[test]
fn scores_are_exact_and_equal_each_time() {
    let texts = clustered(&mut Dice(45), 1500, WIDE, 10);
    let all: RoaringBitmap = (0..1500).collect();
    for precision in [Precision::F32, Precision::F16] {
        let params = BuildParams { graph_rows_min: 2, threads: 2, precision, ..signed() };
        let segment = Segment::build(&rows(&texts), &params).unwrap().segment;
        let query = Dice(46).near(&segment.vector(7).unwrap(), 0.5);
        let coded = Query::new(&query, WIDE).unwrap();
        let walk = || segment.walk_within(coded.target(), &Mask::All(1500), 10, 64, 1500).unwrap();
        let exact = segment.dense_exact(&query, &all, 1500).unwrap();
        let hits = walk();
        for hit in &hits {
            assert!(exact.contains(hit), "{precision:?}");
        }
        assert_eq!(pairs(&hits), pairs(&walk()));
    }
}

/// Parts that were written before there were signs are read, walked by codes, and written as they were; those with
/// signs are read as they were written, and answer the same.
#[test]
fn parts_without_signs_are_read() {
    let parts = SIGNED.to_parts().unwrap();
    let again = Segment::from_parts(&parts).unwrap();
    assert!(again.to_parts().unwrap() == parts);
    let mut old = parts.clone();
    let signs = WIDE * 4 + ROWS as usize * (8 + WIDE / 8);
    let end = old[0].1.len() - signs;
    old[0].1.truncate(end);
    old[0].1[0] = 2;
    let before = Segment::from_parts(&old).unwrap();
    assert!(before.vectors.signs().is_none() && before.to_parts().unwrap() == old);

    let mut dice = Dice(47);
    let queries: Vec<Vec<f32>> =
        (0..50).map(|_| dice.near(&SIGNED.vector(9).unwrap(), 0.7)).collect();
    let all: RoaringBitmap = (0..ROWS).collect();
    for query in &queries {
        let [left, right] =
            [&*SIGNED, &again].map(|segment| segment.dense(query, &all, 10, 64).unwrap());
        assert_eq!(pairs(&left), pairs(&right));
    }
    assert!(recall(&before, &queries, &all, 64).0 >= 0.95);
    // A line of 64 bytes a row, the mean and what rotates.
    let held = SIGNED.memory().codes - before.memory().codes;
    assert_eq!(held, ROWS as usize * 64 + WIDE * 4 * 5);
}

/// Of many allowed rows a scan by signs finds 99 in 100 of the best, whatever filter named them; of few, and where it
/// is asked for, the exact scan answers, and always where there are no signs.
#[test]
fn scans_begin_with_signs_where_they_may() {
    let mut dice = Dice(48);
    let parts = SIGNED.to_parts().unwrap();
    let mut old = parts;
    let signs = WIDE * 4 + ROWS as usize * (8 + WIDE / 8);
    let end = old[0].1.len() - signs;
    old[0].1.truncate(end);
    old[0].1[0] = 2;
    let before = Segment::from_parts(&old).unwrap();
    let (mut found, mut wanted) = (0, 0);
    for end in [1, 9, 500, 1000, 1500, 2000] {
        let described = [
            format!(r#"{{"must":[{{"key":"n","range":{{"lt":{end}}}}}]}}"#),
            format!(r#"{{"must_not":[{{"key":"n","range":{{"gte":{end}}}}}]}}"#),
        ];
        let allowed =
            described.map(|filter| SIGNED.filter(&serde_json::from_str(&filter).unwrap()));
        assert_eq!((allowed[0].len(), &allowed[0]), (end, &allowed[1]));
        for _ in 0..40 {
            let center = SIGNED.vector(dice.below(4000) as u32).unwrap();
            let query = dice.near(&center, 0.6);
            let best = brute(&SIGNED, &query, &allowed[0], 10);
            let ordinals = |hits: &[Hit]| hits.iter().map(|hit| hit.ordinal).collect::<Vec<_>>();
            let exact = SIGNED.dense_exact(&query, &allowed[0], 10).unwrap();
            assert_eq!(ordinals(&exact), best);
            let hits = allowed.each_ref().map(|rows| SIGNED.dense(&query, rows, 10, 64).unwrap());
            assert_eq!(pairs(&hits[0]), pairs(&hits[1]));
            assert!(end >= 1024 || pairs(&hits[0]) == pairs(&exact));
            let plain = before.dense(&query, &allowed[0], 10, 64).unwrap();
            assert_eq!(pairs(&plain), pairs(&before.dense_exact(&query, &allowed[0], 10).unwrap()));
            found += hits[0].iter().filter(|hit| best.contains(&hit.ordinal)).count();
            wanted += best.len();
        }
    }
    assert!(found * 100 >= wanted * 99, "{found} of {wanted}");
}
