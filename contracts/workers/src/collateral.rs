//! Collateral as the chain's verifier takes it.
//!
//! Layer: bottom of the workers shell.
//! Holds: the way from `dcap-qvl`'s JSON to the bytes that Secret's nodes hand to Intel's library.
//! Never: a check of what is signed.
//! Invariant: no part holds a NUL, so the library reads each of them to its end and no further.
//!
//! Bytes: TEE type, then the seven sizes, u32 little-endian; then the parts, each with its NUL, which its size counts.
//!
//! Source: SecretNetwork, `sgx_ql_qve_collateral_deserialize`; Intel SGX DCAP, `sgx_ql_qve_collateral_t` version 1:
//! CRLs are DER in hex, TCB info and QE identity the whole body that Intel's service serves.

use crate::error::ShellError;
use prag_contracts_shell::parse;
use serde::Deserialize;

/// `dcap-qvl`'s `QuoteCollateralV3`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collateral {
    pck_crl_issuer_chain: String,
    root_ca_crl: String,
    pck_crl: String,
    tcb_info_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: String,
    qe_identity_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: String,
    /// Not read: the quote has to hold its chain itself.
    #[serde(default, rename = "pck_certificate_chain")]
    _pck_certificate_chain: Option<String>,
}

/// The verifier's bytes.
///
/// # Errors
/// [`ShellError::Collateral`] names what is missing.
pub(crate) fn packed(json: &str) -> Result<Vec<u8>, ShellError> {
    let collateral: Collateral =
        parse(json.as_bytes()).map_err(|_| ShellError::Collateral("the JSON"))?;
    let tcb_info =
        signed("tcbInfo", &collateral.tcb_info, "TCB info", &collateral.tcb_info_signature)?;
    let qe_identity = signed(
        "enclaveIdentity",
        &collateral.qe_identity,
        "QE identity",
        &collateral.qe_identity_signature,
    )?;
    let parts = [
        collateral.pck_crl_issuer_chain.as_str(),
        hex("root CRL", &collateral.root_ca_crl)?,
        hex("PCK CRL", &collateral.pck_crl)?,
        &collateral.tcb_info_issuer_chain,
        &tcb_info,
        &collateral.qe_identity_issuer_chain,
        &qe_identity,
    ];
    let mut out = TEE_TDX.to_le_bytes().to_vec();
    for part in parts {
        if part.is_empty() || part.contains('\0') {
            return Err(ShellError::Collateral("a part is empty or holds a NUL"));
        }
        let size = part.len().checked_add(1).and_then(|size| u32::try_from(size).ok());
        out.extend(size.ok_or(ShellError::Collateral("a part is too long"))?.to_le_bytes());
    }
    for part in parts {
        out.extend_from_slice(part.as_bytes());
        out.push(0);
    }
    Ok(out)
}

/// What Intel's service serves: the signed text, unchanged, and its signature.
fn signed(
    name: &str,
    text: &str,
    what: &'static str,
    signature: &str,
) -> Result<String, ShellError> {
    if signature.len() != 128 {
        return Err(ShellError::Collateral(what));
    }
    Ok(format!(r#"{{"{name}":{text},"signature":"{}"}}"#, hex(what, signature)?))
}

fn hex<'a>(what: &'static str, text: &'a str) -> Result<&'a str, ShellError> {
    let plain = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { Ok(text) } else { Err(ShellError::Collateral(what)) }
}

const TEE_TDX: u32 = 0x81;
