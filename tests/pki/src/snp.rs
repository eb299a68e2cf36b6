//! SNP evidence in AMD's format, under a root of our own.
//!
//! Layer: `prag-pki`.
//! Holds: a chip with its chain and a report of it, which agree until a test makes them disagree.
//! Never: a signature of AMD's; the two RSA keys in `keys/` are public.
//! Invariant: the same fields give the same bytes.

pub mod certificate;
mod report;

pub use certificate::{Authority, Vcek};
pub use report::Report;

/// Products, as in `prag-quote`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Product {
    Milan,
    Genoa,
    Turin,
}

impl Product {
    /// As in names of certificates.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// Family, model, stepping.
    #[must_use]
    pub fn cpuid(self) -> [u8; 3] {
        match self {
            Self::Milan => [0x19, 0x01, 0x01],
            Self::Genoa => [0x19, 0x11, 0x01],
            Self::Turin => [0x1a, 0x02, 0x01],
        }
    }
}

/// Versions of firmware.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tcb {
    pub fmc: u8,
    pub bootloader: u8,
    pub tee: u8,
    pub snp: u8,
    pub microcode: u8,
}

impl Tcb {
    /// As in a report: AMD 56860, structure TCB_VERSION.
    #[must_use]
    pub fn bytes(&self, product: Product) -> [u8; 8] {
        let Self { fmc, bootloader, tee, snp, microcode } = *self;
        match product {
            Product::Milan | Product::Genoa => [bootloader, tee, 0, 0, 0, 0, snp, microcode],
            Product::Turin => [fmc, bootloader, tee, snp, 0, 0, 0, microcode],
        }
    }
}

/// A report and the certificate of the chip that signs it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Of the chip.
    pub vcek: Vcek,
    /// Of the guest.
    pub report: Report,
}

impl Evidence {
    /// Evidence that holds: version 3, level 0, no debugging, a chip named by `seed`.
    #[must_use]
    pub fn new(product: Product, seed: u8) -> Self {
        let mut chip_id = [0; 64];
        let length = if product == Product::Turin { 8 } else { 64 };
        chip_id[..length].fill(seed);
        let fmc = if product == Product::Turin { 1 } else { 0 };
        let tcb = Tcb { fmc, bootloader: 9, tee: 2, snp: 23, microcode: 0xd5 };
        Self {
            vcek: Vcek::new(product, seed, &chip_id[..length], tcb),
            report: Report::new(product, chip_id, tcb),
        }
    }

    /// The same of a cloud whose chips sign with its VLEK.
    #[must_use]
    pub fn cloud(product: Product, seed: u8) -> Self {
        let mut made = Self::new(product, seed);
        made.vcek = Vcek::cloud(product, seed, made.report.reported_tcb);
        made.report.key_info = 1 << 2;
        made
    }

    /// The report, signed by the VCEK's key.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        self.report.sign(&self.vcek.key())
    }
}

/// A certificate table as a host hands it out: GUID (its 16 bytes in the order of its text) and data.
#[must_use]
pub fn table(entries: &[([u8; 16], &[u8])]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut offset = 24 * (entries.len() + 1);
    for (guid, data) in entries {
        table.extend_from_slice(guid);
        for number in [offset, data.len()] {
            table.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        offset += data.len();
    }
    table.extend_from_slice(&[0; 24]);
    entries.iter().for_each(|(_, data)| table.extend_from_slice(data));
    table
}

/// From the start of 2021 ...
pub const VALID_FROM: u64 = 1_609_459_200;
/// ... to the start of 2041, all certificates are valid.
pub const VALID_UNTIL: u64 = 2_240_524_800;
