//! Evidence: what a TEE says about a worker, and what a verifier makes of it.
//!
//! Layer: `trust`, above `encoding`.
//! Holds: the closed list of evidence kinds, the binding of a worker's facts into 64 bytes of report
//! data, the owner's policy, the traits of both sides.
//! Never: fetching collateral, a clock; a policy by which simulated evidence would be accepted.
//! Invariant: a [`Worker`] that exists had fresh evidence over its key, of an allowed image, for an
//! allowed ledger and configuration. RATS terms: RFC 9334.

mod keys;
mod policy;

pub use keys::{KEY_SET_SECONDS_MAX, KeySetError, WorkerKeys, sign_keys, verify_keys};
pub use policy::Policy;

use crate::encoding::{base64_bytes, digest};
use crate::verified::Verified;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why evidence is refused. Not retryable with the same evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// This build cannot verify this kind of evidence, so it does not believe it.
    #[error("evidence of kind {0} cannot be verified by this build")]
    Unsupported(&'static str),
    /// Not a kind that this verifier takes; simulated evidence among them.
    #[error("evidence of kind {0} is not accepted here")]
    Kind(&'static str),
    /// The evidence's own signature does not verify.
    #[error("evidence is not signed by its root")]
    Signature,
    /// The report data is not the hash of what the worker claims: wrong key, nonce, ledger or settings.
    #[error("evidence does not bind what the worker claims")]
    Binding,
    /// The image is not among those that the policy allows.
    #[error("measurement is not allowed by the policy")]
    Measurement,
    /// The ledger is not among those that the policy allows.
    #[error("ledger is not allowed by the policy")]
    Ledger,
    /// The settings are not among those that the policy allows.
    #[error("configuration is not allowed by the policy")]
    Configuration,
    /// The worker follows an older policy than the verifier's.
    #[error("worker follows policy epoch {worker}, before {policy}")]
    PolicyEpoch {
        /// The worker's.
        worker: u64,
        /// The verifier's.
        policy: u64,
    },
}

/// The TEE gave no evidence. Worth one retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the TEE gave no evidence")]
pub struct TeeError;

/// Evidence as it travels: JSON, tagged by `kind`, bytes in base64. Hostile until verified.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Evidence {
    /// Intel TDX.
    Tdx {
        /// The quote, at most 64 KiB.
        #[serde(with = "base64_bytes")]
        quote: Vec<u8>,
    },
    /// AMD SEV-SNP.
    Snp {
        /// The attestation report.
        #[serde(with = "base64_bytes")]
        report: Vec<u8>,
        /// The VCEK and its chain, as the host's certificate table has them.
        #[serde(with = "base64_bytes")]
        certificates: Vec<u8>,
    },
    /// A TEE that protects nothing.
    #[cfg(feature = "sim")]
    Sim {
        /// What the worker asked to be bound.
        #[serde(with = "crate::encoding::hex_bytes")]
        report_data: [u8; 64],
        /// The pretended image.
        #[serde(with = "crate::encoding::hex_bytes")]
        measurement: [u8; 32],
        /// By the simulated root.
        #[serde(with = "crate::encoding::hex_bytes")]
        signature: [u8; 64],
    },
}

impl Evidence {
    /// The kind's text, as in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tdx { .. } => "tdx",
            Self::Snp { .. } => "snp",
            #[cfg(feature = "sim")]
            Self::Sim { .. } => "sim",
        }
    }

    /// SHA-256 over kind and bytes: what a release names.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let kind = self.kind().as_bytes();
        match self {
            Self::Tdx { quote } => digest(HASH_DOMAIN, &[kind, quote]),
            Self::Snp { report, certificates } => {
                digest(HASH_DOMAIN, &[kind, report, certificates])
            }
            #[cfg(feature = "sim")]
            Self::Sim { report_data, measurement, signature } => {
                digest(HASH_DOMAIN, &[kind, report_data, measurement, signature])
            }
        }
    }
}

/// What evidence is asked for. Evidence for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingPurpose {
    /// To serve clients, and to be released keys by owners.
    Serve,
    /// To be registered on a ledger.
    Register,
    /// To be released keys by another worker.
    Peer,
}

impl BindingPurpose {
    /// The purpose's text in the report data. Frozen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Register => "register",
            Self::Peer => "peer",
        }
    }
}

/// What a worker claims, and evidence binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What for.
    pub purpose: BindingPurpose,
    /// The worker's Ed25519 key of this boot.
    pub sig_pk: [u8; 32],
    /// SHA-256 of the TLS key's SPKI; zeros without TLS.
    pub tls_spki_sha256: [u8; 32],
    /// The verifier's own, fresh; or a recent block hash.
    pub nonce: [u8; 32],
    /// Which ledger the worker obeys.
    pub ledger_id: [u8; 32],
    /// Digest over every security-relevant setting.
    pub config_digest: [u8; 32],
    /// Epoch of the measurement policy that the worker follows.
    pub policy_epoch: u64,
}

impl Binding {
    /// The 64 bytes of report data of a worker without a GPU. Frozen.
    ///
    /// `[0..32] = SHA-256("PRAG-RA/v1" ‖ LP(purpose, sig_pk, tls_spki_sha256, nonce, ledger_id,
    /// config_digest, policy_epoch))`, the epoch as u64 big-endian; `[32..64]` = zeros.
    #[must_use]
    pub fn report_data(&self) -> [u8; 64] {
        let mut out = [0u8; 64];
        out[..32].copy_from_slice(&self.first_half());
        out
    }

    /// The 64 bytes of report data of a worker with a GPU: the second half is the GPU's nonce. Frozen.
    #[must_use]
    pub fn report_data_with_gpu(&self) -> [u8; 64] {
        let mut out = self.report_data();
        out[32..].copy_from_slice(&self.gpu_nonce());
        out
    }

    /// The nonce that the GPU's evidence must carry: `SHA-256("PRAG-GPU/v1" ‖ first half)`.
    #[must_use]
    pub fn gpu_nonce(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"PRAG-GPU/v1").chain_update(self.first_half()).finalize().into()
    }

    fn first_half(&self) -> [u8; 32] {
        digest(
            "PRAG-RA/v1",
            &[
                self.purpose.name().as_bytes(),
                &self.sig_pk,
                &self.tls_spki_sha256,
                &self.nonce,
                &self.ledger_id,
                &self.config_digest,
                &self.policy_epoch.to_be_bytes(),
            ],
        )
    }
}

/// A worker whose evidence verified under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its Ed25519 key of this boot.
    pub sig_pk: [u8; 32],
    /// Its image.
    pub measurement: [u8; 32],
    /// The kind of its evidence (`tdx`, `snp`; `sim` protects nothing).
    pub kind: &'static str,
    /// Its settings.
    pub config_digest: [u8; 32],
    /// Its ledger.
    pub ledger_id: [u8; 32],
    /// SHA-256 of its TLS key's SPKI; zeros without TLS.
    pub tls_spki_sha256: [u8; 32],
    /// [`Evidence::hash`] of the evidence.
    pub evidence_hash: [u8; 32],
    /// [`Policy::digest`] of the policy.
    pub policy_digest: [u8; 32],
}

/// The attester's side: asks the platform for evidence. Blocks; milliseconds to a second.
pub trait Tee: Send + Sync {
    /// Evidence over `report_data`.
    ///
    /// # Errors
    /// [`TeeError`] if the platform refuses.
    fn evidence(&self, report_data: [u8; 64]) -> Result<Evidence, TeeError>;

    /// The kind of its evidence, as [`Evidence::kind`].
    fn kind(&self) -> &'static str;
}

/// The relying party's side. Every implementation is in this crate: only it makes a `Verified`.
pub trait Verifier: Send + Sync {
    /// Verify evidence of what `binding` claims, under `policy`, at Unix second `now`.
    ///
    /// `binding.nonce` must be the caller's own, fresh and random, never one from the worker's reply.
    ///
    /// # Errors
    /// [`EvidenceError`], one per rule.
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError>;
}

/// The verifier of hardware evidence.
///
/// It cannot verify TDX quotes and SNP reports yet, and refuses them; it never takes simulated evidence.
#[derive(Clone, Copy, Debug, Default)]
pub struct HardwareVerifier;

impl Verifier for HardwareVerifier {
    fn verify(
        &self,
        evidence: &Evidence,
        _binding: &Binding,
        _policy: &Policy,
        _now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        match evidence {
            Evidence::Tdx { .. } | Evidence::Snp { .. } => {
                Err(EvidenceError::Unsupported(evidence.kind()))
            }
            #[cfg(feature = "sim")]
            Evidence::Sim { .. } => Err(EvidenceError::Kind(evidence.kind())),
        }
    }
}

const HASH_DOMAIN: &str = "PRAG-EVIDENCE/v1";

#[cfg(test)]
mod tests;
