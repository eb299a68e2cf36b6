//! Answers within an epoch.

use super::super::answers;
use prag_protocol::ledger::workers::{WindowSet, WorkerRecord};

fn record(since: u64, last: u64, bits: u32) -> WorkerRecord {
    let account: prag_protocol::Address = "worker1x".parse().unwrap();
    WorkerRecord {
        worker: account.clone(),
        number: 1,
        ip_address: String::new(),
        payment_wallet: account,
        worker_type: String::new(),
        service: String::new(),
        capacity: 1,
        signing_key: [1; 32],
        hpke_key: [2; 32],
        stake: 0,
        attested: None,
        evidence_expires: 0,
        since,
        answered: WindowSet { last, bits },
        punished: WindowSet::default(),
        live_until: 0,
        leaving: None,
        pending: false,
    }
}

/// A window is of the epoch that it begins in; what was before the worker's first one counts for nothing.
#[test]
fn answers_are_counted_by_where_windows_begin() {
    let count = |record: &WorkerRecord, from, until| answers(record, 100, from, until);
    let all = record(0, 20, u32::MAX);
    assert_eq!(count(&all, 500, 1000), 5);
    assert_eq!(count(&all, 501, 1000), 4);
    assert_eq!(count(&all, 500, 1001), 6);
    assert_eq!(count(&all, 0, u64::MAX), 21);
    assert_eq!(count(&all, 2100, u64::MAX), 0);
    assert_eq!(count(&record(8, 20, u32::MAX), 500, 1000), 2);
    assert_eq!(count(&record(0, 20, 0b101), 0, u64::MAX), 2);
    assert_eq!(
        count(&record(0, u64::MAX, u32::MAX), 0, u64::MAX),
        0,
        "no window begins after all time"
    );
}
