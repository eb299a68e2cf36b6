//! What a verified SNP report says.
//!
//! Layer: `prag-quote::snp`.
//! Holds: the report's fields, firmware versions and what compares them, platform flags.
//! Never: a judgement: the caller's rules are applied in `snp`.
//! Invariant: firmware versions compare part by part, never as one number.

use serde::{Deserialize, Serialize};

/// A verified report. Only [`verify`](super::verify) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnpClaims {
    /// Of the report: 2, 3 or 5.
    pub version: u32,
    /// Whose key signed it.
    pub signer: Signer,
    /// The chip's product, from the certificate (and from the report's CPUID, version 3 on).
    pub product: Product,
    /// Security version of the image, from its ID block.
    pub guest_svn: u32,
    /// Guest policy; debug and migration-agent bits are 0.
    pub policy: u64,
    /// From the ID block.
    pub family_id: [u8; 16],
    /// From the ID block.
    pub image_id: [u8; 16],
    /// Privilege level that asked for the report: what the rules named.
    pub vmpl: u32,
    /// Flags; see [`SnpClaims::platform`].
    pub platform_info: u64,
    /// Chosen by the guest.
    pub report_data: [u8; 64],
    /// Of the guest's memory at launch.
    pub measurement: [u8; 48],
    /// Chosen by the host at launch.
    pub host_data: [u8; 32],
    /// SHA-384 of the key that signed the ID block; zeros without one.
    pub id_key_digest: [u8; 48],
    /// SHA-384 of the key that signed the ID key; zeros without one.
    pub author_key_digest: [u8; 48],
    /// Of this guest, new at every launch.
    pub report_id: [u8; 32],
    /// Of the chip; Turin fills the first 8 bytes only. A VLEK does not vouch for it, and its host may have hidden it.
    pub chip_id: [u8; 64],
    /// Firmware that the VCEK stands for: at least the rules' minimum.
    pub reported_tcb: Tcb,
    /// Firmware below which the platform cannot go back.
    pub committed_tcb: Tcb,
    /// Firmware that runs.
    pub current_tcb: Tcb,
    /// Firmware that ran at launch.
    pub launch_tcb: Tcb,
}

/// Whose key signs reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signer {
    /// The chip's own (VCEK).
    Chip,
    /// A cloud's, which AMD has loaded onto its chips (VLEK).
    Cloud,
}

/// What a report says of itself before any signature was checked: enough to ask for what can check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unverified {
    /// Whose key it names.
    pub signer: Signer,
    /// The chip's product; `None` before version 3, which does not say.
    pub product: Option<Product>,
    /// As in [`SnpClaims`].
    pub chip_id: [u8; 64],
    /// Firmware that the certificate stands for, where the product is known.
    pub reported_tcb: Option<Tcb>,
    /// As in [`SnpClaims`], in AMD's encoding.
    pub committed_tcb: u64,
    /// As in [`SnpClaims`].
    pub guest_svn: u32,
}

/// Products with a root of their own. Bergamo and Siena are Genoa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Product {
    Milan,
    Genoa,
    Turin,
}

/// Versions of the platform's firmware. `fmc` is 0 before Turin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Tcb {
    pub fmc: u8,
    pub bootloader: u8,
    pub tee: u8,
    pub snp: u8,
    pub microcode: u8,
}

/// How the platform was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Threads share cores.
    pub smt: bool,
    /// All memory is encrypted, not only the guests'.
    pub tsme: bool,
    /// Memory corrects errors.
    pub ecc: bool,
    /// The host cannot measure power: closes a side channel.
    pub rapl_disabled: bool,
    /// The host cannot read ciphertext: closes a side channel.
    pub ciphertext_hiding: bool,
    /// Memory was checked for aliased addresses since the last reset.
    pub alias_checked: bool,
    /// Devices can be trusted (SEV-TIO).
    pub tio: bool,
}

impl SnpClaims {
    /// The flags of `platform_info`. Source: AMD 56860, structure PLATFORM_INFO.
    #[must_use]
    pub fn platform(&self) -> Platform {
        let bit = |n: u32| self.platform_info >> n & 1 == 1;
        Platform {
            smt: bit(0),
            tsme: bit(1),
            ecc: bit(2),
            rapl_disabled: bit(3),
            ciphertext_hiding: bit(4),
            alias_checked: bit(5),
            tio: bit(7),
        }
    }
}

impl Tcb {
    /// From a report. Source: AMD 56860, structure TCB_VERSION: one layout up to Genoa, another from Turin on.
    pub(super) fn read(product: Product, bytes: [u8; 8]) -> Self {
        match (product, bytes) {
            (Product::Turin, [fmc, bootloader, tee, snp, _, _, _, microcode]) => {
                Self { fmc, bootloader, tee, snp, microcode }
            }
            (Product::Milan | Product::Genoa, [bootloader, tee, _, _, _, _, snp, microcode]) => {
                Self { fmc: 0, bootloader, tee, snp, microcode }
            }
        }
    }

    /// The first part that is not that of `other`.
    pub(super) fn differs(&self, other: &Self) -> Option<&'static str> {
        self.first(other, |a, b| a != b)
    }

    /// The first part that is less than that of `other`.
    pub(super) fn below(&self, other: &Self) -> Option<&'static str> {
        self.first(other, |a, b| a < b)
    }

    fn first(&self, other: &Self, test: fn(u8, u8) -> bool) -> Option<&'static str> {
        let parts = [
            ("reported FMC", self.fmc, other.fmc),
            ("reported bootloader", self.bootloader, other.bootloader),
            ("reported TEE", self.tee, other.tee),
            ("reported SNP firmware", self.snp, other.snp),
            ("reported microcode", self.microcode, other.microcode),
        ];
        parts.into_iter().find(|&(_, a, b)| test(a, b)).map(|(name, ..)| name)
    }
}
