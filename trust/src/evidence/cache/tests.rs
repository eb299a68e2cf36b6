//! A verdict is used again for the same bytes and policy, within its time, and never else.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::evidence::tests::{binding, policy};
use crate::evidence::{BindingPurpose, Roots};
use prag_pki::tdx::Tdx as MadeTdx;

fn made() -> MadeTdx {
    let mut made = MadeTdx::new(1);
    made.td.report_data = binding().report_data();
    made
}

fn evidence(made: &MadeTdx) -> Evidence {
    let made = made.build();
    Evidence::Tdx { quote: made.quote, collateral: made.collateral, gpu: None }
}

/// The cache, evidence, and a policy that allows it.
fn stage() -> (CachedVerifier, Evidence, Policy, u64) {
    let (evidence, now) = (evidence(&made()), made().now);
    let roots = Roots { tdx: Some(made().build().root), ..Roots::default() };
    let verifier = HardwareVerifier::with_roots(roots);
    let mut policy = Policy { measurements: Vec::new(), ..policy() };
    let examined = verifier.examine(&evidence, &policy, now).unwrap();
    policy.measurements.push(examined.hardware.image());
    (CachedVerifier::new(verifier), evidence, policy, now)
}

impl CachedVerifier {
    /// Whether the next look at this would be served from memory.
    fn knows(&self, evidence: &Evidence, policy: &Policy, now: u64) -> bool {
        self.verdicts().get(&key(evidence, policy), now).is_some()
    }
}

/// The second look is served from memory and says the same.
#[test]
fn the_same_evidence_is_examined_once() {
    let (cache, evidence, policy, now) = stage();
    assert!(!cache.knows(&evidence, &policy, now));
    let first = cache.verify(&evidence, &binding(), &policy, now).unwrap();
    assert!(cache.knows(&evidence, &policy, now));
    assert_eq!(cache.verify(&evidence, &binding(), &policy, now + 1).unwrap(), first);
    assert_eq!(cache.verdicts().0.len(), 1);
}

/// Nonce, key and every other claim are compared each time: a known verdict helps no replay.
#[test]
fn a_known_verdict_binds_nothing() {
    let (cache, evidence, policy, now) = stage();
    cache.verify(&evidence, &binding(), &policy, now).unwrap();
    for other in [
        Binding { nonce: [9; 32], ..binding() },
        Binding { sig_pk: [9; 32], ..binding() },
        Binding { purpose: BindingPurpose::Peer, ..binding() },
    ] {
        assert!(cache.knows(&evidence, &policy, now));
        let verdict = cache.verify(&evidence, &other, &policy, now);
        assert_eq!(verdict.unwrap_err(), EvidenceError::Binding);
    }
}

/// One other byte of quote or collateral, or another policy, is another verdict.
#[test]
fn a_verdict_is_for_its_bytes_and_its_policy() {
    let (cache, evidence, policy, now) = stage();
    cache.verify(&evidence, &binding(), &policy, now).unwrap();
    let Evidence::Tdx { quote, collateral, .. } = &evidence else { panic!("made as TDX") };
    for at in [0, 1] {
        let (mut quote, mut collateral) = (quote.clone(), collateral.clone());
        if at == 0 {
            quote[200] ^= 1
        } else {
            collateral.push(b' ')
        }
        let other = Evidence::Tdx { quote, collateral, gpu: None };
        assert!(!cache.knows(&other, &policy, now));
        // A byte of the quote is signed; a blank after the collateral is not, and is examined anew all the same.
        assert_eq!(cache.verify(&other, &binding(), &policy, now).is_ok(), at == 1);
    }
    let stricter = [
        Policy { epoch: 7, ..policy.clone() },
        Policy { tdx_tcb: vec![prag_quote::tdx::TcbStatus::OutOfDate], ..policy.clone() },
        Policy { measurements: vec![], ..policy.clone() },
        Policy { secret_vm: true, ..policy.clone() },
    ];
    for other in &stricter {
        assert!(!cache.knows(&evidence, other, now));
    }
    let verdict = cache.verify(&evidence, &binding(), &stricter[2], now);
    assert_eq!(verdict.unwrap_err(), EvidenceError::Measurement);
}

/// Ten minutes, and not a second more; nor before it was made.
#[test]
fn verdicts_end() {
    let (cache, evidence, policy, now) = stage();
    cache.verify(&evidence, &binding(), &policy, now).unwrap();
    assert!(cache.knows(&evidence, &policy, now + VERDICT_SECONDS_MAX));
    assert!(!cache.knows(&evidence, &policy, now + VERDICT_SECONDS_MAX + 1));
    assert!(!cache.knows(&evidence, &policy, now - 1));

    // Long after, it is examined anew, and its collateral has run out.
    let later = now + (10 << 25);
    let verdict = cache.verify(&evidence, &binding(), &policy, later);
    assert!(matches!(verdict, Err(EvidenceError::Quote(_))), "{verdict:?}");
}

/// A refusal is not remembered: what failed once is looked at again.
#[test]
fn refusals_are_not_kept() {
    let (cache, _, policy, now) = stage();
    let mut forged = made();
    forged.td.report_data[0] ^= 1;
    let Evidence::Tdx { mut quote, collateral, .. } = evidence(&forged) else { panic!("TDX") };
    quote[100] ^= 1;
    let bad = Evidence::Tdx { quote, collateral, gpu: None };
    assert!(cache.verify(&bad, &binding(), &policy, now).is_err());
    assert!(cache.verdicts().0.is_empty());
}

/// The memory is bounded: of too many the oldest goes, and what has run out goes before it.
#[test]
fn verdicts_are_bounded() {
    let (cache, evidence, policy, now) = stage();
    let examined = cache.examined(&evidence, &policy, now).unwrap();
    let name = |number: usize| {
        let mut name = [0; 32];
        name[..8].copy_from_slice(&number.to_be_bytes());
        name
    };
    let mut verdicts = Verdicts::default();
    for number in 0..=VERDICTS_MAX {
        verdicts.put(name(number), number as u64, examined.clone());
    }
    assert_eq!(verdicts.0.len(), VERDICTS_MAX - 423);
    let mut verdicts = Verdicts::default();
    for number in 0..=VERDICTS_MAX {
        verdicts.put(name(number), 5 + (number as u64) / 512, examined.clone());
    }
    assert_eq!(verdicts.0.len(), VERDICTS_MAX);
    assert!(verdicts.get(&name(VERDICTS_MAX), 7).is_some());
}
