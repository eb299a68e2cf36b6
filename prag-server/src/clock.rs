//! The worker's time: never before what the ledger has seen, and not the host's to turn back.
//!
//! Layer: server; made by `boot`.
//! Holds: the time at boot, and how long ago that is by a counter that the host cannot set.
//! Never: asks the host for the time of day again after the boot.
//! Invariant: never decreases, and never falls behind a time that it was raised to.
//!
//! A host that sets its clock back before a boot gains at most the time since the ledger's last transition; one
//! that sets it forward makes rights expire early, which it can have by stopping the worker.

use prag_trust::entropy::Clock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Time since this boot of the worker, by the machine's own counter.
pub struct WorkerClock {
    /// Unix seconds at which the counter stood at zero.
    origin: AtomicU64,
    counter: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl WorkerClock {
    /// Starts at what the host says it is.
    #[must_use]
    pub fn start(host: &dyn Clock) -> Self {
        Self::with_counter(host.now(), counter())
    }

    /// Starts at `now`; `counter` gives seconds since then and never decreases.
    fn with_counter(now: u64, counter: Box<dyn Fn() -> u64 + Send + Sync>) -> Self {
        Self { origin: AtomicU64::new(now), counter }
    }

    /// From now on it is at least `time`, Unix seconds: the ledger has seen that.
    pub fn raise(&self, time: u64) {
        self.origin.fetch_max(time.saturating_sub((self.counter)()), Ordering::Relaxed);
    }
}

impl Clock for WorkerClock {
    fn now(&self) -> u64 {
        self.origin.load(Ordering::Relaxed).saturating_add((self.counter)())
    }
}

/// Seconds since it was asked for, the time that the machine slept included.
#[cfg(target_os = "linux")]
fn counter() -> Box<dyn Fn() -> u64 + Send + Sync> {
    use rustix::time::{ClockId, clock_gettime};
    let seconds = || u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).unwrap_or(0);
    let start = seconds();
    Box::new(move || seconds().saturating_sub(start))
}

/// Seconds since it was asked for.
#[cfg(not(target_os = "linux"))]
fn counter() -> Box<dyn Fn() -> u64 + Send + Sync> {
    let start = std::time::Instant::now();
    Box::new(move || start.elapsed().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Host(AtomicU64);

    impl Clock for Host {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn clock(now: u64) -> (Arc<AtomicU64>, WorkerClock) {
        let seconds = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seconds);
        let count = Box::new(move || counter.load(Ordering::Relaxed));
        (seconds, WorkerClock::with_counter(now, count))
    }

    /// It goes with the counter, from the boot's time or the ledger's, whichever is later.
    #[test]
    fn goes_on_from_the_later_of_both() {
        let (seconds, clock) = clock(1000);
        assert_eq!(clock.now(), 1000);
        seconds.store(30, Ordering::Relaxed);
        assert_eq!(clock.now(), 1030);
        clock.raise(1010);
        assert_eq!(clock.now(), 1030, "what is past changes nothing");
        clock.raise(5000);
        assert_eq!(clock.now(), 5000);
        seconds.store(31, Ordering::Relaxed);
        assert_eq!(clock.now(), 5001);
        clock.raise(0);
        assert_eq!(clock.now(), 5001);
    }

    /// After the boot the host may say what it likes.
    #[test]
    fn the_host_is_asked_once() {
        let host = Host(AtomicU64::new(1000));
        let clock = WorkerClock::start(&host);
        for said in [0, 2_000_000_000] {
            host.0.store(said, Ordering::Relaxed);
            assert!((1000..1060).contains(&clock.now()));
        }
    }
}
