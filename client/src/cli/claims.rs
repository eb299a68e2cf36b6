//! What evidence claims, line by line.
//!
//! Layer: client, below `cli`.
//! Holds: the names under which claims are shown, as text and in JSON.
//! Never: a claim that was not verified.
//! Invariant: a name means the same for every kind of evidence.

use crate::error::ClientError;
use prag_trust::evidence::Hardware;
use prag_trust::quote::QuoteError;
use prag_trust::quote::eventlog::EventLog;
use prag_trust::quote::nvidia::GpuClaims;
use prag_trust::quote::snp::{Signer, SnpClaims, Tcb};
use prag_trust::quote::tdx::TdxClaims;

/// One claim.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) value: String,
}

fn line(name: &'static str, value: impl Into<String>) -> Line {
    Line { name, value: value.into() }
}

/// The CPU's claims, the image's digest first.
pub(super) fn hardware(hardware: &Hardware) -> Vec<Line> {
    let mut lines = vec![line("image", hex::encode(hardware.image()))];
    match hardware {
        Hardware::Tdx(claims) => tdx(claims, &mut lines),
        Hardware::Snp(claims) => snp(claims, &mut lines),
    }
    lines.push(line("report_data", hex::encode(hardware.report_data())));
    lines
}

fn tdx(claims: &TdxClaims, lines: &mut Vec<Line>) {
    lines.push(line("evidence", format!("Intel TDX quote, version {}", claims.td.version)));
    lines.push(line("signatures", "hold up to Intel's root"));
    lines.push(line("firmware", format!("{:?}", claims.tcb_status)));
    if !claims.advisories.is_empty() {
        lines.push(line("advisories", claims.advisories.join(", ")));
    }
    lines.push(line("debug", "off"));
    lines.push(line("mrtd", hex::encode(claims.td.mr_td)));
    for (name, register) in ["rtmr0", "rtmr1", "rtmr2", "rtmr3"].into_iter().zip(&claims.td.rtmr) {
        lines.push(line(name, hex::encode(register)));
    }
    lines.push(line("mr_config_id", hex::encode(claims.td.mr_config_id)));
    lines.push(line("mr_owner", hex::encode(claims.td.mr_owner)));
    lines.push(line("mr_owner_config", hex::encode(claims.td.mr_owner_config)));
    lines.push(line("td_attributes", hex::encode(claims.td.td_attributes)));
    lines.push(line("xfam", hex::encode(claims.td.xfam)));
    lines.push(line("mr_seam", hex::encode(claims.td.mr_seam)));
    lines.push(line("platform", format!("fmspc {}", hex::encode(claims.fmspc))));
}

fn snp(claims: &SnpClaims, lines: &mut Vec<Line>) {
    let product = claims.product;
    lines.push(line("evidence", format!("AMD SEV-SNP report, version {}", claims.version)));
    lines.push(line("signatures", format!("hold up to AMD's root for {product:?}")));
    let signer = match claims.signer {
        Signer::Chip => "the chip (VCEK)",
        Signer::Cloud => "a cloud (VLEK): the chip id below is not vouched for",
    };
    lines.push(line("signer", signer));
    lines.push(line("firmware", parts(&claims.reported_tcb)));
    lines.push(line("firmware_committed", parts(&claims.committed_tcb)));
    lines.push(line("debug", "off"));
    lines.push(line("measurement", hex::encode(claims.measurement)));
    lines.push(line("host_data", hex::encode(claims.host_data)));
    lines.push(line("guest_policy", format!("{:#x}", claims.policy)));
    lines.push(line("vmpl", claims.vmpl.to_string()));
    lines.push(line("id_key_digest", hex::encode(claims.id_key_digest)));
    lines.push(line("author_key_digest", hex::encode(claims.author_key_digest)));
    lines.push(line("platform", flags(claims)));
    lines.push(line("chip", hex::encode(claims.chip_id)));
}

fn flags(claims: &SnpClaims) -> String {
    let set = claims.platform();
    let named = [
        ("SMT", set.smt),
        ("TSME", set.tsme),
        ("ECC", set.ecc),
        ("RAPL disabled", set.rapl_disabled),
        ("ciphertext hiding", set.ciphertext_hiding),
        ("aliases checked", set.alias_checked),
        ("TIO", set.tio),
    ];
    let on: Vec<&str> = named.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    if on.is_empty() { "no flags".to_owned() } else { on.join(", ") }
}

fn parts(tcb: &Tcb) -> String {
    let Tcb { fmc, bootloader, tee, snp, microcode } = tcb;
    format!("bootloader {bootloader}, tee {tee}, snp {snp}, microcode {microcode}, fmc {fmc}")
}

/// The GPU's claims.
pub(super) fn gpu(claims: &GpuClaims) -> Vec<Line> {
    vec![
        line("gpu", claims.device.clone()),
        line(
            "gpu_signatures",
            "hold up to NVIDIA's root; the nonce is the report data's second half",
        ),
        line("gpu_driver", claims.driver_version.clone()),
        line("gpu_vbios", claims.vbios_version.clone()),
        line("gpu_certificate", hex::encode(claims.certificate_sha256)),
    ]
}

/// Whether a log leads to the registers, and what it says of the application.
pub(super) fn log(log: &EventLog, hardware: &Hardware) -> Result<Vec<Line>, ClientError> {
    let refused = |error: QuoteError| ClientError::EvidenceFile(error.into());
    let Hardware::Tdx(claims) = hardware else {
        return Err(ClientError::Usage("--event-log belongs to TDX evidence".to_owned()));
    };
    for (index, register) in claims.td.rtmr.iter().enumerate() {
        log.matches(register, index).map_err(refused)?;
    }
    let mut lines =
        vec![line("event_log", format!("{} events replay to rtmr0-3", log.events().len()))];
    let measured = log.measured(&claims.td.rtmr[3]).map_err(refused)?;
    for name in ["compose-hash", "app-id", "instance-id"] {
        if let Ok(payload) = measured.payload(name) {
            lines.push(line(
                match name {
                    "compose-hash" => "compose_hash",
                    "app-id" => "app_id",
                    _ => "instance_id",
                },
                hex::encode(payload),
            ));
        }
    }
    Ok(lines)
}
