//! Going on with a worker without a key exchange for each message.
//!
//! Layer: client, below `attest` and `channel`.
//! Holds: the secret of one session, which its sealed messages bring to the worker, the bond by which it speaks for its
//! key, the permits that the worker was shown meanwhile, and the number of the next request.
//! Never: a secret outside a message that is sealed to the attested key; a number twice.
//! Invariant: nothing is sent under the secret before a message that brought it was answered, and nothing after one was
//! refused.

use prag_trust::address::SessionKey;
use prag_trust::entropy::{Entropy, EntropyError};
use prag_trust::request::Bond;
use prag_trust::resumed::{Resumption, SECRET_BYTES};
use prag_trust::wiped::Wiped;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// One session's short cut.
pub(crate) struct ShortCut {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    keys: Resumption,
    next: AtomicU64,
    state: AtomicU8,
    bond: OnceLock<(Bond, String)>,
    /// How often the worker did not take the session's word.
    doubts: AtomicU8,
    /// Permits that the worker took in requests of this session, by their names.
    shown: Mutex<Vec<[u8; 32]>>,
}

impl ShortCut {
    /// With a fresh secret.
    pub(crate) fn new(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(secret.as_mut())?;
        let keys = Resumption::new(&secret);
        let (next, state, bond) = (AtomicU64::new(0), AtomicU8::new(OFFERED), OnceLock::new());
        let (doubts, shown) = (AtomicU8::new(0), Mutex::default());
        Ok(Self { secret, keys, next, state, bond, doubts, shown })
    }

    /// What a sealed message brings along, in hex, while nothing was sent under it yet.
    pub(crate) fn offer(&self) -> Option<Zeroizing<String>> {
        let offered = self.state.load(Ordering::Acquire) == OFFERED;
        offered.then(|| Zeroizing::new(hex::encode(self.secret.as_ref())))
    }

    /// What goes with the offer: the statement by which `key` lets this session speak for it, from then on, to `worker`.
    pub(crate) fn bind(&self, key: &SessionKey, worker: &[u8; 32]) -> Option<String> {
        if self.state.load(Ordering::Acquire) != OFFERED {
            return None;
        }
        let (_, statement) = self.bond.get_or_init(|| Bond::sign(key, &self.secret, worker));
        Some(statement.clone())
    }

    /// What speaks for the session key `key` under the permit of this name, where the worker should know both.
    pub(crate) fn bond(&self, key: &[u8; 32], permit: &[u8; 32]) -> Option<&Bond> {
        let (bond, _) = self.bond.get()?;
        let trusted = self.doubts.load(Ordering::Relaxed) < DOUBTS_MAX;
        let speaks = self.is_open() && trusted && bond.key() == *key;
        (speaks && self.shown().contains(permit)).then_some(bond)
    }

    /// The worker took the permit of this name in a request that its key signed.
    pub(crate) fn show(&self, permit: [u8; 32]) {
        let mut shown = self.shown();
        if shown.len() < SHOWN_MAX && !shown.contains(&permit) {
            shown.push(permit);
        }
    }

    fn shown(&self) -> MutexGuard<'_, Vec<[u8; 32]>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker did not take this session's word: it has forgotten the permit, which is shown again, or the bond;
    /// after [`DOUBTS_MAX`] times all requests are signed.
    pub(crate) fn doubted(&self, permit: &[u8; 32]) {
        self.shown().retain(|shown| shown != permit);
        let more = |doubts: u8| doubts.checked_add(1);
        let _ = self.doubts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// A message that brought the secret was answered.
    pub(crate) fn answered(&self) {
        let _ = self.state.compare_exchange(OFFERED, OPEN, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The worker does not know the secret: this session goes on as if there were none.
    pub(crate) fn refused(&self) {
        self.state.store(CLOSED, Ordering::Release);
    }

    /// Whether the worker should know the secret.
    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == OPEN
    }

    /// The number and the bytes of the next request, where the worker should know the secret.
    pub(crate) fn seal(&self, plain: &[u8]) -> Option<(u64, Vec<u8>)> {
        if !self.is_open() {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Some((number, self.keys.seal_request(number, plain)?))
    }

    /// What the answer to request `number` carries.
    pub(crate) fn open(&self, number: u64, answer: &[u8]) -> Option<Wiped> {
        self.keys.open_answer(number, answer)
    }
}

const OFFERED: u8 = 0;
const OPEN: u8 = 1;
const CLOSED: u8 = 2;
/// A session lives for an hour or so, and a permit for a day: a few purposes, before and after midnight.
const SHOWN_MAX: usize = 8;
/// A worker forgets a permit when thousands of newer ones came; one that knows no bonds says so each time.
const DOUBTS_MAX: u8 = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::system::OsEntropy;

    /// It is offered until it was answered, used from then on, and dropped for good by a refusal; no number comes twice.
    #[test]
    fn offered_used_dropped() {
        let way = ShortCut::new(&mut OsEntropy).unwrap();
        assert!(way.offer().is_some() && way.seal(b"a").is_none());
        way.answered();
        assert!(way.offer().is_none());
        let numbers: Vec<u64> = (0..3).map(|_| way.seal(b"a").unwrap().0).collect();
        assert_eq!(numbers, [0, 1, 2]);
        way.refused();
        way.answered();
        assert!(way.offer().is_none() && way.seal(b"a").is_none());
    }

    /// A bond is there for the key that signed its statement and for permits that were shown, once the offer that it went
    /// with was answered, and until the worker did not take its word: then for permits that were shown again, a few times;
    /// none is signed after the offer.
    #[test]
    fn a_bond_has_a_beginning_and_an_end() {
        let (key, worker) = (SessionKey::from_bytes(&[9; 32]), [10; 32]);
        let own = key.public_key();
        let way = ShortCut::new(&mut OsEntropy).unwrap();
        let statement = way.bind(&key, &worker).unwrap();
        assert_eq!(way.bind(&key, &worker).unwrap(), statement);
        way.show([7; 32]);
        assert!(way.bond(&own, &[7; 32]).is_none());
        way.answered();
        assert!(way.bond(&own, &[7; 32]).is_some() && way.bond(&[1; 32], &[7; 32]).is_none());
        assert!(way.bond(&own, &[8; 32]).is_none());
        assert!(way.bind(&key, &worker).is_none());
        (0..50).for_each(|permit| way.show([permit; 32]));
        assert_eq!(way.shown().len(), SHOWN_MAX);
        for doubt in 1..=DOUBTS_MAX {
            way.doubted(&[7; 32]);
            assert!(way.bond(&own, &[7; 32]).is_none() && way.is_open());
            way.show([7; 32]);
            assert_eq!(way.bond(&own, &[7; 32]).is_some(), doubt < DOUBTS_MAX);
        }
        let late = ShortCut::new(&mut OsEntropy).unwrap();
        late.answered();
        assert!(late.bind(&key, &worker).is_none() && late.bond(&own, &[7; 32]).is_none());
    }
}
