//! Which workers an owner trusts.
//!
//! Layer: `trust::evidence`.
//! Holds: allowed images, ledgers and configurations, each by name; how old firmware may be; which GPUs may be there.
//! Never: a wildcard, a root, or a kind of evidence: hardware is not a matter of policy.
//! Invariant: an empty list allows nothing, and a rule that is left out is the strictest.

use super::{Binding, EvidenceError, Examined};
use crate::encoding::{digest, hex_list};
use prag_quote::snp::{Minimum, Tcb};
use prag_quote::tdx::TcbStatus;
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
    /// What Intel may say of a TDX platform besides `UpToDate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tdx_tcb: Vec<TcbStatus>,
    /// Oldest firmware of an AMD platform, by product; a product that is left out is refused.
    #[serde(default)]
    pub snp_minimum: Minimum,
    /// GPUs.
    #[serde(default)]
    pub gpu: GpuPolicy,
}

/// Which confidential GPUs may be there. The default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuPolicy {
    /// Refuse workers without one.
    pub required: bool,
    /// Names of their certificates: NVIDIA's switches and network cards have some of the same root.
    pub devices: Vec<String>,
    /// Driver versions.
    pub drivers: Vec<String>,
    /// VBIOS versions.
    pub vbioses: Vec<String>,
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
        let mut tcb: Vec<u8> = self.tdx_tcb.iter().map(|status| status.code()).collect();
        tcb.sort_unstable();
        tcb.dedup();
        let names = |list: &[String]| {
            let mut names: Vec<&[u8]> = list.iter().map(String::as_bytes).collect();
            names.sort_unstable();
            names.dedup();
            digest("PRAG-POLICY-NAMES/v1", &names)
        };
        digest(
            "PRAG-POLICY/v2",
            &[
                &self.epoch.to_be_bytes(),
                &sorted(&self.measurements),
                &sorted(&self.ledger_ids),
                &sorted(&self.config_digests),
                &tcb,
                &self.snp_minimum.to_bytes(),
                &[u8::from(self.gpu.required)],
                &names(&self.gpu.devices),
                &names(&self.gpu.drivers),
                &names(&self.gpu.vbioses),
            ],
        )
    }

    /// Whether an image of `measurement` that claims `binding` is allowed.
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

    /// Whether this hardware is allowed: its image, and its GPU or that there is none.
    ///
    /// # Errors
    /// [`EvidenceError::Measurement`], [`EvidenceError::GpuMissing`], [`EvidenceError::Gpu`].
    pub fn allow_hardware(&self, examined: &Examined) -> Result<(), EvidenceError> {
        if !self.measurements.contains(&examined.hardware.image()) {
            return Err(EvidenceError::Measurement);
        }
        match &examined.gpu {
            None if self.gpu.required => Err(EvidenceError::GpuMissing),
            None => Ok(()),
            Some(gpu) if !self.gpu.devices.contains(&gpu.device) => {
                Err(EvidenceError::Gpu("device"))
            }
            Some(gpu) if !self.gpu.drivers.contains(&gpu.driver_version) => {
                Err(EvidenceError::Gpu("driver"))
            }
            Some(gpu) if !self.gpu.vbioses.contains(&gpu.vbios_version) => {
                Err(EvidenceError::Gpu("VBIOS"))
            }
            Some(_) => Ok(()),
        }
    }

    /// Firmware of any age but revoked: for a worker that asks its own evidence which image it is.
    pub(super) fn any_firmware() -> Self {
        use TcbStatus as Status;
        let tdx_tcb = vec![
            Status::SwHardeningNeeded,
            Status::ConfigurationNeeded,
            Status::ConfigurationAndSwHardeningNeeded,
            Status::OutOfDate,
            Status::OutOfDateConfigurationNeeded,
            Status::RelaunchAdvised,
            Status::RelaunchAdvisedConfigurationNeeded,
        ];
        let oldest = Some(Tcb::default());
        let snp_minimum = Minimum { milan: oldest, genoa: oldest, turin: oldest };
        Self { tdx_tcb, snp_minimum, ..Self::default() }
    }
}
