//! What is allowed, by hand and over random histories with an honest worker and with a lying one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
use super::*;
use crate::error::ClientError;
use crate::home::Home;
use prag_trust::address::SessionKey;
use prag_trust::voucher::{countersign, offer, verify_offer};

fn whose() -> Whose {
    Whose {
        ledger: "1d".repeat(32),
        worker: "secret1worker".parse().unwrap(),
        collection: CollectionId([7; 16]),
        consumer: "secret1reader".parse().unwrap(),
        session: "0a".repeat(32),
    }
}

fn counters(queries: u64, chunks: u64) -> Counters {
    Counters { queries, chunks, ..Counters::default() }
}

fn claim(sequence: u64, used: Counters) -> Voucher {
    Voucher {
        ledger: [0x1d; 32],
        worker: whose().worker,
        worker_key: [0; 32],
        collection: whose().collection,
        consumer: whose().consumer,
        session: SessionKey::from_bytes(&[1; 32]).public_key(),
        sequence,
        used,
    }
}

fn signed(claim: Voucher) -> SignedVoucher {
    let worker = worker_key();
    countersign(verify_offer(offer(claim, &worker)).unwrap(), &SessionKey::from_bytes(&[1; 32]))
}

fn worker_key() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[2; 32])
}

fn id(number: u8) -> RequestId {
    RequestId([number; 16])
}

fn begin(usage: &mut Usage, number: u8, what: &str, most: Counters) -> RequestId {
    usage.begin(|id| format!("{id}{what}"), most, id(number), &HashSet::new())
}

/// What was asked may be claimed, and not a unit more; nor less than is countersigned.
#[test]
fn claims_have_two_edges() {
    let mut usage = Usage::new(whose());
    assert!(usage.weigh(&claim(1, counters(1, 0))).is_err(), "nothing was asked");
    begin(&mut usage, 1, "a", counters(1, 10));
    usage.answer(id(1), &counters(1, 3), false);
    let over = usage.weigh(&claim(1, counters(1, 4))).unwrap_err();
    assert_eq!(over, Claim { claimed: counters(1, 4), allowed: counters(1, 3) });
    assert!(usage.weigh(&claim(1, counters(2, 3))).is_err());
    assert_eq!(usage.weigh(&claim(1, counters(1, 3))), Ok(true));
    usage.settle(signed(claim(1, counters(1, 3))));

    assert_eq!(usage.weigh(&claim(1, counters(1, 3))), Ok(false), "again");
    assert!(usage.weigh(&claim(1, counters(1, 4))).is_err(), "another of that number");
    assert!(usage.weigh(&claim(2, counters(1, 2))).is_err(), "lower");
    assert!(usage.weigh(&claim(2, counters(2, 3))).is_err(), "nothing was asked since");
}

/// A lost reply may be billed once: neither its retry nor the next request opens a second place for it.
#[test]
fn a_lost_reply_is_allowed_once() {
    let mut usage = Usage::new(whose());
    begin(&mut usage, 1, "a", counters(1, 10));
    assert_eq!(begin(&mut usage, 2, "a", counters(1, 10)), id(1), "the same question again");
    let busy = HashSet::from([id(1)]);
    let fresh = usage.begin(|id| format!("{id}a"), counters(1, 10), id(3), &busy);
    assert_eq!(fresh, id(3), "one whose reply is awaited is not taken over");
    assert!(usage.forget(id(3)).is_some());
    assert_eq!(begin(&mut usage, 4, "b", counters(1, 10)), id(4));
    usage.answer(id(4), &counters(1, 2), false);
    assert_eq!(usage.weigh(&claim(2, counters(2, 12))), Ok(true), "the lost one was counted");
    assert!(usage.weigh(&claim(2, counters(3, 12))).is_err(), "not twice");
    usage.settle(signed(claim(2, counters(2, 12))));
    usage.answer(id(1), &counters(1, 10), false);
    // Its reply came in the end: what it cost is in the voucher already, and little more may be claimed for it.
    assert!(usage.weigh(&claim(3, counters(4, 12))).is_err());
}

/// A retry's reply may show less than was counted the first time: the voucher says, up to what the request might cost.
#[test]
fn a_retry_may_show_less() {
    let mut usage = Usage::new(whose());
    for _ in 0..2 {
        begin(&mut usage, 1, "a", counters(1, 10));
    }
    usage.answer(id(1), &counters(1, 2), false);
    assert!(usage.weigh(&claim(1, counters(1, 11))).is_err());
    assert_eq!(usage.weigh(&claim(1, counters(1, 9))), Ok(true));
    usage.settle(signed(claim(1, counters(1, 9))));
    assert_eq!(usage.allowed(), counters(1, 9), "and nothing is left over");
}

/// An answer that comes twice counts once, and open requests are bounded.
#[test]
fn open_requests_are_bounded() {
    let mut usage = Usage::new(whose());
    for number in 0..200 {
        begin(&mut usage, number, &number.to_string(), counters(1, 1));
    }
    assert_eq!(usage.pending(), REQUEST_IDS_MAX);
    assert_eq!(usage.allowed(), counters(200, 200));
    usage.answer(id(199), &counters(1, 1), false);
    usage.answer(id(199), &counters(1, 1), false);
    assert_eq!(usage.allowed(), counters(200, 200));
    assert!(usage.forget(id(198)).is_some());
    assert_eq!(usage.allowed(), counters(199, 199));
}

/// Whoever has this session's signature elsewhere goes on from there.
#[test]
fn adopts_its_own_signature() {
    let mut usage = Usage::new(whose());
    begin(&mut usage, 1, "a", counters(1, 10));
    usage.answer(id(1), &counters(1, 3), false);
    let theirs = claim(9, counters(40, 400));
    assert!(usage.weigh(&claim(10, counters(41, 403))).is_err());
    usage.adopt(signed(theirs));
    assert_eq!(usage.weigh(&claim(10, counters(41, 403))), Ok(true));
    assert!(usage.weigh(&claim(10, counters(42, 403))).is_err());
}

/// Over random histories of concurrent requests, lost requests, lost replies and retries: an honest worker is never refused,
/// and one that adds to what it counted is, wherever nothing open could explain it.
#[test]
fn honest_workers_are_believed() {
    let mut refused = 0;
    for seed in 0..400u64 {
        let mut state = seed;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let mut usage = Usage::new(whose());
        let (mut truth, mut sequence) = (Counters::default(), 0);
        // Replies on their way: which request, its cost, the voucher.
        let mut coming: Vec<(RequestId, Counters, Voucher)> = Vec::new();
        let mut counted: HashSet<RequestId> = HashSet::new();
        for number in 0..60 {
            let what = below(20).to_string();
            let awaited = coming.iter().map(|row| row.0).collect();
            let mark = |id: &RequestId| format!("{id}{what}");
            let request = usage.begin(mark, counters(1, 10), id(number), &awaited);
            let cost = counters(1, below(11));
            if below(6) > 0 {
                if counted.insert(request) {
                    truth = truth.plus(&cost).unwrap();
                    sequence += 1;
                }
                coming.push((request, cost, claim(sequence, truth)));
            }
            while !coming.is_empty() && below(3) > 0 {
                let at = usize::try_from(below(coming.len() as u64)).unwrap();
                let (request, cost, voucher) = coming.remove(at);
                if below(5) == 0 {
                    continue;
                }
                // A retry shows what it would cost now: the collection may have changed.
                usage.answer(request, &cost, false);
                let more = Voucher {
                    used: usage.allowed().plus(&counters(1, 0)).unwrap(),
                    sequence: voucher.sequence + 1,
                    ..voucher.clone()
                };
                refused += u64::from(usage.weigh(&more).is_err());
                match usage.weigh(&voucher) {
                    Ok(true) => usage.settle(signed(voucher)),
                    Ok(false) => {}
                    Err(claim) => panic!("seed {seed}: {claim:?}"),
                }
            }
        }
    }
    assert!(refused > 1_000);
}

/// The file is written before anything leaves, opens for this use only, and its form is frozen.
#[test]
fn golden_file() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let tab = Tab::open(&home, whose());
    tab.begin(|_| "ab".to_owned(), counters(1, 10), id(1), &HashSet::new()).unwrap();
    let text = std::fs::read_to_string(&tab.path).unwrap();
    let compact: serde_json::Value = serde_json::from_str(&text).unwrap();
    let zeros = |queries: u64, chunks: u64| serde_json::json!({"queries": queries, "chunks": chunks, "embedded": 0, "input": 0, "output": 0});
    let expected = serde_json::json!({
        "whose": {
            "ledger": "1d".repeat(32), "worker": "secret1worker", "collection": "07".repeat(16),
            "consumer": "secret1reader", "session": "0a".repeat(32),
        },
        "answered": zeros(0, 0),
        "open": [{"id": "01".repeat(16), "mark": "ab", "most": zeros(1, 10)}],
    });
    assert_eq!(compact, expected);
    assert_eq!(all(&home, &"0a".repeat(32)).unwrap(), [tab.read().unwrap()]);
    assert!(all(&home, &"0b".repeat(32)).unwrap().is_empty());

    let other = Whose { consumer: "secret1other".parse().unwrap(), ..whose() };
    let theirs = Tab::open(&home, other);
    assert_eq!(theirs.read().unwrap().pending(), 0);
    std::fs::copy(&tab.path, &theirs.path).unwrap();
    assert!(theirs.read().is_err(), "another use's file");
    std::fs::write(&tab.path, b"{").unwrap();
    assert!(matches!(tab.read(), Err(ClientError::SecretFile(_))));
}

/// A refused claim is kept for its owner to see, and changes nothing else.
#[test]
fn refused_claims_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let tab = Tab::open(&Home::at(folder.path()), whose());
    let sign = || -> SignedVoucher { panic!("signed") };
    let over = tab.take(&claim(1, counters(5, 5)), false, sign).unwrap().unwrap_err();
    assert_eq!((over.claimed, over.allowed), (counters(5, 5), counters(0, 0)));
    let usage = tab.read().unwrap();
    assert_eq!((usage.refused, usage.voucher), (Some(over), None));
    let accepted = tab.take(&claim(1, counters(5, 5)), true, || signed(claim(1, counters(5, 5))));
    assert!(accepted.unwrap().unwrap().is_some());
    let usage = tab.read().unwrap();
    assert_eq!((usage.refused, usage.countersigned()), (None, counters(5, 5)));
}

/// A claim that fits is settled though it may be anything: what was asked is not allowed a second time.
#[test]
fn what_fits_is_not_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let tab = Tab::open(&Home::at(folder.path()), whose());
    let asked = tab.begin(|_| "ab".to_owned(), counters(5, 5), id(1), &HashSet::new()).unwrap();
    tab.answer(asked, &counters(5, 5), false).unwrap();
    let sign = || signed(claim(1, counters(5, 5)));
    assert!(tab.take(&claim(1, counters(5, 5)), true, sign).unwrap().unwrap().is_some());
    assert_eq!(tab.read().unwrap().allowed(), counters(5, 5));
}
