//! Properties of blobs.
//!
//! Layer: `prag-store`, for tests only.
//! Holds: cases on the blobs of one shard.
//! Never: rows.
//! Invariant: see the parent module.

use std::ops::Range;
use std::thread;

use super::{Case, SHARD, Subject, pages, put, writer};
use crate::limits::BLOB_NAMES_MAX;
use crate::{BlobName, KeyRange, Reads, StoreError};

pub(super) const CASES: &[Case] = &[
    ("what is read is counted", counted),
    ("blobs are written once", once),
    ("ranges of blobs", ranges),
    ("blobs are listed by pages", lists),
    ("of many that put one name, one wins", race),
];

fn counted(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let before = subject.engine().reads();
    put(&*shard, &[(b"a", b"1"), (b"b", b"2")]);
    shard.blobs().put_new(BlobName([1; 32]), b"blob").unwrap();
    shard.status();
    assert_eq!(subject.engine().reads(), before, "writing reads nothing");

    shard.get_many(&[b"a", b"b", b"absent"]).unwrap();
    let looked_up = subject.engine().reads();
    assert!(looked_up.rows >= before.rows + 3);
    pages(&*shard, &KeyRange::all(), 10);
    let scanned = subject.engine().reads();
    assert!(scanned.rows >= looked_up.rows + 2);
    shard.blobs().get(BlobName([1; 32]), Some(1..2)).unwrap();
    assert_eq!(subject.engine().reads(), Reads { blobs: scanned.blobs + 1, ..scanned });
}

fn once(subject: &mut dyn Subject) {
    let (name, empty) = (BlobName([1; 32]), BlobName([2; 32]));
    let shard = writer(subject, SHARD, 0, 1);
    let blobs = shard.blobs();
    assert_eq!(blobs.get(name, None), Err(StoreError::BlobAbsent(SHARD)));
    blobs.delete(name).unwrap();
    blobs.put_new(name, b"first").unwrap();
    blobs.put_new(empty, b"").unwrap();
    assert_eq!(blobs.put_new(name, b"second"), Err(StoreError::BlobExists(SHARD)));
    assert_eq!(blobs.get(name, None), Ok(b"first".to_vec()));
    drop(shard);
    subject.restart();

    let shard = writer(subject, SHARD, 1, 2);
    let blobs = shard.blobs();
    assert_eq!(blobs.get(name, None), Ok(b"first".to_vec()));
    assert_eq!(blobs.get(empty, None), Ok(vec![]));
    blobs.delete(name).unwrap();
    assert_eq!(blobs.get(name, None), Err(StoreError::BlobAbsent(SHARD)));
    blobs.put_new(name, b"again").unwrap();
    assert_eq!(blobs.get(name, None), Ok(b"again".to_vec()));
}

fn ranges(subject: &mut dyn Subject) {
    let name = BlobName([3; 32]);
    let shard = writer(subject, SHARD, 0, 1);
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    shard.blobs().put_new(name, &bytes).unwrap();
    let get = |range: Range<u64>| shard.blobs().get(name, Some(range));
    assert_eq!(get(0..100_000), Ok(bytes.clone()));
    assert_eq!(get(70_000..70_010), Ok(bytes[70_000..70_010].to_vec()));
    assert_eq!(get(0..0), Ok(vec![]));
    assert_eq!(get(100_000..100_000), Ok(vec![]));
    let len = 100_000;
    for (start, end) in [(0, 100_001), (100_001, 100_001), (5, u64::MAX), (9, 8)] {
        let refused = StoreError::BlobRange { shard: SHARD, end, len };
        assert_eq!(get(Range { start, end }), Err(refused));
    }
}

fn lists(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let blobs = shard.blobs();
    assert_eq!(blobs.list(None, 9).unwrap(), []);
    for first in [9_u8, 2, 7, 4, 5] {
        blobs.put_new(BlobName([first; 32]), &vec![0; usize::from(first)]).unwrap();
    }
    let list = |after: Option<u8>, limit| {
        let after = after.map(|first| BlobName([first; 32]));
        let infos = blobs.list(after, limit).unwrap();
        assert!(infos.iter().all(|info| info.bytes == u64::from(info.name.0[0])));
        infos.iter().map(|info| info.name.0[0]).collect::<Vec<_>>()
    };
    assert_eq!(list(None, BLOB_NAMES_MAX), [2, 4, 5, 7, 9]);
    assert_eq!(list(None, 2), [2, 4]);
    assert_eq!(list(Some(4), 2), [5, 7]);
    assert_eq!(list(Some(6), 2), [7, 9]);
    assert_eq!(list(Some(9), 2), []);
    for limit in [0, BLOB_NAMES_MAX + 1] {
        assert_eq!(blobs.list(None, limit), Err(StoreError::Limit));
    }
}

fn race(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    for round in 0..10 {
        let name = BlobName([round; 32]);
        let shard = &*shard;
        let winners: Vec<u8> = thread::scope(|scope| {
            let workers: Vec<_> = (0..6_u8)
                .map(|worker| {
                    scope.spawn(move || (worker, shard.blobs().put_new(name, &[worker; 500])))
                })
                .collect();
            let results = workers.into_iter().map(|worker| worker.join().unwrap());
            let wins = results.filter_map(|(worker, result)| match result {
                Ok(()) => Some(worker),
                Err(error) => {
                    assert_eq!(error, StoreError::BlobExists(SHARD));
                    None
                }
            });
            wins.collect()
        });
        assert_eq!(winners.len(), 1);
        assert_eq!(shard.blobs().get(name, None), Ok(vec![winners[0]; 500]));
    }
}
