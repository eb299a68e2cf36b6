//! A quote's bytes and its three signatures.
//!
//! Layer: tests, inside `tdx`.
//! Holds: header, TD report, quoting enclave's report and certification data.
//! Never: a check; whatever the fields say is signed.
//! Invariant: the attestation key signs header and body, the PCK signs the report that names that key.

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};

use super::x509::{Pki, point};
use super::{Format, Signed, Tdx};

pub(super) fn signed(tdx: &Tdx, pki: &Pki) -> Vec<u8> {
    let mut quote = head(tdx);
    let signature = sign(&tdx.signer(Signed::Quote, "attestation"), &quote);
    let mut auth = signature;
    auth.extend(point(&tdx.key("attestation")));
    auth.extend(typed(QE_REPORT_CERTIFICATION, &certification(tdx, pki)));
    quote.extend(length(&auth));
    quote.extend(auth);
    quote
}

/// Header and body: what the attestation key signs.
fn head(tdx: &Tdx) -> Vec<u8> {
    let (version, body) = match tdx.format {
        Format::V4 => (4u16, None),
        Format::V5Td10 => (5, Some(2u16)),
        Format::V5Td15 => (5, Some(3)),
    };
    let mut out = Vec::new();
    out.extend(version.to_le_bytes());
    out.extend(ECDSA_P256.to_le_bytes());
    out.extend(TEE_TDX.to_le_bytes());
    out.extend([0; 4]);
    out.extend(tdx.qe.vendor);
    out.extend([0; 20]);
    let report = report(tdx);
    if let Some(kind) = body {
        out.extend(kind.to_le_bytes());
        out.extend(length(&report));
    }
    out.extend(report);
    out
}

fn report(tdx: &Tdx) -> Vec<u8> {
    let td = &tdx.td;
    let mut out = Vec::new();
    out.extend(td.tee_tcb_svn);
    out.extend(td.mr_seam);
    out.extend(td.mr_signer_seam);
    out.extend(td.seam_attributes);
    out.extend(td.attributes);
    out.extend(td.xfam);
    out.extend(td.mr_td);
    out.extend(td.mr_config_id);
    out.extend(td.mr_owner);
    out.extend(td.mr_owner_config);
    out.extend(td.rtmr.concat());
    out.extend(td.report_data);
    if tdx.format == Format::V5Td15 {
        out.extend(td.tee_tcb_svn2);
        out.extend(td.mr_service_td);
    }
    out
}

/// The quoting enclave's report, signed by the PCK, and the PCK's chain.
fn certification(tdx: &Tdx, pki: &Pki) -> Vec<u8> {
    let vouched = tdx.signer(Signed::AttestationKey, "attestation");
    let bound = Sha256::new().chain_update(point(&vouched)).chain_update(QE_AUTH).finalize();

    let mut report = Vec::new();
    report.extend(tdx.platform.cpu_svn);
    report.extend(tdx.qe.misc_select.to_le_bytes());
    report.extend([0; 28]);
    report.extend(tdx.qe.attributes);
    report.extend([0; 32]); // MRENCLAVE: the identity does not ask for it
    report.extend([0; 32]);
    report.extend(tdx.qe.mr_signer);
    report.extend([0; 96]);
    report.extend(tdx.qe.product.to_le_bytes());
    report.extend(tdx.qe.svn.to_le_bytes());
    report.extend([0; 60]);
    report.extend(bound);
    report.extend([0; 32]);

    let mut out = report.clone();
    out.extend(sign(&tdx.signer(Signed::QeReport, "pck"), &report));
    out.extend((QE_AUTH.len() as u16).to_le_bytes());
    out.extend(QE_AUTH);
    out.extend(typed(PCK_CHAIN, pki.pck_chain.as_bytes()));
    out
}

/// Raw `r || s`.
pub(super) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

fn typed(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &length(data)[..], data].concat()
}

fn length(data: &[u8]) -> [u8; 4] {
    u32::try_from(data.len()).expect("a few kilobytes").to_le_bytes()
}

const ECDSA_P256: u16 = 2;
const TEE_TDX: u32 = 0x81;
const PCK_CHAIN: u16 = 5;
const QE_REPORT_CERTIFICATION: u16 = 6;
const QE_AUTH: [u8; 32] = [0x5a; 32];
