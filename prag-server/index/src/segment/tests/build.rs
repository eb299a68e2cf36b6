#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

/// The share of the true best ten that a walk of breadth `ef` finds, over `queries`.
fn recall(segment: &Segment, queries: &[Vec<f32>], ef: usize) -> f64 {
    let all: RoaringBitmap = (0..segment.len()).collect();
    let mut found = 0;
    for query in queries {
        let coded = Query::new(query, segment.dimension()).unwrap();
        let hits =
            segment.walk(coded.target(), &Mask::All(segment.len()), 10, ef).unwrap_or_default();
        let best = brute(segment, query, &all, 10);
        found += hits.iter().filter(|hit| best.contains(&hit.ordinal)).count();
    }
    found as f64 / (queries.len() * 10) as f64
}

fn corpus(seed: u64, count: usize) -> (Vec<Row>, Vec<Vec<f32>>) {
    let mut dice = Dice(seed);
    let rows = rows(&clustered(&mut dice, count, DIMENSION, 30));
    let near = |_| {
        let center = &rows[dice.below(count as u64) as usize].vector;
        dice.near(center, 0.8)
    };
    let queries = (0..300).map(near).collect();
    (rows, queries)
}

/// Our builder's graph is as good as that of `hnsw_rs`: at equal breadth of the walk it misses at most 5 in a thousand
/// more.
#[test]
fn own_graph_recalls_as_the_reference() {
    let (rows, queries) = corpus(21, 6000);
    let built = |builder, ef_construction| {
        let params = BuildParams { builder, ef_construction, threads: 2, ..BuildParams::default() };
        let params = BuildParams { graph_rows_min: 2, m: 12, ..params };
        Segment::build(&rows, &params).unwrap().segment
    };
    let own = built(Builder::Own, BuildParams::default().ef_construction);
    let reference = built(Builder::HnswRs, 200);
    for ef in [16, 32, 64] {
        let [own, reference] = [&own, &reference].map(|segment| recall(segment, &queries, ef));
        assert!(own >= reference - 0.005, "{own} against {reference} at ef {ef}");
    }
}

/// A corpus that was rewritten whole, ten times, is found as it was: a segment is built from live rows alone, and
/// nothing of the graphs before it is left. (Our builder makes the same graph of the same rows, so this cannot fail by
/// chance.)
#[test]
fn rewriting_does_not_wear_recall_down() {
    let (mut rows, queries) = corpus(22, 5000);
    let params = BuildParams { threads: 2, graph_rows_min: 2, ..BuildParams::default() };
    let mut dice = Dice(23);
    let first = recall(&Segment::build(&rows, &params).unwrap().segment, &queries, 64);
    let mut last = first;
    for _ in 0..10 {
        for at in (1..rows.len()).rev() {
            rows.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let built = Segment::build(&rows, &params).unwrap();
        last = recall(&built.segment, &queries, 64);
        // The next rewrite begins with the order that this one left.
        let mut taken: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
        rows = built.order.iter().map(|&index| taken[index as usize].take().unwrap()).collect();
    }
    assert!((first - last).abs() <= 0.002, "{first} before, {last} after");
}

/// The same rows give the same order and the same bytes of every part but the words, on one thread or on many.
#[test]
fn equal_rows_give_equal_parts() {
    let (rows, _) = corpus(24, 2500);
    let built = |threads| {
        let params = BuildParams { threads, graph_rows_min: 2, ..BuildParams::default() };
        let built = Segment::build(&rows, &params).unwrap();
        (built.segment.to_parts().unwrap(), built.order)
    };
    let (one, many) = (built(1), built(4));
    assert_eq!(one.1, many.1);
    for (left, right) in one.0.iter().zip(&many.0).filter(|(part, _)| part.0 != PartName::Words) {
        assert!(left == right, "part {} differs", left.0);
    }
}

/// A build foretells what it needs of memory, codes and links: nothing where there will be no graph.
#[test]
fn builds_without_a_graph_need_nothing() {
    let params = BuildParams { graph_rows_min: 500, ..BuildParams::default() };
    assert_eq!(params.bytes(499, 384), 0);
    assert!(params.bytes(500, 384) > 500 * (384 + 3 * 4 * 32));
}

/// A build that is stopped leaves nothing but its name.
#[test]
fn a_stopped_build_is_refused() {
    let (rows, _) = corpus(25, 300);
    let params = BuildParams { graph_rows_min: 2, ..BuildParams::default() };
    let watch = Watch::default();
    watch.stop();
    let stopped = Segment::build_watched(&rows, &params, &watch).err();
    assert_eq!(stopped, Some(IndexError::Stopped));
    assert!(Segment::build_watched(&rows, &params, &Watch::default()).is_ok());
}
