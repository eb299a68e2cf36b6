//! Manifests that are larger than a row: of many idempotency keys, of many deleted rows.

use super::super::manifest::Manifest;
use super::super::renew;
use super::super::shard::{IDEMPOTENCY_KEYS_MAX, IDEMPOTENCY_SECONDS};
use super::super::snapshot::{Opener, Source, Target};
use super::snapshots::about;
use super::*;
use prag_store::archive::FolderArchive;

fn key(number: u64) -> [u8; 32] {
    *blake3::hash(&number.to_be_bytes()).as_bytes()
}

/// A write that answers the idempotency key `number`.
fn put_once(shard: &CollectionShard, number: u64) -> Result<(), CollectionError> {
    let op = Op::Put { document: document("d", "text"), vectors: vec![0.6, 0.8] };
    let once = Idempotency { key: key(number), digest: [7; 32], time: 1000 };
    let batches = put_batches(op, Some(once), 1000, &mut OsEntropy).unwrap();
    shard.write(batches, &mut OsEntropy).map(drop)
}

/// As if so many keys had been used today.
fn remember(shard: &CollectionShard, count: usize) {
    let mut writer = shard.writer();
    for number in 0..count as u64 {
        let once = Idempotency { key: key(number), digest: [7; 32], time: 1000 };
        writer.recent.insert(once.key, once);
    }
}

fn parts(shard: &CollectionShard) -> usize {
    let rows = shard.home.store.scan(&rows::all_manifest_parts(), None, 1000).unwrap().rows;
    assert_eq!(rows.len(), usize::from(shard.writer().manifest.parts));
    rows.len()
}

/// A freeze goes through however many keys a day has, all are known after a reopening and after a restoration, and
/// once they expired the manifest is one row again, with no other left.
#[test]
fn a_day_of_many_keys_is_frozen() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    remember(&shard, 40_000);
    put_once(&shard, 40_000).unwrap();
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert!(parts(&shard) > 2);
    put_once(&shard, 40_001).unwrap();
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    assert!(parts(&shard) > 2, "the parts before are gone");
    let knows_all = |shard: &CollectionShard| {
        (0..=40_001).all(|number| shard.recall(&key(number), 1001) == Some([7; 32]))
    };
    assert!(knows_all(&shard));

    let folder = tempfile::tempdir().unwrap();
    let archive = FolderArchive::new(folder.path());
    let target = Target { archive: &archive, folder: [9; 16] };
    let moment = shard.keep_moment(4).unwrap();
    let at = engine.open(ShardName(IDENTITY.lineage.0), Open::At(moment.checkpoint)).unwrap();
    moment.write(at.as_ref(), about(), None, target, &|_, _| (), &mut OsEntropy).unwrap();
    let (fresh, opener) = (MemoryEngine::new(), Opener::new(IDENTITY.collection, 1, wrap_key()));
    let source = Source::open(target, target.indexes().unwrap()[0], &opener).unwrap();
    source.unpack(&opener, &store(&fresh, 0), true, &|_, _| ()).unwrap();
    assert!(knows_all(&reopen(&fresh).unwrap()));

    drop(shard);
    let shard = reopen(&engine).unwrap();
    assert!(knows_all(&shard));
    renew::purge(&shard, &mut OsEntropy).unwrap();
    assert!(parts(&shard) > 2 && knows_all(&shard), "its document lives");
    let op = Op::Put { document: document("e", "later"), vectors: vec![0.6, 0.8] };
    let time = 1001 + IDEMPOTENCY_SECONDS;
    let once = Idempotency { key: [1; 32], digest: [2; 32], time };
    let batches = put_batches(op, Some(once), time, &mut OsEntropy).unwrap();
    shard.write(batches, &mut OsEntropy).unwrap();
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert_eq!((parts(&shard), shard.recall(&key(1), 1001)), (0, None));
    drop(shard);
    assert_eq!(reopen(&engine).unwrap().recall(&[1; 32], time), Some([2; 32]));
}

/// A part that is missing, changed, exchanged or of an earlier version is refused by name.
#[test]
fn damaged_parts_are_refused() {
    let engine = MemoryEngine::new();
    let shard = create(&engine);
    remember(&shard, 40_000);
    put_once(&shard, 1).unwrap();
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    let version = shard.writer().manifest.version;
    let raw = store(&engine, 1);
    let keys = [0, 1].map(|part| rows::manifest_part(version, part));
    let read = |raw: &dyn Shard| {
        keys.each_ref().map(|key| raw.get_many(&[key]).unwrap().remove(0).unwrap())
    };
    drop(shard);
    let good = read(raw.as_ref());
    let mut flipped = good[0].clone();
    flipped[500] ^= 1;
    let bad: [[Option<Vec<u8>>; 2]; 3] = [
        [Some(flipped), Some(good[1].clone())],
        [Some(good[1].clone()), Some(good[0].clone())],
        [Some(good[0].clone()), None],
    ];
    let write = |values: &[Option<Vec<u8>>; 2]| {
        let mut write = StoreBatch::new();
        for (key, value) in keys.iter().zip(values) {
            match value {
                Some(value) => write.put(key.clone(), value.clone()).unwrap(),
                None => write.delete(key.clone()).unwrap(),
            }
        }
        store(&engine, 1).commit(write).unwrap();
    };
    drop(raw);
    for values in bad {
        write(&values);
        assert!(matches!(reopen(&engine), Err(CollectionError::Tampered("manifest"))));
    }
    write(&good.map(Some));
    assert_eq!(reopen(&engine).unwrap().read().documents.len(), 1);
}

/// A write whose key could not be remembered is refused before anything is written; one without a key is not.
#[test]
fn keys_are_bounded_before_they_are_acknowledged() {
    let shard = create(&MemoryEngine::new());
    remember(&shard, IDEMPOTENCY_KEYS_MAX);
    let head = shard.head();
    let refused = put_once(&shard, u64::MAX);
    assert!(matches!(refused, Err(CollectionError::Keys { max: IDEMPOTENCY_KEYS_MAX })));
    assert_eq!((shard.head(), shard.read().documents.len()), (head, 0));
    put(&shard, "a", "without a key");
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    let manifest = shard.writer().manifest.clone();
    assert_eq!(manifest.idempotency.len(), IDEMPOTENCY_KEYS_MAX);
    let stored = Manifest::load(&shard.keys(), shard.home.store.as_ref()).unwrap();
    assert_eq!(stored, manifest);
}
