use std::sync::LazyLock;

use prag_pki::tdx::{Evidence, Format, Tdx};
use proptest::prelude::*;

use super::*;

static TD15: LazyLock<Evidence> =
    LazyLock::new(|| Tdx { format: Format::V5Td15, ..Tdx::new(3) }.build());

/// One changed bit in anything signed is refused; elsewhere it changes nothing that is claimed.
#[test]
fn every_flipped_byte_is_refused_or_idle() {
    let (quote, collateral) = sample("tdx_quote");
    let real = (quote, collateral, JULY_2025);
    let made = Tdx::new(3);
    let root = made.build().root;
    let made = [Format::V4, Format::V5Td15].map(|format| {
        let made = Tdx { format, ..made.clone() }.build();
        (made.quote, made.collateral, made.now)
    });
    for (i, (quote, collateral, now)) in made.into_iter().chain([real]).enumerate() {
        let root = if i < 2 { Root::Other(&root) } else { Root::Intel };
        let rules = Rules { root, accept: &[] };
        let honest = verify(&quote, &collateral, &rules, now).unwrap();
        let body = if honest.td.version == 4 { 48 + 584 } else { 54 + 648 };
        // Length; signature and key; type and length; QE report, its signature; length and data.
        let key = body + 4 + 128;
        let signed = key + 6 + 384 + 64 + 2 + 32;
        for at in (0..signed).chain((signed..quote.len()).step_by(11)) {
            let mut forged = quote.clone();
            forged[at] ^= 1 << (at % 8);
            let result = verify(&forged, &collateral, &rules, now);
            // Lengths and the outer type bind nothing.
            if at < signed && !(body..body + 4).contains(&at) && !(key..key + 6).contains(&at) {
                assert!(result.is_err(), "byte {at} of {i}");
            }
            assert!(result.is_err() || result.as_ref() == Ok(&honest), "byte {at} of {i}");
        }
        for at in (0..collateral.len()).step_by(41) {
            let mut forged = collateral.clone();
            forged[at] ^= 1 << (at % 7);
            let result = verify(&quote, &forged, &rules, now);
            assert!(result.is_err() || result.as_ref() == Ok(&honest), "collateral {at} of {i}");
        }
    }
}

/// Bounds come first, and nothing within them is refused for its size.
#[test]
fn bounds_come_first() {
    let made = Tdx::new(3).build();
    let rules = Rules { root: Root::Other(&made.root), accept: &[] };
    let padded = |n| [&made.quote[..], &vec![0; n - made.quote.len()]].concat();
    let at = |n| verify(&padded(n), &made.collateral, &rules, made.now);
    assert!(at(QUOTE_BYTES_MAX).is_ok(), "hosts pad");
    let (field, max) = ("TDX quote", QUOTE_BYTES_MAX);
    assert_eq!(at(max + 1), Err(QuoteError::Size { field, bytes: max + 1, max }));
    assert_eq!(parse(&padded(max + 1)), Err(QuoteError::Size { field, bytes: max + 1, max }));

    let spaced = |n| [&made.collateral[..], &vec![b' '; n - made.collateral.len()]].concat();
    let at = |n| verify(&made.quote, &spaced(n), &rules, made.now);
    assert!(at(COLLATERAL_BYTES_MAX).is_ok());
    let (field, max) = ("TDX collateral", COLLATERAL_BYTES_MAX);
    assert_eq!(at(max + 1), Err(QuoteError::Size { field, bytes: max + 1, max }));
    let none = verify(&made.quote, b"{}", &rules, made.now);
    assert_eq!(none, Err(QuoteError::Format("TDX collateral")));
}

/// The header decides what is read at all.
#[test]
fn foreign_headers_are_refused() {
    let made = Tdx { format: Format::V5Td10, ..Tdx::new(3) }.build();
    let with = |at: usize, byte: u8| {
        let mut quote = made.quote.clone();
        quote[at] = byte;
        parse(&quote)
    };
    assert_eq!(with(0, 3), Err(QuoteError::Unsupported("SGX quote")));
    assert_eq!(with(4, 0), Err(QuoteError::Unsupported("SGX quote")));
    assert_eq!(with(4, 1), Err(QuoteError::Unsupported("TEE type of the quote")));
    assert_eq!(with(0, 6), Err(QuoteError::Unsupported("quote version")));
    assert_eq!(with(50, 0), Err(QuoteError::Format("TDX quote")), "body of another size");
    assert_eq!(parse(&[]), Err(QuoteError::Format("TDX quote")));
    assert_eq!(parse(&made.quote[..48]), Err(QuoteError::Format("TDX quote")));

    // Body type 1, an SGX report, in a quote that calls itself TDX.
    let mut enclave = made.quote.clone();
    enclave[48..54].copy_from_slice(&[1, 0, 0x80, 1, 0, 0]);
    enclave.drain(54..54 + 584 - 384);
    assert_eq!(parse(&enclave), Err(QuoteError::Unsupported("SGX body")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Cut, lengthened and changed in several places at once: never a panic, never another claim.
    #[test]
    fn mutations_never_change_a_claim(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..64),
        which in any::<bool>(),
    ) {
        let made = TD15.clone();
        let rules = Rules { root: Root::Other(&made.root), accept: &[] };
        let honest = verify(&made.quote, &made.collateral, &rules, made.now).unwrap();
        let (mut quote, mut collateral) = (made.quote, made.collateral);
        let target = if which { &mut quote } else { &mut collateral };
        for (at, mask) in flips {
            let at = at.index(target.len());
            target[at] ^= mask;
        }
        if let Some(cut) = cut {
            target.truncate(cut.index(target.len()));
        }
        target.extend(more);
        let _ = (parse(&quote), platform(&quote));
        if let Ok(claims) = verify(&quote, &collateral, &rules, made.now) {
            prop_assert_eq!(claims, honest);
        }
    }

    /// Noise is refused without a panic.
    #[test]
    fn noise_is_refused(quote in prop::collection::vec(any::<u8>(), 0..2000), json in ".{0,200}") {
        prop_assert!(verify(&quote, json.as_bytes(), &Rules::default(), JULY_2025).is_err());
        prop_assert!(platform(&quote).is_err());
    }
}
