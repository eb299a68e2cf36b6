#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{RocksEngine, StateRow};
use crate::conformance;
use crate::{
    Batch, BlobName, CheckpointId, Closed, Engine, KeyRange, Open, Shard, ShardName, StoreError,
};

const SHARD: ShardName = ShardName([0x5a; 16]);
const OTHER: ShardName = ShardName([0x5b; 16]);
const FIRST: Open = Open::Writer { expected_epoch: 0, claim: 1 };
const AGAIN: Open = Open::Writer { expected_epoch: 1, claim: 1 };

mod damage;

struct Rocks {
    folder: tempfile::TempDir,
    engine: Option<RocksEngine>,
}

impl conformance::Subject for Rocks {
    fn engine(&self) -> &dyn Engine {
        self.engine.as_ref().unwrap()
    }

    fn restart(&mut self) {
        self.engine = None;
        self.engine = Some(RocksEngine::open(self.folder.path()).unwrap());
    }
}

fn fresh() -> (tempfile::TempDir, RocksEngine) {
    let folder = tempfile::tempdir().unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    (folder, engine)
}

fn shard_path(folder: &Path) -> PathBuf {
    folder.join("shards").join(SHARD.to_string())
}

/// Commit rows `from..to`, each batch with its number in a row of its own and in `last`.
fn fill(shard: &dyn Shard, from: u32, to: u32) {
    for number in from..to {
        let mut batch = Batch::new();
        batch.put(number.to_be_bytes(), value(number)).unwrap();
        batch.put(*b"last", number.to_be_bytes()).unwrap();
        let seq = shard.commit(batch).unwrap();
        if number % 10 == 9 || number + 1 == to {
            shard.durable(seq).unwrap();
        }
    }
}

fn value(number: u32) -> Vec<u8> {
    number.to_le_bytes().repeat(50)
}

/// Every file of a folder, deep.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
    for part in ["blobs", "checkpoints"] {
        fs::create_dir_all(to.join("shards").join(SHARD.to_string()).join(part)).unwrap();
    }
}

/// The engine passes the suite of all engines.
#[test]
fn conforms() {
    conformance::run(&|| {
        let (folder, engine) = fresh();
        Box::new(Rocks { folder, engine: Some(engine) })
    });
}

/// Another engine on the same folder, as of another process, is kept out until the last handle is gone.
#[test]
fn lock_keeps_others_out() {
    let (folder, engine) = fresh();
    let intruder = RocksEngine::open(folder.path()).unwrap();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 3);
    let follower = engine.open(SHARD, Open::Follower).unwrap();
    let busy = Some(StoreError::Busy(SHARD));
    for _ in 0..2 {
        assert_eq!(intruder.open(SHARD, AGAIN).err(), busy);
        assert_eq!(intruder.open(SHARD, FIRST).err(), busy);
        assert_eq!(intruder.open(SHARD, Open::Follower).err(), busy);
        assert_eq!(intruder.destroy(SHARD).err(), busy);
        assert_eq!(intruder.clone_range(SHARD, OTHER, &KeyRange::all()).err(), busy);
    }
    drop(shard);
    assert_eq!(intruder.open(SHARD, AGAIN).err(), busy);
    assert_eq!(follower.get_many(&[b"last"]).unwrap(), [Some(vec![0, 0, 0, 2])]);
    drop(follower);
    let shard = intruder.open(SHARD, AGAIN).unwrap();
    assert_eq!(shard.status().committed, 3);
    assert_eq!(engine.open(SHARD, AGAIN).err(), busy);
}

/// Whoever holds a shard and lets go within a moment, as a child process does when it becomes its program, keeps nobody
/// out.
#[test]
fn a_lock_let_go_in_a_moment_is_waited_for() {
    let (folder, engine) = fresh();
    drop(engine.open(SHARD, FIRST).unwrap());
    let copied = fs::File::open(shard_path(folder.path()).join("LOCK")).unwrap();
    copied.lock().unwrap();
    let child = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        drop(copied);
    });
    engine.open(SHARD, AGAIN).unwrap();
    child.join().unwrap();
}

/// A process that died between making a shard and claiming it leaves one that whoever would make it may claim.
#[test]
fn a_shard_without_a_writer_is_claimed() {
    let (_folder, engine) = fresh();
    drop(engine.make(SHARD, None, |_| Ok(StateRow::default())).unwrap());
    assert_eq!(
        engine.open(SHARD, AGAIN).err().map(|error| matches!(error, StoreError::Epoch { .. })),
        Some(true)
    );
    assert_eq!(engine.open(SHARD, FIRST).unwrap().status().epoch, 1);
    assert_eq!(engine.open(SHARD, FIRST).unwrap().status().epoch, 1);
}

/// After expunging, no file of the shard holds a byte of what was deleted, replaced or dropped: not in a log, not in a
/// table of any level, not in a blob. What is there survives, in this process and the next.
#[test]
fn what_is_expunged_is_in_no_file() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    let secret = |number: u32| blake3::hash(&number.to_le_bytes()).as_bytes().repeat(1000);
    let on_disk = |number: u32| {
        let needle = &secret(number)[..32];
        let holds = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|window| window == needle);
        loop {
            let paths = files(&shard_path(folder.path()));
            let read: Vec<_> = paths.iter().map(fs::read).collect();
            if read.iter().flatten().any(holds) {
                return true;
            }
            // RocksDB may move rows from one file to another meanwhile: then look again.
            if read.iter().all(Result::is_ok) && files(&shard_path(folder.path())) == paths {
                return false;
            }
        }
    };
    // More than memory holds, so that there are tables, and some in the log.
    for number in 0..400_u32 {
        let mut batch = Batch::new();
        batch.put(number.to_be_bytes(), secret(number)).unwrap();
        let seq = shard.commit(batch).unwrap();
        shard.durable(seq).unwrap();
    }
    let blob = BlobName([3; 32]);
    shard.blobs().put_new(blob, &secret(1000)).unwrap();
    let gone: Vec<u32> = vec![0, 1, 250, 399];
    assert!(gone.iter().all(|number| on_disk(*number)) && on_disk(1000));
    for (at, number) in gone.iter().enumerate() {
        let mut batch = Batch::new();
        if at % 2 == 0 {
            batch.delete(number.to_be_bytes()).unwrap();
        } else {
            batch.put(number.to_be_bytes(), *b"replaced").unwrap();
        }
        let seq = shard.commit(batch).unwrap();
        shard.durable(seq).unwrap();
    }
    shard.blobs().delete(blob).unwrap();
    assert!(on_disk(0) && on_disk(250), "deleting alone leaves bytes behind");
    shard.expunge().unwrap();
    assert!(!gone.iter().any(|number| on_disk(*number)) && !on_disk(1000));
    assert!(on_disk(2) && on_disk(398));
    drop(shard);
    let shard = engine.open(SHARD, AGAIN).unwrap();
    let read = |number: u32| shard.get_many(&[&number.to_be_bytes()]).unwrap().remove(0);
    assert_eq!((read(0), read(1), read(2)), (None, Some(b"replaced".to_vec()), Some(secret(2))));
    assert!(!gone.iter().any(|number| on_disk(*number)), "recovery brings nothing back");
    shard.expunge().unwrap();
    assert_eq!(read(398), Some(secret(398)));
}

/// Handles that come and go at once on one shard never meet it half closed.
#[test]
fn handles_come_and_go() {
    let (_folder, engine) = fresh();
    drop(engine.open(SHARD, FIRST).unwrap());
    let engine = &engine;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for _ in 0..15 {
                    let follower = engine.open(SHARD, Open::Follower).unwrap();
                    assert_eq!(follower.get_many(&[b"a"]).unwrap(), [None]);
                }
            });
        }
    });
}

/// What a crash leaves half made or half removed is swept, and never listed.
#[test]
fn leftovers_are_swept() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 3);
    drop((shard, engine));
    let shards = folder.path().join("shards");
    let home = shard_path(folder.path());
    let gone = shards.join(format!("{OTHER}.gone"));
    let half_checkpoint = home.join("checkpoints").join(format!("{}.new", CheckpointId(2)));
    for half in [&gone, &half_checkpoint] {
        fs::create_dir_all(half.join("db")).unwrap();
        fs::write(half.join("db/000001.sst"), b"half").unwrap();
    }
    let half_shard = shards.join(format!("{OTHER}.new"));
    fs::create_dir_all(half_shard.join("db")).unwrap();
    fs::write(half_shard.join("db/CURRENT"), b"half").unwrap();
    let half_blob = home.join("blobs/0.part");
    fs::write(&half_blob, b"half").unwrap();

    let engine = RocksEngine::open(folder.path()).unwrap();
    assert!(!gone.exists() && !half_shard.exists());
    // One that this process itself left, as after a full disk.
    fs::create_dir_all(half_shard.join("db")).unwrap();
    fs::write(half_shard.join("db/CURRENT"), b"half").unwrap();
    assert_eq!(engine.list().unwrap(), [SHARD]);
    let shard = engine.open(SHARD, AGAIN).unwrap();
    assert_eq!(shard.blobs().list(None, 9).unwrap(), []);
    assert_eq!(shard.checkpoints().unwrap(), []);
    shard.blobs().put_new(BlobName([1; 32]), b"whole").unwrap();
    engine.clone_range(SHARD, OTHER, &KeyRange::all()).unwrap();
    for half in [&gone, &half_checkpoint, &half_blob, &half_shard] {
        assert!(!half.exists());
    }
    let clone = engine.open(OTHER, Open::Follower).unwrap();
    assert_eq!(clone.get_many(&[b"last"]).unwrap(), [Some(vec![0, 0, 0, 2])]);
}

/// A clone copies more rows than fit one batch.
#[test]
fn clones_large_ranges() {
    let (_folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    for number in 0..12_u32 {
        let mut batch = Batch::new();
        batch.put(number.to_be_bytes(), vec![number.to_le_bytes()[0]; 1 << 20]).unwrap();
        shard.commit(batch).unwrap();
    }
    assert_eq!(engine.clone_range(SHARD, OTHER, &KeyRange::all()), Ok(12));
    let clone = engine.open(OTHER, FIRST).unwrap();
    for number in 0..12_u32 {
        let found = clone.get_many(&[&number.to_be_bytes()]).unwrap();
        assert_eq!(found, [Some(vec![number.to_le_bytes()[0]; 1 << 20])]);
    }
}

/// RocksDB's own log tells nobody a key or a value.
#[test]
fn logs_are_quiet() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    let marker = b"PLAINLY-VISIBLE-MARKER";
    for number in 0..30_u8 {
        let mut batch = Batch::new();
        batch
            .put([&marker[..], &[number]].concat(), [&marker[..], &[number; 500_000]].concat())
            .unwrap();
        shard.commit(batch).unwrap();
    }
    shard.checkpoint().unwrap();
    engine.clone_range(SHARD, OTHER, &KeyRange::all()).unwrap();
    drop((shard, engine));
    let holds = |path: &PathBuf| {
        fs::read(path).unwrap().windows(marker.len()).any(|window| window == marker)
    };
    let (logs, others): (Vec<_>, Vec<_>) = files(folder.path()).into_iter().partition(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("LOG") || name.starts_with("OPTIONS")
    });
    assert!(!logs.is_empty());
    assert!(!logs.iter().any(holds));
    // The marker would be found: rows hold it as they were given.
    assert!(others.iter().any(holds));
}

/// A small shard takes little room: what grows takes no megabytes ahead.
#[test]
fn a_small_shard_takes_little_disk() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(shard.as_ref(), 0, 4);
    let taken =
        |path: &PathBuf| std::os::unix::fs::MetadataExt::blocks(&fs::metadata(path).unwrap());
    let blocks: u64 = files(&shard_path(folder.path())).iter().map(taken).sum();
    assert!(blocks * 512 < 512 << 10, "{} KiB", blocks / 2);
}

/// A damaged table is found when it is read; the shard closes, and says so.
#[test]
fn damaged_table_closes_the_shard() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 400);
    drop((shard, engine));
    // Opened again, the log becomes tables.
    let engine = RocksEngine::open(folder.path()).unwrap();
    drop(engine.open(SHARD, AGAIN).unwrap());
    drop(engine);
    let tables = files(&shard_path(folder.path()))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "sst"));
    let table = tables.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&table).unwrap();
    bytes[1000] ^= 1;
    fs::write(&table, &bytes).unwrap();

    let engine = RocksEngine::open(folder.path()).unwrap();
    let shard = engine.open(SHARD, AGAIN).unwrap();
    assert_eq!(shard.scan(&KeyRange::all(), None, 8000), Err(StoreError::Tampered(SHARD)));
    assert_eq!(shard.status().closed, Some(Closed::Tampered));
    let closed = StoreError::Closed { shard: SHARD, why: Closed::Tampered };
    assert_eq!(shard.commit(Batch::new()), Err(closed));
    assert_eq!(shard.get_many(&[b"last"]), Err(closed));
}

/// A file that is missing or replaced by something else is refused by name.
#[test]
fn missing_files_are_refused() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 50);
    let id = shard.checkpoint().unwrap();
    shard.blobs().put_new(BlobName([1; 32]), b"blob").unwrap();
    drop((shard, engine));
    let home = shard_path(folder.path());
    for victim in files(&home.join("db")) {
        let name = victim.file_name().unwrap().to_str().unwrap().to_owned();
        if !(name == "CURRENT" || name.starts_with("MANIFEST") || name.ends_with(".sst")) {
            continue;
        }
        let image = tempfile::tempdir().unwrap();
        copy(folder.path(), image.path());
        fs::remove_file(shard_path(image.path()).join("db").join(&name)).unwrap();
        let engine = RocksEngine::open(image.path()).unwrap();
        assert_eq!(engine.open(SHARD, AGAIN).err(), Some(StoreError::Tampered(SHARD)), "{name}");
    }
    fs::remove_dir_all(home.join("db")).unwrap();
    let engine = RocksEngine::open(folder.path()).unwrap();
    assert_eq!(engine.open(SHARD, AGAIN).err(), Some(StoreError::Tampered(SHARD)));
    // Not even a writer that would make a shard makes one in the place of a damaged one.
    assert_eq!(engine.open(SHARD, FIRST).err(), Some(StoreError::Tampered(SHARD)));
    engine.open(SHARD, Open::At(id)).unwrap();

    fs::remove_file(home.join("blobs").join(BlobName([1; 32]).to_string())).unwrap();
    fs::create_dir(home.join("blobs").join(BlobName([1; 32]).to_string())).unwrap();
    fs::rename(
        home.join("checkpoints").join(id.to_string()),
        home.join("checkpoints").join(CheckpointId(7).to_string()),
    )
    .unwrap();
    assert_eq!(
        engine.open(SHARD, Open::At(CheckpointId(7))).err(),
        Some(StoreError::Tampered(SHARD))
    );
    engine.destroy(SHARD).unwrap();
    assert_eq!(engine.list().unwrap(), []);
}
