//! A quote's fields before any signature was checked.
//!
//! Layer: `prag-quote`, inside `tdx`.
//! Holds: the parse of a quote and the type of what it yields.
//! Never: trust; nothing here may decide anything but what to show.
//! Invariant: an [`Unverified`] cannot become [`super::TdxClaims`].

use dcap_qvl::quote::{Quote, Report};

use super::{QUOTE_BYTES_MAX, bounded};
use crate::QuoteError;

/// What a quote claims of itself, for display. Fields as in [`super::TdxClaims`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub struct Unverified {
    pub version: u16,
    pub mr_td: [u8; 48],
    pub rtmr: [[u8; 48]; 4],
    pub mr_config_id: [u8; 48],
    pub mr_owner: [u8; 48],
    pub mr_owner_config: [u8; 48],
    pub mr_seam: [u8; 48],
    pub mr_service_td: Option<[u8; 48]>,
    pub td_attributes: [u8; 8],
    pub xfam: [u8; 8],
    pub report_data: [u8; 64],
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
    read(quote.header.version, &quote.report)
}

pub(super) fn read(version: u16, report: &Report) -> Result<Unverified, QuoteError> {
    let td = report.as_td10().ok_or(QuoteError::Unsupported("SGX body"))?;
    Ok(Unverified {
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
