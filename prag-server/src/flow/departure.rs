//! When a reply may leave.
//!
//! Layer: flow; made and waited for by `http`, set by whoever serves an oblivious collection.
//! Holds: when the request came, and the quantum that its reply must keep to, if any.
//! Never: shortens a wait for a reply that is late: it leaves at the next multiple.
//! Invariant: of two replies that were made within the same quantum, a clock cannot tell which took longer.

use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// A request's arrival, and when its reply may leave.
pub struct Departure {
    arrived: Instant,
    quantum: OnceLock<Duration>,
}

impl Departure {
    /// A request came now.
    #[must_use]
    pub fn begin() -> Self {
        Self { arrived: Instant::now(), quantum: OnceLock::new() }
    }

    /// The reply leaves at a multiple of this.
    pub(super) fn keep_to(&self, quantum: Duration) {
        // Set once: a request is of one collection.
        let _ = self.quantum.set(quantum);
    }

    /// Wait until the reply may leave. Call it when nothing is left to do but to pad, to seal and to send.
    pub async fn wait(&self) {
        let Some(quantum) = self.quantum.get() else { return };
        tokio::time::sleep_until(self.arrived + whole(self.arrived.elapsed(), *quantum)).await;
    }
}

/// The least multiple of `quantum` that is not below `taken`; at least one.
fn whole(taken: Duration, quantum: Duration) -> Duration {
    let (taken, unit) = (taken.as_nanos(), quantum.as_nanos().max(1));
    let nanos = taken.div_ceil(unit).max(1).saturating_mul(unit);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reply takes a whole number of quanta, and no more of them than it needs.
    #[test]
    fn replies_take_whole_quanta() {
        let (ms, us) = (Duration::from_millis, Duration::from_micros);
        assert_eq!(whole(Duration::ZERO, ms(50)), ms(50));
        assert_eq!(whole(us(1), ms(50)), ms(50));
        assert_eq!(whole(us(49_999), ms(50)), ms(50));
        assert_eq!(whole(ms(50), ms(50)), ms(50));
        assert_eq!(whole(us(50_001), ms(50)), ms(100));
        assert_eq!(whole(ms(1234), ms(50)), ms(1250));
        assert_eq!(whole(ms(3), Duration::ZERO), ms(3));
    }

    /// A reply without a quantum leaves at once; one with a quantum not before its end.
    #[tokio::test]
    async fn waits_only_where_it_must() {
        let free = Departure::begin();
        free.wait().await;
        let bound = Departure::begin();
        bound.keep_to(Duration::from_millis(20));
        bound.keep_to(Duration::from_secs(3600));
        bound.wait().await;
        assert!(bound.arrived.elapsed() >= Duration::from_millis(20));
    }
}
