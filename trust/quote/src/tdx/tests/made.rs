use prag_pki::tdx::{Cert, DAY, Evidence, Format, Signed, Tdx};

use super::*;

type Change = fn(&mut Tdx);

fn check(made: &Evidence, accept: &[TcbStatus]) -> Result<TdxClaims, QuoteError> {
    let rules = Rules { root: Root::Other(&made.root), accept };
    verify(&made.quote, &made.collateral, &rules, made.now)
}

fn with(change: impl FnOnce(&mut Tdx)) -> Tdx {
    let mut tdx = Tdx::new(1);
    change(&mut tdx);
    tdx
}

fn refused(change: impl FnOnce(&mut Tdx)) -> QuoteError {
    check(&with(change).build(), &[]).unwrap_err()
}

/// Every kind of quote holds under its root, and the claims are the fields that were signed.
#[test]
fn claims_are_what_was_signed() {
    for format in [Format::V4, Format::V5Td10, Format::V5Td15] {
        let tdx = with(|t| t.format = format);
        let claims = check(&tdx.build(), &[]).unwrap();
        assert_eq!(claims.td.version, if format == Format::V4 { 4 } else { 5 });
        assert_eq!(claims.td.mr_td, tdx.td.mr_td);
        assert_eq!(claims.td.rtmr, tdx.td.rtmr);
        assert_eq!(claims.td.mr_config_id, tdx.td.mr_config_id);
        assert_eq!(claims.td.mr_owner, tdx.td.mr_owner);
        assert_eq!(claims.td.mr_owner_config, tdx.td.mr_owner_config);
        assert_eq!(claims.td.mr_seam, tdx.td.mr_seam);
        assert_eq!(claims.td.mr_service_td, (format == Format::V5Td15).then_some([0; 48]));
        assert_eq!(claims.td.td_attributes, tdx.td.attributes);
        assert_eq!(claims.td.xfam, tdx.td.xfam);
        assert_eq!(claims.td.report_data, tdx.td.report_data);
        assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
        assert_eq!(claims.fmspc, tdx.platform.fmspc);
        assert_eq!(platform(&tdx.build().quote), Ok((tdx.platform.fmspc, "platform")));
        assert_eq!(claims.pck_id, tdx.platform.ppid);
        let read = parse(&tdx.build().quote).unwrap();
        assert_eq!((read.td.mr_td, read.td.rtmr), (claims.td.mr_td, claims.td.rtmr));
    }
}

/// Another measurement, another nonce: another claim, each in its own field.
#[test]
fn each_field_reaches_its_claim() {
    let plain = check(&Tdx::new(1).build(), &[]).unwrap();
    let changed = |change: Change| check(&with(change).build(), &[]).unwrap();
    assert_eq!(changed(|_| ()), plain, "deterministic");
    let td = changed(|t| t.td.mr_td[0] ^= 1);
    assert_eq!(
        (td.td.mr_td[1..] == plain.td.mr_td[1..], td.td.mr_td == plain.td.mr_td),
        (true, false)
    );
    assert_eq!(changed(|t| t.td.report_data[63] = 9).td.report_data[63], 9);
    assert_eq!(changed(|t| t.td.rtmr[3] = [3; 48]).td.rtmr[3], [3; 48]);
    assert_eq!(changed(|t| t.td.mr_config_id = [4; 48]).td.mr_config_id, [4; 48]);
    assert_eq!(changed(|t| t.td.mr_owner = [5; 48]).td.mr_owner, [5; 48]);
    assert_eq!(changed(|t| t.td.mr_owner_config = [6; 48]).td.mr_owner_config, [6; 48]);
}

/// A guest that the host can read or move is refused, by attribute.
#[test]
fn attributes_are_checked() {
    assert_eq!(refused(|t| t.td.attributes[0] |= 1), QuoteError::Debug("TD"));
    assert_eq!(refused(|t| t.td.attributes[0] |= 1 << 4), QuoteError::Debug("TD profiling"));
    let reserved = QuoteError::Forbidden("reserved TD attribute");
    for bit in [1, 2, 3, 7, 8, 15, 23, 26, 32, 61] {
        assert_eq!(refused(|t| t.td.attributes[bit / 8] |= 1 << (bit % 8)), reserved, "{bit}");
    }
    assert_eq!(refused(|t| t.td.attributes[3] |= 1 << 5), QuoteError::Forbidden("TD migration"));
    let service = QuoteError::Forbidden("service TD attribute");
    assert_eq!(refused(|t| t.td.attributes[2] |= 1 << 1), service);
    let exceptions = QuoteError::Forbidden("TD without SEPT_VE_DISABLE");
    assert_eq!(refused(|t| t.td.attributes[3] = 0), exceptions);
    let bound = refused(|t| {
        t.format = Format::V5Td15;
        t.td.mr_service_td[0] = 1;
    });
    assert_eq!(bound, QuoteError::Forbidden("service TD"));
}

/// Only named statuses pass, and a revoked one never.
#[test]
fn statuses_pass_only_if_named() {
    let below = QuoteError::Tcb("TCB status of the TDX platform");
    let old: [(Change, TcbStatus, &[&str]); 6] = [
        (|t| t.platform.pce_svn = 8, TcbStatus::SwHardeningNeeded, &["INTEL-SA-00001"]),
        (|t| t.platform.pce_svn = 5, TcbStatus::OutOfDate, &["INTEL-SA-00002"]),
        (|t| t.td.tee_tcb_svn[0] = 3, TcbStatus::OutOfDate, &[]),
        (|t| t.qe.svn = 3, TcbStatus::OutOfDate, &[]),
        (|t| t.tcb.levels[0].status = "ConfigurationNeeded", TcbStatus::ConfigurationNeeded, &[]),
        (
            |t| {
                t.tcb.levels[0].status = "ConfigurationAndSWHardeningNeeded";
                t.qe.svn = 3;
            },
            TcbStatus::OutOfDateConfigurationNeeded,
            &[],
        ),
    ];
    for (change, status, advisories) in old {
        let made = with(change).build();
        assert_eq!(check(&made, &[]), Err(below), "{status:?}");
        let others: Vec<_> = EVERY.iter().copied().filter(|s| *s != status).collect();
        assert_eq!(check(&made, &others), Err(below), "{status:?}");
        let claims = check(&made, &[status]).unwrap();
        assert_eq!(claims.tcb_status, status);
        assert_eq!(claims.advisories, advisories);
    }

    let revoked = QuoteError::Revoked("the TDX platform's TCB");
    let by_level = with(|t| t.platform.pce_svn = 3).build();
    let by_module = with(|t| t.tcb.modules[0].1[0].1 = "Revoked").build();
    let by_qe = with(|t| t.qe_identity.levels[0].1 = "Revoked").build();
    for made in [by_level, by_module, by_qe] {
        assert_eq!(check(&made, EVERY), Err(revoked));
    }
    let unknown = check(&with(|t| t.platform.pce_svn = 1).build(), EVERY);
    assert_eq!(unknown, Err(QuoteError::Tcb("TDX platform")));
}

/// Of a TD 1.5 both the launched and the running module count.
#[test]
fn running_module_counts_too() {
    let td15 = |launched, running| {
        with(|t| {
            t.format = Format::V5Td15;
            t.td.tee_tcb_svn[0] = launched;
            t.td.tee_tcb_svn2[0] = running;
        })
        .build()
    };
    let below = QuoteError::Tcb("TCB status of the TDX platform");
    assert!(check(&td15(5, 5), &[]).is_ok());
    assert_eq!(check(&td15(5, 3), &[]), Err(below));
    assert_eq!(check(&td15(3, 5), &[TcbStatus::OutOfDate]), Err(below));
    let claims = check(&td15(3, 5), &[TcbStatus::RelaunchAdvised]).unwrap();
    assert_eq!(claims.tcb_status, TcbStatus::RelaunchAdvised);
}

/// Module, quoting enclave and collateral must be of one kind and one platform.
#[test]
fn platform_and_enclave_are_checked() {
    let cases: [(Change, QuoteError); 15] = [
        (|t| t.td.tee_tcb_svn[0] = 1, QuoteError::Tcb("TDX module")),
        (|t| t.td.tee_tcb_svn[1] = 9, QuoteError::Tcb("TDX module's version")),
        (|t| t.td.mr_signer_seam[0] = 1, QuoteError::Forbidden("TDX module's signer")),
        (|t| t.td.seam_attributes[0] = 1, QuoteError::Forbidden("TDX module's attributes")),
        (|t| t.tcb.fmspc[0] ^= 1, QuoteError::Chip("FMSPC of the TCB info")),
        (|t| t.tcb.pce_id[0] ^= 1, QuoteError::Chip("PCE id of the TCB info")),
        (|t| t.tcb.id = "SGX", QuoteError::Unsupported("TCB info that is not for TDX")),
        (|t| t.qe_identity.id = "QE", QuoteError::Unsupported("QE identity")),
        (|t| t.qe.vendor[0] ^= 1, QuoteError::Unsupported("QE vendor")),
        (|t| t.qe.mr_signer[0] ^= 1, QuoteError::Forbidden("quoting enclave's signer")),
        (|t| t.qe.product = 1, QuoteError::Forbidden("quoting enclave's product")),
        (|t| t.qe.misc_select = 1, QuoteError::Forbidden("quoting enclave's MISCSELECT")),
        (|t| t.qe.attributes[0] = 1, QuoteError::Forbidden("quoting enclave's attributes")),
        (|t| t.qe.attributes[0] |= 2, QuoteError::Debug("quoting enclave")),
        (|t| t.qe.svn = 1, QuoteError::Tcb("quoting enclave")),
    ];
    for (change, error) in cases {
        assert_eq!(refused(change), error);
    }
    // What clouds are: multi-package, hyperthreaded, with keys kept by Intel. No ground for refusal.
    let cloud = with(|t| (t.platform.cached_keys, t.platform.smt) = (true, true)).build();
    assert!(check(&cloud, &[]).is_ok());
}

/// Each signature by a stranger's key is refused, and most say whose it was.
#[test]
fn forged_signatures_are_refused() {
    let cases = [
        (Signed::PlatformCa, QuoteError::Signature("TDX certificate")),
        (Signed::Pck, QuoteError::Signature("TDX certificate")),
        (Signed::TcbSigner, QuoteError::Signature("TDX certificate")),
        (Signed::RootCrl, QuoteError::Chain("TDX root CRL")),
        (Signed::PckCrl, QuoteError::Signature("PCK CRL")),
        (Signed::TcbInfo, QuoteError::Signature("TCB info")),
        (Signed::QeIdentity, QuoteError::Signature("QE identity")),
        (Signed::QeReport, QuoteError::Signature("QE report")),
        (Signed::AttestationKey, QuoteError::Signature("attestation key")),
        (Signed::Quote, QuoteError::Signature("TD report")),
    ];
    for (what, error) in cases {
        assert_eq!(refused(|t| t.forged = Some(what)), error, "{what:?}");
    }
}

/// Whatever a CRL lists is refused.
#[test]
fn revoked_certificates_are_refused() {
    for cert in [Cert::PlatformCa, Cert::Pck, Cert::TcbSigner] {
        let error = refused(|t| t.revoked = vec![cert]);
        assert_eq!(error, QuoteError::Revoked("TDX certificate"), "{cert:?}");
    }
    assert_eq!(refused(|t| t.revoked = vec![Cert::Root]), QuoteError::Revoked("TDX root"));
}

/// Everything with dates is refused a second before and a second after them.
#[test]
fn dates_are_checked_on_both_sides() {
    type Pick = fn(&mut Tdx) -> &mut prag_pki::tdx::Window;
    let cases: [(Pick, &str, &str); 8] = [
        (|t| &mut t.dates.tcb_info, "TCB info", "TCB info"),
        (|t| &mut t.dates.qe_identity, "QE identity", "QE identity"),
        (|t| &mut t.dates.pck, "TDX certificate", "TDX certificate"),
        (|t| &mut t.dates.platform_ca, "TDX certificate", "TDX certificate"),
        (|t| &mut t.dates.tcb_signer, "TDX certificate", "TDX certificate"),
        (|t| &mut t.dates.root, "TDX collateral", "TDX collateral"),
        (|t| &mut t.dates.root_crl, "TDX collateral", "TDX CRL"),
        (|t| &mut t.dates.pck_crl, "TDX collateral", "TDX CRL"),
    ];
    let now = Tdx::new(1).now;
    for (pick, early, late) in cases {
        let last = with(|t| pick(t).from = now).build();
        assert!(check(&last, &[]).is_ok(), "{early} from now");
        // A CRL ends before its last second, the others with it.
        let last = with(|t| pick(t).to = now + u64::from(late == "TDX CRL")).build();
        assert!(check(&last, &[]).is_ok(), "{late} to now");
        let error = refused(|t| pick(t).from = now + 1);
        assert!(matches!(error, QuoteError::Dates(what) if what == early), "{early}: {error}");
        let error = refused(|t| pick(t).to = now - 1);
        assert!(matches!(error, QuoteError::Dates(what) if what == late), "{late}: {error}");
    }
    let made = Tdx::new(1).build();
    let rules = Rules { root: Root::Other(&made.root), accept: &[] };
    let later = verify(&made.quote, &made.collateral, &rules, made.now + 60 * DAY);
    assert!(matches!(later, Err(QuoteError::Dates(_))));
}

/// Another root, Intel's first of all, refuses what this one signed; so does one that is none.
#[test]
fn other_roots_refuse() {
    for format in [Format::V4, Format::V5Td10, Format::V5Td15] {
        let made = with(|t| t.format = format).build();
        let other = Tdx::new(2).build();
        for root in [Root::Intel, Root::Other(&other.root)] {
            let refused =
                verify(&made.quote, &made.collateral, &Rules { root, accept: EVERY }, made.now);
            assert_eq!(refused, Err(QuoteError::Chain("TDX root CRL")));
        }
    }
    let made = Tdx::new(1).build();
    let under = |root: &[u8]| {
        let rules = Rules { root: Root::Other(root), accept: &[] };
        verify(&made.quote, &made.collateral, &rules, made.now)
    };
    assert!(under(&made.root).is_ok());
    assert_eq!(under(b"no certificate"), Err(QuoteError::Format("TDX root")));
    assert!(matches!(under(&[0x30; 5000]), Err(QuoteError::Size { field: "TDX root", .. })));
    let mut named = made.root.clone();
    let at = named.windows(4).rposition(|w| w == b"PRAG").unwrap();
    named[at] = b'C';
    assert_eq!(under(&named), Err(QuoteError::Chain("TDX root")));
}

/// A chain with a gap, and a signer that the root did not name, are refused.
#[test]
fn broken_chains_are_refused() {
    let made = Tdx::new(1).build();
    let text = String::from_utf8_lossy(&made.quote).into_owned();
    let chain = &text[text.find("-----BEGIN").unwrap()..];
    let end = "-----END CERTIFICATE-----\n";
    let certs: Vec<String> = chain.split_inclusive(end).map(str::to_owned).collect();
    assert_eq!(certs.len(), 3);
    let changed = |field: &str, value: String| {
        let mut json: serde_json::Value = serde_json::from_slice(&made.collateral).unwrap();
        json[field] = value.into();
        check(&Evidence { collateral: json.to_string().into_bytes(), ..made.clone() }, &[])
    };
    assert!(changed("pck_certificate_chain", chain.to_owned()).is_ok());
    let gap = changed("pck_certificate_chain", format!("{}{}", certs[0], certs[2]));
    assert_eq!(gap, Err(QuoteError::Chain("TDX certificate")));
    let none = changed("pck_certificate_chain", String::new());
    assert_eq!(none, Err(QuoteError::Chain("PCK certificate")));
    let long = changed("pck_certificate_chain", format!("{}{}", certs[0], certs[1].repeat(5)));
    assert_eq!(long, Err(QuoteError::Forbidden("long TDX certificate chain")));
    let below = changed("tcb_info_issuer_chain", chain.to_owned());
    assert_eq!(below, Err(QuoteError::Chain("TCB info")));
    let none = changed("tcb_info_issuer_chain", String::new());
    assert_eq!(none, Err(QuoteError::Chain("TCB info")));
    let below = changed("qe_identity_issuer_chain", chain.to_owned());
    assert_eq!(below, Err(QuoteError::Chain("QE identity")));
}
