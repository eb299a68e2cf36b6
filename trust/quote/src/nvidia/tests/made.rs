#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use QuoteError::{
    Chain, Chip, Dates, Debug, Forbidden, Format, Nonce, Signature, Size, Unsupported,
};
use prag_pki::nvidia::{Block, Dice};
use sha2::{Digest, Sha256};

#[test]
fn the_defaults_hold_and_have_their_fields() {
    let gpu = Gpu::new(1);
    let evidence = gpu.build();
    let claims = check(&gpu).unwrap();
    assert_eq!(claims.nonce, gpu.request.nonce);
    assert_eq!(claims.driver_version, "550.90.07");
    assert_eq!(claims.vbios_version, "96.00.9F.00.01");
    assert_eq!(claims.device, "GH100 A01 GSP FMC LF");
    assert_eq!(claims.certificate_sha256, *Sha256::digest(&evidence.certificates[0]));
    assert_eq!(claims.project.as_deref(), Some("1010"));
    assert_eq!(claims.project_sku.as_deref(), Some("0200"));
    assert_eq!(claims.chip_sku.as_deref(), Some("882"));
    assert_eq!((claims.mode, claims.protected_pcie), (Some(Mode::Single), Some(false)));
    assert_eq!(claims.measurements.len(), 64);
    assert_eq!(claims.measurements[63].1, *gpu.response.blocks[63].value);
    assert_eq!(claims.opaque, gpu.response.opaque);

    let root = Root::Other(&evidence.root);
    let der = verify(&evidence.report, &evidence.der(), &[7; 32], root, gpu.now);
    assert_eq!(der, Ok(claims));
}

/// All that the test PKI makes.
#[test]
fn nvidias_root_refuses_all_of_it() {
    for gpu in [Gpu::new(1), Gpu::new(2), Gpu::blackwell(1)] {
        let made = gpu.build();
        assert!(check(&gpu).is_ok());
        for chain in [made.pem(), made.certificates[..4].concat()] {
            let found = verify(&made.report, &chain, &[7; 32], Root::Nvidia, gpu.now);
            assert_eq!(found, Err(Chain("the GPU")));
        }
    }
}

/// A root that has NVIDIA's name, byte for byte, does not have its key.
#[test]
fn nvidias_name_is_not_enough() {
    let mut gpu = Gpu::new(1);
    gpu.chain[4].common_name = "O=NVIDIA,CN=NVIDIA Device Identity CA".into();
    let made = gpu.build();
    assert!(check(&gpu).is_ok());
    for chain in [made.pem(), made.certificates[..4].concat()] {
        let found = verify(&made.report, &chain, &[7; 32], Root::Nvidia, gpu.now);
        assert_eq!(found, Err(Signature("a certificate of the GPU")));
    }
}

#[test]
fn another_seed_is_another_root() {
    let gpu = Gpu::new(1);
    let made = gpu.build();
    let check =
        |root: &[u8], now| verify(&made.report, &made.der(), &[7; 32], Root::Other(root), now);
    let other = check(&Gpu::new(2).build().root, gpu.now);
    assert_eq!(other, Err(Signature("a certificate of the GPU")));
    assert_eq!(check(b"", gpu.now), Err(Format("certificate of the GPU")));
    assert_eq!(check(&made.root, 0), Err(Dates("a certificate of the GPU")));
}

#[test]
fn the_request_is_the_one_for_all_measurements_signed() {
    assert_eq!(refusal(|g| g.request.version = 0x12), Unsupported("SPDM version of the request"));
    assert_eq!(refusal(|g| g.request.code = 0xe1), Unsupported("code of the SPDM request"));
    assert_eq!(
        refusal(|g| g.request.attributes = 0),
        Forbidden("SPDM request for an unsigned answer")
    );
    assert_eq!(
        refusal(|g| g.request.operation = 1),
        Forbidden("SPDM request for a part of the measurements")
    );
    assert_eq!(refusal(|g| g.request.nonce[0] ^= 1), Nonce("GPU report"));
    assert_eq!(refusal(|g| g.request.slot = 1), Forbidden("SPDM response from another slot"));
}

#[test]
fn the_response_is_the_one_to_the_request() {
    assert_eq!(refusal(|g| g.response.version = 0x12), Unsupported("SPDM version of the response"));
    assert_eq!(refusal(|g| g.response.code = 0x7f), Unsupported("code of the SPDM response"));
    assert_eq!(refusal(|g| g.response.slot = 1), Forbidden("SPDM response from another slot"));
    assert_eq!(refusal(|g| g.forged = true), Signature("GPU report"));
    assert_eq!(refusal(|g| g.response.tail = vec![0]), Format("signature of the GPU report"));

    let gpu = Gpu::new(1);
    let mut evidence = gpu.build();
    let (pem, root) = (evidence.pem(), evidence.root.clone());
    evidence.report.pop();
    let found = verify(&evidence.report, &pem, &[7; 32], Root::Other(&root), gpu.now);
    assert_eq!(found, Err(Format("signature of the GPU report")));
    let last = evidence.report.len() - 95;
    evidence.report.truncate(last);
    evidence.report.extend_from_slice(&[0; 96]);
    let found = verify(&evidence.report, &pem, &[7; 32], Root::Other(&root), gpu.now);
    assert_eq!(found, Err(Format("signature of the GPU report")));
}

#[test]
fn lengths_in_the_response_are_true() {
    let record = 64 * 55;
    let measurement = Format("measurement of the GPU report");
    assert_eq!(
        refusal(|g| g.response.blocks_stated = Some(63)),
        Format("number of the GPU's measurements")
    );
    assert_eq!(refusal(|g| g.response.record_bytes_stated = Some(record - 1)), measurement);
    assert_eq!(
        refusal(|g| g.response.record_bytes_stated = Some(0xff_ffff)),
        Format("measurements of the GPU report")
    );
    assert_eq!(
        refusal(|g| g.response.opaque_bytes_stated = Some(u16::MAX)),
        Format("opaque data of the GPU report")
    );
    assert_eq!(
        refusal(|g| g.response.opaque_bytes_stated = Some(0)),
        Format("signature of the GPU report")
    );
    for tail in [&[1][..], &[1, 0, 1], &[1, 0, 1, 0]] {
        assert_eq!(
            refusal(|g| g.response.opaque_tail = tail.to_vec()),
            Format("opaque data of the GPU report")
        );
    }
}

#[test]
fn measurements_are_hashes_in_order() {
    let first = |change: fn(&mut Block)| refusal(move |g| change(&mut g.response.blocks[0]));
    let size = Format("size of the GPU's measurements");
    let order = Format("order of the GPU's measurements");
    assert_eq!(first(|b| b.index = 0), order);
    assert_eq!(first(|b| b.index = 2), order);
    assert_eq!(refusal(|g| g.response.blocks.swap(0, 1)), order);
    assert_eq!(
        first(|b| b.specification = 2),
        Unsupported("specification of the GPU's measurements")
    );
    assert_eq!(first(|b| b.kind = 0x81), Unsupported("measurement of the GPU that is no hash"));
    assert_eq!(first(|b| b.value = vec![0; 32]), size);
    assert_eq!(first(|b| b.value_bytes_stated = Some(47)), size);
    assert_eq!(first(|b| b.value_bytes_stated = Some(49)), Format("measurement of the GPU report"));
    // The block then ends early, and the next one begins within its value.
    assert!(matches!(first(|b| b.size_stated = Some(50)), Format(_)));
    assert_eq!(first(|b| b.size_stated = Some(u16::MAX)), Format("measurement of the GPU report"));
    // Fewer are not refused here: which ones there must be is for the policy.
    let mut gpu = Gpu::new(1);
    gpu.response.blocks.truncate(1);
    assert_eq!(check(&gpu).unwrap().measurements.len(), 1);
}

#[test]
fn opaque_fields_are_there_once_and_well_formed() {
    let set = |id: u16, value: Option<&[u8]>| refusal(|g| g.response.set(id, value));
    assert_eq!(set(3, None), Format("driver version of the GPU report"));
    for text in [&b""[..], b"\0", b"550\n", b"550 90", "é".as_bytes(), &[b'1'; 65]] {
        assert_eq!(set(3, Some(text)), Format("text in the GPU report"));
    }
    assert_eq!(set(15, Some(b"\0")), Format("text in the GPU report"));
    assert_eq!(set(6, None), Format("VBIOS version of the GPU report"));
    assert_eq!(set(6, Some(&[0; 7])), Format("VBIOS version of the GPU report"));
    assert_eq!(set(20, None), Format("firmware id of the GPU report"));
    assert_eq!(set(20, Some(&[0; 32])), Format("firmware id of the GPU report"));
    assert_eq!(set(20, Some(&[0; 48])), Chip("firmware id of the GPU report"));
    assert_eq!(set(21, Some(&[0])), Format("protected PCIe status of the GPU report"));
    assert_eq!(set(36, Some(&[0])), Format("mode of the GPU report"));
    let twice = refusal(|g| g.response.opaque.extend([(99, vec![]), (99, vec![])]));
    assert_eq!(twice, Format("repeated field of the GPU report"));
    let many = refusal(|g| g.response.opaque.extend((1000..1300).map(|id| (id, vec![]))));
    assert_eq!(many, Format("repeated field of the GPU report"));
}

#[test]
fn modes_are_read_and_may_be_absent() {
    let with = |mode: Option<&[u8]>, pcie: Option<&[u8]>| {
        let mut gpu = Gpu::new(1);
        gpu.response.set(36, mode);
        gpu.response.set(21, pcie);
        let claims = check(&gpu).unwrap();
        (claims.mode, claims.protected_pcie)
    };
    assert_eq!(with(None, None), (None, None));
    assert_eq!(with(Some(&[1, 0]), Some(&[0x55])), (Some(Mode::Multi), Some(false)));
    assert_eq!(with(Some(&[2, 0]), Some(&[0xaa])), (Some(Mode::ProtectedPcie), Some(true)));
    assert_eq!(with(Some(&[0, 1]), None), (Some(Mode::Other(256)), None));
}

#[test]
fn every_certificate_is_issued_by_the_next() {
    for at in 0..5 {
        let named = refusal(|g| g.chain[at].issuer = Some("Stranger".into()));
        assert_eq!(named, Chain("the GPU"), "certificate {at}");
        let forged = refusal(|g| g.chain[at].forged = true);
        assert_eq!(forged, Signature("a certificate of the GPU"), "certificate {at}");
        let algorithm = refusal(|g| g.chain[at].algorithm = "1.2.840.10045.4.3.2");
        assert_eq!(algorithm, Unsupported("signature of a certificate of the GPU"));
        let curve = refusal(|g| g.chain[at].curve = "1.2.840.10045.3.1.7");
        assert_eq!(curve, Unsupported("key of a certificate of the GPU"));
        let version = refusal(|g| g.chain[at].version_3 = false);
        assert_eq!(version, Unsupported("version of a certificate of the GPU"));
    }
}

#[test]
fn every_certificate_has_its_dates() {
    for at in 0..5 {
        let now = Gpu::new(1).now;
        let dates = Dates("a certificate of the GPU");
        assert_eq!(refusal(|g| g.chain[at].from = now + 1), dates);
        assert_eq!(refusal(|g| g.chain[at].to = now - 1), dates);
        let mut gpu = Gpu::new(1);
        (gpu.chain[at].from, gpu.chain[at].to) = (now, now);
        assert!(check(&gpu).is_ok());
    }
}

#[test]
fn only_issuers_issue() {
    for at in 1..5 {
        for ca in [None, Some(false)] {
            let refused = refusal(|g| g.chain[at].ca = ca);
            assert_eq!(refused, Forbidden("issuer of the GPU's that is no CA"));
        }
        let usage = refusal(|g| g.chain[at].signs_certificates = false);
        assert_eq!(usage, Forbidden("issuer of the GPU's that must not issue"));

        let below = u8::try_from(at).unwrap() - 1;
        let mut gpu = Gpu::new(1);
        gpu.chain[at].path_length = Some(below);
        assert!(check(&gpu).is_ok());
        if let Some(less) = below.checked_sub(1) {
            let short = refusal(|g| g.chain[at].path_length = Some(less));
            assert_eq!(short, Forbidden("length of the GPU's chain"));
        }
    }
    assert_eq!(refusal(|g| g.chain[0].ca = Some(true)), Forbidden("CA that signs GPU reports"));
    let usage = Forbidden("key usage of the GPU's certificate");
    assert_eq!(refusal(|g| g.chain[0].signs_certificates = true), usage);
    assert_eq!(refusal(|g| g.chain[0].signs_reports = false), usage);
}

#[test]
fn extensions_are_understood_or_harmless() {
    const STRANGE: &str = "1.3.6.1.4.1.55555.1";
    for at in 0..5 {
        let critical = refusal(|g| g.chain[at].extensions.push((STRANGE, true, vec![5, 0])));
        assert_eq!(critical, Unsupported("critical extension of the GPU's"));
        let twice = refusal(|g| g.chain[at].extensions = vec![(STRANGE, false, vec![5, 0]); 2]);
        assert_eq!(twice, Format("repeated extension of the GPU's"));
        let mut gpu = Gpu::new(1);
        gpu.chain[at].extensions.push((STRANGE, false, vec![5, 0]));
        assert!(check(&gpu).is_ok());
    }
    let broken = refusal(|g| {
        g.chain[1].ca = None;
        g.chain[1].extensions.push(("2.5.29.19", true, vec![5, 0]));
    });
    assert_eq!(broken, Format("extension of a certificate of the GPU"));
}

#[test]
fn the_firmware_is_the_one_of_the_certificate() {
    let id = Format("firmware id of the GPU's certificate");
    assert_eq!(refusal(|g| g.chain[0].dice = Dice::None), id);
    let other = refusal(|g| {
        g.chain[0].dice = Dice::Hopper { version: 1, device_key: None, fwid: [1; 48] };
    });
    assert_eq!(other, Chip("firmware id of the GPU report"));
    let fwid = *Gpu::new(1).response.opaque[5].1.first_chunk().unwrap();
    for device_key in [vec![4; 97], vec![]] {
        let other = refusal(|g| {
            g.chain[0].dice = Dice::Hopper { version: 1, device_key: Some(device_key), fwid };
        });
        assert_eq!(other, Chip("device key named by the GPU's certificate"));
    }
    let both = refusal(|g| {
        g.chain[0].extensions.push(("2.23.133.5.4.1.1", false, vec![0x30, 0]));
    });
    assert_eq!(both, id);
}

#[test]
fn blackwells_firmware_is_read_and_not_in_debug() {
    let gpu = Gpu::blackwell(1);
    assert_eq!(check(&gpu).unwrap().device, "GB100 A01 GSP FMC LF");
    let fwid: [u8; 48] = *gpu.response.opaque[5].1.first_chunk().unwrap();
    let refused = |fwids: &[[u8; 48]], flags| {
        refusal(|g| g.chain[0].dice = Dice::Blackwell { fwids: fwids.to_vec(), flags })
    };
    assert_eq!(refused(&[], 1), Format("firmware id of the GPU's certificate"));
    assert_eq!(refused(&[[0; 48], fwid], 1), Chip("firmware id of the GPU report"));
    for flags in [1 << 30, 1 << 28] {
        assert_eq!(refused(&[fwid], flags), Debug("firmware of the GPU"));
    }
}

/// The chip's key stays when the firmware, and with it the signing certificate, changes.
#[test]
fn the_chip_is_known_by_its_key() {
    let one = check(&Gpu::new(1)).unwrap();
    let mut gpu = Gpu::new(1);
    gpu.chain[0].dice = Dice::Hopper { version: 1, device_key: None, fwid: [1; 48] };
    gpu.response.set(20, Some(&[1; 48]));
    let updated = check(&gpu).unwrap();
    assert_ne!(one.certificate_sha256, updated.certificate_sha256);
    assert_eq!(one.chip_sha256, updated.chip_sha256);
    assert_ne!(one.chip_sha256, check(&Gpu::new(2)).unwrap().chip_sha256);
}

#[test]
fn names_of_the_signer_are_one_and_text() {
    for name in ["CN=GH100,CN=GB100", "O=GH100", "CN=#1e0400470048"] {
        let refused = refusal(|g| g.chain[0].common_name = name.into());
        assert_eq!(refused, Format("name of the GPU's certificate"));
    }
}

#[test]
fn chains_are_bounded_and_nothing_else() {
    let gpu = Gpu::new(1);
    let made = gpu.build();
    let check = |chain: &[u8]| {
        verify(&made.report, chain, &[7; 32], Root::Other(&made.root), gpu.now).unwrap_err()
    };
    let field = "certificates of the GPU";
    let max = CHAIN_BYTES_MAX;
    assert_eq!(check(&vec![b'\n'; max + 1]), Size { field, bytes: max + 1, max });
    let single = Chain("the GPU, of a single certificate,");
    assert_eq!(check(b""), single);
    assert_eq!(check(&vec![b'\n'; max]), single);
    assert_eq!(check(&made.certificates[0]), single);
    let nine = [&made.root[..]; 9].concat();
    let field = "number of the GPU's certificates";
    assert_eq!(check(&nine), Size { field, bytes: 9, max: CERTIFICATES_MAX });
    let large = [&[0x30, 0x82, 0x20, 0x01][..], &[0; 0x2001]].concat();
    let (field, bytes, max) = ("certificate of the GPU", large.len(), CERTIFICATE_BYTES_MAX);
    assert_eq!(check(&large), Size { field, bytes, max });

    let pem = made.pem();
    for (before, after) in
        [(&b"x"[..], &b""[..]), (b"", b"x"), (b"", b"-----BEGIN CERTIFICATE-----")]
    {
        assert_eq!(check(&[before, &pem, after].concat()), Format("certificates of the GPU"));
    }
    let other = String::from_utf8(pem).unwrap().replace("CERTIFICATE", "PRIVATE KEY");
    assert_eq!(check(other.as_bytes()), Format("certificates of the GPU"));
    let (field, max) = ("GPU report", REPORT_BYTES_MAX);
    let found = verify(&vec![0; max + 1], b"", &[7; 32], Root::Nvidia, gpu.now);
    assert_eq!(found, Err(Size { field, bytes: max + 1, max }));
}
