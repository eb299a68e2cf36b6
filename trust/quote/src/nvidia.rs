//! NVIDIA GPUs: from an SPDM report and its certificates to claims.
//!
//! Layer: `prag-quote`; knows nothing of the host's CPU.
//! Holds: the pinned root and the order of all checks.
//! Never: an answer of another nonce, or of firmware that its certificate does not name.
//! Invariant: [`GpuClaims`] come out only if chain and report held at `now`, and the report answers `nonce`.
//!
//! Proven: a GPU of NVIDIA's answered just now, and its signed firmware runs with these versions and measurements.
//! Not proven here:
//! - **Confidential mode as such.** Hopper's report has no field that says "CC is on". NVIDIA's driver gives out
//!   reports in that mode only, but it is software of the guest: the guest's measured image has to ask the driver.
//!   Signed are [`GpuClaims::mode`] and [`GpuClaims::protected_pcie`], where present.
//! - **Debug firmware.** Hopper has no such field; Blackwell's certificate has one, and is refused with it.
//! - **Good measurements.** They are passed on; NVIDIA's reference values (RIM) are a matter of the caller's policy.
//! - **Revocation.** NVIDIA answers that online (OCSP) and leaves the last certificate out of it.
//! - **Nearness.** The report does not say to which host the GPU is attached: a relayed one looks the same.

mod certificate;
mod chain;
mod report;
#[cfg(test)]
mod tests;

pub use certificate::CERTIFICATE_BYTES_MAX;
pub use chain::{CERTIFICATES_MAX, CHAIN_BYTES_MAX};
pub use report::REPORT_BYTES_MAX;

use p384::ecdsa::signature::Verifier;

use crate::QuoteError;

/// Where the chain must end.
#[derive(Clone, Copy, Debug, Default)]
pub enum Root<'a> {
    /// "NVIDIA Device Identity CA", compiled in.
    #[default]
    Nvidia,
    /// Another certificate, DER, at most [`CERTIFICATE_BYTES_MAX`].
    Other(&'a [u8]),
}

/// What is true of the GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuClaims {
    /// The one that was asked for.
    pub nonce: [u8; 32],
    /// The driver in the guest, as the GPU was told: `550.90.07`.
    pub driver_version: String,
    /// Firmware on the board: `96.00.9F.00.01`.
    pub vbios_version: String,
    /// Common name of the signing certificate: `GH100 A01 GSP FMC LF`. NVIDIA's switches and network cards have
    /// certificates of the same root, so a policy should look here.
    pub device: String,
    /// SHA-256 of the signing certificate, DER; it changes with the GPU's firmware. Whoever gets the certificate can
    /// make a twin with another hash, since ECDSA signatures have one; to count GPUs use `chip_sha256`.
    pub certificate_sha256: [u8; 32],
    /// SHA-256 of the chip's own public key, SEC1 uncompressed, to which the signing key is bound.
    pub chip_sha256: [u8; 32],
    /// Hash of the firmware that holds the signing key; certificate and report agree on it.
    pub fwid: [u8; 48],
    /// `1010`.
    pub project: Option<String>,
    /// `0200`.
    pub project_sku: Option<String>,
    /// `882`.
    pub chip_sku: Option<String>,
    /// How the GPU is passed through; older drivers do not say.
    pub mode: Option<Mode>,
    /// Whether the GPU is one of a group behind an unencrypted NVLink.
    pub protected_pcie: Option<bool>,
    /// Index, from 1 and ascending, and SHA-384; zeros where the index is not in use.
    pub measurements: Vec<(u8, [u8; 48])>,
    /// All fields of the opaque data in their order, those above among them: number and content.
    pub opaque: Vec<(u16, Vec<u8>)>,
}

/// Source: NVIDIA attestation SDK, opaque field 36.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One GPU.
    Single,
    /// Several, with encryption between them.
    Multi,
    /// Several; what runs between them is not encrypted.
    ProtectedPcie,
    /// A number that was unknown when this was written.
    Other(u16),
}

/// SHA-256 of the certificate that signs the GPU's reports, of a chain that nobody has verified: what a worker signs for
/// its GPU (see `trust`).
///
/// # Errors
/// [`QuoteError::Size`] and [`QuoteError::Format`].
pub fn fingerprint(chain: &[u8]) -> Result<[u8; 32], QuoteError> {
    chain::fingerprint(chain)
}

/// Verify that a GPU answers `nonce`.
///
/// `report`: an SPDM 1.1 `GET_MEASUREMENTS` request and its response, one after the other, at most
/// [`REPORT_BYTES_MAX`]. `chain`: signing certificate first, root last or left out; PEM, or DER one after the other; at
/// most [`CHAIN_BYTES_MAX`] and [`CERTIFICATES_MAX`]. `now`: Unix seconds.
///
/// # Errors
/// One [`QuoteError`] for each failing check, the first one found.
///
/// Source: DMTF DSP0274 1.1, `GET_MEASUREMENTS` and `MEASUREMENTS`; NVIDIA attestation SDK (`nv-local-gpu-verifier`
/// 2.7.3) for the opaque data, the byte order of the signature, and the firmware id.
pub fn verify(
    report: &[u8],
    chain: &[u8],
    nonce: &[u8; 32],
    root: Root<'_>,
    now: u64,
) -> Result<GpuClaims, QuoteError> {
    let report = report::Report::parse(report)?;
    if report.nonce != *nonce {
        return Err(QuoteError::Nonce("GPU report"));
    }
    let signer = chain::verify(chain, &root, now)?;
    signer
        .key
        .verify(report.signed, &report.signature)
        .map_err(|_| QuoteError::Signature("GPU report"))?;
    if report.opaque.fwid()? != signer.fwid {
        return Err(QuoteError::Chip("firmware id of the GPU report"));
    }
    Ok(GpuClaims {
        nonce: report.nonce,
        driver_version: report.opaque.driver_version()?,
        vbios_version: report.opaque.vbios_version()?,
        device: signer.device,
        certificate_sha256: signer.certificate_sha256,
        chip_sha256: signer.chip_sha256,
        fwid: signer.fwid,
        project: report.opaque.text(report::PROJECT)?,
        project_sku: report.opaque.text(report::PROJECT_SKU)?,
        chip_sku: report.opaque.text(report::CHIP_SKU)?,
        mode: report.opaque.mode()?,
        protected_pcie: report.opaque.protected_pcie()?,
        measurements: report.measurements,
        opaque: report.opaque.0,
    })
}
