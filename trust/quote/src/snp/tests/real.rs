//! Evidence of real chips. Reports and certificates are read from where they lie, never copied.

use super::*;
use prag_pki::real::{package, vector};
use sev::certs::snp::{Certificate as Pem, builtin};
use sha2::{Digest, Sha256};

/// A report, its VCEK in DER, and a moment within its dates.
struct Real {
    name: &'static str,
    report: Vec<u8>,
    vcek: Vec<u8>,
    now: u64,
}

impl Real {
    fn verify(&self, rules: &Rules<'_>) -> Result<SnpClaims, QuoteError> {
        verify(&self.report, &self.vcek, rules, self.now)
    }
}

fn trustee() -> Option<Real> {
    let (report, vcek) = (vector("snp/trustee-report.bin")?, vector("snp/trustee-vcek.der")?);
    Some(Real { name: "trustee", report, vcek, now: 1_700_000_000 })
}

fn dstack() -> Option<Real> {
    let report = vector("snp/dstack-attestation.bin")?[4..4 + REPORT_BYTES].to_vec();
    let vcek = Pem::from_pem(&vector("snp/dstack-vcek.pem")?).unwrap().to_der().unwrap();
    Some(Real { name: "dstack", report, vcek, now: 1_790_000_000 })
}

/// A file of crate `sev`'s tests.
fn sample(name: &str) -> Vec<u8> {
    let folder = package("sev").unwrap();
    std::fs::read(folder.join("tests/certs_data").join(name)).unwrap()
}

fn sev_milan() -> Real {
    let text = String::from_utf8(sample("report_milan.hex")).unwrap();
    let report = hex::decode(text.trim()).unwrap();
    Real { name: "sev", report, vcek: sample("vcek_milan.der"), now: 1_700_000_000 }
}

/// Reports of versions 2 and 3 hold under AMD's keys, and say what was put into them.
#[test]
fn genuine_reports_hold() {
    let mut all = vec![sev_milan()];
    all.extend([trustee(), dstack()].into_iter().flatten());
    for real in &all {
        let claims = real.verify(&AMD).unwrap_or_else(|error| panic!("{}: {error}", real.name));
        assert_eq!(claims.product, Product::Milan, "{}", real.name);
        assert_eq!(claims.report_data, real.report[0x50..0x90], "{}", real.name);
        assert_eq!(claims.measurement, real.report[0x90..0xc0], "{}", real.name);
    }
    for real in all.iter().filter(|real| real.name == "trustee") {
        let claims = real.verify(&AMD).unwrap();
        assert_eq!((claims.version, claims.guest_svn, claims.policy), (2, 4, 0x3_001f));
        let tcb = Tcb { fmc: 0, bootloader: 3, tee: 0, snp: 8, microcode: 0x73 };
        assert_eq!((claims.reported_tcb, claims.committed_tcb), (tcb, tcb));
        assert_eq!(claims.current_tcb, Tcb { microcode: 0xce, ..tcb });
        assert!(claims.platform().smt && !claims.platform().ecc);
    }
    for real in all.iter().filter(|real| real.name == "dstack") {
        let claims = real.verify(&AMD).unwrap();
        assert!(claims.report_data.starts_with(b"attest-test-fixture-2026"));
        assert_eq!(claims.version, 3);
    }
}

/// dstack's host runs old firmware: what AMD says of it holds, and a rule about firmware refuses it.
#[test]
fn old_firmware_is_refused() {
    let Some(host) = dstack() else { return };
    let exact = Tcb { fmc: 0, bootloader: 4, tee: 0, snp: 0x17, microcode: 0xd5 };
    let with = |milan| Rules { minimum: Minimum { milan, ..ANY }, ..AMD };
    assert_eq!(host.verify(&with(Some(exact))).unwrap().reported_tcb, exact);
    for (tcb, part) in [
        (Tcb { snp: 0x18, ..exact }, "reported SNP firmware"),
        (Tcb { microcode: 0xdb, ..exact }, "reported microcode"),
    ] {
        assert_eq!(host.verify(&with(Some(tcb))), Err(QuoteError::Tcb(part)));
    }
}

/// Every byte of a report counts, signed or not.
#[test]
fn a_flipped_byte_is_refused() {
    let mut real = sev_milan();
    for at in (0..REPORT_BYTES).step_by(31).chain([0, 0x29f, 0x2a0, 0x2d0, 0x330, 0x49f]) {
        real.report[at] ^= 1;
        assert!(real.verify(&AMD).is_err(), "byte {at}");
        real.report[at] ^= 1;
    }
    for at in (0..real.vcek.len()).step_by(61) {
        real.vcek[at] ^= 0x10;
        assert!(real.verify(&AMD).is_err(), "byte {at} of the certificate");
        real.vcek[at] ^= 0x10;
    }
    real.verify(&AMD).unwrap();
}

/// A certificate that another key signed, another chip's, and one before and after its dates.
#[test]
fn foreign_certificates_are_refused() {
    let (Some(genuine), Some(other)) = (trustee(), dstack()) else { return };
    for name in ["snp/trustee-vcek-invalid-legacy.der", "snp/trustee-vcek-invalid-new.der"] {
        let vcek = vector(name).unwrap();
        let found = verify(&genuine.report, &vcek, &AMD, genuine.now);
        assert_eq!(found, Err(QuoteError::Chain("VCEK")), "{name}");
    }
    let found = verify(&genuine.report, &other.vcek, &AMD, 1_790_000_000);
    assert_eq!(found, Err(QuoteError::Signature("SNP report")));
    for now in [1_674_582_705, 1_895_507_907] {
        let found = verify(&genuine.report, &genuine.vcek, &AMD, now);
        assert_eq!(found, Err(QuoteError::Dates("VCEK")), "{now}");
    }
}

/// A VLEK is refused by the report that names it and by its own certificate; with AMD's ASK in the place of the ASVK, too.
#[test]
fn a_vlek_is_refused_without_its_asvk() {
    let Some(genuine) = trustee() else { return };
    let read = |name: &str| vector(&format!("snp/{name}")).unwrap();
    let (report, vlek) = (read("trustee-vlek-report.bin"), read("trustee-vlek.der"));
    let rules = Rules { vmpl: 1, ..AMD };
    let found = verify(&report, &vlek, &rules, 1_740_000_000);
    assert_eq!(found, Err(QuoteError::Unsupported("SNP report signed by a VLEK")));
    let found = verify(&genuine.report, &vlek, &rules, 1_740_000_000);
    assert_eq!(found, Err(QuoteError::Unsupported("VLEK certificate")));

    let ask = builtin::milan::ask().unwrap().to_der().unwrap();
    let rules = Rules { asvk: Some(&ask), ..rules };
    let found = verify(&report, &vlek, &rules, 1_740_000_000);
    assert_eq!(found, Err(QuoteError::Chain("VLEK")));
    let found = verify(&report, &genuine.vcek, &rules, 1_740_000_000);
    assert_eq!(found, Err(QuoteError::Unsupported("VCEK certificate")));
}

/// Turin writes 8 bytes of chip id and a fifth firmware part; no report of one is at hand.
#[test]
fn a_turin_certificate_holds() {
    let vcek =
        certificate::endorsed(&sample("vcek_turin.der"), Signer::Chip, &AMD, TURIN_NOW).unwrap();
    assert_eq!(vcek.product, Product::Turin);
    assert_eq!(vcek.chip_id, hex::decode("1e550a8ee5cf9f4d").ok());
    assert_eq!(vcek.tcb, Tcb { fmc: 0, bootloader: 0, tee: 0, snp: 0, microcode: 9 });
}

/// The roots are these and no others, whatever a later version of `sev` brings along.
#[test]
fn the_roots_are_pinned() {
    let found = [
        builtin::milan::ark(),
        builtin::milan::ask(),
        builtin::genoa::ark(),
        builtin::genoa::ask(),
        builtin::turin::ark(),
        builtin::turin::ask(),
    ];
    let found = found.map(|key| hex::encode(Sha256::digest(key.unwrap().to_der().unwrap())));
    assert_eq!(found, PINNED);
}

const TURIN_NOW: u64 = 1_760_000_000;
const PINNED: [&str; 6] = [
    "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",
    "67d303bd3905fd38db8b20e0793699870e7fa612eaad5dec358293fd8c0bac1b",
    "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",
    "5464738c1546aed5f2cecf1dc98c5c960a92e8913238a61711bc90ec6e828521",
    "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",
    "5b77ef5fe7a7a004fd9032668fba9d0fda22f88c4442069a479636a6ae3b3185",
];
