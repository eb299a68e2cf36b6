//! The worker's short-lived keys: one pair opens the channel's messages, the other opens released shares.
//!
//! Layer: beside `http` and `flow`, below both; knows `trust` only.
//! Holds: two generations of keys, born together in this process, what each has opened, and who goes on under secrets
//! that were sent to it (`resumed`).
//! Never: a key that outlives its generation, a private key outside this file, a message opened twice.
//! Invariant: a generation is replaced after [`ROTATE_SECONDS`], refused after `not_after` and
//! [`GRACE_SECONDS`], and then wiped with everything that could open what was sent to it.

mod resumed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, Server, ServerResponse, SymmetricSuite};
use prag_protocol::wire::attestation::KeySet;
use prag_protocol::{CollectionId, Epoch};
use prag_trust::entropy::{Entropy, EntropyError};
use prag_trust::evidence::sign_keys;
use prag_trust::key::Share;
use prag_trust::release::{ReleaseError, ReleaseKey, ReleasedShare, open_share};
use prag_trust::request::{Bond, Caller, Word};
use prag_trust::resumed::SECRET_BYTES;
use prag_trust::verified::Verified;
use prag_trust::wiped::Wiped;
use resumed::Resumed;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Why the channel did not open a message. No variant says which part was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Another key, an expired one, or other bytes than were sealed. Fetch the keys again.
    #[error("the message does not open")]
    Closed,
    /// This very message was opened before. Not retryable: encapsulate anew.
    #[error("the message was opened before")]
    Replayed,
    /// No randomness for new keys. Retryable only by a person.
    #[error("no entropy for new keys")]
    Entropy,
}

/// The current and the previous generation of keys.
pub struct KeyRing {
    ring: Mutex<Ring>,
}

struct Ring {
    entropy: Box<dyn Entropy>,
    current: Arc<Generation>,
    previous: Option<Arc<Generation>>,
}

/// Keys born together.
struct Generation {
    born: u64,
    not_after: u64,
    config: Vec<u8>,
    server: Server,
    release: ReleaseKey,
    opened: Mutex<HashSet<[u8; 16]>>,
    resumed: Resumed,
}

/// A message that opened.
pub struct Opened {
    /// What it carries.
    pub plain: Wiped,
    /// What seals its answer.
    pub seal: Seal,
    /// For whom it speaks, where the sender goes on under a secret that its session key signed for.
    pub word: Option<Arc<Word>>,
    generation: Arc<Generation>,
}

/// Seals the answer to one message.
pub struct Seal(Kind);

enum Kind {
    Once(ServerResponse),
    Resumed(resumed::Sealer),
}

impl Opened {
    /// Lets the sender go on under `secret`, which came in this message, as long as the key that opened it lives. `bond`:
    /// opened for this very secret.
    pub fn resume(&self, secret: &[u8; SECRET_BYTES], bond: Option<Bond>, now: u64) {
        self.generation.resumed.take(secret, bond, now);
    }
}

impl Seal {
    /// The answer as it travels.
    ///
    /// # Errors
    /// [`ChannelError::Entropy`]; [`ChannelError::Closed`] where it is too long for its cipher.
    pub fn seal(self, plain: &[u8]) -> Result<Vec<u8>, ChannelError> {
        match self.0 {
            Kind::Once(response) => response.encapsulate(plain).map_err(|_| ChannelError::Entropy),
            Kind::Resumed(sealer) => sealer.seal(plain),
        }
    }
}

impl KeyRing {
    /// A ring with a first generation, born at `now` (unix seconds).
    ///
    /// # Errors
    /// [`ChannelError::Entropy`].
    pub fn new(mut entropy: Box<dyn Entropy>, now: u64) -> Result<Self, ChannelError> {
        let current = Arc::new(Generation::born(entropy.as_mut(), now, 0)?);
        let ring = Ring { entropy, current, previous: None };
        Ok(Self { ring: Mutex::new(ring) })
    }

    /// The current public keys, signed by the worker's key; rotates first where it is time.
    ///
    /// # Errors
    /// [`ChannelError::Entropy`].
    pub fn key_set(&self, signer: &SigningKey, now: u64) -> Result<KeySet, ChannelError> {
        let current = Arc::clone(&self.at(now)?.current);
        Ok(sign(&current, signer))
    }

    /// Opens an encapsulated request (RFC 9458).
    ///
    /// # Errors
    /// [`ChannelError::Closed`], [`ChannelError::Replayed`], [`ChannelError::Entropy`].
    pub fn decapsulate(&self, message: &[u8], now: u64) -> Result<Opened, ChannelError> {
        // Header (RFC 9458, section 4.1): key id, KEM, KDF, AEAD; then the sender's ephemeral key.
        let (key_id, enc) = match (message.first(), message.get(HEADER_BYTES..HEADER_BYTES + 16)) {
            (Some(&key_id), Some(enc)) => (key_id, enc),
            _ => return Err(ChannelError::Closed),
        };
        let mut mark = [0u8; 16];
        mark.copy_from_slice(enc);
        let generation = self.generations(now)?.into_iter().find(|one| one.key_id() == key_id);
        let generation = generation.ok_or(ChannelError::Closed)?;
        if !generation.has_room() {
            return Err(ChannelError::Closed);
        }
        let (plain, response) =
            generation.server.decapsulate(message).map_err(|_| ChannelError::Closed)?;
        let (plain, seal) = (Wiped::new(plain), Seal(Kind::Once(response)));
        // Only what opened is remembered: nobody fills the memory with noise.
        let first = lock(&generation.opened).insert(mark);
        let opened = Opened { plain, seal, word: None, generation };
        if first { Ok(opened) } else { Err(ChannelError::Replayed) }
    }

    /// Opens a request of a client that goes on under a secret it sent before ([`Opened::resume`]).
    ///
    /// # Errors
    /// [`ChannelError::Closed`], also where the secret is not known (any more): encapsulate again;
    /// [`ChannelError::Replayed`]; [`ChannelError::Entropy`].
    pub fn resume(&self, request: &[u8], now: u64) -> Result<Opened, ChannelError> {
        for generation in self.generations(now)? {
            if let Some(opened) = generation.resumed.open(request, now) {
                let (plain, sealer) = opened?;
                let word = sealer.word().map(Arc::new);
                return Ok(Opened { plain, seal: Seal(Kind::Resumed(sealer)), word, generation });
            }
        }
        Err(ChannelError::Closed)
    }

    /// Opens a share that `caller` released to a key of this ring. `own`: the worker's signing key.
    ///
    /// # Errors
    /// [`ReleaseError`]; [`ReleaseError::Recipient`] for a key that was retired: release it again.
    pub fn open_share(
        &self,
        released: &ReleasedShare,
        own: &[u8; 32],
        caller: &Verified<Caller>,
        collection: CollectionId,
        epoch: Epoch,
        now: u64,
    ) -> Result<Share, ReleaseError> {
        let generations = self.generations(now).map_err(|_| EntropyError)?;
        let meant = |one: &&Arc<Generation>| one.release.public_key() == released.release_key;
        let generation = generations.iter().find(meant).ok_or(ReleaseError::Recipient)?;
        open_share(released, &generation.release, own, caller, collection, epoch)
    }

    /// The generations that are valid at `now`, the current one first.
    fn generations(&self, now: u64) -> Result<Vec<Arc<Generation>>, ChannelError> {
        let ring = self.at(now)?;
        let previous = ring.previous.clone();
        Ok([Some(ring.current.clone()), previous].into_iter().flatten().collect())
    }

    /// The ring after what is due at `now` was done.
    fn at(&self, now: u64) -> Result<MutexGuard<'_, Ring>, ChannelError> {
        let mut ring = lock(&self.ring);
        let due = now.saturating_sub(ring.current.born) >= ROTATE_SECONDS;
        if due || !ring.current.has_room() {
            let key_id = ring.current.key_id().wrapping_add(1);
            let next = Arc::new(Generation::born(ring.entropy.as_mut(), now, key_id)?);
            let before = std::mem::replace(&mut ring.current, next);
            ring.previous = Some(before);
        }
        ring.previous.take_if(|one| now > one.not_after.saturating_add(GRACE_SECONDS));
        Ok(ring)
    }
}

impl Generation {
    fn born(entropy: &mut dyn Entropy, now: u64, key_id: u8) -> Result<Self, ChannelError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(seed.as_mut()).map_err(|_| ChannelError::Entropy)?;
        let suites = [Aead::Aes128Gcm, Aead::ChaCha20Poly1305];
        let suites = suites.map(|aead| SymmetricSuite::new(Kdf::HkdfSha256, aead)).to_vec();
        let config = KeyConfig::derive(key_id, Kem::X25519Sha256, suites, seed.as_ref())
            .map_err(|_| ChannelError::Entropy)?;
        let encoded = config.encode().map_err(|_| ChannelError::Entropy)?;
        let server = Server::new(config).map_err(|_| ChannelError::Entropy)?;
        let release = ReleaseKey::random(entropy).map_err(|_| ChannelError::Entropy)?;
        Ok(Self {
            born: now,
            not_after: now.saturating_add(LIFE_SECONDS),
            config: encoded,
            server,
            release,
            opened: Mutex::default(),
            resumed: Resumed::default(),
        })
    }

    fn key_id(&self) -> u8 {
        // The first byte of an encoded configuration (RFC 9458, section 3.1).
        self.config.first().copied().unwrap_or_default()
    }

    fn has_room(&self) -> bool {
        lock(&self.opened).len() < OPENED_MAX
    }
}

fn sign(generation: &Generation, signer: &SigningKey) -> KeySet {
    let release_key = generation.release.public_key();
    let not_after = generation.not_after;
    let signature = sign_keys(signer, &generation.config, &release_key, not_after);
    KeySet {
        ohttp_config: STANDARD.encode(&generation.config),
        release_key: hex::encode(release_key),
        not_after,
        signature: STANDARD.encode(signature),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Age at which a generation is replaced, seconds.
pub const ROTATE_SECONDS: u64 = 3600;
/// Age after which clients no longer use a generation, seconds: everybody has 15 minutes at least.
pub const LIFE_SECONDS: u64 = ROTATE_SECONDS + 900;
/// How long after that the worker still opens what was under way, seconds.
pub const GRACE_SECONDS: u64 = 120;
/// Most messages of one generation; then it is replaced early, and refused.
const OPENED_MAX: usize = 1 << 18;
/// Bytes before the ephemeral key.
const HEADER_BYTES: usize = 7;

#[cfg(test)]
mod tests;
