//! Which workers an owner trusts.
//!
//! Layer: `trust::evidence`.
//! Holds: allowed images, ledgers and configurations, each by name.
//! Never: a wildcard, or a kind of evidence: hardware is not a matter of policy.
//! Invariant: an empty list allows nothing.

use super::{Binding, EvidenceError};
use crate::encoding::{digest, hex_list};
use serde::{Deserialize, Serialize};

/// Reference values, chosen by the owner. JSON, 32-byte values in hex, at most 256 a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Grows with every change; a worker that follows an older one is refused.
    pub epoch: u64,
    /// Images.
    #[serde(with = "hex_list")]
    pub measurements: Vec<[u8; 32]>,
    /// Ledgers.
    #[serde(with = "hex_list")]
    pub ledger_ids: Vec<[u8; 32]>,
    /// Digests of security-relevant settings.
    #[serde(with = "hex_list")]
    pub config_digests: Vec<[u8; 32]>,
}

impl Policy {
    /// SHA-256 over the policy; the order within a list does not matter.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let sorted = |list: &[[u8; 32]]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list.dedup();
            list.concat()
        };
        digest(
            "PRAG-POLICY/v1",
            &[
                &self.epoch.to_be_bytes(),
                &sorted(&self.measurements),
                &sorted(&self.ledger_ids),
                &sorted(&self.config_digests),
            ],
        )
    }

    /// Whether an image of `measurement` that claims `binding` is allowed.
    // Dead without feature `sim` until a verifier of hardware evidence asks.
    #[cfg_attr(not(any(feature = "sim", test)), expect(dead_code))]
    pub(crate) fn allow(
        &self,
        measurement: &[u8; 32],
        binding: &Binding,
    ) -> Result<(), EvidenceError> {
        if !self.measurements.contains(measurement) {
            return Err(EvidenceError::Measurement);
        }
        if !self.ledger_ids.contains(&binding.ledger_id) {
            return Err(EvidenceError::Ledger);
        }
        if !self.config_digests.contains(&binding.config_digest) {
            return Err(EvidenceError::Configuration);
        }
        if binding.policy_epoch < self.epoch {
            let (worker, policy) = (binding.policy_epoch, self.epoch);
            return Err(EvidenceError::PolicyEpoch { worker, policy });
        }
        Ok(())
    }
}
