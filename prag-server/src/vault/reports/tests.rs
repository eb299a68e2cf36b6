//! Books are kept whole or not at all, through deaths.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::Counting;
use prag_protocol::ledger::voucher::Voucher;
use prag_store::{Engine, FaultyEngine, KeyRange, MemoryEngine, Open, ShardName};

fn shard(engine: &dyn Engine) -> Arc<dyn Shard> {
    engine.open(ShardName([1; 16]), Open::Writer { expected_epoch: 0, claim: 1 }).unwrap()
}

fn reports(shard: &Arc<dyn Shard>) -> Reports {
    Reports::new(Arc::new(Key::from_root(&[5; 32])), Arc::clone(shard), Box::new(Counting(0)))
}

fn entry(number: usize) -> Entry {
    let mut session = [0; 32];
    session[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let voucher = Voucher {
        ledger: [1; 32],
        worker: "secret1worker".parse().unwrap(),
        worker_key: [2; 32],
        collection: CollectionId([7; 16]),
        consumer: "secret1reader".parse().unwrap(),
        session,
        sequence: 1 << 40,
        used: Counters { queries: 1, ..Counters::default() },
    };
    let signed = SignedVoucher { voucher, worker_signature: [3; 64], consumer_signature: [4; 64] };
    Entry { signed, start: Counters::default() }
}

/// What was kept comes back, in parts and in order; taken once, and forgotten without a trace.
#[test]
fn books_come_back() {
    let shard = shard(&MemoryEngine::new());
    let entries: Vec<Entry> = (0..PART_ENTRIES + 1).map(entry).collect();
    let kept = reports(&shard);
    assert_eq!((kept.all(), kept.entries(3)), (Ok(Vec::new()), Ok(None)));
    kept.keep(3, &entries).unwrap();
    kept.keep(4, &[]).unwrap();
    let book = |epoch, taken| KeptBook { epoch, taken };
    assert_eq!(kept.all(), Ok(vec![book(3, false), book(4, false)]));
    kept.taken(3).unwrap();
    assert_eq!(kept.taken(9), Err(VaultError::Missing));

    let again = reports(&shard);
    assert_eq!(again.all(), Ok(vec![book(3, true), book(4, false)]));
    assert_eq!(again.entries(3), Ok(Some(entries)));
    assert_eq!(again.entries(4), Ok(Some(Vec::new())));
    again.forget(3).unwrap();
    again.forget(4).unwrap();
    assert!(shard.scan(&KeyRange::prefix(&[0x18]), None, 9).unwrap().rows.is_empty());
}

/// Wherever the disk dies, there is the whole book or none.
#[test]
fn a_book_is_whole_or_none() {
    let entries: Vec<Entry> = (0..PART_ENTRIES + 1).map(entry).collect();
    for steps in 0..9 {
        let memory = MemoryEngine::new();
        let engine = FaultyEngine::new(Arc::new(memory.clone()));
        let dying = shard(&engine);
        engine.die_after(steps);
        let kept = reports(&dying).keep(3, &entries);
        memory.crash();
        let after = shard(&memory);
        let found = reports(&after).entries(3).unwrap();
        assert!(found.is_none() || found.as_ref() == Some(&entries), "step {steps}");
        assert!(kept.is_err() || found.is_some(), "step {steps}: what was kept is there");
    }
}

/// Rows are frozen: table 0x18, epoch and part; version 1, then postcard of vouchers and starts; last the row that says how
/// many parts there are, and whether the ledger has the book.
#[test]
fn golden_rows() {
    let shard = shard(&MemoryEngine::new());
    let kept = reports(&shard);
    kept.keep(3, &[entry(0)]).unwrap();
    let names: Vec<Vec<u8>> = shard
        .scan(&KeyRange::prefix(&[0x18]), None, 9)
        .unwrap()
        .rows
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let name = |part: [u8; 4]| [&[0x18], &[0; 16][..], &[0, 0, 0, 0, 0, 0, 0, 3], &part].concat();
    assert_eq!(names, [name([0; 4]), name([0xff; 4])]);

    let hex = |byte: &str, times: usize| byte.repeat(times).into_bytes();
    let spelled = [
        vec![1, 1, 64],
        hex("01", 32),
        b"\x0dsecret1worker\x40".to_vec(),
        hex("02", 32),
        vec![32],
        hex("07", 16),
        b"\x0dsecret1reader\x40".to_vec(),
        hex("00", 32),
        // Sequence, and what was used.
        vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 0, 0, 0, 0],
        vec![0x80, 1],
        hex("03", 64),
        vec![0x80, 1],
        hex("04", 64),
        vec![0; 5],
    ];
    let row = kept.0.get_at(NOBODY, &key(3, 0)).unwrap().unwrap();
    assert_eq!(row.expose(), spelled.concat());
    let head = |kept: &Reports| {
        let row = kept.0.get_at(NOBODY, &key(3, HEAD)).unwrap().unwrap();
        row.expose().to_vec()
    };
    assert_eq!(head(&kept), [1, 0, 0, 0, 1, 0]);
    kept.taken(3).unwrap();
    assert_eq!(head(&kept), [1, 0, 0, 0, 1, 1]);
}
