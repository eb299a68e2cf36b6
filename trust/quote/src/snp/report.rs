//! The report's bytes.
//!
//! Layer: `prag-quote::snp`.
//! Holds: offsets, and the checks that need no certificate.
//! Never: a re-encoding: the signature is checked over the bytes as they came.
//! Invariant: a slice of exactly [`REPORT_BYTES`] is asked for before anything is read.

use super::{Product, Signer, SnpClaims, Tcb, Unverified};
use crate::QuoteError;
use p384::ecdsa::Signature;
use std::array::from_fn;

pub(super) fn bounded(report: &[u8]) -> Result<&Report, QuoteError> {
    let (field, bytes, max) = ("SNP report", report.len(), REPORT_BYTES);
    report.try_into().map_err(|_| QuoteError::Size { field, bytes, max })
}

/// The signature and whose it is, of a report that says it has one that we can check.
pub(super) fn signature(report: &Report) -> Result<(Signature, Signer), QuoteError> {
    if !matches!(word(report, VERSION), 2 | 3 | 5) {
        return Err(QuoteError::Unsupported("version of the SNP report"));
    }
    if word(report, SIGNATURE_ALGORITHM) != ECDSA_P384_SHA384 {
        return Err(QuoteError::Unsupported("signature algorithm of the SNP report"));
    }
    let signer = signer(report)?;
    // r and s are little-endian, 72 bytes each; P-384 fills 48. Nothing else may ride along unsigned.
    let (r, s) = (SIGNED_BYTES, SIGNED_BYTES + 72);
    let idle = [&report[r + 48..s], &report[s + 48..]].concat();
    if idle.iter().any(|&byte| byte != 0) {
        return Err(QuoteError::Format("signature of the SNP report"));
    }
    let big_endian = |at: usize| from_fn::<u8, 48, _>(|i| report[at + 47 - i]);
    Signature::from_scalars(big_endian(r), big_endian(s))
        .map(|signature| (signature, signer))
        .map_err(|_| QuoteError::Signature("SNP report"))
}

fn signer(report: &Report) -> Result<Signer, QuoteError> {
    match word(report, KEY_INFO) >> 2 & 7 {
        0 => Ok(Signer::Chip),
        1 => Ok(Signer::Cloud),
        7 => Err(QuoteError::Unsupported("SNP report without a signature")),
        _ => Err(QuoteError::Unsupported("signing key of the SNP report")),
    }
}

/// Read an SNP report without verifying anything.
///
/// `report`: [`REPORT_BYTES`].
///
/// # Errors
/// [`QuoteError::Size`], and [`QuoteError::Unsupported`] for another signing key or processor.
pub fn parse(report: &[u8]) -> Result<Unverified, QuoteError> {
    let report = bounded(report)?;
    let product = product(report)?;
    Ok(Unverified {
        signer: signer(report)?,
        product,
        chip_id: field(report, CHIP_ID),
        reported_tcb: product.map(|product| Tcb::read(product, field(report, REPORTED_TCB))),
        committed_tcb: u64::from_le_bytes(field(report, COMMITTED_TCB)),
        guest_svn: word(report, GUEST_SVN),
    })
}

/// The bytes that the signature covers.
pub(super) fn signed(report: &Report) -> &[u8] {
    &report[..SIGNED_BYTES]
}

/// The product by the chip's CPUID, which reports carry from version 3 on. Source of family and model: crate `sev`
/// 8.0, `Generation::identify_cpu`.
pub(super) fn product(report: &Report) -> Result<Option<Product>, QuoteError> {
    match (word(report, VERSION), report[CPUID_FAMILY], report[CPUID_MODEL]) {
        (2, ..) => Ok(None),
        (_, 0x19, 0x00..=0x0f) => Ok(Some(Product::Milan)),
        (_, 0x19, 0x10..=0x1f | 0xa0..=0xaf) => Ok(Some(Product::Genoa)),
        (_, 0x1a, 0x00..=0x11) => Ok(Some(Product::Turin)),
        _ => Err(QuoteError::Unsupported("processor of the SNP report")),
    }
}

/// All fields; worth something only once the signature holds.
pub(super) fn claims(report: &Report, signer: Signer, product: Product) -> SnpClaims {
    let tcb = |at| Tcb::read(product, field(report, at));
    SnpClaims {
        version: word(report, VERSION),
        signer,
        product,
        guest_svn: word(report, GUEST_SVN),
        policy: u64::from_le_bytes(field(report, 0x008)),
        family_id: field(report, 0x010),
        image_id: field(report, 0x020),
        vmpl: word(report, 0x030),
        current_tcb: tcb(0x038),
        platform_info: u64::from_le_bytes(field(report, 0x040)),
        report_data: field(report, 0x050),
        measurement: field(report, 0x090),
        host_data: field(report, 0x0c0),
        id_key_digest: field(report, 0x0e0),
        author_key_digest: field(report, 0x110),
        report_id: field(report, 0x140),
        reported_tcb: tcb(REPORTED_TCB),
        chip_id: field(report, CHIP_ID),
        committed_tcb: tcb(COMMITTED_TCB),
        launch_tcb: tcb(0x1f0),
    }
}

fn field<const N: usize>(report: &Report, at: usize) -> [u8; N] {
    from_fn(|i| report[at + i])
}

fn word(report: &Report, at: usize) -> u32 {
    u32::from_le_bytes(field(report, at))
}

type Report = [u8; REPORT_BYTES];

/// A report's size. Source, also of the offsets: AMD 56860, structure ATTESTATION_REPORT.
pub const REPORT_BYTES: usize = 0x4a0;
const SIGNED_BYTES: usize = 0x2a0;
const VERSION: usize = 0x000;
const GUEST_SVN: usize = 0x004;
const SIGNATURE_ALGORITHM: usize = 0x034;
const KEY_INFO: usize = 0x048;
const REPORTED_TCB: usize = 0x180;
const CPUID_FAMILY: usize = 0x188;
const CPUID_MODEL: usize = 0x189;
const CHIP_ID: usize = 0x1a0;
const COMMITTED_TCB: usize = 0x1e0;
const ECDSA_P384_SHA384: u32 = 1;
