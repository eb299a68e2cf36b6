#![allow(clippy::unwrap_used, clippy::panic)]

mod hostile;
mod made;

use prag_pki::real::{package, vector};

use super::*;

/// 2025-07-19T10:00:34Z, in the window of `tdx_quote`'s collateral.
const JULY_2025: u64 = 1_752_919_234;
/// 2026-11-06T00:00:00Z, in the window of `tdx_quote_td15ex`'s collateral.
const NOVEMBER_2026: u64 = 1_793_923_200;
/// 2026-03-01T00:00:00Z, in the window of `tdx_quote_outdated`'s collateral.
const MARCH_2026: u64 = 1_772_323_200;

/// `sample/` of `dcap-qvl`: quote and collateral of that name.
fn sample(name: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = package("dcap-qvl").unwrap().join("sample");
    let read = |name: String| std::fs::read(folder.join(name)).unwrap();
    (read(name.to_owned()), read(format!("{name}_collateral.json")))
}

/// A real host with TD 1.0 is believed in the window of its collateral, to the second, and not outside.
#[test]
fn real_quote_holds_within_its_dates() {
    let (quote, collateral) = sample("tdx_quote");
    let at = |now| verify(&quote, &collateral, &Rules::default(), now);
    let claims = at(JULY_2025).unwrap();
    assert_eq!(claims.td.version, 4);
    assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
    assert_eq!(claims.advisories, Vec::<String>::new());
    assert_eq!(claims.fmspc, [0xb0, 0xc0, 0x6f, 0, 0, 0]);
    assert_eq!(claims.td.mr_service_td, None);
    assert_eq!(claims.td.td_attributes, [0, 0, 0, 0x10, 0, 0, 0, 0]);

    let read = parse(&quote).unwrap();
    assert_eq!(claims.td.mr_td, read.td.mr_td);
    assert_eq!(claims.td.report_data, read.td.report_data);

    // The TCB info runs from 2025-06-19T10:16:03Z, the QE identity from 10:32:27; the other end is a CRL's.
    assert_eq!(at(1_750_328_162), Err(QuoteError::Dates("TCB info")));
    assert_eq!(at(1_750_329_146), Err(QuoteError::Dates("QE identity")));
    assert!(at(1_750_329_147).is_ok());
    for late in [JULY_2025 + 86_400, JULY_2025 + 10 * 365 * 86_400, u64::MAX] {
        assert!(matches!(at(late), Err(QuoteError::Dates(_))), "{late}: {:?}", at(late));
    }
    assert!(matches!(at(0), Err(QuoteError::Dates(_))));
}

/// A real host with TD 1.5 and the extended body is believed.
#[test]
fn real_td15_quote_holds() {
    let (quote, collateral) = sample("tdx_quote_td15ex");
    let claims = verify(&quote, &collateral, &Rules::default(), NOVEMBER_2026).unwrap();
    assert_eq!(claims.td.version, 5);
    assert_eq!(claims.tcb_status, TcbStatus::UpToDate);
    assert_eq!(claims.td.mr_service_td, Some([0; 48]));
    assert_eq!(claims.td.rtmr[3][..4], [0x55, 0x6d, 0x49, 0x86]);
}

/// A real host below every TCB level is refused, whatever the rules accept.
#[test]
fn real_outdated_quote_is_refused() {
    let (quote, collateral) = sample("tdx_quote_outdated");
    assert!(parse(&quote).is_ok());
    for accept in [&[][..], EVERY] {
        let rules = Rules { accept, ..Rules::default() };
        let refused = verify(&quote, &collateral, &rules, MARCH_2026);
        assert_eq!(refused, Err(QuoteError::Tcb("TDX platform")));
    }
}

/// An SGX quote is no TD, though its collateral and signatures are Intel's.
#[test]
fn sgx_quote_is_refused() {
    let (quote, collateral) = sample("sgx_quote");
    assert_eq!(parse(&quote), Err(QuoteError::Unsupported("SGX quote")));
    let refused = verify(&quote, &collateral, &Rules::default(), JULY_2025);
    assert_eq!(refused, Err(QuoteError::Unsupported("SGX quote")));
}

/// Another host's collateral does not serve.
#[test]
fn collateral_of_another_platform_is_refused() {
    let ((quote, _), (_, collateral)) = (sample("tdx_quote"), sample("tdx_quote_outdated"));
    let refused = verify(&quote, &collateral, &Rules::default(), MARCH_2026);
    assert_eq!(refused, Err(QuoteError::Chip("FMSPC of the TCB info")));
}

/// Both versions can be shown without collateral.
#[test]
fn vectors_parse() {
    if let Some(quote) = vector("tdx/trustee-quote-v4.bin") {
        let read = parse(&quote).unwrap();
        assert_eq!((read.td.version, read.td.mr_service_td), (4, None));
        assert_eq!(read.td.td_attributes[0] & 1, 1, "a debug TD, which only parses");
    }
    if let Some(quote) = vector("tdx/trustee-quote-v5.bin") {
        let read = parse(&quote).unwrap();
        assert_eq!(read.td.version, 5);
        assert!(read.td.mr_service_td.is_some_and(|hash| hash != [0; 48]), "only parses");
    }
}

const EVERY: &[TcbStatus] = &[
    TcbStatus::UpToDate,
    TcbStatus::SwHardeningNeeded,
    TcbStatus::ConfigurationNeeded,
    TcbStatus::ConfigurationAndSwHardeningNeeded,
    TcbStatus::OutOfDate,
    TcbStatus::OutOfDateConfigurationNeeded,
    TcbStatus::Revoked,
    TcbStatus::RelaunchAdvised,
    TcbStatus::RelaunchAdvisedConfigurationNeeded,
];
