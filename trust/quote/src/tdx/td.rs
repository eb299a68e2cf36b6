//! A quote's report, read without judging it.
//!
//! Layer: `prag-quote`, inside `tdx`.
//! Holds: the fields of a TD's report, and their parse.
//! Never: trust; nothing here may decide anything but what to show.
//! Invariant: an [`Unverified`] cannot become [`super::TdxClaims`].

use dcap_qvl::intel;
use dcap_qvl::quote::{Quote, Report};

use super::QUOTE_BYTES_MAX;
use crate::QuoteError;
use crate::error::bounded;

/// A TD's report, of a quote that was verified or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Td {
    /// Of the quote: 4 or 5.
    pub version: u16,
    /// Of the first memory (the firmware).
    pub mr_td: [u8; 48],
    /// Runtime registers 0 to 3.
    pub rtmr: [[u8; 48]; 4],
    /// Set by the host at creation: configuration.
    pub mr_config_id: [u8; 48],
    /// Set by the host at creation: owner.
    pub mr_owner: [u8; 48],
    /// Set by the host at creation: the owner's configuration.
    pub mr_owner_config: [u8; 48],
    /// Of the TDX module.
    pub mr_seam: [u8; 48],
    /// Of the bound service TDs. `None` in a TD 1.0 body.
    pub mr_service_td: Option<[u8; 48]>,
    /// Little-endian flags.
    pub td_attributes: [u8; 8],
    /// Extended features, little-endian.
    pub xfam: [u8; 8],
    /// Chosen by the guest.
    pub report_data: [u8; 64],
}

/// What a quote claims of itself before any signature was checked: for display.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unverified {
    /// Its report.
    pub td: Td,
}

/// Read a TDX quote without verifying anything.
///
/// `quote`: at most [`QUOTE_BYTES_MAX`].
///
/// # Errors
/// [`QuoteError::Size`], [`QuoteError::Format`], and [`QuoteError::Unsupported`] for SGX and other versions.
pub fn parse(quote: &[u8]) -> Result<Unverified, QuoteError> {
    bounded("TDX quote", quote, QUOTE_BYTES_MAX)?;
    let &[v0, v1, _, _, t0, t1, t2, t3, ..] = quote else {
        return Err(QuoteError::Format("TDX quote"));
    };
    match (u16::from_le_bytes([v0, v1]), u32::from_le_bytes([t0, t1, t2, t3])) {
        (3, _) | (_, TEE_SGX) => return Err(QuoteError::Unsupported("SGX quote")),
        (4 | 5, TEE_TDX) => (),
        (4 | 5, _) => return Err(QuoteError::Unsupported("TEE type of the quote")),
        _ => return Err(QuoteError::Unsupported("quote version")),
    }
    let quote = Quote::parse(quote).map_err(|_| QuoteError::Format("TDX quote"))?;
    read(quote.header.version, &quote.report).map(|td| Unverified { td })
}

/// Whose collateral a quote asks for, without verifying anything: FMSPC, and the CA of the PCK certificate as Intel's
/// service names it (`platform` or `processor`).
///
/// `quote`: at most [`QUOTE_BYTES_MAX`], with the PCK certificate's chain inside.
///
/// # Errors
/// Those of [`parse`], and [`QuoteError::Format`] without a PCK certificate.
pub fn platform(quote: &[u8]) -> Result<([u8; 6], &'static str), QuoteError> {
    parse(quote)?;
    let quote = Quote::parse(quote).map_err(|_| QuoteError::Format("TDX quote"))?;
    let format = |_| QuoteError::Format("PCK certificate");
    let fmspc = intel::quote_fmspc(&quote).map_err(format)?;
    Ok((fmspc, intel::quote_ca(&quote).map_err(format)?.as_id_str()))
}

pub(super) fn read(version: u16, report: &Report) -> Result<Td, QuoteError> {
    let td = report.as_td10().ok_or(QuoteError::Unsupported("SGX body"))?;
    Ok(Td {
        version,
        mr_td: td.mr_td,
        rtmr: [td.rt_mr0, td.rt_mr1, td.rt_mr2, td.rt_mr3],
        mr_config_id: td.mr_config_id,
        mr_owner: td.mr_owner,
        mr_owner_config: td.mr_owner_config,
        mr_seam: td.mr_seam,
        mr_service_td: report.as_td15().map(|td| td.mr_service_td),
        td_attributes: td.td_attributes,
        xfam: td.xfam,
        report_data: td.report_data,
    })
}

const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;
