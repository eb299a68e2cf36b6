//! Intel's collateral for a TDX quote: from a file, or from a PCCS.
//!
//! Layer: server, `platform`.
//! Holds: which files a PCCS is asked for, and how they become one.
//! Never: a judgement: who wrote the file, or runs the PCCS, can only make evidence fail.
//! Invariant: what Intel signed goes through byte by byte.
//!
//! Source: Intel PCS and PCCS API version 4. The JSON is `QuoteCollateralV3` of `dcap-qvl`, whose own client would bring
//! a second TLS library and a DNS resolver along, and follows addresses that the server names.

use super::cache::{Answer, Cache};
use super::{PlatformError, fetch, file};
use prag_protocol::metadata::parse_rfc3339;
use prag_trust::quote::tdx::{self, COLLATERAL_BYTES_MAX};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::path::PathBuf;

/// Where collateral comes from.
pub(super) enum Collateral {
    /// JSON, read anew for each quote: somebody else keeps it in date.
    File(PathBuf),
    /// Fetched, and kept.
    Pccs(Pccs),
}

/// A Provisioning Certificate Caching Service, or Intel's own.
pub(super) struct Pccs {
    base: String,
    cache: Cache<([u8; 6], &'static str)>,
}

impl Collateral {
    /// The collateral for `quote` at Unix second `now`.
    pub(super) fn of(&self, quote: &[u8], now: u64) -> Result<Vec<u8>, PlatformError> {
        match self {
            Self::File(path) => file(path, "TDX collateral", COLLATERAL_BYTES_MAX),
            Self::Pccs(pccs) => {
                let platform = tdx::platform(quote)?;
                pccs.cache.get(platform, now, |(fmspc, ca)| pccs.fetch(*fmspc, ca))
            }
        }
    }
}

impl Pccs {
    /// `base`: what comes before `/sgx/certification/v4`.
    pub(super) fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), cache: Cache::new() }
    }

    fn fetch(&self, fmspc: [u8; 6], ca: &str) -> Result<Answer, PlatformError> {
        let path = |tee, rest: &str| format!("{}/{tee}/certification/v4/{rest}", self.base);
        // Intel's own service has the root's list at another address than a PCCS.
        let root_crl =
            if self.base == INTEL { INTEL_ROOT_CRL.to_owned() } else { path("sgx", "rootcacrl") };
        let urls = [
            path("tdx", &format!("tcb?fmspc={}", hex::encode_upper(fmspc))),
            path("tdx", "qe/identity"),
            path("sgx", &format!("pckcrl?ca={ca}&encoding=der")),
            root_crl,
        ];
        let [tcb, qe, pck_crl, root_crl] = fetch::get(WHAT, &urls)?;
        let missing = PlatformError::Fetch(WHAT, "a certificate chain is missing");
        let chain = |reply: &fetch::Reply, names: [&str; 2]| {
            names.iter().find_map(|name| reply.text(name)).ok_or(missing.clone())
        };
        let (tcb_chain, qe_chain) = (chain(&tcb, TCB_CHAIN)?, chain(&qe, QE_CHAIN)?);
        let crl_chain = chain(&pck_crl, CRL_CHAIN)?;
        let tcb: TcbReply = parse(&tcb.body)?;
        let qe: QeReply = parse(&qe.body)?;
        let collateral = json!({
            "pck_crl_issuer_chain": crl_chain,
            "root_ca_crl": hex::encode(der(root_crl.body)),
            "pck_crl": hex::encode(der(pck_crl.body)),
            "tcb_info_issuer_chain": tcb_chain,
            "tcb_info": tcb.tcb_info.get(),
            "tcb_info_signature": tcb.signature,
            "qe_identity_issuer_chain": qe_chain,
            "qe_identity": qe.enclave_identity.get(),
            "qe_identity_signature": qe.signature,
        });
        let bytes = collateral.to_string().into_bytes();
        if bytes.len() > COLLATERAL_BYTES_MAX {
            return Err(PlatformError::Size { what: "TDX collateral", max: COLLATERAL_BYTES_MAX });
        }
        let expires = next_update(&tcb.tcb_info)?.min(next_update(&qe.enclave_identity)?);
        Ok(Answer { bytes, expires })
    }
}

#[derive(Deserialize)]
struct TcbReply {
    #[serde(rename = "tcbInfo")]
    tcb_info: Box<RawValue>,
    signature: String,
}

#[derive(Deserialize)]
struct QeReply {
    #[serde(rename = "enclaveIdentity")]
    enclave_identity: Box<RawValue>,
    signature: String,
}

/// Unix seconds. The lists of revoked certificates have their own; verifiers look at both.
fn next_update(signed: &RawValue) -> Result<u64, PlatformError> {
    #[derive(Deserialize)]
    struct Dated {
        #[serde(rename = "nextUpdate")]
        next_update: String,
    }
    let dated: Dated = parse(signed.get().as_bytes())?;
    let micros = parse_rfc3339(&dated.next_update).ok_or(MALFORMED)?;
    u64::try_from(micros / 1_000_000).map_err(|_| MALFORMED)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, PlatformError> {
    serde_json::from_slice(body).map_err(|_| MALFORMED)
}

/// A revocation list, DER, out of DER or of hex text: a PCCS has the root's in the second form.
fn der(body: Vec<u8>) -> Vec<u8> {
    hex::decode(body.trim_ascii()).unwrap_or(body)
}

const WHAT: &str = "the PCCS (`pccs`)";
const MALFORMED: PlatformError = PlatformError::Fetch(WHAT, "an answer does not parse");
const TCB_CHAIN: [&str; 2] = ["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"];
const QE_CHAIN: [&str; 2] = ["SGX-Enclave-Identity-Issuer-Chain", "Enclave-Identity-Issuer-Chain"];
const CRL_CHAIN: [&str; 2] = ["SGX-PCK-CRL-Issuer-Chain", "PCK-CRL-Issuer-Chain"];
const INTEL: &str = "https://api.trustedservices.intel.com";
const INTEL_ROOT_CRL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
