//! How much of the machine freezes and merges may use.
//!
//! Layer: collection; one instance for all shards of a worker.
//! Holds: threads of a build, when it is due, and a pace for what it writes.
//! Never: decides which segments are merged: `tiers` does.
//! Invariant: over any longer time, all builds together write no faster than the pace.

use super::tiers::Shape;
use prag_index::BuildParams;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Numbers for builds in the background.
#[derive(Debug)]
pub struct Upkeep {
    /// When to freeze and what to merge.
    pub shape: Shape,
    /// Threads of one build.
    pub threads: usize,
    /// Bytes a second that builds write; 0 for no bound.
    pub bytes_per_s: u64,
    /// Until when what was written so far has been paid for.
    paid_until: Mutex<Option<Instant>>,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self::new(Shape::default(), BuildParams::default().threads, 0)
    }
}

impl Upkeep {
    /// Upkeep within these bounds.
    #[must_use]
    pub fn new(shape: Shape, threads: usize, bytes_per_s: u64) -> Self {
        Self { shape, threads: threads.max(1), bytes_per_s, paid_until: Mutex::default() }
    }

    pub(super) fn params(&self) -> BuildParams {
        BuildParams { threads: self.threads, ..BuildParams::default() }
    }

    /// `bytes` were written by a build: wait until the pace allows more. Blocks this thread;
    /// no search and no write waits for it.
    pub(super) fn spend(&self, bytes: usize) {
        let wait = self.bill(bytes, Instant::now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }

    /// How long to wait from `now`.
    fn bill(&self, bytes: usize, now: Instant) -> Duration {
        if self.bytes_per_s == 0 {
            return Duration::ZERO;
        }
        #[allow(clippy::cast_precision_loss)] // a pace
        let price = Duration::from_secs_f64(bytes as f64 / self.bytes_per_s as f64);
        let mut paid = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = paid.map_or(now, |until| until.max(now)) + price;
        *paid = Some(until);
        until.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two builds share one pace; what was not used is not saved up; without a pace nobody waits.
    #[test]
    fn all_builds_share_the_pace() {
        let upkeep = Upkeep::new(Shape::default(), 1, 1000);
        let now = Instant::now();
        assert_eq!(upkeep.bill(500, now), Duration::from_millis(500));
        assert_eq!(upkeep.bill(500, now), Duration::from_secs(1));
        assert_eq!(upkeep.bill(1000, now + Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(Upkeep::default().bill(usize::MAX, now), Duration::ZERO);
    }
}
