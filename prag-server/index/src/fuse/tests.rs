#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn ids(fused: &[Fused<&str>]) -> String {
    fused.iter().map(|hit| hit.id).collect()
}

fn lists() -> Vec<Vec<(&'static str, f32)>> {
    vec![vec![("a", 0.9), ("b", 0.8), ("c", 0.1)], vec![("c", 12.0), ("b", 11.0), ("d", 2.0)]]
}

/// Each fusion on one small example, worked out by hand.
#[test]
fn fusions_agree_with_hand_work() {
    let linear = fuse(&lists(), &Fusion::default());
    assert_eq!(ids(&linear), "bacd");
    assert!((linear[0].score - (0.5 * 0.875 + 0.5 * 0.9)).abs() < 1e-6);
    assert!((linear[1].score - 0.5).abs() < 1e-6 && linear[3].score.abs() < 1e-6);
    assert_eq!(ids(&fuse(&lists(), &Fusion::Linear { weight: 1.0 })), "abcd");

    let rrf = fuse(&lists(), &Fusion::Rrf { k: 60, weights: vec![] });
    assert_eq!(ids(&rrf), "cbad");
    assert!((rrf[0].score - (1.0 / 61.0 + 1.0 / 63.0)).abs() < 1e-7);
    let tilted = Fusion::Rrf { k: 60, weights: vec![1.0, 0.0] };
    assert_eq!(ids(&fuse(&lists(), &tilted)), "abcd");

    assert_eq!(ids(&fuse(&lists(), &Fusion::Dbsf)), "bcad");
}

/// One score in a list, no list, an empty list: all finite, ties by id.
#[test]
fn edges_are_finite_and_ordered() {
    for fusion in [Fusion::default(), Fusion::Rrf { k: 1, weights: vec![] }, Fusion::Dbsf] {
        let flat = vec![vec![("b", 1.0), ("a", 1.0)], vec![], vec![("c", -3.0)]];
        let fused = fuse(&flat, &fusion);
        assert!(fused.len() == 3 && fused.iter().all(|hit| hit.score.is_finite()));
        assert!(fuse::<u32>(&[], &fusion).is_empty());
        assert_eq!(fuse(&flat, &fusion), fused);
    }
    assert_eq!(ids(&fuse(&[vec![("b", 1.0), ("a", 1.0)]], &Fusion::default())), "ab");
}
