//! Requests that were seen.
//!
//! Layer: `trust::request`.
//! Holds: (session key, nonce) pairs, in memory only: after a restart the worker's key is another, so
//! older requests fail on that.
//! Never: more than its capacity.
//! Invariant: a nonce is remembered for longer than a request with it can be inside the time window.

use super::RequestError;
use prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX;
use std::collections::{BTreeSet, HashSet};

type Seen = ([u8; 32], [u8; 16]);

/// Remembers which signed requests were accepted.
pub struct NonceCache {
    capacity: usize,
    seen: HashSet<Seen>,
    by_end: BTreeSet<(u64, Seen)>,
}

impl NonceCache {
    /// An empty cache of at most `capacity` requests, about 150 bytes each.
    ///
    /// Enough for a rate of `capacity` / 180 requests a second.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: HashSet::new(), by_end: BTreeSet::new() }
    }

    /// Remember a request, unless it was seen.
    pub(super) fn remember(
        &mut self,
        key: [u8; 32],
        nonce: [u8; 16],
        created: u64,
        now: u64,
    ) -> Result<(), RequestError> {
        self.forget(now);
        let seen = (key, nonce);
        if self.seen.contains(&seen) {
            return Err(RequestError::Replayed);
        }
        if self.seen.len() >= self.capacity {
            return Err(RequestError::Full);
        }
        self.seen.insert(seen);
        self.by_end.insert((created.saturating_add(2 * CLOCK_SKEW_SECONDS_MAX), seen));
        Ok(())
    }

    fn forget(&mut self, now: u64) {
        while let Some((end, seen)) = self.by_end.first().copied() {
            if end >= now {
                break;
            }
            self.by_end.remove(&(end, seen));
            self.seen.remove(&seen);
        }
    }
}
