//! A clock that can be set, as a host sets one.

use prag_client::system::SystemClock;
use prag_trust::entropy::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The system's clock, ahead or behind by so many seconds. Clones are the same clock.
#[derive(Clone, Default)]
pub struct SetClock {
    system: Arc<SystemClock>,
    ahead_s: Arc<AtomicI64>,
}

impl SetClock {
    /// Sets it `ahead_s` seconds before the system's clock, or behind it if negative.
    pub fn set(&self, ahead_s: i64) {
        self.ahead_s.store(ahead_s, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> u64 {
        self.system.now().saturating_add_signed(self.ahead_s.load(Ordering::SeqCst))
    }
}
