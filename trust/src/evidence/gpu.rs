//! A confidential GPU beside a confidential VM.
//!
//! Layer: `trust::evidence`.
//! Holds: the GPU's report and chain as they travel, and the worker's signature for them.
//! Never: a proof that the GPU sits in this machine: today's hardware cannot give one.
//! Invariant: the report answers a nonce that the CPU's report data binds, and the worker's key signed the
//! certificate: whoever relays another machine's GPU does it knowingly, under the worker's name.

use crate::address::ed25519_holds;
use crate::encoding::{base64_bytes, hex_bytes, transcript};
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};

/// Evidence of an NVIDIA GPU.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// SPDM request and response.
    #[serde(with = "base64_bytes")]
    pub report: Vec<u8>,
    /// The device's certificate and those above it, PEM.
    #[serde(with = "base64_bytes")]
    pub chain: Vec<u8>,
    /// Ed25519 by the worker's key over the certificate's fingerprint and the nonce; see [`Gpu::sign`].
    #[serde(with = "hex_bytes")]
    pub signature: [u8; 64],
}

impl Gpu {
    /// Sign for the GPU whose certificate has this SHA-256 fingerprint, under `nonce`.
    pub fn sign(&mut self, worker: &SigningKey, fingerprint: &[u8; 32], nonce: &[u8; 32]) {
        self.signature = worker.sign(&message(fingerprint, nonce)).to_bytes();
    }

    /// Whether `worker` signed for the GPU.
    pub(super) fn signed_by(
        &self,
        worker: &[u8; 32],
        fingerprint: &[u8; 32],
        nonce: &[u8; 32],
    ) -> bool {
        ed25519_holds(worker, &message(fingerprint, nonce), &self.signature)
    }
}

fn message(fingerprint: &[u8; 32], nonce: &[u8; 32]) -> Vec<u8> {
    transcript("PRAG-GPU-CERT/v1", &[fingerprint, nonce])
}
