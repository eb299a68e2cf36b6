//! Weighted rendezvous: who is chosen, how often, and who moves.

use crate::tests::Chance;
use crate::workers::rendezvous::choose;
use crate::workers::seats::Seat;
use std::collections::BTreeMap;

fn seats(weights: &[u32]) -> Vec<Seat> {
    let seat = |(number, weight): (u64, &u32)| Seat {
        number,
        weight: *weight,
        live_until: 0,
        approval: 0,
    };
    (1..).zip(weights).map(seat).collect()
}

fn chosen(seats: &[Seat], subject: u32) -> Option<u64> {
    choose("s", &format!("subject {subject}"), seats).map(|seat| seat.number)
}

fn draws(count: u64) -> Vec<Seat> {
    let mut chance = Chance(count);
    let weights: Vec<_> =
        (0..count).map(|_| u32::try_from(1 + chance.below(50)).unwrap()).collect();
    seats(&weights)
}

/// Frozen; an independent program with floating logarithms chose the same.
#[test]
fn golden_choices() {
    let seats = seats(&[1, 2, 3, 1_000_000]);
    let few = &seats[..3];
    let row: Vec<_> = (0..16).map(|n| chosen(few, n).unwrap()).collect();
    assert_eq!(row, GOLDEN);
}

/// The order of seats does not matter, service and subject do, and no seat means no choice.
#[test]
fn a_choice_is_of_a_set() {
    let forth = draws(60);
    let back: Vec<_> = forth.iter().rev().cloned().collect();
    let mut other_service = 0;
    for subject in 0..500 {
        let choice = chosen(&forth, subject);
        assert_eq!(choice, chosen(&back, subject));
        let other = choose("t", &format!("subject {subject}"), &forth);
        other_service += u32::from(other.map(|seat| seat.number) != choice);
    }
    assert!(other_service > 400, "{other_service}");
    assert_eq!(chosen(&[], 1), None);
    assert_eq!(chosen(&seats(&[0, 0]), 1), None);
    assert_eq!(chosen(&seats(&[0, 1]), 1), Some(2));
    // Service and subject cannot be shifted into each other.
    let of =
        |service: &str, subject: &str| choose(service, subject, &forth).map(|seat| seat.number);
    let same = (0..50).filter(|n| of("ab", &format!("c{n}")) == of("a", &format!("bc{n}")));
    assert!(same.count() < 25);
}

/// Shares follow weights, from 1 to a million.
#[test]
fn shares_follow_weights() {
    let subjects = 10_000_u32;
    for weights in [vec![1; 40], vec![1, 2, 3, 4, 10], vec![1, 1000, 999_000], vec![7, 0, 7]] {
        let seats = seats(&weights);
        let mut counts = BTreeMap::<u64, i128>::new();
        for subject in 0..subjects {
            *counts.entry(chosen(&seats, subject).unwrap()).or_default() += 1;
        }
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        for seat in &seats {
            let (trials, weight) = (i128::from(subjects), i128::from(seat.weight));
            let seen = counts.get(&seat.number).copied().unwrap_or_default();
            // Five deviations of a binomial share, both sides times the total squared.
            let off = seen * total - trials * weight;
            let variance = (trials * weight * (total - weight)).max(total * total);
            assert!(off * off <= 25 * variance, "{weights:?}: {weight} was chosen {seen} times");
            assert!(weight > 0 || seen == 0);
        }
    }
}

/// A seat that goes moves its own subjects only, and they spread by weight.
#[test]
fn leaving_moves_its_share_only() {
    for (count, subjects) in [(2, 500), (5, 1000), (60, 1000), (512, 300)] {
        let all = draws(count);
        let gone = all[usize::try_from(count / 2).unwrap()].number;
        let rest: Vec<_> = all.iter().filter(|seat| seat.number != gone).cloned().collect();
        let mut heirs = std::collections::BTreeSet::new();
        for subject in 0..subjects {
            let (before, after) = (chosen(&all, subject), chosen(&rest, subject));
            if before == Some(gone) {
                assert_ne!(after, Some(gone));
                heirs.insert(after);
            } else {
                assert_eq!(before, after, "subject {subject} of {count}");
            }
        }
        assert!(count != 5 || heirs.len() > 1, "one seat inherited everything");
    }
}

/// A seat that grows only gains, and one that shrinks only loses.
#[test]
fn weight_moves_towards_the_heavier() {
    let before = draws(60);
    let mut after = before.clone();
    after[10].weight += 40;
    let mut gained = 0;
    for subject in 0..3000 {
        let (old, new) = (chosen(&before, subject), chosen(&after, subject));
        if old != new {
            assert_eq!(new, Some(11));
            gained += 1;
        }
    }
    assert!(gained > 20, "{gained}");
}

const GOLDEN: [u64; 16] = [1, 1, 3, 2, 2, 3, 2, 1, 2, 1, 3, 2, 3, 1, 3, 2];
