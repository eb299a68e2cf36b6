//! Evidence: what a TEE says about a worker, and what a verifier makes of it.
//!
//! Layer: `trust`, above `encoding`.
//! Holds: the closed list of evidence kinds, the binding of a worker's facts into 64 bytes of report
//! data, the owner's policy, the traits of both sides.
//! Never: fetching collateral, a clock; a policy by which simulated evidence would be accepted.
//! Invariant: a [`Worker`] that exists had fresh evidence over its key, of an allowed image, for an
//! allowed ledger and configuration. RATS terms: RFC 9334.

mod binding;
mod cache;
mod gpu;
mod hardware;
mod keys;
mod policy;
mod secret_vm;
pub use cache::{CachedVerifier, VERDICT_SECONDS_MAX, VERDICTS_MAX};
mod reader;

pub use binding::{Binding, BindingPurpose, ReaderBinding};
pub use gpu::Gpu;
pub use hardware::{Examined, Hardware, HardwareVerifier, Roots};
pub use keys::{KEY_SET_SECONDS_MAX, KeySetError, WorkerKeys, sign_keys, verify_keys};
pub use policy::{GpuPolicy, Policy};
pub use reader::{READER_SECONDS_MAX, Reader, ReaderPolicy};
pub use secret_vm::ConnectionKey;

use crate::encoding::{base64_bytes, digest};
use crate::verified::Verified;
use ed25519_dalek::SigningKey;
use prag_protocol::wire::attestation::EvidenceForm;
use prag_quote::QuoteError;
use serde::{Deserialize, Serialize};

/// Why evidence is refused. Not retryable with the same evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The vendor's evidence itself does not hold.
    #[error(transparent)]
    Quote(#[from] QuoteError),
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
    /// The policy asks for a GPU, and there is none.
    #[error("evidence of a confidential GPU is missing")]
    GpuMissing,
    /// The GPU's certificate, driver or VBIOS is not among those that the policy allows; an empty list allows none.
    #[error("GPU {0} is not allowed by the policy")]
    Gpu(&'static str),
    /// The worker did not sign the GPU's certificate: the GPU's report is of another machine, or a replay.
    #[error("worker has not signed for its GPU")]
    GpuSignature,
    /// The policy asks for TLS that ends inside the TEE, and the worker has none.
    #[error("worker has no TLS key in its TEE, and the policy asks for one")]
    TlsMissing,
    /// A SecretVM's own evidence, and why it says nothing about this worker.
    #[error("evidence of a SecretVM {0}")]
    SecretVm(&'static str),
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
        /// Intel's collateral for it, JSON as `dcap-qvl` has it, at most 256 KiB.
        #[serde(with = "base64_bytes")]
        collateral: Vec<u8>,
        /// The GPU beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gpu: Option<Box<Gpu>>,
    },
    /// AMD SEV-SNP.
    Snp {
        /// The attestation report.
        #[serde(with = "base64_bytes")]
        report: Vec<u8>,
        /// The VCEK, or a cloud's VLEK, DER. Roots are pinned, so its chain does not travel.
        #[serde(with = "base64_bytes")]
        vcek: Vec<u8>,
        /// The GPU beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gpu: Option<Box<Gpu>>,
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

    /// The GPU's part.
    #[must_use]
    pub fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Tdx { gpu, .. } | Self::Snp { gpu, .. } => gpu.as_deref(),
            #[cfg(feature = "sim")]
            Self::Sim { .. } => None,
        }
    }

    /// SHA-256 over kind and bytes: what a release names.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let kind = self.kind().as_bytes();
        let with = |parts: [&[u8]; 2], gpu: &Option<Box<Gpu>>| {
            let [report, chain] =
                gpu.as_ref().map_or([&[][..], &[]], |gpu| [&gpu.report[..], &gpu.chain]);
            digest(HASH_DOMAIN, &[kind, parts[0], parts[1], report, chain])
        };
        match self {
            Self::Tdx { quote, collateral, gpu } => with([quote, collateral], gpu),
            Self::Snp { report, vcek, gpu } => with([report, vcek], gpu),
            #[cfg(feature = "sim")]
            Self::Sim { report_data, measurement, signature } => {
                digest(HASH_DOMAIN, &[kind, report_data, measurement, signature])
            }
        }
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

impl Worker {
    /// The worker whose evidence a verifier found to hold and to bind `binding`, if the policy allows it.
    pub(crate) fn allowed(
        evidence: &Evidence,
        measurement: [u8; 32],
        binding: &Binding,
        policy: &Policy,
    ) -> Result<Verified<Self>, EvidenceError> {
        policy.allow(&measurement, binding)?;
        Ok(Verified::new(Self {
            sig_pk: binding.sig_pk,
            measurement,
            kind: evidence.kind(),
            config_digest: binding.config_digest,
            ledger_id: binding.ledger_id,
            tls_spki_sha256: binding.tls_spki_sha256,
            evidence_hash: evidence.hash(),
            policy_digest: policy.digest(),
        }))
    }
}

/// The attester's side: asks the platform for evidence. Blocks; milliseconds to a second.
pub trait Tee: Send + Sync {
    /// Evidence that binds `binding`. `worker`: the key that `binding.sig_pk` names; it signs for a GPU, if there is one.
    ///
    /// # Errors
    /// [`TeeError`] if the platform refuses.
    fn evidence(&self, binding: &Binding, worker: &SigningKey) -> Result<Evidence, TeeError>;

    /// The kind of its evidence, as [`Evidence::kind`].
    fn kind(&self) -> &'static str;

    /// What its evidence binds: the worker's own report data, or a SecretVM's TLS key.
    fn form(&self) -> EvidenceForm {
        EvidenceForm::Bound
    }
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

    /// Verify a SecretVM's own evidence of a worker that said `said` over the connection of `connection`.
    ///
    /// The second accepted form, see [`ConnectionKey`]: nothing of `said` is bound but its TLS key.
    ///
    /// # Errors
    /// [`EvidenceError::SecretVm`], and those of [`Verifier::verify`]. A verifier that does not know the form refuses it.
    fn verify_secret_vm(
        &self,
        evidence: &Evidence,
        said: &Binding,
        connection: &ConnectionKey,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        let _ = (said, connection, policy, now);
        Err(EvidenceError::Kind(evidence.kind()))
    }

    /// Verify evidence of what a reader's `binding` claims, under the worker's `policy`, at Unix second `now`.
    ///
    /// `binding.nonce` must be a challenge of the worker's own, and `binding.worker` its own key. Which images may
    /// read is not asked here: each collection has its own list ([`crate::admission`]).
    ///
    /// # Errors
    /// [`EvidenceError`], one per rule.
    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError>;

    /// The digest of the image behind evidence that binds `binding`, on firmware of any age: for a worker that asks
    /// its own evidence what it is. It says nothing about whether anybody allows the image.
    ///
    /// # Errors
    /// [`EvidenceError`], one per rule.
    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        now: u64,
    ) -> Result<[u8; 32], EvidenceError>;
}

impl<V: Verifier + ?Sized> Verifier for std::sync::Arc<V> {
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        (**self).verify(evidence, binding, policy, now)
    }

    fn verify_secret_vm(
        &self,
        evidence: &Evidence,
        said: &Binding,
        connection: &ConnectionKey,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        (**self).verify_secret_vm(evidence, said, connection, policy, now)
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        (**self).verify_reader(evidence, binding, policy, now)
    }

    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        now: u64,
    ) -> Result<[u8; 32], EvidenceError> {
        (**self).image(evidence, binding, now)
    }
}

const HASH_DOMAIN: &str = "PRAG-EVIDENCE/v2";

#[cfg(test)]
mod tests;
