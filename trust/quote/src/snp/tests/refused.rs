//! One thing wrong at a time: each has its own error.

use super::*;
use prag_pki::snp::certificate::{
    BOOTLOADER, CHIP_ID, CUSTOMER, FMC, MICROCODE, PRODUCT_NAME, SNP, TEE, number, text,
};
use prag_pki::snp::{Evidence, VALID_FROM, VALID_UNTIL};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

type Change = fn(&mut Evidence);

fn check(product: Made, change: Change, expected: QuoteError) {
    let keys = keys(product);
    let mut made = Evidence::new(product, 5);
    change(&mut made);
    let vcek = keys.authority.vcek(&made.vcek);
    assert_eq!(verify(&made.signed(), &vcek, &keys.rules(), NOW), Err(expected));
}

/// What a report must not say, although its chip signed it.
#[test]
fn reports_are_refused() {
    use QuoteError::{Chip, Debug, Forbidden, Unsupported};
    let vmpl = Forbidden("VMPL of the SNP report");
    let old = Forbidden("SNP firmware older than the committed one");
    let chip = Chip("chip id of the SNP report");
    let changes: [(Change, QuoteError); 29] = [
        (|e| e.report.version = 1, Unsupported("version of the SNP report")),
        (|e| e.report.version = 4, Unsupported("version of the SNP report")),
        (|e| e.report.version = 6, Unsupported("version of the SNP report")),
        (
            |e| e.report.signature_algorithm = 0,
            Unsupported("signature algorithm of the SNP report"),
        ),
        (
            |e| e.report.signature_algorithm = 2,
            Unsupported("signature algorithm of the SNP report"),
        ),
        (|e| e.report.key_info = 1 << 2, Unsupported("SNP report signed by a VLEK")),
        (|e| e.report.key_info = 2 << 2, Unsupported("signing key of the SNP report")),
        (|e| e.report.key_info = 7 << 2, Unsupported("SNP report without a signature")),
        (|e| e.report.policy |= 1 << 19, Debug("SNP guest policy")),
        (|e| e.report.policy |= 1 << 18, Forbidden("migration agent of the SNP guest")),
        (|e| e.report.vmpl = 1, vmpl),
        (|e| e.report.vmpl = 3, vmpl),
        (|e| e.report.vmpl = u32::MAX, vmpl),
        (|e| e.report.chip_id[0] ^= 1, chip),
        (|e| e.report.chip_id[63] ^= 1, chip),
        (|e| e.report.chip_id = [0; 64], chip),
        (|e| e.report.cpuid = Made::Genoa.cpuid(), Chip("product of the SNP report")),
        (|e| e.report.cpuid = Made::Turin.cpuid(), Chip("product of the SNP report")),
        (|e| e.report.cpuid = [0x19, 0x20, 0], Unsupported("processor of the SNP report")),
        (|e| e.report.cpuid = [0; 3], Unsupported("processor of the SNP report")),
        (|e| e.report.reported_tcb.bootloader -= 1, Chip("reported bootloader")),
        (|e| e.report.reported_tcb.bootloader += 1, Chip("reported bootloader")),
        (|e| e.report.reported_tcb.tee += 1, Chip("reported TEE")),
        (|e| e.report.reported_tcb.snp += 1, Chip("reported SNP firmware")),
        (|e| e.report.reported_tcb.microcode += 1, Chip("reported microcode")),
        (|e| e.report.committed_tcb.bootloader += 1, old),
        (|e| e.report.current_tcb.tee -= 1, old),
        (|e| e.report.committed_tcb.snp += 1, old),
        (|e| e.report.current_tcb.microcode -= 1, old),
    ];
    let vcek = MILAN.authority.vcek(&Evidence::new(Made::Milan, 5).vcek);
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        let mut made = Evidence::new(Made::Milan, 5);
        change(&mut made);
        let found = verify(&made.signed(), &vcek, &MILAN.rules(), NOW);
        assert_eq!(found, Err(expected), "change {number}");
    }
    check(Made::Turin, |e| e.report.reported_tcb.fmc += 1, Chip("reported FMC"));
    check(Made::Turin, |e| e.report.chip_id[7] ^= 1, chip);
    check(Made::Turin, |e| e.report.chip_id[8] ^= 1, chip);
}

/// What a certificate must not say, although the ASK signed it.
#[test]
fn certificates_are_refused() {
    use QuoteError::{Chain, Chip, Dates, Format, Unsupported};
    let changes: [(Change, QuoteError); 22] = [
        (|e| e.vcek.set(CHIP_ID, vec![6; 64]), Chip("chip id of the SNP report")),
        (|e| e.vcek.set(CHIP_ID, vec![5; 8]), Format("chip id of the VCEK")),
        (|e| e.vcek.set(CHIP_ID, vec![]), Format("chip id of the VCEK")),
        (|e| drop(e.vcek.extensions.pop()), Format("chip id of the VCEK")),
        (|e| e.vcek.set(BOOTLOADER, number(1)), Chip("reported bootloader")),
        (|e| e.vcek.set(TEE, number(1)), Chip("reported TEE")),
        (|e| e.vcek.set(SNP, number(1)), Chip("reported SNP firmware")),
        (|e| e.vcek.set(MICROCODE, number(1)), Chip("reported microcode")),
        (|e| e.vcek.set(BOOTLOADER, vec![2, 2, 1, 9]), Format("bootloader of the VCEK")),
        (|e| e.vcek.set(TEE, vec![2]), Format("TEE of the VCEK")),
        (|e| e.vcek.set(SNP, text("23")), Format("SNP firmware of the VCEK")),
        (|e| e.vcek.set(MICROCODE, vec![2, 1, 0xd5]), Format("microcode of the VCEK")),
        (|e| e.vcek.extensions.push((SNP, number(23))), Format("repeated extension of the VCEK")),
        (|e| e.vcek.set(PRODUCT_NAME, text("Genoa-B1")), Chip("product of the SNP report")),
        (|e| e.vcek.set(PRODUCT_NAME, text("Milano")), Unsupported("product of the VCEK")),
        (|e| e.vcek.set(PRODUCT_NAME, number(1)), Format("product name of the VCEK")),
        (|e| e.vcek.set(CUSTOMER, text("CN=cloud")), Unsupported("VLEK certificate")),
        (|e| e.vcek.dates = [NOW + 1, VALID_UNTIL], Dates("VCEK")),
        (|e| e.vcek.dates = [VALID_FROM, NOW - 1], Dates("VCEK")),
        (|e| e.vcek.issuer = "SEV-Genoa".into(), Chain("VCEK")),
        (|e| e.vcek.issuer = "SEV-VLEK-Milan".into(), Chain("VCEK")),
        (|e| e.vcek.extensions.clear(), Format("product name of the VCEK")),
    ];
    for (change, expected) in changes {
        check(Made::Milan, change, expected);
    }
    check(Made::Turin, |e| e.vcek.set(FMC, number(9)), Chip("reported FMC"));
    check(Made::Turin, |e| e.vcek.set(FMC, vec![]), Format("FMC of the VCEK"));
    check(Made::Turin, |e| e.vcek.set(CHIP_ID, vec![5; 64]), Format("chip id of the VCEK"));
}

/// One thing wrong with a VLEK or its ASVK at a time; an ASVK never vouches for a chip.
#[test]
fn vleks_are_refused() {
    use QuoteError::{Chain, Chip, Dates, Format, Unsupported};
    let authority = MILAN.authority;
    let asvk = authority.asvk();
    let refused = |change: Change, asvk: &[u8]| {
        let mut made = Evidence::cloud(Made::Milan, 5);
        change(&mut made);
        let rules = Rules { asvk: Some(asvk), ..MILAN.rules() };
        verify(&made.signed(), &authority.vlek(&made.vcek), &rules, NOW).unwrap_err()
    };
    let changes: [(Change, QuoteError); 6] = [
        (|e| e.report.key_info = 0, Unsupported("VLEK certificate")),
        (|e| drop(e.vcek.extensions.pop()), Unsupported("VCEK certificate")),
        (|e| e.vcek.issuer = "SEV-Milan".into(), Chain("VLEK")),
        (|e| e.vcek.dates = [VALID_FROM, NOW - 1], Dates("VLEK")),
        (|e| e.report.reported_tcb.snp += 1, Chip("reported SNP firmware")),
        (|e| e.report.policy |= 1 << 19, QuoteError::Debug("SNP guest policy")),
    ];
    for (change, expected) in changes {
        assert_eq!(refused(change, &asvk), expected);
    }
    let same: Change = |_| ();
    assert_eq!(refused(same, &MILAN.ask), Chain("VLEK"));
    let swapped = Authority { swapped: true, ..authority };
    assert_eq!(refused(same, &swapped.asvk()), Chain("ASVK"));
    let late = Authority { ask_dates: [VALID_FROM, NOW - 1], ..authority };
    assert_eq!(refused(same, &late.asvk()), Dates("ASVK"));
    assert_eq!(refused(same, b"no"), Format("ASVK"));
    let long = vec![0; CERTIFICATE_BYTES_MAX + 1];
    assert!(matches!(refused(same, &long), QuoteError::Size { field: "ASVK", .. }));
}

/// Another key's signature, another report's, and bytes that no signature covers.
#[test]
fn signatures_are_refused() {
    let made = Evidence::new(Made::Milan, 5);
    let vcek = MILAN.authority.vcek(&made.vcek);
    let refused = |report: &[u8]| verify(report, &vcek, &MILAN.rules(), NOW).unwrap_err();
    let signature = QuoteError::Signature("SNP report");

    assert_eq!(refused(&made.report.sign(&Evidence::new(Made::Milan, 6).vcek.key())), signature);
    let mut changed = made.clone();
    changed.report.report_data[0] ^= 1;
    let mut mixed = changed.signed();
    mixed[0x2a0..].copy_from_slice(&made.signed()[0x2a0..]);
    assert_eq!(refused(&mixed), signature);
    let mut zeros = made.signed();
    zeros[0x2a0..].fill(0);
    assert_eq!(refused(&zeros), signature);

    for at in [0x2d0, 0x2e7, 0x318, 0x32f, 0x330, 0x49f] {
        let mut more = made.signed();
        more[at] = 1;
        assert_eq!(refused(&more), QuoteError::Format("signature of the SNP report"), "byte {at}");
    }
}

/// Sizes are looked at before anything else.
#[test]
fn sizes_are_refused() {
    let made = Evidence::new(Made::Milan, 5);
    let (report, vcek) = (made.signed(), MILAN.authority.vcek(&made.vcek));
    for bytes in [0, REPORT_BYTES - 1, REPORT_BYTES + 1] {
        let mut report = report.clone();
        report.resize(bytes, 0);
        let expected = QuoteError::Size { field: "SNP report", bytes, max: REPORT_BYTES };
        assert_eq!(verify(&report, &vcek, &MILAN.rules(), NOW), Err(expected));
    }
    let long = vec![0; CERTIFICATE_BYTES_MAX + 1];
    let size = |field| QuoteError::Size { field, bytes: long.len(), max: CERTIFICATE_BYTES_MAX };
    let with = |vcek: &[u8], ark: &[u8], ask: &[u8]| {
        let rules = Rules { root: Root::Other { ark, ask }, ..AMD };
        verify(&report, vcek, &rules, NOW).unwrap_err()
    };
    assert_eq!(with(&long, &MILAN.ark, &MILAN.ask), size("VCEK certificate"));
    assert_eq!(with(&vcek, &long, &MILAN.ask), size("ARK"));
    assert_eq!(with(&vcek, &MILAN.ark, &long), size("ASK"));
    let more = [&vcek[..], &[0]].concat();
    let format = QuoteError::Format("VCEK certificate");
    assert_eq!(with(&more, &MILAN.ark, &MILAN.ask), format);
    assert_eq!(with(&[], &MILAN.ark, &MILAN.ask), format);
    assert_eq!(with(&vcek, &[], &MILAN.ask), QuoteError::Format("ARK"));
    assert_eq!(with(&vcek, &MILAN.ark, &[1]), QuoteError::Format("ASK"));
}

/// A chain breaks at the link that is wrong: other keys under the same names, other names, or other dates.
#[test]
fn chains_are_refused() {
    let made = Evidence::new(Made::Milan, 5);
    let (report, vcek) = (made.signed(), MILAN.authority.vcek(&made.vcek));
    let with = |vcek: &[u8], ark: &[u8], ask: &[u8], now| {
        let rules = Rules { root: Root::Other { ark, ask }, ..AMD };
        verify(&report, vcek, &rules, now).map(|_| ())
    };
    let other = Keys::new(Authority { swapped: true, ..MILAN.authority });
    let foreign = other.authority.vcek(&made.vcek);
    assert_eq!(with(&foreign, &other.ark, &other.ask, NOW), Ok(()));
    assert_eq!(with(&vcek, &other.ark, &other.ask, NOW), Err(QuoteError::Chain("VCEK")));
    assert_eq!(with(&foreign, &MILAN.ark, &MILAN.ask, NOW), Err(QuoteError::Chain("VCEK")));
    assert_eq!(with(&vcek, &other.ark, &MILAN.ask, NOW), Err(QuoteError::Chain("ASK")));
    assert_eq!(with(&vcek, &GENOA.ark, &MILAN.ask, NOW), Err(QuoteError::Chain("ASK")));
    assert_eq!(with(&vcek, &MILAN.ask, &MILAN.ask, NOW), Err(QuoteError::Chain("ARK")));
    assert_eq!(with(&vcek, &MILAN.ark, &GENOA.ask, NOW), Err(QuoteError::Chain("ASK")));
    assert_eq!(with(&vcek, &vcek, &MILAN.ask, NOW), Err(QuoteError::Chain("ARK")));

    // The algorithm beside the signature is not signed; it must repeat the one inside.
    let mut unsigned = Certificate::from_der(&vcek).unwrap();
    unsigned.signature_algorithm.parameters = None;
    let unsigned = unsigned.to_der().unwrap();
    assert_eq!(with(&unsigned, &MILAN.ark, &MILAN.ask, NOW), Err(QuoteError::Chain("VCEK")));

    for dates in [[NOW + 1, VALID_UNTIL], [VALID_FROM, NOW - 1]] {
        let ark = Authority { ark_dates: dates, ..MILAN.authority }.ark();
        let ask = Authority { ask_dates: dates, ..MILAN.authority }.ask();
        assert_eq!(with(&vcek, &ark, &MILAN.ask, NOW), Err(QuoteError::Dates("ARK")));
        assert_eq!(with(&vcek, &MILAN.ark, &ask, NOW), Err(QuoteError::Dates("ASK")));
    }
    for now in [0, VALID_FROM - 1, VALID_UNTIL + 1, u64::MAX] {
        let found = with(&vcek, &MILAN.ark, &MILAN.ask, now);
        assert_eq!(found, Err(QuoteError::Dates("ARK")), "{now}");
    }
}

/// Under AMD's keys nothing of the test PKI holds, although every name is AMD's.
#[test]
fn amd_refuses_the_test_pki() {
    for product in PRODUCTS {
        let made = Evidence::new(product, 5);
        for swapped in [false, true] {
            let vcek = Authority { swapped, ..keys(product).authority }.vcek(&made.vcek);
            let found = verify(&made.signed(), &vcek, &AMD, NOW);
            assert_eq!(found, Err(QuoteError::Chain("VCEK")), "{product:?}");
        }
    }
}

/// Every part of the firmware has its minimum, each product its own, and a product without one is refused.
#[test]
fn minima_are_kept() {
    for product in PRODUCTS {
        let keys = keys(product);
        let made = Evidence::new(product, 5);
        let (report, vcek) = (made.signed(), keys.authority.vcek(&made.vcek));
        let with = |tcb: Option<Tcb>| {
            let minimum = match product {
                Made::Milan => Minimum { milan: tcb, ..ANY },
                Made::Genoa => Minimum { genoa: tcb, ..ANY },
                Made::Turin => Minimum { turin: tcb, ..ANY },
            };
            verify(&report, &vcek, &Rules { minimum, ..keys.rules() }, NOW)
        };
        let exact = with(Some(OLDEST)).unwrap().reported_tcb;
        with(Some(exact)).unwrap();
        assert_eq!(with(None), Err(QuoteError::Forbidden("product of the SNP chip")));
        for (tcb, part) in [
            (Tcb { fmc: exact.fmc + 1, ..exact }, "reported FMC"),
            (Tcb { bootloader: exact.bootloader + 1, ..OLDEST }, "reported bootloader"),
            (Tcb { tee: exact.tee + 1, ..OLDEST }, "reported TEE"),
            (Tcb { snp: exact.snp + 1, ..OLDEST }, "reported SNP firmware"),
            (Tcb { microcode: exact.microcode + 1, ..OLDEST }, "reported microcode"),
        ] {
            assert_eq!(with(Some(tcb)), Err(QuoteError::Tcb(part)), "{product:?}");
        }
    }
    let made = Evidence::new(Made::Milan, 5);
    let vcek = MILAN.authority.vcek(&made.vcek);
    let found =
        verify(&made.signed(), &vcek, &Rules { root: MILAN.rules().root, ..Rules::default() }, NOW);
    assert_eq!(found, Err(QuoteError::Forbidden("product of the SNP chip")));
}

/// A minimum goes into digests product by product, and comes back from JSON; names that nobody knows are refused.
#[test]
fn minima_have_one_form() {
    let milan = Tcb { fmc: 0, bootloader: 4, tee: 0, snp: 24, microcode: 219 };
    let turin = Tcb { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 5 };
    let minimum = Minimum { milan: Some(milan), genoa: None, turin: Some(turin) };
    let bytes = [1, 0, 4, 0, 24, 219, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5];
    assert_eq!(minimum.to_bytes(), bytes);
    assert_eq!(Minimum::default().to_bytes(), [0; 18]);
    assert_ne!(ANY.to_bytes(), [0; 18]);

    let json = serde_json::to_string(&minimum).unwrap();
    let read = |json: &str| serde_json::from_str::<Minimum>(json).ok();
    assert_eq!(read(&json), Some(minimum));
    assert_eq!(read("{}"), Some(Minimum::default()));
    for (known, unknown) in [("turin", "naples"), ("tee", "tea"), ("219", "256")] {
        assert_eq!(read(&json.replacen(known, unknown, 1)), None, "{unknown}");
    }
}
