//! Whom this machine is willing to talk to.
//!
//! Layer: client.
//! Holds: the verifier, the policy, and whether a worker's ledger and configuration are pinned on first use.
//! Never: a measurement learnt from the worker itself.
//! Invariant: without a listed measurement nothing is trusted, on first use or later.

use crate::error::ClientError;
use crate::home::{Home, read_private};
use prag_trust::evidence::{CachedVerifier, Policy, Verifier};

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

impl Trusted {
    /// Use the policy that is stored in `home`, if there is one, instead of what the program came with.
    ///
    /// A policy that lists ledgers or configurations is taken at its word: nothing is then learnt on first use.
    ///
    /// # Errors
    /// [`ClientError::Usage`] where it does not parse: a broken policy trusts nobody.
    pub fn follow(&mut self, home: &Home) -> Result<(), ClientError> {
        if let Some(policy) = stored_policy(home)? {
            self.judge_by(policy);
        }
        Ok(())
    }

    /// Use `policy`, as [`Trusted::follow`] uses the stored one.
    pub fn judge_by(&mut self, policy: Policy) {
        self.first_use = policy.ledger_ids.is_empty() && policy.config_digests.is_empty();
        self.policy = policy;
    }
}

/// The policy of a person, if one was stored.
pub(crate) fn stored_policy(home: &Home) -> Result<Option<Policy>, ClientError> {
    let Some(bytes) = read_private(&home.policy(), POLICY_BYTES_MAX)? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| {
        ClientError::Usage("the stored policy does not parse: `prag policy set FILE`".to_owned())
    })
}

/// Largest policy, bytes.
pub(crate) const POLICY_BYTES_MAX: u64 = 256 << 10;

impl Default for Trusted {
    /// Real TEEs only; no measurement is listed.
    fn default() -> Self {
        Self {
            verifier: Box::new(CachedVerifier::default()),
            policy: Policy::default(),
            first_use: true,
            warning: None,
        }
    }
}
