//! Properties of opening, fencing, checkpoints, clones and destruction.
//!
//! Layer: `prag-store`, for tests only.
//! Holds: cases with several handles.
//! Never: two processes; a lock between them is each engine's own to test.
//! Invariant: see the parent module.

use super::{Case, OTHER, SHARD, Subject, one, pages, put, writer};
use crate::{Batch, BlobName, CheckpointId, Closed, KeyRange, Open, Shard, ShardName, StoreError};

pub(super) const CASES: &[Case] = &[
    ("a writer names the epoch before", epochs),
    ("a new writer fences the old one", fencing),
    ("followers follow and do not write", followers),
    ("checkpoints stay as they were", checkpoints),
    ("checkpoints are dropped", dropped_checkpoints),
    ("destroyed is gone", destroys),
    ("a clone has its range and all blobs", clones),
    ("a clone needs a source and a free name", clone_refusals),
];

fn epochs(subject: &mut dyn Subject) {
    let open = |subject: &dyn Subject, expected_epoch, claim| {
        let shard = subject.engine().open(SHARD, Open::Writer { expected_epoch, claim })?;
        Ok::<_, StoreError>(shard.status().epoch)
    };
    let refused = |expected, claim| Err(StoreError::Claim { shard: SHARD, expected, claim });
    let other = |expected, found| Err(StoreError::Epoch { shard: SHARD, expected, found });
    assert_eq!(open(subject, 3, 4), Err(StoreError::Absent(SHARD)));
    assert_eq!(open(subject, 0, 0), refused(0, 0));
    assert_eq!(open(subject, 3, 2), refused(3, 2));
    assert_eq!(subject.engine().list().unwrap(), []);

    assert_eq!(open(subject, 0, 5), Ok(5));
    assert_eq!(open(subject, 4, 6), other(4, 5));
    assert_eq!(open(subject, 6, 7), other(6, 5));
    assert_eq!(open(subject, 0, 6), other(0, 5));
    subject.restart();
    assert_eq!(open(subject, 0, 6), other(0, 5));
    // The same claim again, for the claimer that crashed before it heard of its success.
    assert_eq!(open(subject, 0, 5), Ok(5));
    assert_eq!(open(subject, 5, 5), Ok(5));
    assert_eq!(open(subject, 5, 9), Ok(9));
    subject.restart();
    assert_eq!(open(subject, 5, 6), other(5, 9));
    assert_eq!(open(subject, 9, 10), Ok(10));
}

fn fencing(subject: &mut dyn Subject) {
    let old = writer(subject, SHARD, 0, 1);
    let kept = put(&*old, &[(b"a", b"1")]);
    old.blobs().put_new(BlobName([1; 32]), b"blob").unwrap();
    let unsure = old.commit(Batch::new()).unwrap();

    // A refused claim fences nobody.
    assert!(subject.engine().open(SHARD, Open::Writer { expected_epoch: 7, claim: 8 }).is_err());
    old.durable(kept).unwrap();

    for claim in [2, 2] {
        // Even with the same claim there is one writer.
        let old = writer(subject, SHARD, 1, claim);
        let new = writer(subject, SHARD, 1, claim);
        fenced(&*old, kept);
        assert_eq!(new.status().closed, None);
    }
    let new = writer(subject, SHARD, 2, 3);
    fenced(&*old, kept);
    assert_eq!(one(&*new, b"a"), Some(b"1".to_vec()));
    assert!(new.status().committed == unsure || new.status().committed == kept);
    put(&*new, &[(b"a", b"2")]);
    drop(old);
    assert_eq!(one(&*new, b"a"), Some(b"2".to_vec()));
    assert_eq!(new.blobs().get(BlobName([1; 32]), None), Ok(b"blob".to_vec()));
}

fn fenced(shard: &dyn Shard, kept: u64) {
    let closed = StoreError::Closed { shard: SHARD, why: Closed::Fenced };
    assert_eq!(shard.status().closed, Some(Closed::Fenced));
    assert_eq!(shard.commit(Batch::new()), Err(closed));
    assert_eq!(shard.durable(kept), Err(closed));
    assert_eq!(shard.get_many(&[b"a"]), Err(closed));
    assert_eq!(shard.scan(&KeyRange::all(), None, 1), Err(closed));
    assert_eq!(shard.checkpoint(), Err(closed));
    assert_eq!(shard.checkpoints(), Err(closed));
    assert_eq!(shard.drop_checkpoint(CheckpointId(0)), Err(closed));
    let blobs = shard.blobs();
    assert_eq!(blobs.put_new(BlobName([2; 32]), b""), Err(closed));
    assert_eq!(blobs.get(BlobName([1; 32]), None), Err(closed));
    assert_eq!(blobs.list(None, 1), Err(closed));
    assert_eq!(blobs.delete(BlobName([1; 32])), Err(closed));
}

fn read_only(shard: &dyn Shard) {
    let refused = StoreError::ReadOnly(SHARD);
    assert_eq!(shard.commit(Batch::new()), Err(refused));
    assert_eq!(shard.durable(0), Err(refused));
    assert_eq!(shard.checkpoint(), Err(refused));
    assert_eq!(shard.drop_checkpoint(CheckpointId(0)), Err(refused));
    assert_eq!(shard.blobs().put_new(BlobName([2; 32]), b""), Err(refused));
    assert_eq!(shard.blobs().delete(BlobName([1; 32])), Err(refused));
    assert_eq!(shard.status().closed, None);
}

fn followers(subject: &mut dyn Subject) {
    assert_eq!(subject.engine().open(SHARD, Open::Follower).err(), Some(StoreError::Absent(SHARD)));
    assert_eq!(subject.engine().list().unwrap(), []);
    let shard = writer(subject, SHARD, 0, 1);
    put(&*shard, &[(b"a", b"1")]);
    let follower = subject.engine().open(SHARD, Open::Follower).unwrap();
    read_only(&*follower);
    assert_eq!(one(&*follower, b"a"), Some(b"1".to_vec()));
    let seq = put(&*shard, &[(b"a", b"2")]);
    shard.blobs().put_new(BlobName([3; 32]), b"blob").unwrap();
    assert_eq!(one(&*follower, b"a"), Some(b"2".to_vec()));
    assert_eq!(follower.blobs().get(BlobName([3; 32]), None), Ok(b"blob".to_vec()));
    assert!(follower.status().durable >= seq);

    // It outlives its writer, and follows the next one.
    drop(shard);
    assert_eq!(one(&*follower, b"a"), Some(b"2".to_vec()));
    let next = writer(subject, SHARD, 1, 2);
    put(&*next, &[(b"a", b"3")]);
    assert_eq!(one(&*follower, b"a"), Some(b"3".to_vec()));
    assert_eq!(follower.status().epoch, 2);
}

fn checkpoints(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 1);
    let name = BlobName([4; 32]);
    put(&*shard, &[(b"a", b"1"), (b"b", b"1")]);
    shard.blobs().put_new(name, b"blob").unwrap();
    let seq = shard.commit(Batch::new()).unwrap();
    let first = shard.checkpoint().unwrap();
    assert_eq!((first, shard.status().durable), (CheckpointId(seq), seq));
    assert_eq!(shard.checkpoint(), Ok(first));

    let mut batch = Batch::new();
    batch.put(*b"a", *b"2").unwrap();
    batch.delete(*b"b").unwrap();
    shard.commit(batch).unwrap();
    shard.blobs().delete(name).unwrap();
    shard.blobs().put_new(BlobName([5; 32]), b"later").unwrap();
    let second = shard.checkpoint().unwrap();
    assert!(second > first);
    drop(shard);

    for _ in 0..2 {
        let at = subject.engine().open(SHARD, Open::At(first)).unwrap();
        read_only(&*at);
        let rows = [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"1".to_vec())];
        assert_eq!(pages(&*at, &KeyRange::all(), 1), rows);
        assert_eq!(at.blobs().get(name, None), Ok(b"blob".to_vec()));
        let infos = at.blobs().list(None, 9).unwrap();
        assert_eq!(
            infos.iter().map(|info| (info.name, info.bytes)).collect::<Vec<_>>(),
            [(name, 4)]
        );
        assert_eq!((at.status().committed, at.status().durable), (seq, seq));
        assert_eq!(at.checkpoints().unwrap(), [first, second]);
        let at = subject.engine().open(SHARD, Open::At(second)).unwrap();
        assert_eq!(pages(&*at, &KeyRange::all(), 9), [(b"a".to_vec(), b"2".to_vec())]);
        assert_eq!(at.blobs().get(name, None), Err(StoreError::BlobAbsent(SHARD)));
        drop(at);
        subject.restart();
    }
}

fn dropped_checkpoints(subject: &mut dyn Subject) {
    let absent = |id| StoreError::Checkpoint { shard: SHARD, id };
    let at = |subject: &dyn Subject, id| subject.engine().open(SHARD, Open::At(id)).err();
    assert_eq!(at(subject, CheckpointId(0)), Some(StoreError::Absent(SHARD)));
    let shard = writer(subject, SHARD, 0, 1);
    assert_eq!(shard.checkpoints().unwrap(), []);
    assert_eq!(at(subject, CheckpointId(0)), Some(absent(CheckpointId(0))));
    let ids = [(); 3].map(|()| {
        put(&*shard, &[(b"a", b"1")]);
        shard.checkpoint().unwrap()
    });
    assert_eq!(shard.checkpoints().unwrap(), ids);
    shard.drop_checkpoint(ids[1]).unwrap();
    shard.drop_checkpoint(ids[1]).unwrap();
    assert_eq!(shard.checkpoints().unwrap(), [ids[0], ids[2]]);
    assert_eq!(at(subject, ids[1]), Some(absent(ids[1])));
    assert_eq!(at(subject, ids[2]), None);
    assert_eq!(one(&*shard, b"a"), Some(b"1".to_vec()));
}

fn destroys(subject: &mut dyn Subject) {
    assert_eq!(subject.engine().destroy(SHARD), Err(StoreError::Absent(SHARD)));
    let shard = writer(subject, SHARD, 0, 1);
    let neighbour = writer(subject, OTHER, 0, 1);
    put(&*neighbour, &[(b"n", b"1")]);
    put(&*shard, &[(b"a", b"1")]);
    shard.blobs().put_new(BlobName([6; 32]), b"blob").unwrap();
    let id = shard.checkpoint().unwrap();
    let follower = subject.engine().open(SHARD, Open::Follower).unwrap();
    let at = subject.engine().open(SHARD, Open::At(id)).unwrap();
    assert_eq!(subject.engine().list().unwrap(), [SHARD, OTHER]);

    subject.engine().destroy(SHARD).unwrap();
    assert_eq!(subject.engine().list().unwrap(), [OTHER]);
    let closed = StoreError::Closed { shard: SHARD, why: Closed::Destroyed };
    for handle in [&shard, &follower, &at] {
        assert_eq!(handle.status().closed, Some(Closed::Destroyed));
        assert_eq!(handle.get_many(&[b"a"]), Err(closed));
        assert_eq!(handle.blobs().get(BlobName([6; 32]), None), Err(closed));
    }
    assert_eq!(shard.commit(Batch::new()), Err(closed));
    assert_eq!(subject.engine().open(SHARD, Open::Follower).err(), Some(StoreError::Absent(SHARD)));
    assert_eq!(subject.engine().open(SHARD, Open::At(id)).err(), Some(StoreError::Absent(SHARD)));

    // The name may be used again, and nothing of the old shard is there; old handles stay closed.
    let again = writer(subject, SHARD, 0, 1);
    assert_eq!((again.status().committed, one(&*again, b"a")), (0, None));
    assert_eq!(again.blobs().list(None, 9).unwrap(), []);
    assert_eq!(again.checkpoints().unwrap(), []);
    put(&*again, &[(b"a", b"2")]);
    assert_eq!(shard.get_many(&[b"a"]), Err(closed));
    drop((shard, follower, at));
    assert_eq!(one(&*again, b"a"), Some(b"2".to_vec()));
    assert_eq!(one(&*neighbour, b"n"), Some(b"1".to_vec()));
}

fn clones(subject: &mut dyn Subject) {
    let shard = writer(subject, SHARD, 0, 4);
    let blob = BlobName([7; 32]);
    put(&*shard, &[(&[1, 1], b"a"), (&[1, 9], b"b"), (&[2, 0], b"c"), (&[3], b"d")]);
    shard.blobs().put_new(blob, b"blob").unwrap();
    let seq = put(&*shard, &[(&[2, 5], b"e")]);
    shard.checkpoint().unwrap();
    let range = KeyRange { start: vec![1, 9], end: Some(vec![3]) };
    assert_eq!(subject.engine().clone_range(SHARD, OTHER, &range), Ok(seq));
    assert_eq!(subject.engine().list().unwrap(), [SHARD, OTHER]);

    let copy = writer(subject, OTHER, 0, 1);
    let expected = [(&[1_u8, 9], b"b"), (&[2, 0], b"c"), (&[2, 5], b"e")];
    let expected = expected.map(|(key, value)| (key.to_vec(), value.to_vec()));
    assert_eq!(pages(&*copy, &KeyRange::all(), 2), expected);
    assert_eq!(copy.checkpoints().unwrap(), []);
    assert_eq!(copy.status().committed, seq);

    // Each goes its own way from here.
    assert_eq!(put(&*copy, &[(&[2, 0], b"z")]), seq + 1);
    copy.blobs().delete(blob).unwrap();
    assert_eq!(one(&*shard, &[2, 0]), Some(b"c".to_vec()));
    assert_eq!(shard.blobs().get(blob, None), Ok(b"blob".to_vec()));
    drop((shard, copy));
    subject.engine().destroy(SHARD).unwrap();
    subject.restart();
    let copy = writer(subject, OTHER, 1, 2);
    assert_eq!(one(&*copy, &[2, 0]), Some(b"z".to_vec()));
    assert_eq!(one(&*copy, &[1, 9]), Some(b"b".to_vec()));

    // A source need not be open, and an empty range makes an empty shard.
    drop(copy);
    let third = ShardName([0xef; 16]);
    let empty = KeyRange { start: vec![9], end: None };
    assert_eq!(subject.engine().clone_range(OTHER, third, &empty), Ok(seq + 1));
    let third = writer(subject, third, 0, 1);
    assert_eq!(pages(&*third, &KeyRange::all(), 9), []);
}

fn clone_refusals(subject: &mut dyn Subject) {
    let all = KeyRange::all();
    let clone =
        |subject: &dyn Subject, from, to| subject.engine().clone_range(from, to, &all).err();
    assert_eq!(clone(subject, SHARD, OTHER), Some(StoreError::Absent(SHARD)));
    assert_eq!(subject.engine().list().unwrap(), []);
    drop(writer(subject, SHARD, 0, 1));
    drop(writer(subject, OTHER, 0, 1));
    assert_eq!(clone(subject, SHARD, OTHER), Some(StoreError::Exists(OTHER)));
    assert_eq!(clone(subject, SHARD, SHARD), Some(StoreError::Exists(SHARD)));
}
