//! Whom this machine is willing to talk to.
//!
//! Layer: client.
//! Holds: the verifier, the policy, and whether a worker's ledger and configuration are pinned on first use.
//! Never: a measurement learnt from the worker itself.
//! Invariant: without a listed measurement nothing is trusted, on first use or later.

use prag_trust::evidence::{HardwareVerifier, Policy, Verifier};

/// The verifier and what it accepts.
pub struct Trusted {
    /// Checks evidence.
    pub verifier: Box<dyn Verifier>,
    /// What it must show. Empty lists refuse everything.
    pub policy: Policy,
    /// Accept the ledger and the configuration that a worker with a listed measurement shows first,
    /// remember them for its URL, and refuse any other from then on.
    pub first_use: bool,
    /// Said on standard error before every command, in red: for verifiers that protect nothing.
    pub warning: Option<&'static str>,
}

impl Default for Trusted {
    /// Real TEEs only; no measurement is listed.
    fn default() -> Self {
        Self {
            verifier: Box::new(HardwareVerifier),
            policy: Policy::default(),
            first_use: true,
            warning: None,
        }
    }
}
