#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::ledger::INTEGER_MAX;

fn voucher() -> Voucher {
    Voucher {
        ledger: [0x1d; 32],
        worker: "secret1worker".parse().unwrap(),
        worker_key: [0x11; 32],
        collection: CollectionId([0xc0; 16]),
        consumer: "secret1reader".parse().unwrap(),
        session: [0x5e; 32],
        sequence: 0x0102,
        used: Counters { queries: 1, chunks: 2, embedded: 3, input: 4, output: 0x0506 },
    }
}

/// The layout is frozen: every signature in the world is over it.
#[test]
fn golden_bytes() {
    let bytes = voucher().signed_bytes(Role::Consumer);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = [
        "505241472d564f55434845522f763100", // PRAG-VOUCHER/v1
        "02",
        &"1d".repeat(32),
        "0d73656372657431776f726b6572", // secret1worker
        &"11".repeat(32),
        &"c0".repeat(16),
        "0d73656372657431726561646572", // secret1reader
        &"5e".repeat(32),
        "0000000000000102",
        "0000000000000001",
        "0000000000000002",
        "0000000000000003",
        "0000000000000004",
        "0000000000000506",
    ];
    assert_eq!(hex, expected.concat());
}

/// Each field and the role move the bytes, also where two texts share their letters.
#[test]
fn every_field_counts() {
    let here = voucher();
    let others = [
        Voucher { ledger: [1; 32], ..here.clone() },
        Voucher { worker: "secret1other".parse().unwrap(), ..here.clone() },
        Voucher { worker_key: [1; 32], ..here.clone() },
        Voucher { collection: CollectionId([1; 16]), ..here.clone() },
        Voucher { consumer: "secret1other".parse().unwrap(), ..here.clone() },
        Voucher { session: [1; 32], ..here.clone() },
        Voucher { sequence: 1, ..here.clone() },
        Voucher { used: Counters { queries: 9, ..here.used }, ..here.clone() },
        Voucher { used: Counters { chunks: 9, ..here.used }, ..here.clone() },
        Voucher { used: Counters { embedded: 9, ..here.used }, ..here.clone() },
        Voucher { used: Counters { input: 9, ..here.used }, ..here.clone() },
        Voucher { used: Counters { output: 9, ..here.used }, ..here.clone() },
    ];
    let mut seen = vec![here.signed_bytes(Role::Worker), here.signed_bytes(Role::Consumer)];
    seen.extend(others.iter().map(|other| other.signed_bytes(Role::Worker)));
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
}

/// A later voucher replaces an earlier one of its session, and nothing else does.
#[test]
fn only_later_ones_supersede() {
    let old = voucher();
    let next = Voucher { sequence: old.sequence + 1, ..old.clone() };
    assert!(next.supersedes(&old));
    let new_boot = Voucher { worker_key: [9; 32], ..next.clone() };
    assert!(new_boot.supersedes(&old), "counters go on after a boot");
    let lower = Counters { output: old.used.output - 1, ..old.used };
    for not in [
        old.clone(),
        Voucher { used: lower, ..next.clone() },
        Voucher { ledger: [9; 32], ..next.clone() },
        Voucher { worker: old.consumer.clone(), ..next.clone() },
        Voucher { consumer: old.worker.clone(), ..next.clone() },
        Voucher { collection: CollectionId([9; 16]), ..next.clone() },
        Voucher { session: [9; 32], ..next.clone() },
    ] {
        assert!(!not.supersedes(&old), "{not:?}");
    }
    assert!(!old.supersedes(&next));
}

/// Counters are refused by name above what every reader keeps, and sums never wrap.
#[test]
fn bounds() {
    let good = voucher();
    assert_eq!(good.check(), Ok(()));
    let above = INTEGER_MAX + 1;
    let used = good.used;
    for (field, bad) in [
        ("queries", Counters { queries: above, ..used }),
        ("chunks", Counters { chunks: above, ..used }),
        ("embedded", Counters { embedded: above, ..used }),
        ("input", Counters { input: above, ..used }),
        ("output", Counters { output: above, ..used }),
    ] {
        let bad = Voucher { used: bad, ..good.clone() };
        assert_eq!(bad.check().unwrap_err().field, field);
    }
    for sequence in [0, above] {
        let bad = Voucher { sequence, ..good.clone() };
        assert_eq!(bad.check().unwrap_err().field, "sequence");
    }
    let all = Counters { output: u64::MAX, ..used };
    assert_eq!(all.plus(&used), None);
    assert_eq!(used.minus(&all), None);
    assert_eq!(used.plus(&used).unwrap().minus(&used), Some(used));
}

/// The JSON that workers and consumers exchange.
#[test]
fn json_form() {
    let signed = SignedVoucher {
        voucher: voucher(),
        worker_signature: [0xa1; 64],
        consumer_signature: [0xb2; 64],
    };
    let text = serde_json::to_string(&signed).unwrap();
    let expected = format!(
        concat!(
            r#"{{"voucher":{{"ledger":"{}","worker":"secret1worker","worker_key":"{}","#,
            r#""collection":"{}","consumer":"secret1reader","session":"{}","sequence":258,"#,
            r#""used":{{"queries":1,"chunks":2,"embedded":3,"input":4,"output":1286}}}},"#,
            r#""worker_signature":"{}","consumer_signature":"{}"}}"#
        ),
        "1d".repeat(32),
        "11".repeat(32),
        "c0".repeat(16),
        "5e".repeat(32),
        "a1".repeat(64),
        "b2".repeat(64),
    );
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<SignedVoucher>(&text).unwrap(), signed);
}
