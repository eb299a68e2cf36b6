//! Readers: LLM workers that prove what they are before they pull context.
//!
//! Layer: `trust::evidence`.
//! Holds: what a worker asks of every reader's hardware, and a reader whose evidence verified.
//! Never: which images may read; a collection's owner says that on the ledger.
//! Invariant: a [`Reader`] that exists had fresh evidence over its two keys, for one worker, and ends within the hour.

use super::{Evidence, GpuPolicy, Policy, ReaderBinding};
use crate::encoding::digest;
use crate::verified::Verified;
use prag_quote::snp::Minimum;
use prag_quote::tdx::TcbStatus;
use serde::Deserialize;

/// How old the firmware of readers may be, which GPUs they may have, and how long their evidence counts.
///
/// The default is the strictest: TDX must be `UpToDate`, no AMD product is named, no GPU may be there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReaderPolicy {
    /// What Intel may say of a TDX platform besides `UpToDate`.
    pub tdx_tcb: Vec<TcbStatus>,
    /// Oldest firmware of an AMD platform, by product; a product that is left out is refused.
    pub snp_minimum: Minimum,
    /// GPUs.
    pub gpu: GpuPolicy,
    /// Life of a session, seconds, 1 to [`READER_SECONDS_MAX`]; what is over counts as that.
    pub session_s: u64,
}

impl Default for ReaderPolicy {
    fn default() -> Self {
        Self {
            tdx_tcb: Vec::new(),
            snp_minimum: Minimum::default(),
            gpu: GpuPolicy::default(),
            session_s: READER_SECONDS_MAX,
        }
    }
}

impl ReaderPolicy {
    /// SHA-256 over all of it, for the digest of the worker's settings.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest("PRAG-READER-POLICY/v1", &[&self.rules().digest(), &self.session_s.to_be_bytes()])
    }

    /// The same rules as a policy that allows no worker.
    pub(super) fn rules(&self) -> Policy {
        Policy {
            tdx_tcb: self.tdx_tcb.clone(),
            snp_minimum: self.snp_minimum,
            gpu: self.gpu.clone(),
            ..Policy::default()
        }
    }
}

/// A reader whose evidence verified. Its capability is its session key: whoever cannot sign with it has nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The Ed25519 key that signs its requests.
    pub session_key: [u8; 32],
    /// The X25519 key that replies are sealed to.
    pub sealing_key: [u8; 32],
    /// Its image.
    pub measurement: [u8; 32],
    /// The kind of its evidence (`tdx`, `snp`; `sim` protects nothing).
    pub kind: &'static str,
    /// Unix seconds; void from this second on.
    pub expires: u64,
}

impl Reader {
    /// The reader whose evidence a verifier found to hold and to bind `binding` at `now`.
    pub(crate) fn attested(
        evidence: &Evidence,
        measurement: [u8; 32],
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Verified<Self> {
        Verified::new(Self {
            session_key: binding.session_key,
            sealing_key: binding.sealing_key,
            measurement,
            kind: evidence.kind(),
            expires: now.saturating_add(policy.session_s.min(READER_SECONDS_MAX)),
        })
    }
}

/// Longest life of a reader's session, seconds.
pub const READER_SECONDS_MAX: u64 = 3600;
