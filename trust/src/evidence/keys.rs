//! A worker's short-lived keys, signed by the key that its evidence binds.
//!
//! Layer: `trust::evidence`.
//! Holds: the signature over OHTTP key configuration and release key, and its check.
//! Never: keys of a worker that did not verify; keys that live for days.
//! Invariant: a [`WorkerKeys`] that exists was signed by a verified worker and is in date.

use super::Worker;
use crate::address::ed25519_holds;
use crate::encoding::transcript;
use crate::verified::Verified;
use ed25519_dalek::{Signer, SigningKey};

/// Why a worker's keys are refused. Fetch them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Past their end.
    #[error("worker keys have expired")]
    Expired,
    /// Good for longer than [`KEY_SET_SECONDS_MAX`] from now.
    #[error("worker keys live longer than {KEY_SET_SECONDS_MAX} seconds")]
    TooLong,
    /// Not the worker's signature over these keys.
    #[error("worker keys are not signed by the attested key")]
    Signature,
}

/// Keys of a verified worker, good until `not_after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerKeys {
    /// The worker that signed them.
    pub sig_pk: [u8; 32],
    /// OHTTP key configuration (RFC 9458, section 3).
    pub ohttp_config: Vec<u8>,
    /// X25519 key that shares are released to.
    pub release_key: [u8; 32],
    /// Unix seconds; void from this second on.
    pub not_after: u64,
}

/// Sign a worker's short-lived keys. `not_after`: Unix seconds, at most [`KEY_SET_SECONDS_MAX`] ahead.
#[must_use]
pub fn sign_keys(
    worker: &SigningKey,
    ohttp_config: &[u8],
    release_key: &[u8; 32],
    not_after: u64,
) -> [u8; 64] {
    worker.sign(&message(ohttp_config, release_key, not_after)).to_bytes()
}

/// The keys of a worker whose evidence verified, at Unix second `now`.
///
/// # Errors
/// [`KeySetError`].
pub fn verify_keys(
    worker: &Verified<Worker>,
    ohttp_config: &[u8],
    release_key: &[u8; 32],
    not_after: u64,
    signature: &[u8; 64],
    now: u64,
) -> Result<Verified<WorkerKeys>, KeySetError> {
    let message = message(ohttp_config, release_key, not_after);
    if !ed25519_holds(&worker.sig_pk, &message, signature) {
        return Err(KeySetError::Signature);
    }
    if not_after <= now {
        return Err(KeySetError::Expired);
    }
    if not_after - now > KEY_SET_SECONDS_MAX {
        return Err(KeySetError::TooLong);
    }
    Ok(Verified::new(WorkerKeys {
        sig_pk: worker.sig_pk,
        ohttp_config: ohttp_config.to_vec(),
        release_key: *release_key,
        not_after,
    }))
}

fn message(ohttp_config: &[u8], release_key: &[u8; 32], not_after: u64) -> Vec<u8> {
    transcript("PRAG-KEYS/v1", &[ohttp_config, release_key, &not_after.to_be_bytes()])
}

/// Longest life of a worker's keys from now, seconds: rotated hourly, with an hour of overlap.
pub const KEY_SET_SECONDS_MAX: u64 = 7200;
