//! Filters: the planner sees which rows are allowed, never how they were described.

use super::*;
use crate::Precision;

/// One set of rows, described in five ways, gives one answer, bit for bit: by the planner's choice, a walk, a scan.
#[test]
fn equal_rows_give_equal_answers() {
    let described = [
        r#"{"must":[{"key":"n","range":{"lt":1500}}]}"#,
        r#"{"must_not":[{"key":"n","range":{"gte":1500}}]}"#,
        r#"{"should":[{"key":"n","range":{"lt":700}},{"key":"n","range":{"gt":699,"lte":1499}}]}"#,
        r#"{"must":[{"exists":{"key":"n"}},{"must_not":[{"key":"n","range":{"gt":1499}}]}]}"#,
        r#"{"must":[{"must":[{"key":"n","range":{"gte":0}}],"must_not":[{"key":"n","range":{"gte":1500}}]}]}"#,
    ];
    let allowed = described.map(|filter| GRAPHED.filter(&serde_json::from_str(filter).unwrap()));
    let mut one_by_one = RoaringBitmap::new();
    for row in &allowed[0] {
        one_by_one.insert(row);
    }
    assert_eq!(allowed[0].len(), 1500);
    let mut dice = Dice(11);
    let mut walked = 0;
    for _ in 0..40 {
        let near = dice.below(4000) as u32;
        let vector = dice.near(&GRAPHED.vector(near).unwrap(), 0.6);
        let query = Query::new(&vector, DIMENSION).unwrap();
        let ask = |allowed: &RoaringBitmap| {
            let mask = Mask::new(allowed, ROWS);
            let walk = GRAPHED.walk_within(query.target(), &mask, 10, 64, ROWS as usize);
            let planned = GRAPHED.dense(&vector, allowed, 10, 64).unwrap();
            let exact = GRAPHED.dense_exact(&vector, allowed, 10).unwrap();
            (pairs(&planned), walk.as_deref().map(pairs), pairs(&exact))
        };
        let first = ask(&one_by_one);
        walked += usize::from(first.1.is_some());
        for allowed in &allowed {
            assert_eq!(ask(allowed), first);
        }
    }
    assert!(walked > 20, "{walked} of 40 walked");
}

/// Where all allowed rows lie in clusters far from the query, a walk finds them or says that it did not.
#[test]
fn far_clusters_are_found_or_left_to_the_scan() {
    let mut dice = Dice(12);
    let (mut found, mut wanted, mut walked) = (0, 0, 0);
    // Row i of the fixture lies in cluster i % 40.
    for cluster in 0..40u64 {
        let near = |row: i64| (row as u64 + 40 - cluster) % 40 < 12;
        let n = |ordinal: u32| {
            let filter = format!(r#"{{"must":[{{"key":"n","match":{{"value":{ordinal}}}}}]}}"#);
            GRAPHED.filter(&serde_json::from_str(&filter).unwrap()).min().unwrap()
        };
        let rows: Vec<i64> = (0..i64::from(ROWS)).filter(|&row| near(row)).collect();
        let allowed: RoaringBitmap = rows.iter().map(|&row| n(row as u32)).collect();
        let other = n(((cluster + 20) % 40) as u32);
        let vector = dice.near(&GRAPHED.vector(other).unwrap(), 0.3);
        let query = Query::new(&vector, DIMENSION).unwrap();
        let mask = Mask::new(&allowed, ROWS);
        let best = brute(&GRAPHED, &vector, &allowed, 10);
        if let Some(hits) = GRAPHED.walk_within(query.target(), &mask, 10, 64, ROWS as usize) {
            assert!(hits.iter().all(|hit| allowed.contains(hit.ordinal)));
            found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
            wanted += best.len();
            walked += 1;
        }
        let planned = GRAPHED.dense(&vector, &allowed, 10, 64).unwrap();
        let planned: Vec<u32> = planned.iter().map(|hit| hit.ordinal).collect();
        assert_eq!(planned, best);
    }
    assert!(found * 100 >= wanted * 80, "{found} of {wanted} in {walked} walks");
}

/// What is kept decides how exact the scores are, not how well a walk does: recall against the vectors as they came is
/// at least 0.95 with f32 and f16, and 0.93 with codes alone.
#[test]
fn precision_costs_little_recall() {
    let texts = clustered(&mut Dice(13), 3000, DIMENSION, 30);
    let given = rows(&texts);
    for (precision, floor) in [(Precision::F32, 95), (Precision::F16, 95), (Precision::I8, 93)] {
        let params = BuildParams { graph_rows_min: 1000, precision, ..BuildParams::default() };
        let built = Segment::build(&given, &params).unwrap();
        let (mut dice, mut found) = (Dice(14), 0);
        for _ in 0..100 {
            let near = dice.below(3000) as usize;
            let vector = dice.near(&given[near].vector, 0.6);
            let mut best: Vec<(f32, usize)> = given
                .iter()
                .enumerate()
                .map(|(row, given)| {
                    (given.vector.iter().zip(&vector).map(|(a, b)| a * b).sum(), row)
                })
                .collect();
            best.sort_by(|a, b| b.0.total_cmp(&a.0));
            let query = Query::new(&vector, DIMENSION).unwrap();
            let hits =
                built.segment.walk_within(query.target(), &Mask::All(3000), 10, 64, 3000).unwrap();
            let row = |hit: &Hit| built.order[hit.ordinal as usize] as usize;
            found +=
                hits.iter().filter(|hit| best[..10].iter().any(|best| best.1 == row(hit))).count();
        }
        assert!(found >= floor * 10, "{found} of 1000 with {precision:?}");
    }
}

/// Each part of a segment shows in its memory, and codes alone take at most half of codes with f16.
#[test]
fn memory_counts_every_part() {
    let given = rows(&clustered(&mut Dice(15), 2000, 384, 20));
    let measured = |precision, graph_rows_min, signs_rows_min| {
        let (params, wanted) = (BuildParams::default(), precision);
        let params = BuildParams { graph_rows_min, signs_rows_min, precision: wanted, ..params };
        Segment::build(&given, &params).unwrap().segment.memory()
    };
    let measure = |precision, graph_rows_min| measured(precision, graph_rows_min, usize::MAX);
    let (whole, small) = (measure(Precision::F16, 1), measure(Precision::I8, 1));
    assert_eq!((whole.vectors, small.vectors), (2000 * 384 * 2, 0));
    assert_eq!((whole.codes, small.codes), (2000 * (384 + 8), 2000 * (384 + 4)));
    assert!(whole.links > 2000 * 40 && whole.words > 2000 * 8 && whole.fields > 2000 * 16);
    assert_eq!(measure(Precision::F16, 5000).links, 0);
    let sum = whole.vectors + whole.codes + whole.links + whole.words + whole.fields;
    assert_eq!(whole.total(), sum);
    // 1.4 and 0.7 KiB a row.
    assert!(
        whole.total() * 10 <= 2000 * 14336 && small.total() * 10 <= 2000 * 7168,
        "{whole:?} {small:?}"
    );
    // Signs: a line a row, their mean, and what rotates; beside codes alone, none. With them 1.4 KiB are kept beside
    // metadata and ids, of which there are 110 bytes here.
    let signed = measured(Precision::F16, 1, 0);
    assert_eq!(signed.codes - whole.codes, 2000 * 64 + 384 * 4 * 5);
    assert_eq!(measured(Precision::I8, 1, 0).codes, small.codes);
    assert!((signed.total() - signed.fields) * 10 <= 2000 * 14336, "{signed:?}");
}
