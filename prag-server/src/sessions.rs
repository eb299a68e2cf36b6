//! Attested readers, and the challenges that their evidence answers.
//!
//! Layer: beside `http` and `flow`, below both; knows `trust` only.
//! Holds: the sessions of this boot, in memory only, and which challenges were used.
//! Never: a bearer token: a session is found by the key that signed the request, which nobody else can sign with.
//! Invariant: a challenge is of this boot, for one key, for two minutes, and opens one session at most.
//!
//! Challenges carry their own proof (issued 8 ‖ random 8 ‖ half a keyed BLAKE3 over both and the key), so that asking
//! for many costs the worker no memory; only those that evidence has answered are remembered.

use prag_trust::entropy::{Entropy, EntropyError, random};
use prag_trust::evidence::Reader;
use prag_trust::verified::Verified;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Why no session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Not this boot's, not this key's, used or expired. Ask for another.
    #[error("the challenge is not valid for this key, was used, or has expired")]
    Challenge,
    /// As many sessions as the worker keeps. Retryable once others have ended.
    #[error("the worker keeps {SESSIONS_MAX} sessions of readers at most")]
    Full,
}

/// The sessions of one boot.
pub struct Sessions {
    secret: Zeroizing<[u8; 32]>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By session key.
    readers: HashMap<[u8; 32], Verified<Reader>>,
    /// Challenges that opened a session, with the second in which they would have expired.
    used: HashMap<[u8; 32], u64>,
}

impl Sessions {
    /// No sessions, and a fresh secret for challenges.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn new(entropy: &mut dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(secret.as_mut())?;
        Ok(Self { secret, state: Mutex::default() })
    }

    /// A challenge for `session_key`, and the Unix second from which on it is void.
    ///
    /// # Errors
    /// [`EntropyError`] if the source fails.
    pub fn challenge(
        &self,
        session_key: &[u8; 32],
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<([u8; 32], u64), EntropyError> {
        let salt: [u8; 8] = random(entropy)?;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&now.to_be_bytes());
        nonce[8..16].copy_from_slice(&salt);
        let proof = self.proof(&nonce, session_key);
        nonce[16..].copy_from_slice(&proof);
        Ok((nonce, now.saturating_add(CHALLENGE_SECONDS)))
    }

    /// Whether `nonce` is a challenge for `session_key` that may still be answered.
    ///
    /// # Errors
    /// [`SessionError::Challenge`].
    pub fn check(
        &self,
        nonce: &[u8; 32],
        session_key: &[u8; 32],
        now: u64,
    ) -> Result<(), SessionError> {
        let proof = self.proof(nonce, session_key);
        let differs =
            proof.iter().zip(&nonce[16..]).fold(0, |all, (one, other)| all | (one ^ other));
        let used = self.state().used.contains_key(nonce);
        if differs == 0 && now < end(nonce) && !used {
            Ok(())
        } else {
            Err(SessionError::Challenge)
        }
    }

    /// Keep the session of a reader whose evidence answered `nonce`; it replaces an earlier one of the same key.
    ///
    /// # Errors
    /// [`SessionError::Challenge`] where another session came first, [`SessionError::Full`].
    pub fn open(
        &self,
        nonce: &[u8; 32],
        reader: Verified<Reader>,
        now: u64,
    ) -> Result<(), SessionError> {
        self.check(nonce, &reader.session_key, now)?;
        let mut state = self.state();
        state.readers.retain(|_, one| one.expires > now);
        state.used.retain(|_, end| *end > now);
        let known = state.readers.contains_key(&reader.session_key);
        if (!known && state.readers.len() >= SESSIONS_MAX) || state.used.len() >= SESSIONS_MAX {
            return Err(SessionError::Full);
        }
        // The check above has let the lock go: only one of two that answer at once gets past this line.
        if state.used.insert(*nonce, end(nonce)).is_some() {
            return Err(SessionError::Challenge);
        }
        state.readers.insert(reader.session_key, reader);
        Ok(())
    }

    /// The live session of `session_key`.
    #[must_use]
    pub fn of(&self, session_key: &[u8; 32], now: u64) -> Option<Verified<Reader>> {
        self.state().readers.get(session_key).filter(|one| one.expires > now).cloned()
    }

    fn proof(&self, nonce: &[u8; 32], session_key: &[u8; 32]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(&nonce[..16]).update(session_key);
        let mut proof = [0; 16];
        hasher.finalize_xof().fill(&mut proof);
        proof
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a challenge ends.
fn end(nonce: &[u8; 32]) -> u64 {
    let issued = nonce.first_chunk().copied().map_or(0, u64::from_be_bytes);
    issued.saturating_add(CHALLENGE_SECONDS)
}

/// How long a challenge may be answered, seconds: a quote takes milliseconds, a GPU's report some seconds.
pub const CHALLENGE_SECONDS: u64 = 120;
/// Most readers with a session, about 300 bytes each.
pub const SESSIONS_MAX: usize = 4096;

#[cfg(test)]
mod tests;
