//! What evidence binds.
//!
//! Layer: `trust::evidence`.
//! Holds: a worker's claims, a reader's claims, and their hash into 64 bytes of report data.
//! Never: a claim that is outside the hash.
//! Invariant: two sets of claims never share report data; the layout is frozen.

use crate::encoding::digest;
use sha2::{Digest, Sha256};

/// What evidence is asked for. Evidence for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingPurpose {
    /// To serve clients, and to be released keys by owners.
    Serve,
    /// To be registered on a ledger.
    Register,
    /// To be released keys by another worker.
    Peer,
    /// To be released its sealing root by its steward; it has no ledger yet.
    Unlock,
}

impl BindingPurpose {
    /// The purpose's text in the report data. Frozen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Register => "register",
            Self::Peer => "peer",
            Self::Unlock => "unlock",
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
        self.half().report_data()
    }

    /// The 64 bytes of report data of a worker with a GPU: the second half is the GPU's nonce. Frozen.
    #[must_use]
    pub fn report_data_with_gpu(&self) -> [u8; 64] {
        self.half().report_data_with_gpu()
    }

    /// The nonce that the GPU's evidence must carry: `SHA-256("PRAG-GPU/v1" ‖ first half)`.
    #[must_use]
    pub fn gpu_nonce(&self) -> [u8; 32] {
        self.half().gpu_nonce()
    }

    pub(super) fn half(&self) -> Half {
        Half(digest(
            DOMAIN,
            &[
                self.purpose.name().as_bytes(),
                &self.sig_pk,
                &self.tls_spki_sha256,
                &self.nonce,
                &self.ledger_id,
                &self.config_digest,
                &self.policy_epoch.to_be_bytes(),
            ],
        ))
    }
}

/// What a reader claims to one worker, and evidence binds: the key that asks, and the key that replies are sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderBinding {
    /// The Ed25519 session key that signs its requests, as its permit names it.
    pub session_key: [u8; 32],
    /// The X25519 key that replies are sealed to.
    pub sealing_key: [u8; 32],
    /// The worker's challenge.
    pub nonce: [u8; 32],
    /// The worker's Ed25519 key of this boot.
    pub worker: [u8; 32],
}

impl ReaderBinding {
    /// The 64 bytes of report data of a reader without a GPU. Frozen.
    ///
    /// `[0..32] = SHA-256("PRAG-RA/v1" ‖ LP("read", session_key, sealing_key, nonce, worker))`; `[32..64]` = zeros.
    #[must_use]
    pub fn report_data(&self) -> [u8; 64] {
        self.half().report_data()
    }

    /// The 64 bytes of report data of a reader with a GPU: the second half is the GPU's nonce. Frozen.
    #[must_use]
    pub fn report_data_with_gpu(&self) -> [u8; 64] {
        self.half().report_data_with_gpu()
    }

    /// The nonce that the GPU's evidence must carry, as for a worker.
    #[must_use]
    pub fn gpu_nonce(&self) -> [u8; 32] {
        self.half().gpu_nonce()
    }

    pub(super) fn half(&self) -> Half {
        let parts = [&self.session_key, &self.sealing_key, &self.nonce, &self.worker];
        let [session_key, sealing_key, nonce, worker] = parts.map(|part| &part[..]);
        // No worker's purpose is "read", so no worker's report data is a reader's.
        Half(digest(DOMAIN, &[b"read", session_key, sealing_key, nonce, worker]))
    }
}

/// The first half of report data, from which the rest follows.
pub(super) struct Half([u8; 32]);

impl Half {
    pub(super) fn report_data(&self) -> [u8; 64] {
        let mut out = [0u8; 64];
        out[..32].copy_from_slice(&self.0);
        out
    }

    pub(super) fn report_data_with_gpu(&self) -> [u8; 64] {
        let mut out = self.report_data();
        out[32..].copy_from_slice(&self.gpu_nonce());
        out
    }

    pub(super) fn gpu_nonce(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"PRAG-GPU/v1").chain_update(self.0).finalize().into()
    }
}

const DOMAIN: &str = "PRAG-RA/v1";
