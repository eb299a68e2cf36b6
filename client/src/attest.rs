//! From a worker's attestation to a session with it.
//!
//! Layer: client, below `channel`.
//! Holds: the order of checks: nonce, pins, evidence, key set, expiry.
//! Never: I/O, except what `remembered` pins on first use.
//! Invariant: a [`Session`] exists only where every check passed, for the nonce of this very request.

use crate::error::ClientError;
use crate::remembered::{Pin, Remembered};
use crate::trusted::Trusted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_protocol::wire::attestation::Attestation;
use prag_trust::evidence::{Binding, BindingPurpose, Evidence, Worker, WorkerKeys, verify_keys};
use prag_trust::verified::Verified;

/// What an attestation is checked against.
pub(crate) struct Context<'a> {
    pub(crate) url: &'a str,
    pub(crate) trusted: &'a Trusted,
    pub(crate) remembered: &'a Remembered,
    pub(crate) now: u64,
    /// What the evidence must have been made for.
    pub(crate) purpose: BindingPurpose,
}

/// Verified keys of a worker, for about an hour.
pub struct Session {
    worker: Verified<Worker>,
    attestation: Attestation,
    keys: Verified<WorkerKeys>,
    nonce: [u8; 32],
}

impl Session {
    /// The worker, as its evidence shows it.
    #[must_use]
    pub fn worker(&self) -> &Verified<Worker> {
        &self.worker
    }

    /// What it said of itself; the evidence binds it.
    #[must_use]
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// Its short-lived keys.
    #[must_use]
    pub fn keys(&self) -> &Verified<WorkerKeys> {
        &self.keys
    }

    /// The nonce that the evidence answers.
    #[must_use]
    pub fn nonce(&self) -> [u8; 32] {
        self.nonce
    }

    /// Unix seconds after which the keys are refused.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.keys.not_after
    }
}

/// Checks the bytes of an attestation.
pub(crate) fn verify(
    bytes: &[u8],
    nonce: [u8; 32],
    context: &Context<'_>,
) -> Result<Session, ClientError> {
    let attestation: Attestation =
        serde_json::from_slice(bytes).map_err(|_| ClientError::Attestation("it does not parse"))?;
    if unhex(&attestation.nonce)? != nonce {
        return Err(ClientError::Attestation("it answers another nonce"));
    }
    let unlock = context.purpose == BindingPurpose::Unlock;
    // Not bound: a liar wins nothing, since the purpose is.
    match (attestation.sealed, unlock) {
        (true, false) => return Err(ClientError::Sealed),
        (false, true) => return Err(ClientError::NotSealed),
        _ => (),
    }
    let binding = Binding {
        purpose: context.purpose,
        sig_pk: unhex(&attestation.worker_key)?,
        tls_spki_sha256: unhex(&attestation.tls_spki_sha256)?,
        nonce,
        ledger_id: unhex(&attestation.ledger_id)?,
        config_digest: unhex(&attestation.config_digest)?,
        policy_epoch: attestation.policy_epoch,
    };
    let evidence: Evidence = serde_json::from_value(attestation.evidence.clone())
        .map_err(|_| ClientError::Attestation("its evidence is of no known kind"))?;

    let pin = Pin {
        ledger_id: attestation.ledger_id.clone(),
        config_digest: attestation.config_digest.clone(),
    };
    let first = check_pin(&pin, context)?;
    let mut policy = context.trusted.policy.clone();
    if context.trusted.first_use {
        policy.ledger_ids.push(binding.ledger_id);
        policy.config_digests.push(binding.config_digest);
    }
    if unlock {
        // A sealed worker has no ledger yet, and must say so.
        policy.ledger_ids = vec![NO_LEDGER];
    }
    let verifier = &context.trusted.verifier;
    let worker = verifier.verify(&evidence, &binding, &policy, context.now)?;

    let keys = verify_key_set(&attestation, &worker, context.now)?;
    if first {
        context.remembered.set_pin(&pin_name(context.purpose, context.url), &pin)?;
    }
    Ok(Session { worker, attestation, keys, nonce })
}

fn verify_key_set(
    attestation: &Attestation,
    worker: &Verified<Worker>,
    now: u64,
) -> Result<Verified<WorkerKeys>, ClientError> {
    let keys = &attestation.keys;
    let config = STANDARD
        .decode(&keys.ohttp_config)
        .map_err(|_| ClientError::Attestation("its channel key is not base64"))?;
    let release_key = unhex(&keys.release_key)?;
    let signature: [u8; 64] = STANDARD
        .decode(&keys.signature)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ClientError::Attestation("its key set's signature is no signature"))?;
    verify_keys(worker, &config, &release_key, keys.not_after, &signature, now)
        .map_err(ClientError::Keys)
}

/// The name that a worker's pin is kept under: a sealed worker's apart, since it shows no ledger.
pub(crate) fn pin_name(purpose: BindingPurpose, url: &str) -> String {
    format!("{url}{}", if purpose == BindingPurpose::Unlock { "#sealed" } else { "" })
}

/// True where nothing was pinned yet.
fn check_pin(shown: &Pin, context: &Context<'_>) -> Result<bool, ClientError> {
    if !context.trusted.first_use {
        return Ok(false);
    }
    match context.remembered.pin(&pin_name(context.purpose, context.url))? {
        None => Ok(true),
        Some(pin) if pin.ledger_id != shown.ledger_id => Err(ClientError::Pin("ledger")),
        Some(pin) if pin.config_digest != shown.config_digest => {
            Err(ClientError::Pin("configuration"))
        }
        Some(_) => Ok(false),
    }
}

fn unhex(text: &str) -> Result<[u8; 32], ClientError> {
    let mut out = [0u8; 32];
    hex::decode_to_slice(text, &mut out)
        .map(|()| out)
        .map_err(|_| ClientError::Attestation("a field is not 64 hex digits"))
}

const NO_LEDGER: [u8; 32] = [0; 32];

#[cfg(test)]
mod tests;
