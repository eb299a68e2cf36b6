//! How fast one grantee may ask: a token bucket.
//!
//! Layer: flow.
//! Holds: tokens and the second at which they were counted.
//! Never: a wait: what finds the bucket empty is refused.
//! Invariant: over any span of s seconds at most `burst + s * per_second` requests pass.

/// A bucket's size and how fast it fills.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Tokens added a second, at least 1.
    pub(super) per_second: u64,
    /// Tokens that a full bucket holds, at least 1.
    pub(super) burst: u64,
}

/// One grantee's tokens.
pub(super) struct Bucket {
    tokens: u64,
    /// Unix seconds.
    at: u64,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(pace: Pace, now: u64) -> Self {
        Self { tokens: pace.burst, at: now }
    }

    /// Take so many tokens; false, and none is taken, where there are fewer. A clock that goes back fills nothing.
    pub(super) fn take(&mut self, pace: Pace, tokens: u64, now: u64) -> bool {
        self.fill(pace, now);
        match self.tokens.checked_sub(tokens) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }

    /// True if forgetting this bucket changes nothing: a new one would be as full.
    pub(super) fn is_full(&mut self, pace: Pace, now: u64) -> bool {
        self.fill(pace, now);
        self.tokens == pace.burst
    }

    fn fill(&mut self, pace: Pace, now: u64) {
        let elapsed = now.saturating_sub(self.at);
        let added = elapsed.saturating_mul(pace.per_second);
        self.tokens = self.tokens.saturating_add(added).min(pace.burst);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { per_second: 2, burst: 5 };

    fn pass(bucket: &mut Bucket, asked: usize, now: u64) -> usize {
        (0..asked).filter(|_| bucket.take(PACE, 1, now)).count()
    }

    /// A burst passes, then the rate; a long rest earns one burst, not more.
    #[test]
    fn bursts_and_rates_have_their_ends() {
        let mut bucket = Bucket::full(PACE, 100);
        assert_eq!(pass(&mut bucket, 9, 100), 5);
        assert_eq!(pass(&mut bucket, 9, 100), 0);
        assert_eq!(pass(&mut bucket, 9, 101), 2);
        assert!(!bucket.is_full(PACE, 103));
        assert!(bucket.is_full(PACE, 104));
        assert_eq!(pass(&mut bucket, 9, 10_000), 5);
        assert_eq!(pass(&mut bucket, 9, u64::MAX), 5);
    }

    /// Who asks for more than is there gets nothing, and loses nothing.
    #[test]
    fn many_pass_together_or_not_at_all() {
        let mut bucket = Bucket::full(PACE, 100);
        assert!(!bucket.take(PACE, 6, 100));
        assert!(bucket.take(PACE, 4, 100));
        assert!(!bucket.take(PACE, 2, 100));
        assert!(bucket.take(PACE, 1, 100) && !bucket.take(PACE, u64::MAX, 200));
    }

    /// Setting the clock back and forth earns nothing.
    #[test]
    fn a_clock_that_goes_back_earns_nothing() {
        let mut bucket = Bucket::full(PACE, 100);
        assert_eq!(pass(&mut bucket, 9, 100), 5);
        for now in [50, 100, 0, 100] {
            assert_eq!(pass(&mut bucket, 9, now), 0);
        }
    }
}
