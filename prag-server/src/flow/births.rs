//! Collections that are not born yet: their owners have to sign for them first.
//!
//! Layer: flow.
//! Holds: the ledger's share of a key whose commitment an owner was asked to sign, in wiped memory, for some minutes.
//! Never: on disk; more than [`BIRTHS_MAX`] at once, since anybody may ask.
//! Invariant: an owner who comes back in time signs for the share that it was shown, or is asked again.

use super::lock::ignore_poison;
use prag_protocol::{Address, CollectionId};
use prag_trust::entropy::{Entropy, EntropyError};
use prag_trust::key::Share;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Shares of births to come, oldest first.
#[derive(Default)]
pub(super) struct Births(Mutex<VecDeque<Birth>>);

struct Birth {
    id: CollectionId,
    owner: Address,
    /// Unix seconds; forgotten from then on.
    until: u64,
    share: Share,
}

impl Births {
    /// The share that `owner` was shown for `id`, or a new one. Whoever takes it and has to wait gives it back.
    pub(super) fn take(
        &self,
        id: CollectionId,
        owner: &Address,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Share, EntropyError> {
        let mut births = self.0.lock().unwrap_or_else(ignore_poison);
        births.retain(|birth| birth.until > now);
        let known = births.iter().position(|birth| birth.id == id && birth.owner == *owner);
        match known.and_then(|at| births.remove(at)) {
            Some(birth) => Ok(birth.share),
            None => Share::random(entropy),
        }
    }

    /// Keeps `share` until its owner comes back; the oldest goes where there are too many.
    pub(super) fn keep(&self, id: CollectionId, owner: &Address, now: u64, share: Share) {
        let mut births = self.0.lock().unwrap_or_else(ignore_poison);
        if births.len() >= BIRTHS_MAX {
            births.pop_front();
        }
        let until = now.saturating_add(WAIT_SECONDS);
        births.push_back(Birth { id, owner: owner.clone(), until, share });
    }
}

/// Births to come at one time.
const BIRTHS_MAX: usize = 1024;
/// As long as a signed message lives.
const WAIT_SECONDS: u64 = 300;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use prag_client::system::OsEntropy;

    /// Its owner finds it again, in time; nobody else does, and the oldest gives way.
    #[test]
    fn owners_find_theirs() {
        let births = Births::default();
        let mut chance = OsEntropy;
        let mut take = |n: u8, who: &str, now| {
            let id = CollectionId([n; 16]);
            *births.take(id, &who.parse().unwrap(), now, &mut chance).unwrap().expose()
        };
        let keep = |n: u8, share: [u8; 32]| {
            let owner = "secret1owner".parse().unwrap();
            births.keep(CollectionId([n; 16]), &owner, 100, Share::from_bytes(&share));
        };
        keep(1, [7; 32]);
        assert_ne!(take(1, "secret1thief", 101), [7; 32]);
        assert_ne!(take(2, "secret1owner", 101), [7; 32]);
        assert_eq!(take(1, "secret1owner", 399), [7; 32]);
        assert_ne!(take(1, "secret1owner", 399), [7; 32], "it was taken");
        keep(1, [7; 32]);
        assert_ne!(take(1, "secret1owner", 400), [7; 32], "too late");
        keep(1, [7; 32]);
        (0..BIRTHS_MAX).for_each(|_| keep(2, [8; 32]));
        assert_ne!(take(1, "secret1owner", 101), [7; 32], "the oldest gave way");
    }
}
