//! Hostile bytes for every decoder: good ones, changed in the ways that find faults, and noise.
//!
//! Layer: tests; a development dependency, knows none of our crates.
//! Holds: [`fuzz`], which a decoder's target is a closure for; the targets stand beside the decoders.
//! Never: chance that cannot be repeated: the same seed gives the same bytes.
//! Invariant: the good bytes come first, as they are; a failure shows the smallest bytes found that fail.
//!
//! In CI each target runs [`CASES`] cases. For long: `PRAG_FUZZ_CASES=10000000 PRAG_FUZZ_SEED=7 cargo test fuzz`.

#![allow(clippy::panic)]

mod change;

use change::Change;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::fmt;

/// Cases of one target, unless `PRAG_FUZZ_CASES` says otherwise.
pub const CASES: u32 = 1000;

/// Calls `target` with each of `good`, then with what becomes of them by a few changes each, then with noise.
///
/// A target panics where a decoder misbehaves: by a panic of its own, or by an answer that cannot be. `slow` divides
/// the number of cases: 1 for microseconds a case, 10 for a tenth of a millisecond, 100 for a millisecond.
///
/// # Panics
/// With the smallest bytes found for which `target` panics, as hex and as text.
pub fn fuzz(slow: u32, good: &[Vec<u8>], target: impl Fn(&[u8])) {
    assert!(!good.is_empty(), "a target begins with good bytes");
    for bytes in good {
        target(bytes);
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cases = number("PRAG_FUZZ_CASES").and_then(|cases| u32::try_from(cases).ok());
    let cases = (cases.unwrap_or(CASES) / slow.max(1)).max(1);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("PRAG_FUZZ_SEED").unwrap_or(0).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let changed = (any::<Index>(), proptest::collection::vec(Change::any(), 1..6));
    let changed = changed.prop_map(|(which, changes)| {
        let mut bytes = which.get(good).clone();
        for change in changes {
            change.apply(&mut bytes, good);
        }
        Hostile(bytes)
    });
    let noise = proptest::collection::vec(any::<u8>(), 0..600).prop_map(Hostile);
    let hostile = prop_oneof![8 => changed, 1 => noise];
    let result = runner.run(&hostile, |Hostile(bytes)| {
        target(&bytes);
        Ok::<(), TestCaseError>(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Bytes that are shown as a person can use them.
struct Hostile(Vec<u8>);

impl fmt::Debug for Hostile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes: ", self.0.len())?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        write!(out, " = {:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    /// A decoder with a fault behind three checks: found, and shown small.
    #[test]
    fn finds_what_is_hidden() {
        let target = |bytes: &[u8]| {
            let hidden = bytes.len() > 12 && bytes.starts_with(b"PRAG") && bytes[8] > 200;
            assert!(!hidden, "the fault");
        };
        let found =
            catch_unwind(AssertUnwindSafe(|| fuzz(1, &[b"PRAG0000\x0100000".to_vec()], target)));
        let text = found.unwrap_err().downcast::<String>().unwrap();
        let (_, rest) = text.split_once("minimal failing input: ").unwrap();
        let bytes: usize = rest.split(' ').next().unwrap().parse().unwrap();
        assert!(rest.contains("50524147") && bytes <= 24, "{text}");
    }

    /// The same cases each time, none before the good ones, and many different ones.
    #[test]
    fn repeats_itself() {
        let run = || {
            let seen = Mutex::new(Vec::new());
            fuzz(1, &[b"one".to_vec(), b"two".to_vec()], |bytes| {
                seen.lock().unwrap().push(bytes.to_vec())
            });
            seen.into_inner().unwrap()
        };
        let (first, second) = (run(), run());
        assert_eq!(first, second);
        assert_eq!(first[..2], [b"one".to_vec(), b"two".to_vec()]);
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert!(distinct.len() > first.len() / 2, "{} of {}", distinct.len(), first.len());
    }
}
