//! What a worker says of itself, sealed or open.
//!
//! Layer: beside `channel`, below `flow` and `sealed`.
//! Holds: evidence over a binding, and the keys of this boot, in the form that travels.
//! Never: a claim that the evidence does not bind, but time, names and stage, which nobody relies on.
//! Invariant: the evidence is made for this very binding.

use crate::channel::KeyRing;
use ed25519_dalek::SigningKey;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::attestation::Attestation;
use prag_trust::evidence::{Binding, BindingPurpose, Tee};
use prag_trust::permit::Expected;

/// Evidence that binds `binding`, with the keys of `ring`. Blocks for as long as the TEE does.
///
/// # Errors
/// `device` where the platform gives none.
pub fn attestation(
    tee: &dyn Tee,
    signing: &SigningKey,
    ring: &KeyRing,
    binding: &Binding,
    names: Expected,
    now: u64,
) -> Result<Attestation, Problem> {
    let failed = |what: &str| Problem::new(Code::Device, format!("no {what}"));
    let evidence = tee.evidence(binding, signing).map_err(|_| failed("evidence"))?;
    let keys = ring.key_set(signing, now).map_err(|_| failed("keys"))?;
    Ok(Attestation {
        evidence: serde_json::to_value(&evidence).map_err(|_| failed("evidence"))?,
        form: tee.form(),
        worker_key: hex::encode(binding.sig_pk),
        tls_spki_sha256: hex::encode(binding.tls_spki_sha256),
        nonce: hex::encode(binding.nonce),
        ledger_id: hex::encode(binding.ledger_id),
        config_digest: hex::encode(binding.config_digest),
        policy_epoch: binding.policy_epoch,
        keys,
        chain_id: names.chain_id,
        contract: names.contract,
        simulated: evidence.kind() == "sim",
        sealed: binding.purpose == BindingPurpose::Unlock,
        metering: None,
        time: now,
        ledger: None,
        memory: None,
    })
}

/// The measurement policy's epoch: it grows when owners change what they allow.
pub const POLICY_EPOCH: u64 = 1;
