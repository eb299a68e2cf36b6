//! The clients of one generation of keys who go on without a key exchange for each message.
//!
//! Layer: inside `channel`.
//! Holds: the secrets that came in messages sealed to that generation, whose session key signed for them, and which of
//! their requests were opened.
//! Never: a secret that outlives its generation; a request that opens twice; one client's place for another's.
//! Invariant: at most [`RESUMED_MAX`] secrets; one that finds no place is not taken, and its client goes on as before.

use super::{ChannelError, lock};
use prag_trust::request::{Bond, Word};
use prag_trust::resumed::{ID_BYTES, Label, Resumption, SECRET_BYTES, Window};
use prag_trust::wiped::Wiped;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// By what names them.
#[derive(Default)]
pub(super) struct Resumed(Mutex<HashMap<[u8; ID_BYTES], Arc<One>>>);

struct One {
    keys: Resumption,
    /// The first that came with the secret, which stays.
    bond: OnceLock<Arc<Bond>>,
    opened: Mutex<Opened>,
}

/// What one client sent.
struct Opened {
    window: Window,
    /// Unix seconds of the latest request.
    at: u64,
}

/// Seals the answer to one request that was opened here.
pub(super) struct Sealer {
    one: Arc<One>,
    number: u64,
}

impl Resumed {
    /// Takes a secret that came in a message sealed to this generation. The same one again changes nothing, but that a
    /// bond may come with it where there was none.
    pub(super) fn take(&self, secret: &[u8; SECRET_BYTES], bond: Option<Bond>, now: u64) {
        let keys = Resumption::new(secret);
        let mut all = lock(&self.0);
        if all.len() >= RESUMED_MAX {
            all.retain(|_, one| now.saturating_sub(lock(&one.opened).at) < IDLE_SECONDS);
        }
        if all.len() < RESUMED_MAX {
            let opened = Mutex::new(Opened { window: Window::default(), at: now });
            let fresh = |keys| Arc::new(One { keys, bond: OnceLock::new(), opened });
            let one = all.entry(keys.id()).or_insert_with(|| fresh(keys));
            bond.map(|bond| one.bond.set(Arc::new(bond)));
        }
    }

    /// Opens a request of a client that is known here; `None` for others.
    pub(super) fn open(&self, request: &[u8], now: u64) -> Option<Result<Open, ChannelError>> {
        let one = Arc::clone(lock(&self.0).get(&Label::of(request)?.id)?);
        let Some((number, plain)) = one.keys.open_request(request) else {
            return Some(Err(ChannelError::Closed));
        };
        {
            let mut opened = lock(&one.opened);
            if !opened.window.take(number) {
                return Some(Err(ChannelError::Replayed));
            }
            opened.at = now;
        }
        Some(Ok((plain, Sealer { one, number })))
    }
}

/// A request, and what seals its answer.
pub(super) type Open = (Wiped, Sealer);

impl Sealer {
    /// For whom this request speaks, where its client's session key signed for the secret.
    pub(super) fn word(&self) -> Option<Word> {
        self.one.bond.get().map(|bond| Word::new(Arc::clone(bond), self.number))
    }

    /// The answer as it travels; there is one.
    pub(super) fn seal(self, plain: &[u8]) -> Result<Vec<u8>, ChannelError> {
        self.one.keys.seal_answer(self.number, plain).ok_or(ChannelError::Closed)
    }
}

/// Clients of a generation, about 2 KiB each.
const RESUMED_MAX: usize = 4096;
/// After which a client makes room where it is needed, seconds. It loses nothing but its short cut.
const IDLE_SECONDS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(number: u16) -> [u8; SECRET_BYTES] {
        let mut secret = [0; SECRET_BYTES];
        secret[..2].copy_from_slice(&number.to_be_bytes());
        secret
    }

    fn asks(resumed: &Resumed, number: u16, at: u64, now: u64) -> Option<Result<(), ChannelError>> {
        let request = Resumption::new(&secret(number)).seal_request(at, b"ask")?;
        resumed.open(&request, now).map(|opened| opened.map(drop))
    }

    /// The full house takes nobody in until somebody was silent for a minute; whoever is at work stays.
    #[test]
    fn nobody_is_driven_out() {
        let resumed = Resumed::default();
        let most = u16::try_from(RESUMED_MAX).unwrap_or(u16::MAX);
        (0..most).for_each(|number| resumed.take(&secret(number), None, 100));
        assert_eq!(asks(&resumed, 0, 0, 150), Some(Ok(())));
        resumed.take(&secret(most), None, 159);
        assert_eq!(asks(&resumed, most, 0, 159), None);
        resumed.take(&secret(most), None, 160);
        assert_eq!(asks(&resumed, most, 0, 160), Some(Ok(())));
        assert_eq!(asks(&resumed, 0, 1, 160), Some(Ok(())));
        assert_eq!(asks(&resumed, 1, 0, 160), None);
    }

    /// A secret that comes twice does not open again what was opened.
    #[test]
    fn a_second_offer_forgets_nothing() {
        let resumed = Resumed::default();
        resumed.take(&secret(1), None, 100);
        assert_eq!(asks(&resumed, 1, 5, 100), Some(Ok(())));
        resumed.take(&secret(1), None, 101);
        assert_eq!(asks(&resumed, 1, 5, 101), Some(Err(ChannelError::Replayed)));
    }
}
