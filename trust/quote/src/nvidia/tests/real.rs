#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use sha2::{Digest, Sha256};

/// 2026-01-01.
const NOW: u64 = 1_767_225_600;

fn vector(name: &str) -> Option<Vec<u8>> {
    prag_pki::real::vector(&format!("nvidia/{name}"))
}

struct Hopper {
    report: Vec<u8>,
    chain: Vec<u8>,
    nonce: [u8; 32],
}

impl Hopper {
    fn read() -> Option<Self> {
        let report = hex::decode(vector("hopper-report.hex")?.trim_ascii()).unwrap();
        let nonce = report[4..36].try_into().unwrap();
        Some(Self { report, chain: vector("hopper-chain.pem")?, nonce })
    }

    fn verify(&self) -> Result<GpuClaims, QuoteError> {
        verify(&self.report, &self.chain, &self.nonce, Root::Nvidia, NOW)
    }

    /// DER of each certificate, by OpenSSL's way of writing PEM.
    fn certificates(&self) -> Vec<Vec<u8>> {
        use x509_cert::der::pem::decode_vec;
        let text = String::from_utf8(self.chain.clone()).unwrap();
        let blocks = text.split_inclusive("-----END CERTIFICATE-----");
        let blocks = blocks.map(str::trim).filter(|block| !block.is_empty());
        blocks.map(|block| decode_vec(block.as_bytes()).unwrap().1).collect()
    }
}

/// What Trustee's verifier reads from the report, we read too.
#[test]
fn a_real_report_has_the_claims_that_others_read() {
    let (Some(hopper), Some(json)) = (Hopper::read(), vector("hopper-claims.json")) else { return };
    let theirs: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let config = &theirs["config"];
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let claims = hopper.verify().unwrap();

    assert_eq!(claims.nonce, hopper.nonce);
    assert_eq!(claims.device, "GH100 A01 GSP FMC LF");
    assert_eq!(claims.certificate_sha256, *Sha256::digest(&hopper.certificates()[0]));
    assert_eq!(claims.driver_version, text("driver_version"));
    assert_eq!(claims.vbios_version, text("vbios_version").to_uppercase());
    assert_eq!(hex::encode(claims.fwid), text("fwid"));
    assert_eq!(claims.project, Some(text("project")));
    assert_eq!(claims.project_sku, Some(text("project_sku")));
    assert_eq!(claims.chip_sku, Some(text("chip_sku")));
    assert_eq!((claims.mode, claims.protected_pcie), (None, Some(false)));

    let field = |id: u16| &claims.opaque.iter().find(|(field, _)| *field == id).unwrap().1;
    for (id, name) in [(4, "gpu_info"), (13, "cpr_info"), (14, "board_id")] {
        assert_eq!(hex::encode(field(id)), text(name));
    }
    for (index, count) in (1..).zip(field(12).chunks_exact(4)) {
        let count = u32::from_le_bytes(count.try_into().unwrap());
        assert_eq!(config["measurement_count"][index.to_string()], count);
    }

    assert_eq!(claims.measurements.len(), theirs["measurements"].as_object().unwrap().len());
    for (index, hash) in &claims.measurements {
        assert_eq!(theirs["measurements"][index.to_string()], hex::encode(hash));
    }
}

/// The claims of NVIDIA's own verifier, of another GPU, have our names' form.
#[test]
fn versions_look_as_nvidia_writes_them() {
    let (Some(hopper), Some(json)) = (Hopper::read(), vector("h100-nvattest-claims.json")) else {
        return;
    };
    let theirs: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let theirs = &theirs["claims"][0];
    let ours = hopper.verify().unwrap();
    let shape = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { c }).collect()
    };
    let vbios = theirs["x-nvidia-gpu-vbios-version"].as_str().unwrap();
    assert_eq!(shape(vbios), shape(&ours.vbios_version));
    assert_eq!(vbios, vbios.to_uppercase());
    // `hwmodel` is the name of the chip's certificate, ours of the one below; the chip leads both.
    let chip = theirs["hwmodel"].as_str().unwrap().split(' ').next().unwrap();
    assert!(ours.device.starts_with(chip));
}

#[test]
fn the_chain_may_be_der_and_may_leave_the_root_out() {
    let Some(mut hopper) = Hopper::read() else { return };
    let claims = hopper.verify().unwrap();
    let der = hopper.certificates();
    for certificates in [&der[..], &der[..4]] {
        hopper.chain = certificates.concat();
        assert_eq!(hopper.verify().unwrap(), claims);
    }
    hopper.chain = der[..3].concat();
    assert_eq!(hopper.verify().unwrap_err(), QuoteError::Chain("the GPU"));
    hopper.chain = [&der[0], &der[2], &der[1], &der[3]].map(Vec::as_slice).concat();
    assert_eq!(hopper.verify().unwrap_err(), QuoteError::Chain("the GPU"));
}

/// The file beside the vectors is the root that we pin.
#[test]
fn the_pinned_root_is_that_of_the_vectors() {
    let (Some(mut hopper), Some(root)) = (Hopper::read(), vector("device-root.pem")) else {
        return;
    };
    let (_, root) = x509_cert::der::pem::decode_vec(root.trim_ascii()).unwrap();
    let other = verify(&hopper.report, &hopper.chain, &hopper.nonce, Root::Other(&root), NOW);
    assert_eq!(other, hopper.verify());

    let strange = Gpu::new(1).build();
    let other = Root::Other(&strange.root);
    let refused = verify(&hopper.report, &hopper.chain, &hopper.nonce, other, NOW).unwrap_err();
    assert_eq!(refused, QuoteError::Chain("the GPU"));
    hopper.chain.extend_from_slice(b"\n");
    assert!(hopper.verify().is_ok());
}

#[test]
fn another_nonce_and_another_time_are_refused() {
    let Some(hopper) = Hopper::read() else { return };
    let Hopper { report, chain, mut nonce } = hopper;
    // The youngest certificate is the provisioner's, of 2022-03-01.
    let first = 1_646_092_800;
    for (now, holds) in [(first, true), (first - 1, false), (253_402_300_799, true)] {
        let found = verify(&report, &chain, &nonce, Root::Nvidia, now);
        assert_eq!(found.is_ok(), holds);
        if !holds {
            assert_eq!(found.unwrap_err(), QuoteError::Dates("a certificate of the GPU"));
        }
    }
    nonce[31] ^= 1;
    let refused = verify(&report, &chain, &nonce, Root::Nvidia, NOW).unwrap_err();
    assert_eq!(refused, QuoteError::Nonce("GPU report"));
}

/// A flipped bit in any part of report and certificates; six signatures a flip are slow, so not in every byte.
#[test]
fn a_flipped_bit_is_refused() {
    let Some(mut hopper) = Hopper::read() else { return };
    let claims = hopper.verify().unwrap();
    for at in (0..48).chain((48..hopper.report.len()).step_by(307)) {
        hopper.report[at] ^= 1 << (at % 8);
        assert!(hopper.verify().is_err(), "byte {at} of the report");
        hopper.report[at] ^= 1 << (at % 8);
    }
    hopper.chain = hopper.certificates().concat();
    for at in (0..hopper.chain.len()).step_by(61) {
        hopper.chain[at] ^= 1 << (at % 8);
        assert!(hopper.verify().is_err(), "byte {at} of the certificates");
        hopper.chain[at] ^= 1 << (at % 8);
    }
    assert_eq!(hopper.verify().unwrap(), claims);
}
