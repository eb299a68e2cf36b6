//! Names for what `dcap-qvl` refuses.
//!
//! Layer: `prag-quote`, inside `tdx`.
//! Holds: a table from the texts of `dcap-qvl` 0.7.1 to our errors; it has no error type of its own.
//! Never: a decision; the quote is refused before this runs, whatever the text.
//! Invariant: an unknown text is a refusal too, with a general name.

use crate::QuoteError::{
    self, Chain, Chip, Dates, Debug, Forbidden, Format, Revoked, Signature, Tcb, Unsupported,
};

/// Our name for a refusal, from the whole chain of its texts.
pub(super) fn name(text: &str) -> QuoteError {
    NAMES.iter().find(|(part, _)| text.contains(part)).map_or(Format("TDX evidence"), |row| row.1)
}

/// The first match counts: texts that may quote foreign bytes come first, then the narrow ones.
const NAMES: &[(&str, QuoteError)] = &[
    ("Failed to decode TcbInfo", Format("TCB info")),
    ("Failed to decode QeIdentity", Format("QE identity")),
    // Root and CRLs.
    ("Failed to load root ca", Format("TDX root")),
    ("root CA CRL: InvalidCrlSignature", Chain("TDX root CRL")),
    ("root CA CRL: UnsupportedCrlSignature", Chain("TDX root CRL")),
    ("root CA CRL", Format("TDX root CRL")),
    ("Failed to parse PCK CRL", Format("PCK CRL")),
    ("CrlExpired", Dates("TDX CRL")),
    // Chains: of the PCK, of the TCB signer, of the QE identity's signer.
    ("chain: CertRevoked", Revoked("TDX certificate")),
    ("chain: CertExpired", Dates("TDX certificate")),
    ("chain: CertNotValidYet", Dates("TDX certificate")),
    ("chain: InvalidCrlSignature", Signature("PCK CRL")),
    ("chain: UnknownRevocationStatus", Chain("PCK CRL")),
    ("chain: InvalidSignature", Signature("TDX certificate")),
    ("Failed to verify certificate chain", Chain("TDX certificate")),
    ("Too many intermediate", Forbidden("long TDX certificate chain")),
    ("CertRevoked", Revoked("TDX root")),
    ("UnknownRevocationStatus", Chain("TDX root CRL")),
    // Signed collateral.
    ("TCBInfo issue date is in the future", Dates("TCB info")),
    ("TCBInfo expired", Dates("TCB info")),
    ("TCB Info signer must", Chain("TCB info")),
    ("too short for TCB Info", Chain("TCB info")),
    ("invalid for tcb_info", Signature("TCB info")),
    ("QE Identity issue date is in the future", Dates("QE identity")),
    ("QE Identity expired", Dates("QE identity")),
    ("QE Identity signer must", Chain("QE identity")),
    ("too short for QE Identity", Chain("QE identity")),
    ("invalid for qe_identity", Signature("QE identity")),
    ("Unsupported QE Identity", Unsupported("QE identity")),
    ("non-TDX TCB info", Unsupported("TCB info that is not for TDX")),
    // The platform's certificate.
    ("Unsupported DCAP PCK cert format", Unsupported("PCK certification data")),
    ("chain is too short in quote", Chain("PCK certificate")),
    ("Failed to parse PCK certificate", Format("PCK certificate")),
    ("Intel extension", Format("PCK certificate")),
    // The quoting enclave.
    ("invalid for qe_report", Signature("QE report")),
    ("QE report hash mismatch", Signature("attestation key")),
    ("QE auth data length", Format("QE authentication data")),
    ("QE report validation failed", Debug("quoting enclave")),
    ("QE MRSIGNER", Forbidden("quoting enclave's signer")),
    ("QE ISVPRODID", Forbidden("quoting enclave's product")),
    ("QE MISCSELECT", Forbidden("quoting enclave's MISCSELECT")),
    ("QE ATTRIBUTES", Forbidden("quoting enclave's attributes")),
    ("QE ISVSVN", Tcb("quoting enclave")),
    ("No TCB levels found in QE Identity", Tcb("quoting enclave")),
    // The TD.
    ("ISV enclave report signature", Signature("TD report")),
    ("Unknown QE vendor", Unsupported("QE vendor")),
    ("attestation key type", Unsupported("attestation key type")),
    ("Debug mode", Debug("TD")),
    ("profiling", Debug("TD profiling")),
    ("Reserved bits", Forbidden("reserved TD attribute")),
    ("migration", Forbidden("TD migration")),
    ("SERVTD_EXT", Forbidden("service TD attribute")),
    ("MR service TD", Forbidden("service TD")),
    ("SEPT_VE_DISABLE", Forbidden("TD without SEPT_VE_DISABLE")),
    // The platform.
    ("Fmspc mismatch", Chip("FMSPC of the TCB info")),
    ("No matching TCB level", Tcb("TDX platform")),
    ("TDX module ISVSVN", Tcb("TDX module")),
    ("No TDX module identity", Tcb("TDX module's version")),
    ("TDX module MRSIGNER", Forbidden("TDX module's signer")),
    ("TDX module SEAMATTRIBUTES", Forbidden("TDX module's attributes")),
    ("TCB status is invalid: Revoked", Revoked("the TDX platform's TCB")),
];
