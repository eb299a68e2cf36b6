//! Snapshots of a shard, without a worker: what comes back is what was there, byte for byte.

use super::super::snapshot::{About, Opener, SnapshotError, Source, Target, Way, Written};
use super::*;
use prag_protocol::place::{Kind as PlaceKind, Place};
use prag_store::KeyRange;
use prag_store::archive::{Archive, FolderArchive};

const FOLDER: [u8; 16] = [9; 16];

pub(super) fn about() -> About {
    About {
        name: "notes".to_owned(),
        owner: "secret1owner".parse().unwrap(),
        vectors: r#"{"supplied":2}"#.to_owned(),
        born: 3,
        managed: false,
        language: None,
        way: Way::Standard,
    }
}

fn opener() -> Opener {
    Opener::new(IDENTITY.collection, 1, wrap_key())
}

fn take(engine: &MemoryEngine, shard: &CollectionShard, archive: &dyn Archive) -> Written {
    let moment = shard.keep_moment(4).unwrap();
    let name = ShardName(IDENTITY.lineage.0);
    let store = engine.open(name, Open::At(moment.checkpoint)).unwrap();
    let target = Target { archive, folder: FOLDER };
    let written = moment.write(store.as_ref(), about(), None, target, &|_, _| (), &mut OsEntropy);
    shard.drop_moments().unwrap();
    written.unwrap()
}

fn lived_in(engine: &MemoryEngine) -> CollectionShard {
    let shard = create(engine);
    for number in 0..5 {
        put(&shard, &format!("d{number}"), "frozen text");
    }
    freeze::compact(&shard, false, &mut OsEntropy).unwrap();
    // Staged in batches of several rows each: a pack is closed within them.
    put(&shard, "long", &"word ".repeat(600_000));
    put(&shard, "d1", "changed");
    delete(&shard, "d2");
    shard
}

fn all_rows(store: &dyn Shard) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(&KeyRange::all(), None, 8192).unwrap().rows
}

/// Every row and blob that the shard needs comes back as it was, and the shard opens under the next writer epoch; the
/// moment is that of the snapshot, whatever is written meanwhile.
#[test]
fn what_comes_back_is_what_was_there() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    let folder = tempfile::tempdir().unwrap();
    let archive = FolderArchive::new(folder.path());
    let (before, head) = (contents(&shard.read()), shard.head());
    let rows_before = all_rows(store(&engine, 1).as_ref());
    let shard = reopen(&engine).unwrap();
    let moment = shard.keep_moment(4).unwrap();
    put(&shard, "late", "after the moment");
    freeze::compact(&shard, true, &mut OsEntropy).unwrap();
    let at = engine.open(ShardName(IDENTITY.lineage.0), Open::At(moment.checkpoint)).unwrap();
    let target = Target { archive: &archive, folder: FOLDER };
    let written = moment.write(at.as_ref(), about(), None, target, &|_, _| (), &mut OsEntropy);
    let written = written.unwrap();
    assert_eq!((written.index.head, written.index.created), (head, 4));
    assert!(written.new_bytes > 1_000_000 && written.header.objects.len() > 5);

    let info = target.indexes().unwrap()[0];
    let source = Source::open(target, info, &opener()).unwrap();
    let fresh: Arc<dyn Shard> = MemoryEngine::new()
        .open(ShardName([7; 16]), Open::Writer { expected_epoch: 0, claim: 2 })
        .unwrap();
    let told = std::cell::Cell::new((0, 0));
    let whole = source.unpack(&opener(), &fresh, true, &|done, total| told.set((done, total)));
    let whole = whole.unwrap();
    assert_eq!((whole.head, told.get().0), (head, told.get().1));
    assert_eq!(whole.root_at(head.size), Some(head.root));
    assert_eq!(all_rows(fresh.as_ref()), rows_before);
    let identity = Identity { writer_epoch: 2, ..IDENTITY };
    let opened = CollectionShard::open(identity, wrap_key(), fresh).unwrap();
    assert_eq!(contents(&opened.read()), before);
    assert_eq!((opened.head().root, opened.head().writer_epoch), (head.root, 2));
}

/// The same shard again writes an index and nothing else; a write more, the last pack of digests and of the tail.
#[test]
fn equal_rows_are_equal_objects() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    let folder = tempfile::tempdir().unwrap();
    let archive = FolderArchive::new(folder.path());
    let first = take(&engine, &shard, &archive);
    assert_eq!(first.new_objects, first.header.objects.len() as u64);
    let again = take(&engine, &shard, &archive);
    assert_eq!((again.new_objects, &again.header.objects), (0, &first.header.objects));
    assert_ne!(again.id, first.id, "each index has a key of its own");
    put(&shard, "more", "more");
    let more = take(&engine, &shard, &archive);
    assert_eq!(more.new_objects, 2, "what was packed full stays");
    assert!(more.header.objects.len() > 6);
}

/// Another collection's keys, another epoch's, an index with another list of objects: none opens.
#[test]
fn an_index_opens_with_its_keys_only() {
    let engine = MemoryEngine::new();
    let shard = lived_in(&engine);
    let folder = tempfile::tempdir().unwrap();
    let archive = FolderArchive::new(folder.path());
    take(&engine, &shard, &archive);
    let target = Target { archive: &archive, folder: FOLDER };
    let info = target.indexes().unwrap()[0];
    for other in [
        Opener::new(CollectionId([8; 16]), 1, wrap_key()),
        Opener::new(IDENTITY.collection, 2, wrap_key()),
    ] {
        let refused = Source::open(target, info, &other).err().unwrap();
        assert!(matches!(refused, SnapshotError::Keys(1)), "{refused}");
    }
    assert!(Source::open(target, info, &opener()).is_ok());
    let place = Place {
        collection: IDENTITY.collection,
        lineage: IDENTITY.lineage,
        kind: PlaceKind::Snapshot,
        id: [0; 16],
        seq: 0,
        epoch: 1,
    };
    assert_eq!(place.to_bytes()[32], 12, "the kind's byte is frozen");
    // So is the word for how a collection is searched: what was written before residencies reads as it did.
    for (byte, way) in [
        (0, Way::Standard),
        (1, Way::Oblivious),
        (2, Way::StandardOnDisk),
        (3, Way::Coded),
        (4, Way::CodedOnDisk),
    ] {
        let (search, residency, precision) = way.parts();
        let same = Way::of(search, residency, precision);
        assert_eq!((encode(&way).unwrap(), same), (vec![byte], Some(way)));
    }
    assert_eq!(encode(&Search::Oblivious).unwrap(), encode(&Way::Oblivious).unwrap());
}
