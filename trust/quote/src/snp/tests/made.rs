//! Evidence of the test PKI that holds, and what hostile bytes make of it.

use super::*;
use prag_pki::snp::certificate::CHIP_ID;
use prag_pki::snp::{Evidence, VALID_FROM, VALID_UNTIL, table};
use proptest::prelude::*;

/// Every product and version holds under its root; all fields come out where they were put in.
#[test]
fn claims_are_the_reports_fields() {
    for product in PRODUCTS {
        let keys = keys(product);
        let mut made = Evidence::new(product, 5);
        let vcek = keys.authority.vcek(&made.vcek);
        for version in [2, 3, 5] {
            made.report.version = version;
            let claims = verify(&made.signed(), &vcek, &keys.rules(), NOW).unwrap();
            let report = &made.report;
            assert_eq!(format!("{:?}", claims.product), product.name());
            assert_eq!(
                (claims.version, claims.guest_svn, claims.policy, claims.vmpl),
                (version, report.guest_svn, report.policy, report.vmpl)
            );
            assert_eq!((claims.family_id, claims.image_id), (report.family_id, report.image_id));
            assert_eq!(claims.report_data, report.report_data);
            assert_eq!(claims.measurement, report.measurement);
            assert_eq!((claims.host_data, claims.report_id), (report.host_data, report.report_id));
            assert_eq!(claims.id_key_digest, report.id_key_digest);
            assert_eq!(claims.author_key_digest, report.author_key_digest);
            assert_eq!(claims.chip_id, report.chip_id);
            for (found, put) in [
                (claims.reported_tcb, report.reported_tcb),
                (claims.committed_tcb, report.committed_tcb),
                (claims.current_tcb, report.current_tcb),
                (claims.launch_tcb, report.launch_tcb),
            ] {
                assert_eq!(
                    [found.fmc, found.bootloader, found.tee, found.snp, found.microcode],
                    [put.fmc, put.bootloader, put.tee, put.snp, put.microcode]
                );
            }
        }
    }
}

/// A VLEK holds under the ASVK that the caller brings; it names no chip, so the report's chip id is only the report's.
#[test]
fn a_vlek_holds_under_its_asvk() {
    for product in PRODUCTS {
        let keys = keys(product);
        let asvk = keys.authority.asvk();
        let rules = Rules { asvk: Some(&asvk), ..keys.rules() };
        let mut made = Evidence::cloud(product, 5);
        let vlek = keys.authority.vlek(&made.vcek);
        let claims = verify(&made.signed(), &vlek, &rules, NOW).unwrap();
        assert_eq!((claims.signer, claims.chip_id), (Signer::Cloud, made.report.chip_id));
        made.report.chip_id = [0; 64];
        verify(&made.signed(), &vlek, &rules, NOW).unwrap();
        // The ASVK of the caller changes nothing for a chip's own certificate.
        let made = Evidence::new(product, 5);
        let claims = verify(&made.signed(), &keys.authority.vcek(&made.vcek), &rules, NOW).unwrap();
        assert_eq!(claims.signer, Signer::Chip);
    }
}

/// What a report says unverified is what it says verified; version 2 does not name its product.
#[test]
fn unverified_fields_are_the_reports() {
    for product in PRODUCTS {
        let mut made = Evidence::new(product, 5);
        let vcek = keys(product).authority.vcek(&made.vcek);
        let read = parse(&made.signed()).unwrap();
        let claims = verify(&made.signed(), &vcek, &keys(product).rules(), NOW).unwrap();
        assert_eq!((read.signer, read.product), (claims.signer, Some(claims.product)));
        assert_eq!((read.chip_id, read.guest_svn), (claims.chip_id, claims.guest_svn));
        assert_eq!(read.reported_tcb, Some(claims.reported_tcb));
        let committed = made.report.committed_tcb.bytes(product);
        assert_eq!(read.committed_tcb.to_le_bytes(), committed);
        made.report.version = 2;
        let read = parse(&made.signed()).unwrap();
        assert_eq!((read.product, read.reported_tcb), (None, None));
        assert!(parse(&made.signed()[1..]).is_err());
    }
}

/// Each platform flag has its bit.
#[test]
fn platform_flags_are_read() {
    let mut made = Evidence::new(Made::Milan, 5);
    let vcek = MILAN.authority.vcek(&made.vcek);
    let mut platform = |info| {
        made.report.platform_info = info;
        verify(&made.signed(), &vcek, &MILAN.rules(), NOW).unwrap().platform()
    };
    let none = platform(!0xbf);
    let off = Platform {
        smt: false,
        tsme: false,
        ecc: false,
        rapl_disabled: false,
        ciphertext_hiding: false,
        alias_checked: false,
        tio: false,
    };
    assert_eq!(none, off);
    assert_eq!(platform(1 << 0), Platform { smt: true, ..off });
    assert_eq!(platform(1 << 1), Platform { tsme: true, ..off });
    assert_eq!(platform(1 << 2), Platform { ecc: true, ..off });
    assert_eq!(platform(1 << 3), Platform { rapl_disabled: true, ..off });
    assert_eq!(platform(1 << 4), Platform { ciphertext_hiding: true, ..off });
    assert_eq!(platform(1 << 5), Platform { alias_checked: true, ..off });
    assert_eq!(platform(1 << 7), Platform { tio: true, ..off });
}

/// A level that the rules name is the only one that is accepted, and the first and last seconds are within.
#[test]
fn rules_and_dates_include_their_ends() {
    let mut made = Evidence::new(Made::Milan, 5);
    let vcek = MILAN.authority.vcek(&made.vcek);
    for now in [VALID_FROM, VALID_UNTIL] {
        verify(&made.signed(), &vcek, &MILAN.rules(), now).unwrap();
    }
    made.report.vmpl = 2;
    let rules = Rules { vmpl: 2, ..MILAN.rules() };
    assert_eq!(verify(&made.signed(), &vcek, &rules, NOW).unwrap().vmpl, 2);
    made.report.vmpl = 0;
    let found = verify(&made.signed(), &vcek, &rules, NOW);
    assert_eq!(found, Err(QuoteError::Forbidden("VMPL of the SNP report")));

    // The host asks at a level of its own, and no rule can allow that.
    for vmpl in [4, u32::MAX] {
        made.report.vmpl = vmpl;
        let found = verify(&made.signed(), &vcek, &Rules { vmpl, ..MILAN.rules() }, NOW);
        assert_eq!(found, Err(QuoteError::Forbidden("VMPL of the SNP report")), "{vmpl}");
    }
}

/// AMD's server writes the chip id bare; within an OCTET STRING it is read too.
#[test]
fn a_wrapped_chip_id_is_read() {
    for product in PRODUCTS {
        let mut made = Evidence::new(product, 5);
        let bare = made.report.chip_id[..if product == Made::Turin { 8 } else { 64 }].to_vec();
        let header = [4, u8::try_from(bare.len()).unwrap()];
        made.vcek.set(CHIP_ID, [&header[..], &bare].concat());
        let keys = keys(product);
        verify(&made.signed(), &keys.authority.vcek(&made.vcek), &keys.rules(), NOW).unwrap();
    }
}

/// The VCEK comes out of a table wherever it lies in it; what leads outside is refused.
#[test]
fn the_table_gives_its_vcek() {
    let guid = |text: &str| {
        <[u8; 16]>::try_from(hex::decode(text.replace('-', "")).unwrap().as_slice()).unwrap()
    };
    let vcek = guid("63da758d-e664-4564-adc5-f4b93be8accd");
    let vlek = guid("a8074bc2-a25a-483e-aae6-39c045a0b8a1");
    let ask = guid("4ab7b379-bbac-4fe4-a02f-05aef327c782");
    let ark = guid("c0b406a4-a803-4952-9743-3fb6014cd0ae");
    let crl = guid("92f81bc3-5811-4d3d-97ff-d19f88dc67ea");
    let all = [(ark, &b"root"[..]), (ask, b"key"), (vlek, b"cloud"), (vcek, b"chip"), (crl, b"")];
    let mut bytes = table(&all);
    assert_eq!(certificates(&bytes, Signer::Chip), Ok(&b"chip"[..]));
    bytes.resize(4096, 0xff);
    assert_eq!(certificates(&bytes, Signer::Chip), Ok(&b"chip"[..]));

    let missing = QuoteError::Unsupported("SNP certificate table without a VCEK");
    assert_eq!(certificates(&table(&all[..2]), Signer::Chip), Err(missing));
    assert_eq!(certificates(&table(&[]), Signer::Chip), Err(missing));
    assert_eq!(certificates(&[], Signer::Chip), Err(missing));
    let cloud = QuoteError::Unsupported("SNP certificate table with a VLEK only");
    assert_eq!(certificates(&table(&all[..3]), Signer::Chip), Err(cloud));
    assert_eq!(certificates(&table(&all), Signer::Cloud), Ok(&b"cloud"[..]));
    let missing = QuoteError::Unsupported("SNP certificate table without a VLEK");
    assert_eq!(certificates(&table(&all[..2]), Signer::Cloud), Err(missing));
    assert_eq!(certificates(&table(&all[3..]), Signer::Cloud), Err(missing));

    let broken = QuoteError::Format("SNP certificate table");
    assert_eq!(certificates(&table(&[all[3], all[3]]), Signer::Chip), Err(broken));
    assert_eq!(certificates(&table(&[all[2], all[3], all[2]]), Signer::Chip), Err(broken));
    let whole = table(&all[3..4]);
    assert_eq!(certificates(&whole[..24], Signer::Chip), Err(broken));
    let endless = [&vcek[..], &0_u32.to_le_bytes(), &24_u32.to_le_bytes()].concat();
    assert_eq!(certificates(&endless, Signer::Chip), Err(broken));
    assert_eq!(certificates(&whole[..whole.len() - 1], Signer::Chip), Err(broken));
    for at in 16..24 {
        let mut outside = whole.clone();
        outside[at] = 0xff;
        assert_eq!(certificates(&outside, Signer::Chip), Err(broken), "byte {at}");
    }
    let long = vec![0; CERTIFICATE_BYTES_MAX + 1];
    let (bytes, max) = (long.len(), CERTIFICATE_BYTES_MAX);
    let found = certificates(&table(&[(vcek, &long)]), Signer::Chip).map(<[u8]>::len);
    assert_eq!(found, Err(QuoteError::Size { field: "VCEK certificate", bytes, max }));
    let (bytes, max) = (TABLE_BYTES_MAX + 1, TABLE_BYTES_MAX);
    let found = certificates(&vec![0; bytes], Signer::Chip).map(<[u8]>::len);
    assert_eq!(found, Err(QuoteError::Size { field: "SNP certificate table", bytes, max }));
}

/// Evidence with a few bytes changed, cut or added, and how it was.
fn damaged(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let flips = prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..3);
    (flips, 0..8_usize, any::<prop::sample::Index>()).prop_map(move |(flips, kind, at)| {
        let mut bytes = original.clone();
        for (at, bits) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        match kind {
            0 => bytes.truncate(at.index(original.len())),
            1 => bytes.extend_from_slice(&original[..at.index(original.len())]),
            _ => (),
        }
        bytes
    })
}

static MADE: LazyLock<(Vec<u8>, Vec<u8>, SnpClaims)> = LazyLock::new(|| {
    let made = Evidence::new(Made::Turin, 9);
    let (report, vcek) = (made.signed(), TURIN.authority.vcek(&made.vcek));
    let claims = verify(&report, &vcek, &TURIN.rules(), NOW).unwrap();
    (report, vcek, claims)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, and what is accepted still says what was signed.
    #[test]
    fn damage_changes_no_claim(
        report in damaged(MADE.0.clone()),
        vcek in damaged(MADE.1.clone()),
        whole in 0..4_u8,
    ) {
        let report = if whole == 0 { MADE.0.clone() } else { report };
        let vcek = if whole == 1 { MADE.1.clone() } else { vcek };
        let _ = parse(&report);
        if let Ok(claims) = verify(&report, &vcek, &TURIN.rules(), NOW) {
            prop_assert_eq!(&claims, &MADE.2);
        }
    }

    /// A root that the caller brings is bounded and may be anything.
    #[test]
    fn damaged_roots_do_not_panic(ark in damaged(TURIN.ark.clone()), ask in damaged(TURIN.ask.clone())) {
        let rules = Rules { root: Root::Other { ark: &ark, ask: &ask }, ..AMD };
        let _ = verify(&MADE.0, &MADE.1, &rules, NOW);
    }

    /// Any table gives a slice of itself or an error.
    #[test]
    fn any_table_is_safe(
        entries in prop::collection::vec((0..6_u8, 0..512_u32, 0..512_u32), 0..6),
        data in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        let mut bytes = Vec::new();
        for (kind, offset, length) in entries {
            let guid = match kind {
                0 => 0,
                1 | 2 => 0x63da758d_e664_4564_adc5_f4b93be8accd_u128,
                3 => 0xa8074bc2_a25a_483e_aae6_39c045a0b8a1,
                other => other.into(),
            };
            bytes.extend(guid.to_be_bytes());
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        bytes.extend([0; 24]);
        bytes.extend(data);
        if let Ok(vcek) = certificates(&bytes, Signer::Chip) {
            prop_assert!(bytes.as_ptr_range().contains(&vcek.as_ptr()) || vcek.is_empty());
        }
    }
}

/// A VCEK is the same out of DER, PEM and a host's table; more than its bound, or nothing of the kind, is refused.
#[test]
fn a_vcek_comes_in_three_forms() {
    use x509_cert::der::pem::{LineEnding, encode_string};
    let der = keys(Made::Milan).authority.vcek(&Evidence::new(Made::Milan, 1).vcek);
    let pem = encode_string("CERTIFICATE", LineEnding::LF, &der).unwrap();
    let guid = 0x63da758d_e664_4564_adc5_f4b93be8accd_u128.to_be_bytes();
    for form in [der.clone(), pem.into_bytes(), table(&[(guid, &der)])] {
        assert_eq!(endorsement(&form, Signer::Chip), Ok(der.clone()));
    }
    for first in [0x30, b'-'] {
        let long = vec![first; 2 * CERTIFICATE_BYTES_MAX + 1];
        assert!(matches!(endorsement(&long, Signer::Chip), Err(QuoteError::Size { .. })));
    }
    assert_eq!(endorsement(b"-----", Signer::Chip), Err(QuoteError::Format("VCEK certificate")));
    assert_eq!(endorsement(b"no", Signer::Chip), Err(QuoteError::Format("SNP certificate table")));
}
