//! Challenges for workers that ask for keys.
//!
//! Layer: flow, leaf; knows time and chance as arguments.
//! Holds: the key that makes challenges of this boot, and those that were used up.
//! Never: memory for a challenge that nobody answered: asking for many crowds nobody out.
//! Invariant: a challenge is of this boot, at most [`CHALLENGE_SECONDS`] old, and used once.

use prag_trust::entropy::{Entropy, EntropyError};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Why a challenge does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// Not made here, or too old. Ask for another.
    Unknown,
    /// Used before.
    Replayed,
    /// Too many were used within a minute.
    Full,
}

/// The challenges of one boot.
pub(super) struct Challenges {
    key: Zeroizing<[u8; 32]>,
    /// Used ones, with the second from which they are too old.
    used: Mutex<HashMap<[u8; 32], u64>>,
}

impl Challenges {
    pub(super) fn new(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(key.as_mut())?;
        Ok(Self { key, used: Mutex::default() })
    }

    /// A fresh challenge: time 8, random 8, and half of BLAKE3 keyed over both.
    pub(super) fn issue(
        &self,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<[u8; 32], EntropyError> {
        let mut nonce = [0u8; 32];
        nonce[..8].copy_from_slice(&now.to_be_bytes());
        entropy.fill(&mut nonce[8..16])?;
        let mark = self.mark(&nonce);
        nonce[16..].copy_from_slice(&mark);
        Ok(nonce)
    }

    /// Whether `nonce` was made here and is recent.
    pub(super) fn check(&self, nonce: &[u8; 32], now: u64) -> Result<u64, Spent> {
        // Constant time, as `blake3::Hash` compares: a byte-wise answer would let marks be guessed.
        let mut wanted = [0u8; 32];
        wanted[..16].copy_from_slice(&self.mark(nonce));
        let mut shown = [0u8; 32];
        shown[..16].copy_from_slice(&nonce[16..]);
        if blake3::Hash::from(wanted) != blake3::Hash::from(shown) {
            return Err(Spent::Unknown);
        }
        let mut time = [0u8; 8];
        time.copy_from_slice(&nonce[..8]);
        let until = u64::from_be_bytes(time).saturating_add(CHALLENGE_SECONDS);
        if now < until { Ok(until) } else { Err(Spent::Unknown) }
    }

    /// Use a challenge up.
    pub(super) fn spend(&self, nonce: &[u8; 32], now: u64) -> Result<(), Spent> {
        let until = self.check(nonce, now)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until > now);
        if used.contains_key(nonce) {
            return Err(Spent::Replayed);
        }
        if used.len() >= USED_MAX {
            return Err(Spent::Full);
        }
        used.insert(*nonce, until);
        Ok(())
    }

    fn mark(&self, nonce: &[u8; 32]) -> [u8; 16] {
        let hash = blake3::keyed_hash(&self.key, &nonce[..16]);
        let mut mark = [0u8; 16];
        mark.copy_from_slice(&hash.as_bytes()[..16]);
        mark
    }
}

/// How long a challenge is good.
const CHALLENGE_SECONDS: u64 = 60;
/// Most challenges used within that time.
const USED_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fixture::Counting;

    /// A challenge serves once, within its time, at the worker that made it.
    #[test]
    fn challenges_serve_once() {
        let here = Challenges::new(&mut Counting(0)).unwrap();
        let nonce = here.issue(1000, &mut Counting(9)).unwrap();
        assert_eq!(here.check(&nonce, 1059), Ok(1060));
        assert_eq!(here.check(&nonce, 1060), Err(Spent::Unknown));
        assert_eq!(here.spend(&nonce, 1059), Ok(()));
        assert_eq!(here.spend(&nonce, 1059), Err(Spent::Replayed));
        assert_eq!(here.spend(&nonce, 1060), Err(Spent::Unknown));
        let there = Challenges::new(&mut Counting(1)).unwrap();
        assert_eq!(there.check(&nonce, 1000), Err(Spent::Unknown));
        for at in 0..32 {
            let mut changed = here.issue(1000, &mut Counting(7)).unwrap();
            changed[at] ^= 1;
            assert_eq!(here.check(&changed, 1000), Err(Spent::Unknown), "byte {at}");
        }
    }

    /// Used challenges are bounded, and those that are too old make room.
    #[test]
    fn used_challenges_are_bounded() {
        struct Serial(u64);
        impl Entropy for Serial {
            fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
                self.0 += 1;
                out.copy_from_slice(&self.0.to_be_bytes());
                Ok(())
            }
        }
        let here = Challenges::new(&mut Counting(0)).unwrap();
        let chance = &mut Serial(0);
        for _ in 0..USED_MAX {
            here.spend(&here.issue(1000, chance).unwrap(), 1000).unwrap();
        }
        let late = here.issue(1030, chance).unwrap();
        assert_eq!(here.spend(&late, 1059), Err(Spent::Full));
        assert_eq!(here.spend(&late, 1060), Ok(()));
    }
}
