//! Intel TDX quotes: from signed bytes and collateral to claims.
//!
//! Layer: `prag-quote`, over `dcap-qvl`.
//! Holds: the bounds, the caller's rules, and the checks that `dcap-qvl` leaves to its callers.
//! Never: a debug TD, a service TD, an SGX quote, or a TCB status that the caller did not name.
//! Invariant: [`TdxClaims`] come out only if every signature up to the root held at `now`.

mod refusal;
mod td;
#[cfg(test)]
mod tests;

use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{QuoteClaims, QuoteCollateralV3, QuotePolicy, TcbInfo};
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::QuoteError;
use crate::error::bounded;

pub use td::{Td, Unverified, parse, platform};

/// What the claims must meet beyond their signatures. The default: Intel's root, `UpToDate` only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// Where every chain must end.
    pub root: Root<'a>,
    /// Accepted besides `UpToDate`, which always is. `Revoked` is refused even if named.
    pub accept: &'a [TcbStatus],
}

/// The root of all chains.
#[derive(Clone, Copy, Debug, Default)]
pub enum Root<'a> {
    /// Intel's SGX root CA, compiled into `dcap-qvl`.
    #[default]
    Intel,
    /// A self-issued certificate in DER, P-256.
    Other(&'a [u8]),
}

/// How the platform stands against Intel's TCB levels.
///
/// Source: Intel PCS API version 4, TCB info `tcbStatus`; the last two from Intel's DCAP QVL, for a TD 1.5 that
/// outlived an update of the TDX module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum TcbStatus {
    UpToDate,
    SwHardeningNeeded,
    ConfigurationNeeded,
    ConfigurationAndSwHardeningNeeded,
    OutOfDate,
    OutOfDateConfigurationNeeded,
    Revoked,
    RelaunchAdvised,
    RelaunchAdvisedConfigurationNeeded,
}

impl TcbStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::UpToDate,
        Self::SwHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSwHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::Revoked,
        Self::RelaunchAdvised,
        Self::RelaunchAdvisedConfigurationNeeded,
    ];

    /// One byte, for digests over policies. Frozen.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::UpToDate => 0,
            Self::SwHardeningNeeded => 1,
            Self::ConfigurationNeeded => 2,
            Self::ConfigurationAndSwHardeningNeeded => 3,
            Self::OutOfDate => 4,
            Self::OutOfDateConfigurationNeeded => 5,
            Self::Revoked => 6,
            Self::RelaunchAdvised => 7,
            Self::RelaunchAdvisedConfigurationNeeded => 8,
        }
    }
}

/// What a verified quote says. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TdxClaims {
    /// The TD's report. Bound service TDs and the debug, profiling, migration and reserved attributes are zeros, since
    /// others are refused; SEPT_VE_DISABLE is 1.
    pub td: Td,
    /// Of platform, TDX module and quoting enclave together.
    pub tcb_status: TcbStatus,
    /// Intel's advisories that hold for this TCB, each once.
    pub advisories: Vec<String>,
    /// Platform family and configuration.
    pub fmspc: [u8; 6],
    /// The platform's provisioning id (PPID), stable across updates.
    pub pck_id: [u8; 16],
}

/// Verify a TDX quote of version 4 or 5 with a TD 1.0 or 1.5 body.
///
/// `quote`: at most [`QUOTE_BYTES_MAX`]; bytes after it are ignored, hosts pad. `collateral_json`: `dcap-qvl`'s
/// `QuoteCollateralV3`, at most [`COLLATERAL_BYTES_MAX`]. `now`: Unix seconds.
///
/// # Errors
/// One [`QuoteError`] for each failing check, the first one found; see `tdx/refusal.rs` for their names.
///
/// Source: Intel TDX DCAP Quoting Library API, appendix A (quote format 4 and 5).
pub fn verify(
    quote: &[u8],
    collateral_json: &[u8],
    rules: &Rules<'_>,
    now: u64,
) -> Result<TdxClaims, QuoteError> {
    bounded("TDX collateral", collateral_json, COLLATERAL_BYTES_MAX)?;
    parse(quote)?;
    let collateral: QuoteCollateralV3 = serde_json::from_slice(collateral_json)
        .map_err(|_| QuoteError::Format("TDX collateral"))?;
    let pce_id = pce_id(&collateral.tcb_info)?;
    let verifier = match rules.root {
        Root::Intel => QuoteVerifier::new_prod(),
        Root::Other(der) => QuoteVerifier::new(self_issued(der)?.to_vec()),
    };
    let claims = verifier
        .verify_with_policy(quote, collateral, now, &QuotePolicy::claims_only(now))
        .map_err(|error| refusal::name(&format!("{error:#}")))?;

    // The root's own dates and the CRLs' start are in these two, and checked nowhere before.
    if claims.latest_issue_date > now || claims.earliest_expiration_date < now {
        return Err(QuoteError::Dates("TDX collateral"));
    }
    if claims.platform.pck.pce_id != pce_id {
        return Err(QuoteError::Chip("PCE id of the TCB info"));
    }
    accepted(&claims, rules)?;
    read(claims)
}

/// The status of the launched and of the running module, both: `dcap-qvl` folds the second into the first only
/// where it is better.
fn accepted(claims: &QuoteClaims, rules: &Rules<'_>) -> Result<(), QuoteError> {
    let running = claims.platform.current_tcb_level.as_ref().map(|level| level.tcb_status);
    for status in [Some(claims.tcb.status), running].into_iter().flatten().map(TcbStatus::from) {
        match status {
            TcbStatus::UpToDate => (),
            TcbStatus::Revoked => return Err(QuoteError::Revoked("the TDX platform's TCB")),
            other if rules.accept.contains(&other) => (),
            _ => return Err(QuoteError::Tcb("TCB status of the TDX platform")),
        }
    }
    Ok(())
}

fn read(claims: QuoteClaims) -> Result<TdxClaims, QuoteError> {
    let td = td::read(claims.header.version, &claims.report)?;
    let mut advisories = claims.tcb.advisory_ids;
    for id in claims.platform.current_tcb_level.into_iter().flat_map(|level| level.advisory_ids) {
        if !advisories.contains(&id) {
            advisories.push(id);
        }
    }
    let pck = claims.platform.pck;
    Ok(TdxClaims {
        td,
        tcb_status: claims.tcb.status.into(),
        advisories,
        fmspc: pck.fmspc,
        pck_id: pck.ppid.try_into().map_err(|_| QuoteError::Format("PPID"))?,
    })
}

/// Which PCE the TCB info is for. `dcap-qvl` compares the FMSPC only; Intel's library compares both.
fn pce_id(tcb_info: &str) -> Result<Vec<u8>, QuoteError> {
    let info: TcbInfo =
        serde_json::from_str(tcb_info).map_err(|_| QuoteError::Format("TCB info"))?;
    hex::decode(info.pce_id).map_err(|_| QuoteError::Format("TCB info"))
}

/// A root that names itself as issuer: with another one the library underneath would panic.
fn self_issued(der: &[u8]) -> Result<&[u8], QuoteError> {
    bounded("TDX root", der, ROOT_BYTES_MAX)?;
    let root = Certificate::from_der(der).map_err(|_| QuoteError::Format("TDX root"))?;
    if root.tbs_certificate.issuer != root.tbs_certificate.subject {
        return Err(QuoteError::Chain("TDX root"));
    }
    Ok(der)
}

impl From<dcap_qvl::TcbStatus> for TcbStatus {
    fn from(status: dcap_qvl::TcbStatus) -> Self {
        use dcap_qvl::TcbStatus as Theirs;
        match status {
            Theirs::UpToDate => Self::UpToDate,
            Theirs::SWHardeningNeeded => Self::SwHardeningNeeded,
            Theirs::ConfigurationNeeded => Self::ConfigurationNeeded,
            Theirs::ConfigurationAndSWHardeningNeeded => Self::ConfigurationAndSwHardeningNeeded,
            Theirs::OutOfDate => Self::OutOfDate,
            Theirs::OutOfDateConfigurationNeeded => Self::OutOfDateConfigurationNeeded,
            Theirs::Revoked => Self::Revoked,
            Theirs::TDRelaunchAdvised => Self::RelaunchAdvised,
            Theirs::TDRelaunchAdvisedConfigurationNeeded => {
                Self::RelaunchAdvisedConfigurationNeeded
            }
        }
    }
}

/// A quote's size; real ones have 5 to 8 KiB.
pub const QUOTE_BYTES_MAX: usize = 64 << 10;
/// The collateral's size; real ones have 20 to 40 KiB.
pub const COLLATERAL_BYTES_MAX: usize = 256 << 10;
const ROOT_BYTES_MAX: usize = 4 << 10;
