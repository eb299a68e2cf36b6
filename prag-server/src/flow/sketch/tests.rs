#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn vector(seed: u64, dimension: u64) -> Vec<f32> {
    let number = |place| (mix(seed * 1_000_003 + place) % 2001) as f32 / 1000.0 - 1.0;
    (0..dimension).map(number).collect()
}

fn turned(vector: &[f32], seed: u64, by: f32) -> Vec<f32> {
    let other = self::vector(seed, vector.len() as u64);
    vector.iter().zip(other).map(|(number, other)| number + by * other).collect()
}

/// Few documents are counted exactly, many within a fifth, and again is not anew.
#[test]
fn distinct_documents_are_counted() {
    let mut distinct = Distinct::default();
    assert_eq!(distinct.count(), 0);
    for number in 0..100 {
        distinct.note(&format!("document-{number}"));
        distinct.note(&format!("document-{number}"));
    }
    assert_eq!(distinct.count(), 100);
    for number in 0..20_000 {
        distinct.note(&format!("document-{number}"));
    }
    assert!((16_000..24_000).contains(&distinct.count()), "{}", distinct.count());
    assert_eq!(distinct.0.len(), KEPT);
}

/// A vector that is turned a little is near; the same one and an unrelated one are not.
#[test]
fn near_is_neither_equal_nor_far() {
    for seed in 0..50 {
        let asked = vector(seed, 384);
        let signature = Signature::of_vector(&asked);
        assert!(signature.nearly(Signature::of_vector(&turned(&asked, seed + 1000, 0.05))));
        assert!(!signature.nearly(Signature::of_vector(&asked)));
        assert!(!signature.nearly(Signature::of_vector(&vector(seed + 2000, 384))));
    }
    let asked = "The patient in room 12 was given 5 mg of the substance on Monday morning.";
    let signature = Signature::of_text(asked);
    assert!(signature.nearly(Signature::of_text(&asked.replace("5 mg", "6 mg"))));
    assert!(!signature.nearly(Signature::of_text(asked)));
    assert!(!signature.nearly(Signature::of_text("Who signed the contract with the printers?")));
    let asked = |number: usize| {
        format!("who signed contract {number} with the printers of the yellow book")
    };
    let pairs = (0..100).filter(|number| {
        Signature::of_text(&asked(*number)).nearly(Signature::of_text(&asked(number + 1)))
    });
    assert!(pairs.count() > 90);
}

/// Half of the last 64 searches must have probed; different questions never do.
#[test]
fn probing_is_a_habit() {
    let mut recent = Recent::default();
    assert!((0..500).all(|seed| !recent.note(Signature::of_vector(&vector(seed, 64)), false)));
    let probing = |from: u64, recent: &mut Recent| {
        (from..from + 64)
            .position(|seed| recent.note(Signature::of_vector(&vector(seed, 64)), true))
    };
    assert_eq!(probing(500, &mut recent), Some(31));
    assert!(
        (600..700)
            .filter(|seed| recent.note(Signature::of_vector(&vector(*seed, 64)), false))
            .count()
            < 64
    );
    assert!(!recent.note(Signature::of_vector(&vector(9999, 64)), false));

    let (mut recent, start) = (Recent::default(), vector(1, 64));
    let climbing = (0..64).position(|step| {
        recent.note(Signature::of_vector(&turned(&start, 50 + step, 0.05)), false)
    });
    assert_eq!(climbing, Some(32), "the first has nothing before it");
    assert!(recent.asked.len() <= ASKED);
}

/// Each sum has each number of a block once, with the sign that the matrix says.
#[test]
fn projections_are_those_of_a_naive_twin() {
    for (seed, length) in [(1u64, 64usize), (2, 64), (3, 36), (4, 1), (5, 0)] {
        // Small whole numbers: sums of them are exact in any order.
        let block: Vec<f32> = (0..length).map(|place| (mix(place as u64) % 17) as f32).collect();
        let (before, after) = (mix(seed), mix(seed + 100));
        let mut sums = [3f32; 64];
        project_block(&mut sums, (before, after), &block);
        for (row, sum) in sums.iter().enumerate() {
            let sign = |place: usize| {
                let walsh = (row & place).count_ones() as u64;
                walsh + (before >> place & 1) + (after >> row & 1)
            };
            let signed = |(place, number): (usize, &f32)| {
                if sign(place) % 2 == 0 { *number } else { -number }
            };
            let twin: f32 = block.iter().enumerate().map(signed).sum();
            assert_eq!(*sum, 3.0 + twin, "{seed}, {length}: {row}");
        }
    }
}
