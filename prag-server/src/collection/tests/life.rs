//! The life of a shard's keys: rotation, re-encryption, purge.

use super::super::renew;
use super::super::shard::{Home, IDEMPOTENCY_SECONDS};
use super::super::tiers::Shape;
use super::super::upkeep::Upkeep;
use super::*;
use prag_store::{BlobName, KeyRange, RocksEngine};
use prag_trust::seal::{BatchRecord, Sealed};
use std::path::{Path, PathBuf};

/// The wrap key of an epoch.
pub(super) fn wrap_of(epoch: u32) -> Key<Wrap> {
    let byte = u8::try_from(epoch).unwrap();
    let (chain, owner) = (Share::from_bytes(&[byte; 32]), Share::from_bytes(&[byte + 100; 32]));
    derive_kek(&chain, &owner, IDENTITY.collection, epoch).derive()
}

fn identity(epoch: u32) -> Identity {
    Identity { epoch, ..IDENTITY }
}

pub(super) fn claim(
    engine: &dyn Engine,
    expected_epoch: u64,
) -> Result<Arc<dyn Shard>, CollectionError> {
    let mode = Open::Writer { expected_epoch, claim: 1 };
    Ok(engine.open(ShardName(IDENTITY.lineage.0), mode)?)
}

fn born(engine: &dyn Engine) -> CollectionShard {
    let home = small(claim(engine, 0).unwrap());
    CollectionShard::create(identity(1), profile(), wrap_of(1), home, &mut OsEntropy).unwrap()
}

pub(super) fn open(engine: &dyn Engine, epoch: u32) -> Result<CollectionShard, CollectionError> {
    CollectionShard::open(identity(epoch), wrap_of(epoch), small(claim(engine, 1)?))
}

/// So small that one dead row is worth a merge.
fn small(store: Arc<dyn Shard>) -> Home {
    let upkeep = Arc::new(Upkeep::new(Shape { freeze_rows: 32, fan: 8 }, 1, 0));
    Home { upkeep, ..Home::from(store) }
}

/// Segments with dead rows, and a tail with replaced, deleted and staged documents.
pub(super) fn lived_in(engine: &dyn Engine) -> CollectionShard {
    let shard = born(engine);
    for id in ["a", "b", "c"] {
        put(&shard, id, &text(id));
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    for id in ["d", "e"] {
        put(&shard, id, &text(id));
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    put(&shard, "b", &text("new b"));
    put(&shard, "f", &text("f"));
    delete(&shard, "d");
    shard
}

pub(super) fn text(id: &str) -> String {
    format!("the content of {id}")
}

pub(super) fn expected() -> Vec<(String, String)> {
    let row = |(id, of): (&str, &str)| (id.to_owned(), text(of));
    [("a", "a"), ("b", "new b"), ("c", "c"), ("e", "e"), ("f", "f")].map(row).to_vec()
}

/// Epochs of the wrapped keys that lie in the store, and their number.
fn wrapped(shard: &CollectionShard) -> (Vec<u32>, usize) {
    let rows = shard.home.store.scan(&rows::deks(), None, 1000).unwrap().rows;
    let mut epochs: Vec<u32> =
        rows.iter().map(|(key, _)| rows::parse_dek(key).unwrap().1).collect();
    let count = epochs.len();
    epochs.sort_unstable();
    epochs.dedup();
    (epochs, count)
}

/// A rotation wraps every key anew and moves nothing: blobs and batches are the bytes they were, names stay, and the
/// old key opens nothing any more.
#[test]
fn rotation_moves_no_data() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    let handle = shard.handle(&"a".parse().unwrap());
    let data = |shard: &CollectionShard| {
        let store = &shard.home.store;
        let rows = store.scan(&KeyRange { start: vec![3], end: None }, None, 1000).unwrap().rows;
        (rows, store.blobs().list(None, 100).unwrap())
    };
    let (before, head) = (data(&shard), shard.head());
    assert_eq!(wrapped(&shard), (vec![1], 4));
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    assert_eq!((wrapped(&shard), shard.epoch()), ((vec![1, 2], 8), 1));
    assert_eq!(data(&shard), before);
    shard.settle_epoch(2).unwrap();
    shard.settle_epoch(2).unwrap();
    assert_eq!((wrapped(&shard), shard.epoch()), ((vec![2], 4), 2));
    assert_eq!(data(&shard), before);
    assert!(matches!(shard.settle_epoch(1), Err(CollectionError::Tampered(_))));

    put(&shard, "g", &text("g"));
    drop(shard);
    assert!(matches!(open(&engine, 1), Err(CollectionError::Tampered("root key"))));
    let wrong = CollectionShard::open(identity(2), wrap_of(1), claim(&engine, 1).unwrap());
    assert!(matches!(wrong, Err(CollectionError::Tampered("root key"))));
    let shard = open(&engine, 2).unwrap();
    assert_eq!(shard.head().size, head.size + 1);
    assert_eq!(shard.handle(&"a".parse().unwrap()), handle);
    assert_eq!(shard.read().documents.len(), 6);
}

/// Until the ledger has spoken both epochs open, also for what was written and frozen in between.
#[test]
fn both_epochs_open_while_a_rotation_is_prepared() {
    for epoch in [1, 2] {
        let engine = MemoryEngine::new();
        let shard = lived_in(&engine);
        shard.prepare_epoch(2, wrap_of(9), &mut OsEntropy).unwrap();
        shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
        put(&shard, "g", &text("g"));
        freeze::compact(&shard, true, &mut OsEntropy).unwrap();
        put(&shard, "h", &text("h"));
        drop(shard);
        let shard = open(&engine, epoch).unwrap();
        assert_eq!(shard.read().documents.len(), 7);
        shard.settle_epoch(epoch).unwrap();
        assert_eq!(wrapped(&shard).0, [epoch], "the other epoch is swept");
    }
}

/// A wrapped key opens only in its epoch, under its id, with its birth.
#[test]
fn wrapped_keys_keep_their_place() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    let store = Arc::clone(&shard.home.store);
    drop(shard);
    let row = |key: &[u8]| store.get_many(&[key]).unwrap().remove(0).unwrap();
    let write = |key: &[u8], value: Vec<u8>| {
        let mut batch = StoreBatch::new();
        batch.put(key, value).unwrap();
        store.commit(batch).unwrap();
    };
    let (root, other) = (rows::dek([0; 16], 2), rows::dek([0; 16], 1));
    let good = row(&root);
    let mut younger = good.clone();
    younger[3] = 2;
    for bad in [row(&other), row(&rows::dek(super::super::keys::NAMES, 2)), younger] {
        write(&root, bad);
        let store = Arc::clone(&store);
        let opened = CollectionShard::open(identity(2), wrap_of(2), store);
        assert!(matches!(opened, Err(CollectionError::Tampered("root key"))));
    }
    write(&root, good);
    CollectionShard::open(identity(2), wrap_of(2), store).unwrap();
}

/// After a re-encryption nothing is under a key that was born before: not a segment, not the tail, not the manifest.
/// Progress is told in bytes, to the end.
#[test]
fn reencryption_leaves_no_old_key() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    shard.settle_epoch(2).unwrap();
    let ids = |shard: &CollectionShard| {
        shard.read().segments.iter().map(|segment| segment.id).collect::<Vec<_>>()
    };
    let (before, blobs) = (ids(&shard), shard.home.store.blobs().list(None, 100).unwrap());
    let old_root = shard.keys();
    let told = std::cell::RefCell::new(Vec::new());
    let progress = |done, total| told.borrow_mut().push((done, total));
    renew::reencrypt(&shard, &progress, &mut OsEntropy).unwrap();
    let told = told.into_inner();
    assert!(told.len() > 3 && told.is_sorted() && told[0].0 == 0);
    assert!(told.iter().all(|(_, total)| *total == told[0].1), "{told:?}");
    assert_eq!(told.last().unwrap().0, told[0].1);

    let stale = shard.keys().stale(shard.home.store.as_ref()).unwrap();
    assert_eq!(stale, [super::super::keys::NAMES], "names belong to the lineage");
    assert_eq!(shard.keys().root().generation, 1);
    assert!(!shard.keys().has_old_roots());
    assert_eq!(ids(&shard)[..2], before[..], "segments are sealed anew, not built anew");
    let kept = shard.home.store.blobs().list(None, 100).unwrap();
    assert!(kept.iter().all(|blob| !blobs.contains(blob)));
    for (key, value) in shard.home.store.scan(&KeyRange::all(), None, 1000).unwrap().rows {
        if let Some((seq, 0)) = rows::parse_batch(&key) {
            let root = old_root.root();
            let place = old_root.root_place(prag_protocol::place::Kind::Batch, root, seq);
            assert!(Sealed::<BatchRecord>::from_bytes(value).open(root.key(), place).is_err());
        }
    }
    assert_eq!(contents(&shard.read()), expected());
    drop(shard);
    let shard = open(&engine, 2).unwrap();
    assert_eq!(contents(&shard.read()), expected());
    renew::reencrypt(&shard, &|done, total| assert_eq!((done, total), (0, 0)), &mut OsEntropy)
        .unwrap();
    assert_eq!(shard.keys().root().generation, 1, "there is nothing to do");
}

/// Compaction after a rotation re-encrypts too: one segment under a new key, a new root.
#[test]
fn compaction_after_a_rotation_reencrypts() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    let generation = shard.keys().root().generation;
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    assert_eq!(shard.keys().root().generation, generation, "nothing to do, nothing done");
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    shard.settle_epoch(2).unwrap();
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    let stale = shard.keys().stale(shard.home.store.as_ref()).unwrap();
    assert_eq!(stale, [super::super::keys::NAMES]);
    put(&shard, "g", &text("g"));
    drop(shard);
    let shard = open(&engine, 2).unwrap();
    assert_eq!(shard.read().documents.len(), 6);
}

/// What comes in while a root is replaced stays readable under the root before, until the next freeze takes it.
#[test]
fn batches_of_two_roots_lie_in_one_tail() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    shard.prepare_epoch(2, wrap_of(2), &mut OsEntropy).unwrap();
    shard.settle_epoch(2).unwrap();
    // As a swap does whose snapshot was taken before the tail's last batches.
    {
        let mut writer = shard.writer();
        let mut write = StoreBatch::new();
        let from = writer.log.size();
        let keys = shard.keys().with_fresh_root(from, &mut write, &mut OsEntropy).unwrap();
        let head = writer.log.sealed_head(&keys, &mut OsEntropy).unwrap().unwrap();
        write.put(rows::head(), head).unwrap();
        let mut manifest =
            super::super::manifest::Manifest { roots: keys.listed(), ..writer.manifest.clone() };
        let at = (&keys, shard.home.store.as_ref());
        manifest.put(&writer.manifest, at, &mut write, &mut OsEntropy).unwrap();
        shard.commit(&mut writer, write).unwrap();
        writer.manifest = manifest;
        shard.change_keys(keys);
    }
    put(&shard, "g", &text("g"));
    assert!(shard.keys().has_old_roots());
    drop(shard);
    let shard = open(&engine, 2).unwrap();
    assert_eq!(shard.read().documents.len(), 6);
    assert!(shard.keys().has_old_roots());
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert!(!shard.keys().has_old_roots());
    drop(shard);
    assert_eq!(open(&engine, 2).unwrap().read().documents.len(), 6);
}

/// After a purge no file of the shard holds a byte of what was deleted or replaced, not even for somebody who kept
/// every key from before; the rest still answers.
#[test]
fn purged_bytes_are_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    let shard = lived_in(&engine);
    let old_rows = shard.home.store.scan(&KeyRange::all(), None, 1000).unwrap().rows;
    let wounded = |at: usize| {
        let manifest = shard.writer().manifest.clone();
        manifest.segments[at].parts.iter().map(|part| BlobName(part.blob)).collect::<Vec<_>>()
    };
    // Every batch so far holds what was deleted or replaced, or lies beside it under the same root; both segments
    // have dead rows. So nothing of these may be left: rows of table 1 to 4, and both segments' blobs.
    let mut gone: Vec<Vec<u8>> = old_rows
        .iter()
        .filter(|(key, _)| key[0] < 5)
        .filter(|(key, _)| {
            rows::parse_dek(key).is_none_or(|(id, _)| id != super::super::keys::NAMES)
        })
        .map(|(_, value)| value.clone())
        .collect();
    for name in wounded(0).into_iter().chain(wounded(1)) {
        gone.push(shard.home.store.blobs().get(name, None).unwrap());
    }
    assert!(gone.len() > 10);
    assert!(
        gone.iter().all(|bytes| lies_in(folder.path(), bytes)),
        "before the purge all is there"
    );
    let orphan = BlobName([7; 32]);
    shard.home.store.blobs().put_new(orphan, b"what a crash left behind").unwrap();
    shard.home.store.checkpoint().unwrap();

    renew::purge(&shard, &mut OsEntropy).unwrap();
    for bytes in &gone {
        assert!(!lies_in(folder.path(), bytes));
    }
    assert!(!lies_in(folder.path(), b"what a crash left behind"));
    assert_eq!(contents(&shard.read()), expected());
    put(&shard, "g", &text("g"));
    drop(shard);
    let shard = open(&engine, 1).unwrap();
    assert_eq!(shard.read().documents.len(), 6);
    assert_eq!(shard.read().chunks(), 6);
    assert!(shard.writer().manifest.segments.iter().all(|entry| entry.rows > 0));
    renew::purge(&shard, &mut OsEntropy).unwrap();
    assert_eq!(shard.read().documents.len(), 6);
}

/// The digest of a purged document is not remembered; that of a live one is.
#[test]
fn a_purge_forgets_idempotency_keys_of_the_purged() {
    let engine = MemoryEngine::new();
    let shard = born(&engine);
    for (id, key, digest) in [("a", 1, 11), ("b", 2, 12)] {
        let mut document = document(id, "text");
        document.digest = [digest; 32];
        let op = Op::Put { document, vectors: vec![0.6, 0.8] };
        let entry = Idempotency { key: [key; 32], digest: [digest; 32], time: 5 };
        shard
            .write(put_batches(op, Some(entry), 5, &mut OsEntropy).unwrap(), &mut OsEntropy)
            .unwrap();
    }
    delete(&shard, "a");
    renew::purge(&shard, &mut OsEntropy).unwrap();
    for shard in [shard, open(&engine, 1).unwrap()] {
        assert_eq!(shard.recall(&[1; 32], 6), None);
        assert_eq!(shard.recall(&[2; 32], 6), Some([12; 32]));
    }
}

/// What a swap writes down of idempotency keys is at most a day older than the newest of them.
#[test]
fn a_swap_forgets_idempotency_keys_of_yesterday() {
    let engine = MemoryEngine::new();
    let shard = born(&engine);
    let newest = 5 + IDEMPOTENCY_SECONDS;
    for (key, time) in [(1, 5), (2, 6), (3, newest)] {
        let op = Op::Put { document: document("a", "text"), vectors: vec![0.6, 0.8] };
        let entry = Idempotency { key: [key; 32], digest: [7; 32], time };
        let batches = put_batches(op, Some(entry), time, &mut OsEntropy).unwrap();
        shard.write(batches, &mut OsEntropy).unwrap();
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    assert_eq!(shard.writer().manifest.idempotency.len(), 2);
    for shard in [shard, open(&engine, 1).unwrap()] {
        let recalled = [1, 2, 3].map(|key| shard.recall(&[key; 32], newest).is_some());
        assert_eq!(recalled, [false, true, true]);
    }
}

/// Whether a run of `bytes` from their middle lies in any file below `path`.
fn lies_in(path: &Path, bytes: &[u8]) -> bool {
    let middle = bytes.len() / 2;
    let needle = &bytes[middle.saturating_sub(8)..(middle + 8).min(bytes.len())];
    files(path).iter().any(|file| {
        let content = std::fs::read(file).unwrap_or_default();
        content.windows(needle.len()).any(|window| window == needle)
    })
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
