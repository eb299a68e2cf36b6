//! The signed JSON: TCB info and QE identity, and the collateral around them.
//!
//! Layer: tests, inside `tdx`.
//! Holds: the JSON forms of Intel's PCS API version 4.
//! Never: a check.
//! Invariant: signatures are over the exact text that is delivered.

use serde_json::{Value, json};

use super::quote::sign;
use super::x509::{Pki, date};
use super::{Signed, Tdx};

pub(super) fn signed(tdx: &Tdx, pki: &Pki) -> Vec<u8> {
    let tcb_info = tcb_info(tdx).to_string();
    let qe_identity = qe_identity(tdx).to_string();
    let by = |what, text: &str| hex::encode(sign(&tdx.signer(what, "tcb"), text.as_bytes()));
    let collateral = json!({
        "pck_crl_issuer_chain": pki.platform_chain,
        "root_ca_crl": hex::encode(&pki.root_crl),
        "pck_crl": hex::encode(&pki.pck_crl),
        "tcb_info_issuer_chain": pki.tcb_chain,
        "tcb_info_signature": by(Signed::TcbInfo, &tcb_info),
        "tcb_info": tcb_info,
        "qe_identity_issuer_chain": pki.tcb_chain,
        "qe_identity_signature": by(Signed::QeIdentity, &qe_identity),
        "qe_identity": qe_identity,
    });
    collateral.to_string().into_bytes()
}

fn tcb_info(tdx: &Tdx) -> Value {
    let tcb = &tdx.tcb;
    let components = |svns: &[u8]| svns.iter().map(|svn| json!({ "svn": svn })).collect::<Vec<_>>();
    let levels: Vec<Value> = tcb
        .levels
        .iter()
        .map(|level| {
            json!({
                "tcb": {
                    "sgxtcbcomponents": components(&level.sgx),
                    "pcesvn": level.pce_svn,
                    "tdxtcbcomponents": components(&level.tdx),
                },
                "tcbDate": LEVEL_DATE,
                "tcbStatus": level.status,
                "advisoryIDs": level.advisories,
            })
        })
        .collect();
    let signer = hex::encode_upper(tcb.module_signer);
    let modules: Vec<Value> = tcb
        .modules
        .iter()
        .map(|(version, levels)| {
            json!({
                "id": format!("TDX_{version:02X}"),
                "mrsigner": signer,
                "attributes": NO_FLAGS,
                "attributesMask": ALL_FLAGS,
                "tcbLevels": svn_levels(levels),
            })
        })
        .collect();
    json!({
        "id": tcb.id,
        "version": 3,
        "issueDate": date(tdx.dates.tcb_info.from).to_string(),
        "nextUpdate": date(tdx.dates.tcb_info.to).to_string(),
        "fmspc": hex::encode_upper(tcb.fmspc),
        "pceId": hex::encode_upper(tcb.pce_id),
        "tcbType": 0,
        "tcbEvaluationDataNumber": 17,
        "tdxModule": { "mrsigner": signer, "attributes": NO_FLAGS, "attributesMask": ALL_FLAGS },
        "tdxModuleIdentities": modules,
        "tcbLevels": levels,
    })
}

fn qe_identity(tdx: &Tdx) -> Value {
    let identity = &tdx.qe_identity;
    json!({
        "id": identity.id,
        "version": 2,
        "issueDate": date(tdx.dates.qe_identity.from).to_string(),
        "nextUpdate": date(tdx.dates.qe_identity.to).to_string(),
        "tcbEvaluationDataNumber": 17,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": hex::encode_upper(identity.attributes),
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": hex::encode_upper(identity.mr_signer),
        "isvprodid": identity.product,
        "tcbLevels": svn_levels(&identity.levels),
    })
}

fn svn_levels<N: Copy + Into<u32>>(levels: &[(N, &'static str)]) -> Vec<Value> {
    levels
        .iter()
        .map(|(svn, status)| {
            let svn: u32 = (*svn).into();
            json!({ "tcb": { "isvsvn": svn }, "tcbDate": LEVEL_DATE, "tcbStatus": status })
        })
        .collect()
}

const LEVEL_DATE: &str = "2025-11-12T00:00:00Z";
const NO_FLAGS: &str = "0000000000000000";
const ALL_FLAGS: &str = "FFFFFFFFFFFFFFFF";
