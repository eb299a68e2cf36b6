//! `prag evidence verify`: anybody checks a worker's evidence, offline, or as a ledger keeps it.
//!
//! Layer: client, below `cli`.
//! Holds: reading evidence in the forms that workers hand out, and its verdict claim by claim.
//! Never: a request to anybody, but with `--worker`; a clock where `--at` is given.
//! Invariant: the checks are those that the client itself makes; the first that fails ends the verdict.

use super::args::VerifyEvidence;
use super::claims::{self, Line};
use super::screen::{Screen, clean, facts};
use super::{Done, Setting, policy};
use crate::error::ClientError;
use crate::home::read_bounded;
use crate::registered::Registered;
use crate::sdk::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_trust::entropy::Clock;
use prag_trust::evidence::{Evidence, Gpu, HardwareVerifier, Policy, Roots};
use prag_trust::quote::eventlog::EventLog;
use prag_trust::quote::snp::{self, Minimum, Signer, Tcb};
use prag_trust::quote::tdx::TcbStatus;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) fn verify(setting: &Setting, options: &VerifyEvidence) -> Done {
    let evidence = read_evidence(options)?;
    let now = match &options.at {
        None => crate::system::SystemClock::default().now(),
        Some(text) => instant(text)?,
    };
    let policy = options.policy.as_deref().map(policy::read).transpose()?;
    let log = options.event_log.as_deref().map(|path| read(path, "event log")).transpose()?;
    let log = log.map(|bytes| EventLog::parse(&bytes)).transpose().map_err(refused)?;

    let asvk = options.asvk.as_deref().map(|path| read(path, "ASVK")).transpose()?;
    let asvk = asvk.map(|bytes| snp::endorsement(&bytes, Signer::Cloud)).transpose();
    let asvk = asvk.map_err(refused)?;
    let verifier = HardwareVerifier::with_roots(Roots { asvk, ..Roots::default() });
    // Without a policy every firmware and every GPU is shown, and the verdict says what nobody has judged.
    let open = any_firmware();
    let rules = policy.as_ref().unwrap_or(&open);
    let examined = verifier.examine(&evidence, rules, now).map_err(ClientError::EvidenceFile)?;
    let mut lines = claims::hardware(&examined.hardware);
    lines.extend(examined.gpu.iter().flat_map(claims::gpu));
    if let Some(log) = &log {
        lines.extend(claims::log(log, &examined.hardware)?);
    }
    if let Some(policy) = &policy {
        policy.allow_hardware(&examined).map_err(ClientError::EvidenceFile)?;
    }
    let verdict = match policy {
        Some(_) => "genuine, and allowed by the policy",
        None => "genuine; without --policy nobody has judged image, firmware and GPU",
    };
    show(setting.screen, evidence.kind(), now, verdict, policy.is_some(), &lines);
    Ok(true)
}

/// What an approver does before it confirms a worker.
pub(super) async fn kept(client: &Client, screen: Screen, options: &VerifyEvidence) -> Done {
    let account = options.worker.as_ref();
    let account = account.ok_or_else(|| ClientError::Usage("--worker ADDRESS".to_owned()))?;
    let Registered { record, worker, hash } = client.registered(account).await?;
    let hash = hex::encode(hash);
    let judged = !client.channel().trusted().first_use;
    let state = match (record.leaving.is_some(), record.pending) {
        (true, _) => "leaves",
        (false, true) => "waits to be confirmed",
        (false, false) => "counts",
    };
    let rows = [
        ("worker", record.worker.to_string()),
        ("state", state.to_owned()),
        ("url", clean(&record.ip_address)),
        ("kind", worker.kind.to_owned()),
        ("image", hex::encode(worker.measurement)),
        ("settings", hex::encode(worker.config_digest)),
        ("key", hex::encode(worker.sig_pk)),
        ("evidence", hash.clone()),
    ];
    let claims: BTreeMap<_, _> = rows.iter().cloned().collect();
    screen.show(&json!({ "genuine": true, "settings_judged": judged, "claims": claims }), || {
        let verdict = match judged {
            true => "genuine, and allowed by this machine's policy",
            false => {
                "genuine, and of an image that is trusted here; its settings nobody has judged"
            }
        };
        let mut text = format!("{}\n{}", screen.bold(verdict), facts("REGISTERED", rows));
        if record.pending {
            let (account, image) = (&record.worker, hex::encode(worker.measurement));
            text.push_str(&format!(
                "\nto confirm it, once its image is on the list (prag worker image list):\n  \
                 prag worker approve {account} {hash} {image}"
            ));
        }
        text
    });
    Ok(true)
}

fn show(screen: Screen, kind: &str, now: u64, verdict: &str, judged: bool, lines: &[Line]) {
    let claims: serde_json::Map<String, serde_json::Value> =
        lines.iter().map(|line| (line.name.to_owned(), line.value.clone().into())).collect();
    let value = json!({
        "kind": kind, "at": now, "genuine": true, "allowed_by_policy": judged.then_some(true), "claims": claims,
    });
    screen.show(&value, || {
        let mut text = format!("{}\n", screen.bold(verdict));
        for line in lines {
            text.push_str(&format!("  {:<18} {}\n", line.name, clean(&line.value)));
        }
        text
    });
}

fn read_evidence(options: &VerifyEvidence) -> Result<Evidence, ClientError> {
    let gpu = match &options.gpu {
        None => None,
        Some(path) => Some(Box::new(read_gpu(&read(path, "GPU evidence")?)?)),
    };
    let path = options.quote.as_deref();
    let path = path.ok_or_else(|| ClientError::Usage("--quote FILE".to_owned()))?;
    let quote = unwrapped(read(path, "quote")?);
    if quote.len() == snp::REPORT_BYTES {
        let vcek = options.vcek.as_deref().ok_or_else(|| {
            ClientError::Usage(
                "this is an SNP report: give the chip's --vcek (DER, PEM or table)".to_owned(),
            )
        })?;
        let signer = snp::parse(&quote).map_err(refused)?.signer;
        let vcek = snp::endorsement(&read(vcek, "VCEK")?, signer).map_err(refused)?;
        return Ok(Evidence::Snp { report: quote, vcek, gpu });
    }
    let collateral = options.collateral.as_deref().ok_or_else(|| {
        ClientError::Usage(
            "this is no SNP report; a TDX quote needs --collateral (JSON)".to_owned(),
        )
    })?;
    Ok(Evidence::Tdx { quote, collateral: read(collateral, "collateral")?, gpu })
}

/// NVIDIA's evidence as SecretVM and NVIDIA's tools write it: the first device.
pub(crate) fn read_gpu(bytes: &[u8]) -> Result<Gpu, ClientError> {
    #[derive(Deserialize)]
    struct Listed {
        evidence_list: Vec<Device>,
    }
    #[derive(Deserialize)]
    struct Device {
        certificate: String,
        evidence: String,
    }
    let bad = || ClientError::Usage("--gpu is no JSON with an `evidence_list`".to_owned());
    let listed: Listed = serde_json::from_slice(bytes).map_err(|_| bad())?;
    let device = listed.evidence_list.into_iter().next().ok_or_else(bad)?;
    let chain = STANDARD.decode(device.certificate.trim()).map_err(|_| bad())?;
    Ok(Gpu { report: unwrapped(device.evidence.into_bytes()), chain, signature: [0; 64] })
}

/// Bytes that came as hex or base64 text, or as they are.
pub(crate) fn unwrapped(bytes: Vec<u8>) -> Vec<u8> {
    let text: Option<String> =
        std::str::from_utf8(&bytes).ok().map(|text| text.split_whitespace().collect());
    match text {
        Some(text) if !text.is_empty() => hex::decode(text.trim_start_matches("0x"))
            .ok()
            .or_else(|| STANDARD.decode(&text).ok())
            .unwrap_or(bytes),
        _ => bytes,
    }
}

/// Seconds since 1970, or RFC 3339.
pub(super) fn instant(text: &str) -> Result<u64, ClientError> {
    let stamp = || OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp().try_into().ok();
    text.parse().ok().or_else(stamp).ok_or_else(|| {
        ClientError::Usage("--at is neither unix seconds nor like 2026-01-31T12:00:00Z".to_owned())
    })
}

fn read(path: &Path, what: &'static str) -> Result<Vec<u8>, ClientError> {
    read_bounded(path, what, FILE_BYTES_MAX)
}

fn refused(error: prag_trust::quote::QuoteError) -> ClientError {
    ClientError::EvidenceFile(error.into())
}

/// Rules under which every firmware is shown; what was revoked stays refused.
fn any_firmware() -> Policy {
    let oldest = Some(Tcb::default());
    Policy {
        tdx_tcb: vec![
            TcbStatus::SwHardeningNeeded,
            TcbStatus::ConfigurationNeeded,
            TcbStatus::ConfigurationAndSwHardeningNeeded,
            TcbStatus::OutOfDate,
            TcbStatus::OutOfDateConfigurationNeeded,
            TcbStatus::RelaunchAdvised,
            TcbStatus::RelaunchAdvisedConfigurationNeeded,
        ],
        snp_minimum: Minimum { milan: oldest, genoa: oldest, turin: oldest },
        ..Policy::default()
    }
}

/// Largest file that is read, bytes; each part has its own, smaller bound later.
const FILE_BYTES_MAX: u64 = 1 << 20;
