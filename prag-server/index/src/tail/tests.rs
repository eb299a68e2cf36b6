#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{Dice, clustered, pairs, rows};
use crate::{BuildParams, Segment};

/// A tail and a segment of the same rows answer alike, bit for bit: filters, vectors, statistics
/// over all rows and over some, words.
#[test]
fn tail_and_segment_agree() {
    let mut dice = Dice(7);
    let texts = clustered(&mut dice, 700, 24, 12);
    let built = Segment::build(&rows(&texts), &BuildParams::default()).unwrap();
    let mut tail = Tail::new(24, Analyzer::default());
    let ordered = rows(&texts);
    assert_eq!(built.order, (0..700).collect::<Vec<u32>>());
    for row in ordered {
        tail.push(row).unwrap();
    }
    let segment = built.segment;
    for round in 0..60u64 {
        let keep = 1 + round % 7;
        let allowed: RoaringBitmap = (0..700).filter(|_| dice.below(keep) == 0).collect();
        let vector = dice.unit(24);
        let (left, right) =
            (segment.dense(&vector, &allowed, 9, 50), tail.dense(&vector, &allowed, 9, 50));
        assert_eq!(pairs(&left.unwrap()), pairs(&right.unwrap()));

        let query = Analyzed::new(&dice.sentence(4));
        for live in [None, Some(&allowed)] {
            let stats = segment.stats(&query, live).unwrap();
            assert!(stats == tail.stats(&query, live).unwrap());
            let left = segment.sparse(&query, &stats, &allowed, 15).unwrap();
            let right = tail.sparse(&query, &stats, &allowed, 15).unwrap();
            assert_eq!(pairs(&left), pairs(&right));
        }
        let filter = format!(r#"{{"must":[{{"key":"n","range":{{"lt":{round}}}}}]}}"#);
        let filter: Filter = serde_json::from_str(&filter).unwrap();
        assert_eq!(segment.filter(&filter), tail.filter(&filter));
    }
}

/// A row of the wrong shape is refused and leaves no trace; an empty tail answers nothing.
#[test]
fn refused_rows_leave_no_trace() {
    let mut dice = Dice(3);
    let mut tail = Tail::new(8, Analyzer::default());
    assert!(tail.is_empty());
    assert!(tail.dense(&dice.unit(8), &(0..9).collect(), 3, 3).unwrap().is_empty());
    for (vector, error) in [
        (vec![1.0; 7], IndexError::Dimension { expected: 8, found: 7 }),
        (vec![1.0; 8], IndexError::Vector(0)),
        (vec![f32::NAN; 8], IndexError::Vector(0)),
        (vec![0.0; 8], IndexError::Vector(0)),
    ] {
        let mut row = rows(&clustered(&mut dice, 1, 8, 1)).remove(0);
        row.vector = vector;
        assert_eq!(tail.push(row), Err(error));
    }
    assert_eq!(tail.len(), 0);
    assert_eq!(tail.push(rows(&clustered(&mut dice, 1, 8, 1)).remove(0)), Ok(0));
    assert!(tail.vector(0).is_some() && tail.vector(1).is_none());
}

/// BM25 by hand: two rows, one term.
#[test]
fn scores_are_bm25() {
    let mut dice = Dice(5);
    let mut tail = Tail::new(8, Analyzer::default());
    for text in ["running dogs and the cat", "a cat sat"] {
        let mut row = rows(&clustered(&mut dice, 1, 8, 1)).remove(0);
        row.text = text.to_owned();
        tail.push(row).unwrap();
    }
    let query = Analyzed::new("Did the Runner RUN, dog?");
    let stats = tail.stats(&query, None).unwrap();
    assert_eq!((stats.docs, stats.tokens), (2, 5));
    let hits = tail.sparse(&query, &stats, &(0..2).collect(), 5).unwrap();
    // Terms "run" and "dog", each once in row 0 of length 3; the average length is 2.5.
    let part = (1f32 + 1.5 / 1.5).ln() * 2.2 / (1.0 + 1.2 * (0.25 + 0.75 * 3.0 / 2.5));
    assert_eq!(hits.len(), 1);
    assert!((hits[0].score - 2.0 * part).abs() < 1e-5);
}
