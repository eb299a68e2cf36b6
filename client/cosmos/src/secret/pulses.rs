//! Pulses of one account: which of them an answer may show.
//!
//! Layer: `cosmos::secret`.
//! Holds: the nonces that this process sent, oldest first, and where those that happened were proven; whether somebody
//! waits for the next.
//! Never: a nonce of another process: each begins with none, so that no state from before it is answered of.
//! Invariant: an answer out of a state from before the last proven pulse is told from a newer one.

use crate::CosmosError;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The pulses of one process.
pub(crate) struct Pulses {
    every_s: u64,
    sent: Mutex<VecDeque<Sent>>,
    /// One that is sent after this Unix second is waited for.
    wanted: AtomicU64,
}

struct Sent {
    nonce: [u8; 32],
    /// When it was drawn, Unix seconds.
    at: u64,
    /// Height and time of the block that is proven to hold it; until then it may happen, or not.
    proven: Option<(u64, u64)>,
}

impl Pulses {
    /// None is sent yet; one holds for `every_s` seconds.
    pub(crate) fn new(every_s: u64) -> Self {
        Self { every_s, sent: Mutex::default(), wanted: AtomicU64::new(0) }
    }

    /// A nonce that was drawn at Unix second `at` is on its way.
    pub(crate) fn sends(&self, nonce: [u8; 32], at: u64) {
        let mut sent = self.lock();
        sent.push_back(Sent { nonce, at, proven: None });
        // One that is proven stays, however many tries came to nothing since.
        while sent.len() > SENT_MAX {
            let oldest_proven = sent.iter().rposition(|one| one.proven.is_some());
            let at = usize::from(oldest_proven == Some(0));
            sent.remove(at);
        }
    }

    /// It is proven to be in the block of this height and time.
    pub(crate) fn proven(&self, nonce: &[u8; 32], height: u64, time: u64) {
        if let Some(one) = self.lock().iter_mut().find(|one| one.nonce == *nonce) {
            one.proven = Some((height, time));
        }
    }

    /// That something was proven lately enough, at Unix second `now`.
    ///
    /// # Errors
    /// [`CosmosError::Unproven`].
    pub(crate) fn hold(&self, now: u64) -> Result<(), CosmosError> {
        let (age, max) = (now.saturating_sub(self.last().unwrap_or(0)), self.every_s);
        if age <= max { Ok(()) } else { Err(CosmosError::Unproven { age, max }) }
    }

    /// Whether it is time for the next: a quarter before the last is too old, so that there is time to try again; or
    /// at once where one is waited for.
    pub(crate) fn due(&self, now: u64) -> bool {
        let age = now.saturating_sub(self.last().unwrap_or(0));
        let wanted = self.wanted.load(Ordering::Relaxed);
        let waited_for = wanted > 0 && self.proven_after(wanted, u64::MAX).is_none();
        waited_for || age >= self.every_s - self.every_s / 4
    }

    /// Whether every answer out of the state at `height` shows a nonce that was drawn after Unix second `then`. If not,
    /// the next one is due.
    pub(crate) fn after(&self, then: u64, height: u64) -> bool {
        let proven = self.proven_after(then, height).is_some();
        if !proven {
            self.wanted.fetch_max(then, Ordering::Relaxed);
        }
        proven
    }

    /// What an answer out of the state at `height` may show: the last nonce that was proven up to there, or a later one.
    pub(crate) fn expected(&self, height: u64) -> Vec<[u8; 32]> {
        let sent = self.lock();
        let holds = |one: &Sent| one.proven.is_some_and(|(at, _)| at <= height);
        let from = sent.iter().rposition(holds);
        let all = from.map(|from| sent.iter().skip(from).map(|one| one.nonce).collect());
        all.unwrap_or_default()
    }

    /// The height of one that was drawn after `then` and proven up to `height`.
    fn proven_after(&self, then: u64, height: u64) -> Option<u64> {
        let sent = self.lock();
        let late = sent.iter().filter(|one| one.at > then);
        late.filter_map(|one| one.proven).map(|(at, _)| at).find(|at| *at <= height)
    }

    /// When the last proven one was.
    fn last(&self) -> Option<u64> {
        self.lock().iter().rev().find_map(|one| one.proven).map(|(_, time)| time)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nonces that are remembered: what is proven, and tries since.
const SENT_MAX: usize = 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Nothing is answered before the first is proven, nor once the last is too old; the next is due before that.
    #[test]
    fn a_pulse_holds_for_its_time() {
        let pulses = Pulses::new(600);
        let none = |now| pulses.hold(now);
        assert_eq!(none(5000), Err(CosmosError::Unproven { age: 5000, max: 600 }));
        assert!(pulses.due(5000));
        pulses.sends([1; 32], 4990);
        assert!(none(5000).is_err(), "it may not have happened");
        pulses.proven(&[1; 32], 10, 5000);
        assert_eq!(none(5600), Ok(()));
        assert_eq!(none(5601), Err(CosmosError::Unproven { age: 601, max: 600 }));
        assert!(!pulses.due(5449) && pulses.due(5450));
    }

    /// An answer shows the nonce that was last when its state was, or a later one; never one from before.
    #[test]
    fn old_nonces_are_known_as_such() {
        let pulses = Pulses::new(600);
        assert!(pulses.expected(u64::MAX).is_empty());
        for (nonce, height) in [(1, 10), (2, 20)] {
            pulses.sends([nonce; 32], 4990);
            pulses.proven(&[nonce; 32], height, 5000);
        }
        pulses.sends([3; 32], 4991);
        assert!(pulses.expected(9).is_empty(), "before the first nothing is known");
        assert_eq!(pulses.expected(19), [[1; 32], [2; 32], [3; 32]]);
        assert_eq!(pulses.expected(20), [[2; 32], [3; 32]], "it may have happened");
    }

    /// However many tries come to nothing, the last proven one is remembered.
    #[test]
    fn tries_are_bounded() {
        let pulses = Pulses::new(600);
        pulses.sends([1; 32], 4990);
        pulses.proven(&[1; 32], 10, 5000);
        for try_ in 2..40 {
            pulses.sends([try_; 32], 5000);
        }
        let expected = pulses.expected(10);
        assert_eq!((expected.len(), expected[0]), (SENT_MAX, [1; 32]));
        assert_eq!(expected[SENT_MAX - 1], [39; 32]);
        assert_eq!(pulses.hold(5100), Ok(()));
    }

    /// Whoever waits for a state from after a second gets a pulse at once, and waits until that is proven in it.
    #[test]
    fn a_pulse_can_be_waited_for() {
        let pulses = Pulses::new(600);
        pulses.sends([1; 32], 4990);
        pulses.proven(&[1; 32], 10, 5000);
        assert!(pulses.after(4989, 10) && !pulses.after(4989, 9), "not yet in that state");
        assert!(!pulses.due(5001), "it is proven, if not in that state");
        assert!(!pulses.after(4990, 10), "it was drawn when that second was not over");
        assert!(pulses.due(5001), "one is waited for");
        pulses.sends([2; 32], 5001);
        assert!(!pulses.after(4990, 20), "it may not have happened");
        pulses.proven(&[2; 32], 20, 5006);
        assert!(!pulses.after(4990, 19) && pulses.after(4990, 20));
        assert!(!pulses.due(5007));
    }
}
