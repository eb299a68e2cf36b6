//! Requests within a session of the channel: whoever shares its secret speaks for the session key that signed for it.
//!
//! Layer: `trust::request`.
//! Holds: the session key's one signature for a secret that it shares with a worker (`resumed`), and what a request under
//! that secret says of itself. Its message's seal authenticates it, and its number, which opens once, counts it once.
//! Never: evidence for anybody else: the worker could have made such a message itself. What a ledger or a third party is
//! to be shown is signed by the key.
//! Invariant: a [`Bond`] that opened is one that its key signed, for this secret and this worker.

use super::{Caller, RequestError, RequestParts, check_parts};
use crate::address::{SessionKey, ed25519_holds};
use crate::encoding::{digest, transcript};
use crate::permit::{Expected, PermitCache};
use crate::resumed::{ID_BYTES, Resumption, SECRET_BYTES};
use crate::verified::Verified;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::limits::CLOCK_SKEW_SECONDS_MAX;
use std::sync::Arc;

/// A session key, and the secret by which it speaks to one worker.
pub struct Bond {
    key: [u8; 32],
    secret: [u8; ID_BYTES],
}

/// A message that was sealed under a bond's secret, opened for the first time.
pub struct Word {
    bond: Arc<Bond>,
    number: u64,
}

impl Bond {
    /// The client's side: the bond of `key` with the worker whose signing key is `worker` by `secret`, and the statement
    /// over it, base64url text that comes to the worker in the sealed message that brings the secret.
    #[must_use]
    pub fn sign(
        key: &SessionKey,
        secret: &[u8; SECRET_BYTES],
        worker: &[u8; 32],
    ) -> (Self, String) {
        let bond = Self { key: key.public_key(), secret: Resumption::name_of(secret) };
        let signature = key.sign(&bond.statement(worker));
        let text = URL_SAFE_NO_PAD.encode([&bond.key[..], &signature[..]].concat());
        (bond, text)
    }

    /// The worker's side: the bond, if the statement that came with `secret` holds for it and for `own`, this worker's
    /// signing key.
    #[must_use]
    pub fn open(text: &[u8], secret: &[u8; SECRET_BYTES], own: &[u8; 32]) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (key, signature) = bytes.split_first_chunk::<32>()?;
        let bond = Self { key: *key, secret: Resumption::name_of(secret) };
        let holds = ed25519_holds(key, &bond.statement(own), signature.try_into().ok()?);
        holds.then_some(bond)
    }

    /// The session key that signed for it.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// What names the request in message `number` under the secret ([`Caller::request`]).
    #[must_use]
    pub fn request(&self, number: u64) -> [u8; 32] {
        digest(REQUEST_DOMAIN, &[&self.secret, &number.to_be_bytes()])
    }

    /// What the session key signs. The secret stands in it by what names it, which tells nothing of it.
    fn statement(&self, worker: &[u8; 32]) -> Vec<u8> {
        transcript(BOND_DOMAIN, &[&self.key, &self.secret, worker])
    }
}

impl Word {
    /// Of message `number`, which opened under the secret of `bond`, and had not opened before: the caller saw to that.
    #[must_use]
    pub fn new(bond: Arc<Bond>, number: u64) -> Self {
        Self { bond, number }
    }

    /// Who asks for `parts`, by what the message's header [`VOUCHED`] says, at Unix second `now`.
    ///
    /// # Errors
    /// [`RequestError::Part`]; [`RequestError::Header`]; [`RequestError::ClockSkew`]; [`RequestError::Unknown`] for a permit that is not in
    /// `permits`; [`RequestError::Permit`] where it expired; [`RequestError::Key`].
    pub fn caller(
        &self,
        header: &str,
        parts: &RequestParts<'_>,
        now: u64,
        expected: &Expected,
        permits: &PermitCache,
    ) -> Result<Verified<Caller>, RequestError> {
        check_parts(parts)?;
        let (created, permit) = read(header).ok_or(RequestError::Header(VOUCHED))?;
        if created.abs_diff(now) > CLOCK_SKEW_SECONDS_MAX {
            return Err(RequestError::ClockSkew);
        }
        let known = permits.known_as(&permit, now, expected)?;
        let delegation = known.ok_or(RequestError::Unknown)?.into_inner();
        if delegation.session_key != self.bond.key {
            return Err(RequestError::Key);
        }
        Ok(Verified::new(Caller::of(delegation, self.bond.request(self.number), Vec::new())))
    }
}

/// The header of a request: made at Unix second `created`, by a permit's name ([`crate::permit::Permit::known_as`]).
#[must_use]
pub fn vouched(created: u64, permit: &[u8; 32]) -> (String, String) {
    (VOUCHED.to_owned(), write(created, permit))
}

fn write(created: u64, permit: &[u8; 32]) -> String {
    format!("{created};{}", URL_SAFE_NO_PAD.encode(permit))
}

/// Reads [`write`] back, and nothing else.
fn read(text: &str) -> Option<(u64, [u8; 32])> {
    let (created, permit) = text.split_once(';').filter(|_| text.len() <= HEADER_BYTES_MAX)?;
    let permit = URL_SAFE_NO_PAD.decode(permit).ok()?.try_into().ok()?;
    let created = created.parse().ok()?;
    (write(created, &permit) == text).then_some((created, permit))
}

/// What a request under a bond's secret says in place of a signature.
pub const VOUCHED: &str = "prag-vouched";
/// Key 32 and signature 64, in base64url without padding.
const TEXT_BYTES: usize = 128;
/// A number of 64 bits, a semicolon, 32 bytes in base64url.
const HEADER_BYTES_MAX: usize = 20 + 1 + 43;
const BOND_DOMAIN: &str = "PRAG-SESSION-BOND/v2";
const REQUEST_DOMAIN: &str = "PRAG-SESSION-REQUEST/v1";

#[cfg(test)]
mod tests;
