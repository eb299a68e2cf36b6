//! A report, field by field.
//!
//! Layer: `prag-pki::snp`.
//! Holds: the layout of AMD 56860, structure ATTESTATION_REPORT.
//! Never: a check: wrong fields are what this is for.
//! Invariant: what is not a field is zero.

use super::{Product, Tcb};
use p384::ecdsa::signature::Signer;
use p384::ecdsa::{Signature, SigningKey};

/// All fields of versions 2 to 5 that a verifier may read.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Report {
    /// Whose layout the TCBs have.
    pub product: Product,
    pub version: u32,
    pub guest_svn: u32,
    pub policy: u64,
    pub family_id: [u8; 16],
    pub image_id: [u8; 16],
    pub vmpl: u32,
    pub signature_algorithm: u32,
    pub current_tcb: Tcb,
    pub platform_info: u64,
    /// Bits 2 to 4: the signing key; 0 VCEK, 1 VLEK, 7 none.
    pub key_info: u32,
    pub report_data: [u8; 64],
    pub measurement: [u8; 48],
    pub host_data: [u8; 32],
    pub id_key_digest: [u8; 48],
    pub author_key_digest: [u8; 48],
    pub report_id: [u8; 32],
    pub report_id_ma: [u8; 32],
    pub reported_tcb: Tcb,
    /// Family, model, stepping; zeros in version 2.
    pub cpuid: [u8; 3],
    pub chip_id: [u8; 64],
    pub committed_tcb: Tcb,
    pub launch_tcb: Tcb,
}

impl Report {
    /// Of a guest at level 0 that nobody may debug or migrate, with different bytes in every field.
    #[must_use]
    pub fn new(product: Product, chip_id: [u8; 64], tcb: Tcb) -> Self {
        let newer = Tcb { snp: tcb.snp + 1, ..tcb };
        Self {
            product,
            version: 3,
            guest_svn: 7,
            policy: 0x3_0000,
            family_id: [0x11; 16],
            image_id: [0x12; 16],
            vmpl: 0,
            signature_algorithm: 1,
            current_tcb: newer,
            platform_info: 0x25,
            key_info: 0,
            report_data: [0x13; 64],
            measurement: [0x14; 48],
            host_data: [0x15; 32],
            id_key_digest: [0x16; 48],
            author_key_digest: [0x17; 48],
            report_id: [0x18; 32],
            report_id_ma: [0xff; 32],
            reported_tcb: tcb,
            cpuid: product.cpuid(),
            chip_id,
            committed_tcb: newer,
            launch_tcb: tcb,
        }
    }

    /// The bytes, with a signature by `key`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let mut bytes = self.body();
        let signature: Signature = key.sign(&bytes);
        let (r, s) = signature.split_bytes();
        for number in [r, s] {
            bytes.extend(number.iter().rev());
            bytes.extend([0; 24]);
        }
        bytes.resize(1184, 0);
        bytes
    }

    /// The 672 bytes that are signed.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let tcb = |tcb: &Tcb| tcb.bytes(self.product);
        let mut bytes = Vec::with_capacity(1184);
        let mut put = |at: usize, field: &[u8]| {
            bytes.resize(at, 0);
            bytes.extend_from_slice(field);
        };
        put(0x000, &self.version.to_le_bytes());
        put(0x004, &self.guest_svn.to_le_bytes());
        put(0x008, &self.policy.to_le_bytes());
        put(0x010, &self.family_id);
        put(0x020, &self.image_id);
        put(0x030, &self.vmpl.to_le_bytes());
        put(0x034, &self.signature_algorithm.to_le_bytes());
        put(0x038, &tcb(&self.current_tcb));
        put(0x040, &self.platform_info.to_le_bytes());
        put(0x048, &self.key_info.to_le_bytes());
        put(0x050, &self.report_data);
        put(0x090, &self.measurement);
        put(0x0c0, &self.host_data);
        put(0x0e0, &self.id_key_digest);
        put(0x110, &self.author_key_digest);
        put(0x140, &self.report_id);
        put(0x160, &self.report_id_ma);
        put(0x180, &tcb(&self.reported_tcb));
        put(0x188, &self.cpuid);
        put(0x1a0, &self.chip_id);
        put(0x1e0, &tcb(&self.committed_tcb));
        put(0x1f0, &tcb(&self.launch_tcb));
        put(0x2a0, &[]);
        bytes
    }
}
