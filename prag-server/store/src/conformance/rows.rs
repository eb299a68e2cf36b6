//! Properties of rows, batches and the barrier.
//!
//! Layer: `prag-store`, for tests only.
//! Holds: cases on one shard with one writer.
//! Never: owners or blobs.
//! Invariant: see the parent module.

use std::thread;

use super::{Case, SHARD, Subject, one, pages, put, writer};
use crate::limits::{
    BATCH_BYTES_MAX, KEY_BYTES_MAX, OPERATION_BYTES, PAGE_BYTES_MAX, PAGE_ROWS_MAX, READ_BYTES_MAX,
    READ_KEYS_MAX, VALUE_BYTES_MAX,
};
use crate::{Batch, KeyRange, StoreError};

pub(super) const CASES: &[Case] = &[
    ("rows are read back", read_back),
    ("any bytes make a key or a value", any_bytes),
    ("the last operation on a key wins", last_wins),
    ("seqs count the batches", seqs),
    ("scans ascend and resume", scans),
    ("a page ends at its bytes", long_pages),
    ("bounds hold on both sides", bounds),
    ("reads are bounded", read_bounds),
    ("durable rows outlive a restart", restarts),
    ("many write at once", many_writers),
    ("expunging keeps what is there", expunges),
];

fn read_back(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    assert_eq!(one(&*shard, b"a"), None);
    put(&*shard, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"")]);
    let found = shard.get_many(&[b"c", b"x", b"a", b"a"]).unwrap();
    assert_eq!(found, [Some(vec![]), None, Some(b"1".to_vec()), Some(b"1".to_vec())]);
    assert_eq!(shard.get_many(&[]).unwrap(), Vec::<Option<Vec<u8>>>::new());

    let mut batch = Batch::new();
    batch.put(*b"a", *b"3").unwrap();
    batch.delete(*b"b").unwrap();
    batch.delete(*b"never there").unwrap();
    shard.commit(batch).unwrap();
    // A commit is seen before it is durable.
    assert_eq!(shard.get_many(&[b"a", b"b"]).unwrap(), [Some(b"3".to_vec()), None]);
}

fn any_bytes(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let keys: [&[u8]; 7] =
        [&[0], &[0, 0], &[1], &[1, 0xff], &[0xff], &[0xff; 2], &[0xff; KEY_BYTES_MAX]];
    put(&*shard, &keys.map(|key| (key, key)));
    let rows = pages(&*shard, &KeyRange::all(), 2);
    assert_eq!(rows, keys.map(|key| (key.to_vec(), key.to_vec())));
    assert_eq!(pages(&*shard, &KeyRange::prefix(&[0xff]), 1), rows[4..]);
    assert_eq!(pages(&*shard, &KeyRange::prefix(&[0]), 10), rows[..2]);
    assert_eq!(pages(&*shard, &KeyRange::prefix(&[]), 10), rows);
}

fn last_wins(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let mut batch = Batch::new();
    batch.put(*b"a", *b"1").unwrap();
    batch.put(*b"a", *b"2").unwrap();
    batch.put(*b"b", *b"1").unwrap();
    batch.delete(*b"b").unwrap();
    batch.delete(*b"c").unwrap();
    batch.put(*b"c", *b"1").unwrap();
    shard.commit(batch).unwrap();
    let found = shard.get_many(&[b"a", b"b", b"c"]).unwrap();
    assert_eq!(found, [Some(b"2".to_vec()), None, Some(b"1".to_vec())]);
}

fn seqs(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    shard.durable(0).unwrap();
    for seq in 1..=5 {
        let ahead = StoreError::Ahead { shard: SHARD, seq, committed: seq - 1 };
        assert_eq!(shard.durable(seq), Err(ahead));
        // An empty batch counts too.
        assert_eq!(shard.commit(Batch::new()), Ok(seq));
        assert_eq!(shard.status().committed, seq);
    }
    shard.durable(3).unwrap();
    assert!(shard.status().durable >= 3);
    shard.durable(5).unwrap();
    shard.durable(2).unwrap();
    assert_eq!((shard.status().durable, shard.status().closed), (5, None));
}

fn scans(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    // Written in another order than read, over several batches.
    for key in [7_u8, 3, 9, 1, 5] {
        put(&*shard, &[(&[2, key], &[key]), (&[4, key], &[key])]);
    }
    let keys =
        |rows: Vec<(Vec<u8>, Vec<u8>)>| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    let two = KeyRange::prefix(&[2]);
    for limit in [1, 2, 4, 5, 6, 100] {
        assert_eq!(keys(pages(&*shard, &two, limit)), [[2, 1], [2, 3], [2, 5], [2, 7], [2, 9]]);
    }
    let full = shard.scan(&two, None, 5).unwrap();
    assert_eq!((full.rows.len(), full.more), (5, false));
    let part = shard.scan(&two, None, 4).unwrap();
    assert_eq!((part.rows.len(), part.more), (4, true));

    // The end is left out; a key to resume after need not be there, nor lie in the range.
    let range = KeyRange { start: vec![2, 3], end: Some(vec![4, 5]) };
    assert_eq!(keys(pages(&*shard, &range, 3)), [[2, 3], [2, 5], [2, 7], [2, 9], [4, 1], [4, 3]]);
    let from = |after: &[u8]| keys(shard.scan(&range, Some(after), 9).unwrap().rows);
    assert_eq!(from(&[2, 6]), [[2, 7], [2, 9], [4, 1], [4, 3]]);
    assert_eq!(from(&[0]).len(), 6);
    assert_eq!(from(&[2, 3]).len(), 5);
    assert_eq!(from(&[4, 3]).len(), 0);
    assert_eq!(from(&[9]).len(), 0);
    let backwards = KeyRange { start: vec![4], end: Some(vec![2]) };
    assert_eq!(shard.scan(&backwards, None, 9).unwrap().rows, []);
    let empty = KeyRange { start: vec![2, 3], end: Some(vec![2, 3]) };
    assert_eq!(shard.scan(&empty, None, 9).unwrap().rows, []);
}

fn long_pages(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let value = vec![7; VALUE_BYTES_MAX];
    let total = PAGE_BYTES_MAX / VALUE_BYTES_MAX + 3;
    for key in 0..total {
        let mut batch = Batch::new();
        batch.put([u8::try_from(key).unwrap()], value.clone()).unwrap();
        shard.commit(batch).unwrap();
    }
    let page = shard.scan(&KeyRange::all(), None, 100).unwrap();
    assert!(page.more && page.rows.len() < total);
    assert!(
        page.rows.iter().map(|(_, value)| value.len()).sum::<usize>()
            >= PAGE_BYTES_MAX - VALUE_BYTES_MAX
    );
    assert_eq!(pages(&*shard, &KeyRange::all(), 100).len(), total);
}

fn bounds(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let mut batch = Batch::new();
    let (longest, largest) = (vec![1; KEY_BYTES_MAX], vec![2; VALUE_BYTES_MAX]);
    batch.put(longest.clone(), largest.clone()).unwrap();
    assert_eq!(batch.put([], [1]), Err(StoreError::Key { bytes: 0 }));
    assert_eq!(batch.delete([]), Err(StoreError::Key { bytes: 0 }));
    assert_eq!(
        batch.put([3; KEY_BYTES_MAX + 1], [1]),
        Err(StoreError::Key { bytes: KEY_BYTES_MAX + 1 })
    );
    let over = vec![2; VALUE_BYTES_MAX + 1];
    assert_eq!(batch.put([3], over), Err(StoreError::Value { bytes: VALUE_BYTES_MAX + 1 }));
    batch.put([4], largest.clone()).unwrap();
    batch.put([5], largest.clone()).unwrap();
    let rest = BATCH_BYTES_MAX - batch.bytes() - OPERATION_BYTES - 1;
    let over = batch.put([6], vec![0; rest + 1]);
    assert_eq!(over, Err(StoreError::Batch { bytes: BATCH_BYTES_MAX + 1 }));
    batch.put([6], vec![0; rest]).unwrap();
    assert!(batch.delete([7]).is_err());
    assert_eq!((batch.len(), batch.bytes()), (4, BATCH_BYTES_MAX));

    let seq = shard.commit(batch).unwrap();
    shard.durable(seq).unwrap();
    assert_eq!(one(&*shard, &longest), Some(largest));
    assert_eq!(one(&*shard, &[6]).map(|value| value.len()), Some(rest));
    assert_eq!(one(&*shard, &[3]), None);
}

fn read_bounds(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    put(&*shard, &[(b"a", &vec![1; VALUE_BYTES_MAX])]);
    assert_eq!(shard.get_many(&[b""]), Err(StoreError::Key { bytes: 0 }));
    let long = [1; KEY_BYTES_MAX + 1];
    assert_eq!(shard.get_many(&[b"a", &long]), Err(StoreError::Key { bytes: long.len() }));
    assert_eq!(shard.get_many(&vec![&b"x"[..]; READ_KEYS_MAX]).unwrap().len(), READ_KEYS_MAX);
    assert_eq!(shard.get_many(&vec![&b"x"[..]; READ_KEYS_MAX + 1]), Err(StoreError::Read));
    let most = READ_BYTES_MAX / VALUE_BYTES_MAX;
    assert_eq!(shard.get_many(&vec![&b"a"[..]; most]).unwrap().len(), most);
    assert_eq!(shard.get_many(&vec![&b"a"[..]; most + 1]), Err(StoreError::Read));
    for limit in [0, PAGE_ROWS_MAX + 1] {
        assert_eq!(shard.scan(&KeyRange::all(), None, limit), Err(StoreError::Limit));
    }
    shard.scan(&KeyRange::all(), None, PAGE_ROWS_MAX).unwrap();
    assert_eq!(shard.status().closed, None);
}

fn restarts(subject: &mut dyn Subject) {
    for round in 0..4_u8 {
        let shard = writer(subject, SHARD, u64::from(round), u64::from(round) + 1);
        assert_eq!(shard.status().committed, 2 * u64::from(round));
        for earlier in 0..round {
            assert_eq!(one(&*shard, &[earlier]), Some(vec![earlier; 3]));
        }
        put(&*shard, &[(&[round], &[round; 3]), (b"last", &[round])]);
        let seq = shard.commit(Batch::new()).unwrap();
        shard.durable(seq).unwrap();
        drop(shard);
        subject.restart();
    }
    assert_eq!(subject.engine().list().unwrap(), [SHARD]);
}

fn expunges(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    shard.expunge().unwrap();
    put(&*shard, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
    let blob = crate::BlobName([1; 32]);
    shard.blobs().put_new(blob, b"kept").unwrap();
    let mut batch = Batch::new();
    batch.delete(*b"a").unwrap();
    batch.put(*b"b", *b"4").unwrap();
    let seq = shard.commit(batch).unwrap();
    shard.expunge().unwrap();
    assert!(shard.status().durable >= seq, "what is committed is durable");
    let rows = [(b"b".to_vec(), b"4".to_vec()), (b"c".to_vec(), b"3".to_vec())];
    assert_eq!(pages(&*shard, &KeyRange::all(), 9), rows);
    let follower = subject.engine().open(SHARD, crate::Open::Follower).unwrap();
    assert_eq!(follower.expunge(), Err(StoreError::ReadOnly(SHARD)));
    assert_eq!(shard.commit(Batch::new()), Ok(seq + 1));
    let fencing = writer(subject, SHARD, 1, 2);
    let fenced = StoreError::Closed { shard: SHARD, why: crate::Closed::Fenced };
    assert_eq!(shard.expunge(), Err(fenced));
    drop((shard, fencing, follower));
    subject.restart();

    let shard = writer(subject, SHARD, 2, 2);
    assert_eq!(pages(&*shard, &KeyRange::all(), 9), rows);
    assert_eq!(shard.blobs().get(blob, None), Ok(b"kept".to_vec()));
    shard.expunge().unwrap();
    assert_eq!(pages(&*shard, &KeyRange::all(), 9), rows);
}

fn many_writers(subject: &mut dyn Subject) {
    const WRITERS: u8 = 4;
    const BATCHES: u8 = 250;
    let shard = writer(subject, SHARD, 0, 1);
    let shard = &*shard;
    let write = |worker, count: u8| {
        let mut batch = Batch::new();
        batch.put([1, worker], [count]).unwrap();
        batch.put([2, worker], [count]).unwrap();
        let seq = shard.commit(batch).unwrap();
        if count.is_multiple_of(10) {
            shard.durable(seq).unwrap();
            assert!(shard.status().durable >= seq);
        }
        seq
    };
    let write = &write;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WRITERS)
            .map(|worker| {
                scope.spawn(move || {
                    (1..=BATCHES).map(|count| write(worker, count)).collect::<Vec<_>>()
                })
            })
            .collect();
        // Whoever reads meanwhile sees both rows of a batch or none, in a get and in a scan.
        for worker in (0..WRITERS).cycle() {
            let mut keys = vec![vec![3]; 20];
            keys[0] = vec![1, worker];
            keys[19] = vec![2, worker];
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let found = shard.get_many(&keys).unwrap();
            assert_eq!(found[0], found[19]);
            let rows = shard.scan(&KeyRange::all(), None, 100).unwrap().rows;
            let (first, second) = rows.split_at(rows.len() / 2);
            assert!(first.iter().map(|row| &row.1).eq(second.iter().map(|row| &row.1)));
            if workers.iter().all(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        let mut seqs = Vec::new();
        for worker in workers {
            let own = worker.join().unwrap();
            assert!(own.is_sorted());
            seqs.extend(own);
        }
        seqs.sort_unstable();
        let total = u64::from(WRITERS) * u64::from(BATCHES);
        assert!(seqs.into_iter().eq(1..=total));
    });
    for worker in 0..WRITERS {
        assert_eq!(one(shard, &[1, worker]), Some(vec![BATCHES]));
    }
}
