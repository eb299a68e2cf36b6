#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

struct Made {
    report: Vec<u8>,
    pem: Vec<u8>,
    der: Vec<u8>,
    root: Vec<u8>,
    now: u64,
    claims: GpuClaims,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let gpu = Gpu::new(3);
    let evidence = gpu.build();
    let (pem, der) = (evidence.pem(), evidence.der());
    let claims = check(&gpu).unwrap();
    Made { report: evidence.report, pem, der, root: evidence.root, now: gpu.now, claims }
});

/// Flip a bit, cut, put bytes in, or repeat a part.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Set(usize, u8),
    Cut(usize, usize),
    Put(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<usize>(), 1..200usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(at, bytes)| Change::Put(at, bytes)),
        (any::<usize>(), 1..200usize).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn apply(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        if bytes.is_empty() {
            return;
        }
        let place = |at: usize| at % bytes.len();
        let range = |at: usize, length: usize| place(at)..(place(at) + length).min(bytes.len());
        match change {
            Change::Flip(at, bit) => {
                let at = place(*at);
                bytes[at] ^= 1 << bit;
            }
            Change::Set(at, byte) => {
                let at = place(*at);
                bytes[at] = *byte;
            }
            Change::Cut(at, length) => {
                bytes.drain(range(*at, *length));
            }
            Change::Put(at, new) => {
                let at = place(*at);
                bytes.splice(at..at, new.iter().copied());
            }
            Change::Repeat(at, length) => {
                let part = bytes[range(*at, *length)].to_vec();
                let at = place(*at);
                bytes.splice(at..at, part);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// Changed evidence does not panic, and where it still holds, it says the same.
    #[test]
    fn changed_evidence_says_nothing_new(
        report in proptest::collection::vec(change(), 0..3),
        chain in proptest::collection::vec(change(), 0..3),
        der: bool,
    ) {
        let made = &*MADE;
        let (mut changed, mut certificates) =
            (made.report.clone(), if der { made.der.clone() } else { made.pem.clone() });
        apply(&mut changed, &report);
        apply(&mut certificates, &chain);
        let root = Root::Other(&made.root);
        let fingerprint = fingerprint(&certificates);
        if let Ok(claims) = verify(&changed, &certificates, &[7; 32], root, made.now) {
            prop_assert_eq!(&claims, &made.claims);
            prop_assert_eq!(&changed, &made.report);
            prop_assert_eq!(fingerprint, Ok(claims.certificate_sha256));
        }
    }

    /// Any bytes at all, also as a root.
    #[test]
    fn any_bytes_are_refused(
        report in proptest::collection::vec(any::<u8>(), 0..600),
        chain in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        prop_assert!(verify(&report, &chain, &[7; 32], Root::Nvidia, 0).is_err());
        prop_assert!(verify(&MADE.report, &chain, &[7; 32], Root::Nvidia, MADE.now).is_err());
        let root = Root::Other(&chain);
        prop_assert!(verify(&MADE.report, &MADE.pem, &[7; 32], root, MADE.now).is_err());
    }
}

/// Every length that is too short, and one that is too long.
#[test]
fn cut_reports_are_refused() {
    let made = &*MADE;
    let root = || Root::Other(&made.root);
    for length in 0..made.report.len() {
        let cut = &made.report[..length];
        assert!(verify(cut, &made.pem, &[7; 32], root(), made.now).is_err(), "{length} bytes");
    }
    let long = [&made.report[..], &[0]].concat();
    assert!(verify(&long, &made.pem, &[7; 32], root(), made.now).is_err());
}
