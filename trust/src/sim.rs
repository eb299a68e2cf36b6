//! A TEE that protects nothing, for the demo and tests.
//!
//! Layer: `trust`, above `evidence`; feature `sim` only, which release artefacts never have.
//! Holds: a simulated attester and its verifier, with a root that everybody can read here.
//! Never: hardware evidence; a way for [`crate::evidence::HardwareVerifier`] to accept what is made here.
//! Invariant: simulated evidence is its own kind, and says so wherever it is shown.

use crate::address::{SessionKey, ed25519_holds};
use crate::encoding::transcript;
use crate::evidence::{
    Binding, Evidence, EvidenceError, Policy, Reader, ReaderBinding, ReaderPolicy, Tee, TeeError,
    Verifier, Worker,
};
use crate::verified::Verified;
use ed25519_dalek::SigningKey;

/// Pretends to be a TEE that runs an image of some version.
pub struct SimTee {
    measurement: [u8; 32],
}

impl SimTee {
    /// A simulated TEE whose image is named by `version`.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self { measurement: sim_measurement(version) }
    }

    /// Evidence of a reader.
    #[must_use]
    pub fn read(&self, binding: &ReaderBinding) -> Evidence {
        self.sign(binding.report_data())
    }

    fn sign(&self, report_data: [u8; 64]) -> Evidence {
        let signature = root().sign(&message(&report_data, &self.measurement));
        Evidence::Sim { report_data, measurement: self.measurement, signature }
    }
}

impl Tee for SimTee {
    fn evidence(&self, binding: &Binding, _worker: &SigningKey) -> Result<Evidence, TeeError> {
        Ok(self.sign(binding.report_data()))
    }

    fn kind(&self) -> &'static str {
        "sim"
    }
}

/// Verifies simulated evidence, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimVerifier;

impl Verifier for SimVerifier {
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        _now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        let measurement = measured(evidence, &binding.report_data())?;
        Worker::allowed(evidence, measurement, binding, policy)
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        let measurement = measured(evidence, &binding.report_data())?;
        Ok(Reader::attested(evidence, measurement, binding, policy, now))
    }

    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        _now: u64,
    ) -> Result<[u8; 32], EvidenceError> {
        measured(evidence, &binding.report_data())
    }
}

/// The pretended image behind evidence that binds `expected`.
fn measured(evidence: &Evidence, expected: &[u8; 64]) -> Result<[u8; 32], EvidenceError> {
    let (report_data, measurement, signature) = match evidence {
        Evidence::Sim { report_data, measurement, signature } => {
            (report_data, measurement, signature)
        }
        Evidence::Tdx { .. } | Evidence::Snp { .. } => {
            return Err(EvidenceError::Kind(evidence.kind()));
        }
    };
    if !ed25519_holds(&root().public_key(), &message(report_data, measurement), signature) {
        return Err(EvidenceError::Signature);
    }
    if report_data != expected {
        return Err(EvidenceError::Binding);
    }
    Ok(*measurement)
}

/// The pretended measurement of an image named by `version`.
#[must_use]
pub fn sim_measurement(version: &str) -> [u8; 32] {
    blake3::derive_key("prag/sim/measurement/v1", version.as_bytes())
}

fn root() -> SessionKey {
    SessionKey::from_bytes(SIMULATED_ROOT_SEED_KNOWN_TO_EVERYBODY)
}

fn message(report_data: &[u8; 64], measurement: &[u8; 32]) -> Vec<u8> {
    transcript("PRAG-SIM-EVIDENCE/v1", &[report_data, measurement])
}

/// Not a secret: whoever reads this can make simulated evidence, and that is the point.
const SIMULATED_ROOT_SEED_KNOWN_TO_EVERYBODY: &[u8; 32] = b"simulated: this protects nothing";

#[cfg(test)]
mod tests;
