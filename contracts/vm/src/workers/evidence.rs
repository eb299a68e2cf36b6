//! Evidence as a worker on Secret shows it: the bytes of a TDX quote, and collateral of a real one's size.
//!
//! Layer: vm, workers.
//! Holds: a quote whose guest binds what it should; both forms of the collateral.
//! Never: signatures: the engine's verifier accepts what it was told to.
//! Invariant: digests and packed bytes are written down here anew, apart from the contract's code.

use prag_contracts_core::workers::Verdict;
use prag_protocol::ledger::workers::EvidenceBinding;
use serde_json::json;
use sha2::{Digest, Sha256};

/// One quote with its collateral.
pub(super) struct Evidence {
    pub(super) quote: Vec<u8>,
    /// Of the message.
    pub(super) collateral: String,
    /// Of the chain's verifier.
    pub(super) packed: Vec<u8>,
    pub(super) verdict: Verdict,
}

/// A quote of the stories' image with these report data.
pub(super) fn evidence(report_data: [u8; 64]) -> Evidence {
    let mut quote = vec![4, 0, 2, 0, 0x81, 0, 0, 0];
    quote.resize(48, 0);
    quote.extend([0xee; 120]);
    let (attributes, xfam) = ([0, 0, 0, 0x10, 0, 0, 0, 0], [0xe7, 2, 6, 0, 0, 0, 0, 0]);
    quote.extend(attributes);
    quote.extend(xfam);
    for register in [1_u8, 6, 7, 8, 2, 3, 4, 5] {
        quote.extend([register; 48]);
    }
    quote.extend(report_data);
    // In place of signatures and certificates.
    quote.resize(QUOTE_BYTES, 0x5a);
    let (collateral, packed) = collateral();
    let verdict = Verdict::Attested { measurement: image(), report_data };
    Evidence { quote, collateral, packed, verdict }
}

/// The measurement of the stories' image.
pub(super) fn image() -> [u8; 32] {
    let registers: Vec<[u8; 48]> = (1..=8).map(|register| [register; 48]).collect();
    let mut parts: Vec<&[u8]> = vec![b"tdx"];
    parts.extend(registers.iter().map(|register| register.as_slice()));
    parts.extend([
        [0_u8, 0, 0, 0x10, 0, 0, 0, 0].as_slice(),
        [0xe7_u8, 2, 6, 0, 0, 0, 0, 0].as_slice(),
    ]);
    digest("PRAG-IMAGE/v1", &parts)
}

/// What a guest binds that registers with `key`, without a GPU.
pub(super) fn report_data(key: &[u8; 32], nonce: &[u8; 32], claims: &EvidenceBinding) -> [u8; 64] {
    let epoch = claims.policy_epoch.to_be_bytes();
    let parts: [&[u8]; 7] = [
        b"register",
        key,
        &claims.tls_spki_sha256,
        nonce,
        &claims.ledger_id,
        &claims.config_digest,
        &epoch,
    ];
    let mut data = [0; 64];
    data[..32].copy_from_slice(&digest("PRAG-RA/v1", &parts));
    data
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The JSON of the message, and the bytes for the verifier.
fn collateral() -> (String, Vec<u8>) {
    let chain = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n".repeat(32);
    let (root_crl, crl) = ("30".repeat(300), "31".repeat(2600));
    let (tcb_info, identity) = (r#"{"id":"TDX","levels":[1,2]}"#, r#"{"id":"TD_QE"}"#);
    let (first, second) = ("ab".repeat(64), "cd".repeat(64));
    let json = json!({
        "pck_crl_issuer_chain": chain,
        "root_ca_crl": root_crl,
        "pck_crl": crl,
        "tcb_info_issuer_chain": chain,
        "tcb_info": tcb_info,
        "tcb_info_signature": first,
        "qe_identity_issuer_chain": chain,
        "qe_identity": identity,
        "qe_identity_signature": second,
    });
    let tcb_info = format!(r#"{{"tcbInfo":{tcb_info},"signature":"{first}"}}"#);
    let identity = format!(r#"{{"enclaveIdentity":{identity},"signature":"{second}"}}"#);
    let parts = [&chain, &root_crl, &crl, &chain, &tcb_info, &chain, &identity];
    let mut packed = vec![0x81, 0, 0, 0];
    for part in parts {
        let size = u32::try_from(part.len()).unwrap_or(u32::MAX).saturating_add(1);
        packed.extend(size.to_le_bytes());
    }
    for part in parts {
        packed.extend(part.as_bytes());
        packed.push(0);
    }
    (json.to_string(), packed)
}

fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(domain);
    for part in parts {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Real ones have about so many.
const QUOTE_BYTES: usize = 5000;
