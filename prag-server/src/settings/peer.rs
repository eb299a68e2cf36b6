//! Other workers that may have keys, and what they must be.
//!
//! Layer: server, `settings`.
//! Holds: addresses, and the rules for firmware and GPUs.
//! Never: an image: the ledger lists those.
//! Invariant: what is left out is the strictest.

use prag_trust::evidence::{GpuPolicy, Policy};
use prag_trust::quote::snp::Minimum;
use prag_trust::quote::tdx::TcbStatus;
use serde::Deserialize;

/// Another worker. Where it is does not matter for security: its evidence does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
}

/// Firmware and GPUs of workers that keys come from or go to. What is left out is the strictest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerPlatform {
    /// What Intel may say of a TDX platform besides `UpToDate`.
    pub tdx_tcb: Vec<TcbStatus>,
    /// Oldest firmware of an AMD platform, by product; a product that is left out is refused.
    pub snp_minimum: Minimum,
    /// GPUs.
    pub gpu: GpuPolicy,
}

impl PeerPlatform {
    /// As a policy that lists no image, ledger or configuration.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            tdx_tcb: self.tdx_tcb.clone(),
            snp_minimum: self.snp_minimum,
            gpu: self.gpu.clone(),
            ..Policy::default()
        }
    }
}
