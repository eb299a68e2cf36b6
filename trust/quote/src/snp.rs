//! AMD SEV-SNP: from a report and its signer's certificate to claims.
//!
//! Layer: `prag-quote`, over the signatures of crate `sev`.
//! Holds: the caller's rules, and all checks that `sev` leaves out: chip, firmware, dates, policy, privilege level.
//! Never: a VLEK whose ASVK the caller did not bring (AMD's are pinned nowhere here), a debug guest, a guest that may
//! migrate.
//! Invariant: [`SnpClaims`] come out only if ARK, ASK, VCEK and report held at `now`, and the VCEK is this report's; with
//! a VLEK: ARK, the caller's ASVK, VLEK and report.
//!
//! Not here: AMD's revocation list. It would revoke an ASK; ours are pinned and go with an update of this code.

mod certificate;
mod claims;
mod report;
mod table;
#[cfg(test)]
mod tests;

pub use certificate::CERTIFICATE_BYTES_MAX;
pub use claims::{Platform, Product, Signer, SnpClaims, Tcb, Unverified};
pub use report::{REPORT_BYTES, parse};
pub use table::{TABLE_BYTES_MAX, certificates, endorsement};

use crate::QuoteError;
use p384::ecdsa::signature::Verifier;
use serde::{Deserialize, Serialize};

/// What a report must meet beyond its signatures. The default names no product, so it refuses everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// Where the chain must end.
    pub root: Root<'a>,
    /// The oldest firmware that is accepted.
    pub minimum: Minimum,
    /// The privilege level that must have asked for the report; only 0 owns all of the guest's memory.
    ///
    /// A report from a higher level is genuine, yet its `report_data` is the choice of software that the measured
    /// image may have confined. Name 1 to 3 only for an image whose level 0 (an SVSM, a paravisor) is measured and
    /// known to run the worker there.
    pub vmpl: u32,
    /// AMD's ASVK of the chip's product, DER, at most [`CERTIFICATE_BYTES_MAX`]: a VLEK under it is accepted. `None`
    /// refuses every VLEK. The root must have signed it.
    ///
    /// A VLEK is one cloud's, for all of its chips: it does not tell them apart.
    pub asvk: Option<&'a [u8]>,
}

/// The oldest accepted firmware, by product, since their numbers do not compare. `None` refuses the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Minimum {
    pub milan: Option<Tcb>,
    pub genoa: Option<Tcb>,
    pub turin: Option<Tcb>,
}

impl Minimum {
    /// Six bytes for each product, for digests over policies: 1 and its parts, or zeros. Frozen.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 18] {
        let mut out = [0; 18];
        for (bytes, tcb) in out.chunks_exact_mut(6).zip([self.milan, self.genoa, self.turin]) {
            if let Some(Tcb { fmc, bootloader, tee, snp, microcode }) = tcb {
                bytes.copy_from_slice(&[1, fmc, bootloader, tee, snp, microcode]);
            }
        }
        out
    }
}

/// The root of the chain.
#[derive(Clone, Copy, Debug, Default)]
pub enum Root<'a> {
    /// AMD's ARK and ASK of the chip's product, compiled into `sev`.
    #[default]
    Amd,
    /// Other keys, for any product. DER, each at most [`CERTIFICATE_BYTES_MAX`].
    Other {
        /// The root: signs itself and the ASK.
        ark: &'a [u8],
        /// Signs the VCEK.
        ask: &'a [u8],
    },
}

/// Verify an SNP report of version 2, 3 or 5 that a VCEK signed, or a VLEK where the rules have its ASVK.
///
/// `report`: [`REPORT_BYTES`]. `certificate_der`: the VCEK or VLEK, at most [`CERTIFICATE_BYTES_MAX`]. `now`: Unix seconds.
///
/// # Errors
/// One [`QuoteError`] for each failing check, the first one found.
///
/// Source: AMD SEV-SNP Firmware ABI (56860), structure ATTESTATION_REPORT; AMD VCEK Certificate and KDS Interface
/// (57230).
pub fn verify(
    report: &[u8],
    certificate_der: &[u8],
    rules: &Rules<'_>,
    now: u64,
) -> Result<SnpClaims, QuoteError> {
    let report = report::bounded(report)?;
    let (signature, signer) = report::signature(report)?;
    let endorsed = certificate::endorsed(certificate_der, signer, rules, now)?;
    endorsed
        .key
        .verify(report::signed(report), &signature)
        .map_err(|_| QuoteError::Signature("SNP report"))?;

    let claims = report::claims(report, signer, endorsed.product);
    if report::product(report)?.is_some_and(|product| product != endorsed.product) {
        return Err(QuoteError::Chip("product of the SNP report"));
    }
    if let Some(chip_id) = endorsed.chip_id {
        let (id, rest) = claims.chip_id.split_at(chip_id.len());
        if id != chip_id || rest.iter().any(|&byte| byte != 0) {
            return Err(QuoteError::Chip("chip id of the SNP report"));
        }
    }
    if let Some(part) = claims.reported_tcb.differs(&endorsed.tcb) {
        return Err(QuoteError::Chip(part));
    }
    allowed(&claims, rules)?;
    Ok(claims)
}

fn allowed(claims: &SnpClaims, rules: &Rules<'_>) -> Result<(), QuoteError> {
    if claims.policy & POLICY_DEBUG != 0 {
        return Err(QuoteError::Debug("SNP guest policy"));
    }
    if claims.policy & POLICY_MIGRATION_AGENT != 0 {
        return Err(QuoteError::Forbidden("migration agent of the SNP guest"));
    }
    // The host can ask for reports too; they carry a level that no guest has.
    if claims.vmpl != rules.vmpl || claims.vmpl > VMPL_MAX {
        return Err(QuoteError::Forbidden("VMPL of the SNP report"));
    }
    if claims.current_tcb.below(&claims.committed_tcb).is_some() {
        return Err(QuoteError::Forbidden("SNP firmware older than the committed one"));
    }
    let minimum = match claims.product {
        Product::Milan => rules.minimum.milan,
        Product::Genoa => rules.minimum.genoa,
        Product::Turin => rules.minimum.turin,
    };
    let minimum = minimum.ok_or(QuoteError::Forbidden("product of the SNP chip"))?;
    claims.reported_tcb.below(&minimum).map_or(Ok(()), |part| Err(QuoteError::Tcb(part)))
}

// Guest policy: 56860, structure POLICY.
const POLICY_MIGRATION_AGENT: u64 = 1 << 18;
const POLICY_DEBUG: u64 = 1 << 19;
const VMPL_MAX: u32 = 3;
