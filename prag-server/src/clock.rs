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
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since this boot of the worker, by the machine's own counter.
pub struct WorkerClock {
    /// Milliseconds between 1970 and the moment at which the counter stood at zero.
    origin: AtomicU64,
    counter: Counter,
}

/// Time since some moment; never decreases.
pub type Counter = Box<dyn Fn() -> Duration + Send + Sync>;

impl WorkerClock {
    /// Starts at what the host says it is: time since 1970-01-01 UTC.
    #[must_use]
    pub fn start(host: &dyn Fn() -> Duration, counter: Counter) -> Self {
        Self::with_counter(host(), counter)
    }

    fn with_counter(now: Duration, counter: Counter) -> Self {
        Self { origin: AtomicU64::new(millis(now)), counter }
    }

    /// From now on it is at least `time`, Unix seconds: the ledger has seen that.
    pub fn raise(&self, time: u64) {
        let origin = time.saturating_mul(1000).saturating_sub(millis((self.counter)()));
        self.origin.fetch_max(origin, Ordering::Relaxed);
    }
}

impl Clock for WorkerClock {
    fn now(&self) -> u64 {
        self.origin.load(Ordering::Relaxed).saturating_add(millis((self.counter)())) / 1000
    }
}

/// What this machine's own clock says: time since 1970-01-01 UTC.
#[must_use]
pub fn host_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Time since it was asked for, the time that the machine slept included.
#[cfg(target_os = "linux")]
#[must_use]
pub fn counter() -> Counter {
    use rustix::time::{ClockId, clock_gettime};
    let since_boot = || Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
    let start = since_boot();
    Box::new(move || since_boot().saturating_sub(start))
}

/// Time since it was asked for.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn counter() -> Counter {
    let start = std::time::Instant::now();
    Box::new(move || start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn clock(now: Duration) -> (Arc<AtomicU64>, WorkerClock) {
        let passed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&passed);
        let count = Box::new(move || Duration::from_millis(counter.load(Ordering::Relaxed)));
        (passed, WorkerClock::with_counter(now, count))
    }

    /// It goes with the counter, from the boot's time or the ledger's, whichever is later; a second ends when the
    /// host's did.
    #[test]
    fn goes_on_from_the_later_of_both() {
        let (passed, clock) = clock(Duration::from_millis(1_000_700));
        assert_eq!(clock.now(), 1000);
        passed.store(299, Ordering::Relaxed);
        assert_eq!(clock.now(), 1000);
        passed.store(300, Ordering::Relaxed);
        assert_eq!(clock.now(), 1001);
        clock.raise(990);
        assert_eq!(clock.now(), 1001, "what is past changes nothing");
        clock.raise(5000);
        assert_eq!(clock.now(), 5000);
        passed.store(1300, Ordering::Relaxed);
        assert_eq!(clock.now(), 5001);
        clock.raise(0);
        assert_eq!(clock.now(), 5001);
    }

    /// After the boot the host may say what it likes.
    #[test]
    fn the_host_is_asked_once() {
        let said = AtomicU64::new(1000);
        let host = || Duration::from_secs(said.load(Ordering::Relaxed));
        let clock = WorkerClock::start(&host, counter());
        for later in [0, 2_000_000_000] {
            said.store(later, Ordering::Relaxed);
            assert!((1000..1060).contains(&clock.now()));
        }
    }
}
