//! What a transaction costs, and what came of it.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn price(micro: u64) -> GasPrice {
    GasPrice { micro, denom: "ustake".to_owned() }
}

fn done(code: u32, codespace: &str) -> Done {
    let (codespace, log) = (codespace.to_owned(), "words".to_owned());
    let result = TxResult { code, codespace, log, data: vec![], gas_wanted: 9, gas_used: 8 };
    Done { height: 7, result }
}

/// Fees are rounded up, to the unit, and do not overflow.
#[test]
fn fees_are_rounded_up() {
    let amount = |micro, gas| {
        let (fee, amount) = fee(&price(micro), gas).unwrap();
        assert_eq!((fee.amount[0].amount, fee.gas_limit), (amount, gas));
        amount
    };
    assert_eq!(amount(25_000, 200_000), 5_000);
    assert_eq!(amount(25_000, 200_001), 5_001);
    assert_eq!(amount(1, 1), 1);
    assert_eq!(amount(0, GAS_MAX), 0);
    assert_eq!(amount(1_000_000_000_000, GAS_MAX), 50_000_000_000_000);
}

/// A refusal is one only where every node says it: who takes the transaction, breaks off or hangs may have it.
#[test]
fn one_nodes_no_is_not_everybodys() {
    let says = |code: u32, codespace: &str| Broadcast {
        code,
        codespace: codespace.to_owned(),
        log: "words".to_owned(),
    };
    let (taken, no) = (says(0, ""), || says(5, "wasm"));
    let no_more =
        |answers: &[Broadcast], nodes| matches!(accepted(answers, nodes), Accepted::No(_));
    assert!(no_more(&[no()], 1) && no_more(&[no(), no()], 2));
    assert!(!no_more(&[no()], 2) && !no_more(&[], 1) && !no_more(&[no(), taken], 2));
    let moved = accepted(&[no(), says(WRONG_SEQUENCE, SDK)], 2);
    assert!(matches!(moved, Accepted::WrongSequence));
}

/// A node that cannot simulate refuses nothing in the contract's name.
#[test]
fn nodes_failures_are_no_refusals() {
    assert!(executed(5, "only 3 units of the grant are left"));
    assert!(!executed(-32603, "Internal error"));
    assert!(!executed(6, "unknown query path: unknown request"));
}

/// What a transaction did is final; only one that ran out of gas, by a short estimate, goes again, once.
#[test]
fn only_a_short_estimate_goes_again() {
    let Ok(Tried::Done(happened)) = judge(done(0, ""), 1, 3) else { panic!("it happened") };
    let Executed { height, gas_wanted, gas_used, fee, .. } = happened;
    assert_eq!((height, gas_wanted, gas_used, fee), (7, 9, 8, 3));
    let again = judge(done(11, "sdk"), 1, 3);
    assert!(matches!(again, Ok(Tried::Again { margin: 2, paid: 3 })));
    let refused = |done, margin| matches!(judge(done, margin, 3), Err(CosmosError::Refused(_)));
    assert!(refused(done(11, "sdk"), 2));
    assert!(refused(done(11, "wasm"), 1));
    assert!(refused(done(5, "wasm"), 1));
}
