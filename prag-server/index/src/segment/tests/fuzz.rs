//! Hostile parts of a segment, as they would be if their seals were broken.

use super::*;
use prag_fuzz::fuzz;

/// Any part may be anything: the segment is refused, or answers every kind of search without a panic.
#[test]
fn index_parts() {
    let whole = parts(Precision::default(), 8);
    for part in 0..whole.len() {
        hostile(&whole, part);
    }
}

/// As [`index_parts`], for the vectors of each precision that is not the default.
#[test]
fn index_vectors() {
    for precision in [Precision::F32, Precision::I8] {
        let whole = parts(precision, 8);
        assert_eq!(whole[0].0, PartName::Vectors);
        hostile(&whole, 0);
    }
}

/// As [`index_parts`], for vectors with signs.
#[test]
fn index_signs() {
    let whole = parts(Precision::F16, 256);
    assert_eq!(whole[0].1[..4], 0x5058_0003u32.to_le_bytes());
    hostile(&whole, 0);
}

fn parts(precision: Precision, dimension: usize) -> Vec<(PartName, Vec<u8>)> {
    let texts = clustered(&mut Dice(9), 60, dimension, 3);
    let params = BuildParams { graph_rows_min: 1, signs_rows_min: 0, ..BuildParams::default() };
    let params = BuildParams { threads: 1, precision, ..params };
    Segment::build(&rows(&texts), &params).unwrap().segment.to_parts().unwrap()
}

fn hostile(whole: &[(PartName, Vec<u8>)], part: usize) {
    fuzz(4, &[whole[part].1.clone()], |bytes| {
        let mut parts = whole.to_vec();
        parts[part].1 = bytes.to_vec();
        if let Ok(segment) = Segment::from_parts(&parts) {
            search(&segment);
        }
    });
}

fn search(segment: &Segment) {
    let all: RoaringBitmap = (0..60).collect();
    let vector = vec![0.5; segment.dimension()];
    let _ = segment.dense(&vector, &all, 5, 20);
    let _ = segment.dense_exact(&vector, &all, 5);
    let query = Query::new(&vector, segment.dimension()).unwrap();
    let _ = segment.walk(query.target(), &Mask::All(segment.len()), 5, 20);
    let words = Analyzed::new("w0 w1 w2 w3 w5 w8 w13");
    if let Ok(stats) = segment.stats(&words, Some(&(0..40).collect())) {
        let _ = segment.sparse(&words, &stats, &all, 5);
    }
    let filter =
        r#"{"must":[{"key":"n","range":{"gte":3,"lt":40}}],"must_not":[{"has_id":["doc-1"]}]}"#;
    let _ = segment.filter(&serde_json::from_str(filter).unwrap());
    let _ = segment.to_parts();
}
