//! This machine's clock and randomness, for the traits that `trust` asks for.
//!
//! Layer: client.
//! Holds: the operating system's answers.
//! Never: a fallback. No randomness is an error.
//! Invariant: the clock never goes back within one process.

use prag_trust::entropy::{Clock, Entropy, EntropyError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError)
    }
}

/// The operating system's clock.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicU64,
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        self.latest.fetch_max(now, Ordering::Relaxed).max(now)
    }
}
