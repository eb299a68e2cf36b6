//! From a worker's attestation to a session with it.
//!
//! Layer: client, below `channel`.
//! Holds: the order of checks: nonce, pins, evidence, TLS key, key set, expiry.
//! Never: I/O, except what `remembered` pins on first use.
//! Invariant: a [`Session`] exists only where every check passed, for the nonce of this very request.

use crate::error::ClientError;
use crate::remembered::{Pin, Remembered};
use crate::resumed::ShortCut;
use crate::transport::Transport;
use crate::trusted::Trusted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_protocol::wire::attestation::{Attestation, EvidenceForm};
use prag_trust::evidence::{
    Binding, BindingPurpose, Evidence, EvidenceError, Policy, Worker, WorkerKeys, verify_keys,
};
use prag_trust::permit::Expected;
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
    evidence: Evidence,
    binding: Binding,
    transport: Transport,
    short_cut: ShortCut,
}

/// Where TLS ends, as far as the evidence tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// There is none; the channel alone protects.
    None,
    /// Inside the TEE: the evidence names the key of these connections.
    InTee,
    /// Before the TEE, at somebody whom this machine's roots vouch for; he sees sealed messages.
    Proxy,
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

    /// The ledger that permits and messages must name, as the worker names it.
    pub(crate) fn expected(&self) -> Expected {
        let Attestation { chain_id, contract, .. } = &self.attestation;
        Expected { chain_id: chain_id.clone(), contract: contract.clone() }
    }

    /// Its short-lived keys.
    #[must_use]
    pub fn keys(&self) -> &Verified<WorkerKeys> {
        &self.keys
    }

    /// The connections that the evidence came over; requests go over these and no others.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// How later messages to these keys save a key exchange.
    pub(crate) fn short_cut(&self) -> &ShortCut {
        &self.short_cut
    }

    /// How this session's connections are protected below the channel.
    #[must_use]
    pub fn tls(&self) -> Tls {
        match self.transport.connection() {
            None => Tls::None,
            Some(key) if key.spki_sha256() == self.worker.tls_spki_sha256 => Tls::InTee,
            Some(_) => Tls::Proxy,
        }
    }

    /// The nonce that the evidence answers.
    #[must_use]
    pub fn nonce(&self) -> [u8; 32] {
        self.binding.nonce
    }

    /// The evidence that verified, and what it binds.
    #[must_use]
    pub fn proof(&self) -> (&Evidence, &Binding) {
        (&self.evidence, &self.binding)
    }

    /// Unix seconds after which the keys are refused.
    #[must_use]
    pub fn not_after(&self) -> u64 {
        self.keys.not_after
    }
}

/// Checks the bytes of an attestation that came over `transport`; messages to its keys may go on under `short_cut`.
pub(crate) fn verify(
    bytes: &[u8],
    nonce: [u8; 32],
    context: &Context<'_>,
    transport: Transport,
    short_cut: ShortCut,
) -> Result<Session, ClientError> {
    let attestation: Attestation =
        serde_json::from_slice(bytes).map_err(|_| ClientError::Attestation("it does not parse"))?;
    if unhex(&attestation.nonce)? != nonce {
        return Err(ClientError::Attestation("it answers another nonce"));
    }
    let unlock = context.purpose == BindingPurpose::Unlock;
    // Not bound: a liar wins nothing, since the purpose is.
    match (attestation.sealed, unlock) {
        (true, false) => return Err(ClientError::WorkerSealed),
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
    let (trusted, now) = (context.trusted, context.now);
    let worker = match attestation.form {
        EvidenceForm::Bound => verify_worker(&evidence, &binding, trusted, now)?,
        // It does not bind the purpose, and a root is not released on a worker's word.
        EvidenceForm::SecretVm if unlock => {
            return Err(ClientError::Attestation(
                "a SecretVM's own evidence cannot ask for a root",
            ));
        }
        EvidenceForm::SecretVm => {
            let (verifier, policy) = (&trusted.verifier, policy_for(&binding, trusted));
            let key = transport.connection().ok_or(ClientError::Tls(UNENCRYPTED))?;
            verifier.verify_secret_vm(&evidence, &binding, &key, &policy, now)?
        }
    };
    check_connection(&worker, &transport)?;

    let keys = verify_key_set(&attestation, &worker, context.now)?;
    if first {
        context.remembered.set_pin(&pin_name(context.purpose, context.url), &pin)?;
    }
    Ok(Session { worker, attestation, keys, evidence, binding, transport, short_cut })
}

/// The worker whose evidence holds at Unix second `now`. Its ledger and settings are taken as it claims them where
/// this machine's policy names none: a pin, or a person, judges those.
pub(crate) fn verify_worker(
    evidence: &Evidence,
    binding: &Binding,
    trusted: &Trusted,
    now: u64,
) -> Result<Verified<Worker>, EvidenceError> {
    trusted.verifier.verify(evidence, binding, &policy_for(binding, trusted), now)
}

fn policy_for(binding: &Binding, trusted: &Trusted) -> Policy {
    let mut policy = trusted.policy.clone();
    if trusted.first_use {
        policy.ledger_ids.push(binding.ledger_id);
        policy.config_digests.push(binding.config_digest);
    }
    if binding.purpose == BindingPurpose::Unlock {
        // A sealed worker has no ledger yet, and must say so.
        policy.ledger_ids = vec![NO_LEDGER];
    }
    policy
}

/// The key that the evidence names is the one that this connection proved. Evidence that names none is of a worker
/// behind a proxy that ends TLS: then this machine's roots must vouch for the proxy, as for any other site.
fn check_connection(worker: &Worker, transport: &Transport) -> Result<(), ClientError> {
    let attested = worker.tls_spki_sha256;
    match transport.connection() {
        None if attested == [0; 32] => Ok(()),
        None => Err(ClientError::Tls(UNENCRYPTED)),
        Some(key) if key.spki_sha256() == attested => Ok(()),
        Some(_) if attested != [0; 32] => Err(ClientError::Tls(
            "the evidence names another TLS key than this connection's: somebody stands between",
        )),
        Some(_) if transport.publicly_trusted() => Ok(()),
        Some(_) => Err(ClientError::Tls(
            "the evidence names no TLS key, and this machine's roots do not vouch for the certificate",
        )),
    }
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

const UNENCRYPTED: &str = "the evidence names a TLS key, and this connection has none";

fn unhex(text: &str) -> Result<[u8; 32], ClientError> {
    let mut out = [0u8; 32];
    hex::decode_to_slice(text, &mut out)
        .map(|()| out)
        .map_err(|_| ClientError::Attestation("a field is not 64 hex digits"))
}

const NO_LEDGER: [u8; 32] = [0; 32];

#[cfg(test)]
mod tests;
