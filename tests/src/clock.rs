//! A clock that can be set, as a host sets one.

use prag_server::clock::host_time;
use prag_trust::entropy::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The system's clock, ahead or behind by so many seconds. Clones are the same clock.
#[derive(Clone, Default)]
pub struct SetClock {
    ahead_s: Arc<AtomicI64>,
}

impl SetClock {
    /// What it says, more exactly than to the second.
    #[must_use]
    pub fn time(&self) -> Duration {
        let ahead = self.ahead_s.load(Ordering::SeqCst);
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { host_time().saturating_sub(by) } else { host_time() + by }
    }

    /// Sets it `ahead_s` seconds before the system's clock, or behind it if negative.
    pub fn set(&self, ahead_s: i64) {
        self.ahead_s.store(ahead_s, Ordering::SeqCst);
    }

    /// Lets it go on by so many seconds at once.
    pub(crate) fn pass(&self, seconds: u64) {
        self.ahead_s.fetch_add(i64::try_from(seconds).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> u64 {
        self.time().as_secs()
    }
}
