//! The verifier of hardware evidence.
//!
//! Layer: `trust::evidence`, over `prag-quote`.
//! Holds: the order of checks: vendor's signatures, firmware, binding, GPU, policy; and the digest of an image.
//! Never: simulated evidence; a root that a policy names.
//! Invariant: every check passed before a worker is `Verified`, the cheapest to forge last.

use super::binding::Half;
use super::secret_vm::{self, ConnectionKey};
use super::{
    Binding, Evidence, EvidenceError, Policy, Reader, ReaderBinding, ReaderPolicy, Verifier, Worker,
};
use crate::encoding::digest;
use crate::verified::Verified;
use prag_quote::nvidia::{self, GpuClaims};
use prag_quote::snp::{self, SnpClaims};
use prag_quote::tdx::{self, TdxClaims};

/// Where chains must end: the vendors' own keys, unless a test brings others. No policy can name a root.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// Instead of Intel's root, DER.
    pub tdx: Option<Vec<u8>>,
    /// Instead of AMD's ARK and ASK, DER.
    pub snp: Option<(Vec<u8>, Vec<u8>)>,
    /// AMD's ASVK of a cloud's product, DER: SNP reports that a VLEK under it signed are accepted.
    pub asvk: Option<Vec<u8>>,
    /// Instead of NVIDIA's root, DER.
    pub nvidia: Option<Vec<u8>>,
}

/// Verifies TDX quotes and SNP reports, with a GPU beside them or not. Simulated evidence is refused.
#[derive(Clone, Debug, Default)]
pub struct HardwareVerifier {
    roots: Roots,
}

/// What the vendor's signatures say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// Intel TDX.
    Tdx(Box<TdxClaims>),
    /// AMD SEV-SNP.
    Snp(Box<SnpClaims>),
}

/// Evidence that holds up to the vendors' roots, of firmware that the policy allows. Nothing says yet whose it is, nor
/// which image is allowed: report data is only bytes here, and [`Policy::allow_hardware`] was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The CPU's claims.
    pub hardware: Hardware,
    /// The GPU's.
    pub gpu: Option<GpuClaims>,
}

impl HardwareVerifier {
    /// A verifier for evidence that ends at other roots.
    #[must_use]
    pub fn with_roots(roots: Roots) -> Self {
        Self { roots }
    }

    /// Check signatures, dates and firmware at Unix second `now`.
    ///
    /// # Errors
    /// [`EvidenceError`], of the first check that failed.
    pub fn examine(
        &self,
        evidence: &Evidence,
        policy: &Policy,
        now: u64,
    ) -> Result<Examined, EvidenceError> {
        let hardware = match evidence {
            Evidence::Tdx { quote, collateral, .. } => {
                let root = self.roots.tdx.as_deref().map_or(tdx::Root::Intel, tdx::Root::Other);
                let rules = tdx::Rules { root, accept: &policy.tdx_tcb };
                Hardware::Tdx(Box::new(tdx::verify(quote, collateral, &rules, now)?))
            }
            Evidence::Snp { report, vcek, .. } => {
                let other = self.roots.snp.as_ref();
                let root = other.map_or(snp::Root::Amd, |(ark, ask)| snp::Root::Other { ark, ask });
                let asvk = self.roots.asvk.as_deref();
                let rules = snp::Rules { root, minimum: policy.snp_minimum, vmpl: 0, asvk };
                Hardware::Snp(Box::new(snp::verify(report, vcek, &rules, now)?))
            }
            #[cfg(feature = "sim")]
            Evidence::Sim { .. } => return Err(EvidenceError::Kind(evidence.kind())),
        };
        let gpu = match evidence.gpu() {
            None => None,
            Some(gpu) => {
                let other = self.roots.nvidia.as_deref();
                let root = other.map_or(nvidia::Root::Nvidia, nvidia::Root::Other);
                let nonce = hardware.second_half();
                Some(nvidia::verify(&gpu.report, &gpu.chain, &nonce, root, now)?)
            }
        };
        Ok(Examined { hardware, gpu })
    }
}

impl Verifier for HardwareVerifier {
    fn verify(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        let examined = self.examine(evidence, policy, now)?;
        examined.worker(evidence, binding, policy)
    }

    fn verify_secret_vm(
        &self,
        evidence: &Evidence,
        said: &Binding,
        connection: &ConnectionKey,
        policy: &Policy,
        now: u64,
    ) -> Result<Verified<Worker>, EvidenceError> {
        secret_vm::admit(evidence, policy)?;
        let examined = self.examine(evidence, policy, now)?;
        secret_vm::bound(&examined, evidence, said, connection, policy)
    }

    fn verify_reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        let examined = self.examine(evidence, &policy.rules(), now)?;
        examined.reader(evidence, binding, policy, now)
    }

    fn image(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        now: u64,
    ) -> Result<[u8; 32], EvidenceError> {
        let examined = self.examine(evidence, &Policy::any_firmware(), now)?;
        examined.binds(evidence, &binding.half(), &binding.sig_pk)?;
        Ok(examined.hardware.image())
    }
}

impl Examined {
    /// The worker, if this binds `binding` and the policy allows it.
    pub(super) fn worker(
        &self,
        evidence: &Evidence,
        binding: &Binding,
        policy: &Policy,
    ) -> Result<Verified<Worker>, EvidenceError> {
        self.binds(evidence, &binding.half(), &binding.sig_pk)?;
        policy.allow_hardware(self)?;
        Worker::allowed(evidence, self.hardware.image(), binding, policy)
    }

    /// The reader, if this binds `binding` and the policy allows its hardware.
    pub(super) fn reader(
        &self,
        evidence: &Evidence,
        binding: &ReaderBinding,
        policy: &ReaderPolicy,
        now: u64,
    ) -> Result<Verified<Reader>, EvidenceError> {
        self.binds(evidence, &binding.half(), &binding.session_key)?;
        policy.gpu.allow(self.gpu.as_ref())?;
        Ok(Reader::attested(evidence, self.hardware.image(), binding, policy, now))
    }

    /// Whether the report data is `half` and, where there is a GPU, `key` signed for it.
    fn binds(&self, evidence: &Evidence, half: &Half, key: &[u8; 32]) -> Result<(), EvidenceError> {
        let expected = match evidence.gpu() {
            None => half.report_data(),
            Some(_) => half.report_data_with_gpu(),
        };
        if *self.hardware.report_data() != expected {
            return Err(EvidenceError::Binding);
        }
        self.signed_for(evidence, key)
    }

    /// Whether `key` signed for the GPU, where there is one.
    pub(super) fn signed_for(
        &self,
        evidence: &Evidence,
        key: &[u8; 32],
    ) -> Result<(), EvidenceError> {
        let (Some(gpu), Some(claims)) = (evidence.gpu(), &self.gpu) else {
            return Ok(());
        };
        let nonce = self.hardware.second_half();
        if gpu.signed_by(key, &claims.certificate_sha256, &nonce) {
            Ok(())
        } else {
            Err(EvidenceError::GpuSignature)
        }
    }
}

impl Hardware {
    /// Chosen by the guest.
    #[must_use]
    pub fn report_data(&self) -> &[u8; 64] {
        match self {
            Self::Tdx(claims) => &claims.td.report_data,
            Self::Snp(claims) => &claims.report_data,
        }
    }

    /// SHA-256 over all that makes the image: what policies list. Frozen.
    ///
    /// TDX: MRTD, RTMR0 to 3, MRCONFIGID, MROWNER, MROWNERCONFIG, TD attributes, XFAM. SNP: measurement, host data,
    /// guest policy (u64 big-endian), ID key's and author key's digest, VMPL (u32 big-endian).
    #[must_use]
    pub fn image(&self) -> [u8; 32] {
        match self {
            Self::Tdx(claims) => {
                let td = &claims.td;
                let [r0, r1, r2, r3] = &td.rtmr;
                let fixed = [&td.mr_config_id, &td.mr_owner, &td.mr_owner_config];
                let [config, owner, owner_config] = fixed.map(|register| &register[..]);
                let (attributes, xfam) = (&td.td_attributes, &td.xfam);
                digest(
                    IMAGE_DOMAIN,
                    &[
                        b"tdx",
                        &td.mr_td,
                        r0,
                        r1,
                        r2,
                        r3,
                        config,
                        owner,
                        owner_config,
                        attributes,
                        xfam,
                    ],
                )
            }
            Self::Snp(claims) => digest(
                IMAGE_DOMAIN,
                &[
                    b"snp",
                    &claims.measurement,
                    &claims.host_data,
                    &claims.policy.to_be_bytes(),
                    &claims.id_key_digest,
                    &claims.author_key_digest,
                    &claims.vmpl.to_be_bytes(),
                ],
            ),
        }
    }

    /// The GPU's nonce; zeros without a GPU.
    pub(super) fn second_half(&self) -> [u8; 32] {
        let mut half = [0; 32];
        half.copy_from_slice(&self.report_data()[32..]);
        half
    }
}

const IMAGE_DOMAIN: &str = "PRAG-IMAGE/v1";

#[cfg(test)]
mod tests;
