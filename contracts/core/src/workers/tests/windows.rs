//! Sets of windows against plain sets.

use crate::tests::Chance;
use crate::workers::windows::{has, with};
use prag_protocol::ledger::workers::{WINDOWS_KEPT, WindowSet};
use std::collections::BTreeSet;

/// A set knows the last 32 windows exactly, and nothing of those before.
#[test]
fn sets_are_sets() {
    for seed in 0..50 {
        let mut chance = Chance(seed);
        let mut set = WindowSet::default();
        let mut model = BTreeSet::new();
        let mut top = 1000;
        for _ in 0..200 {
            top += chance.below(3) * chance.below(20);
            let window = top - chance.below(WINDOWS_KEPT + 8);
            set = with(set, window);
            model.insert(window);
            let last = *model.last().unwrap();
            assert_eq!(set.last, last);
            for known in last - (WINDOWS_KEPT - 1)..last + 3 {
                assert_eq!(has(set, known), model.contains(&known), "{known} of {model:?}");
            }
            assert!(!has(set, last - WINDOWS_KEPT), "too old to be known");
        }
    }
}

/// Neither end of time overflows.
#[test]
fn ends() {
    let end = with(WindowSet::default(), u64::MAX);
    assert_eq!(end, WindowSet { last: u64::MAX, bits: 1 });
    assert_eq!(with(end, 0), end);
    assert!(has(with(WindowSet::default(), 0), 0));
    assert!(!has(WindowSet::default(), 0));
}
