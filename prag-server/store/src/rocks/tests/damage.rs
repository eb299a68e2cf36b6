//! Cut and flipped bytes: what was acknowledged is read back whole, or the shard is refused by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{AGAIN, FIRST, OTHER, SHARD, copy, files, fill, fresh, shard_path, value};
use crate::rocks::RocksEngine;
use crate::{Batch, Engine, KeyRange, Open, Shard, StoreError};

/// Batches that were acknowledged in an image.
const ACKNOWLEDGED: u32 = 100;
/// Batches after them that were committed only.
const COMMITTED: u32 = 5;

/// A folder as a crash leaves it: [`ACKNOWLEDGED`] batches, then [`COMMITTED`] more that nobody was told of.
struct Image {
    folder: tempfile::TempDir,
    /// Relative to the folder.
    log: PathBuf,
    bytes: Vec<u8>,
    /// Where the log of what was acknowledged ends.
    acknowledged: usize,
}

impl Image {
    fn take() -> Self {
        let (source, engine) = fresh();
        let shard = engine.open(SHARD, FIRST).unwrap();
        fill(&*shard, 0, ACKNOWLEDGED);
        let log = newest_log(source.path());
        let acknowledged = usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
        for number in ACKNOWLEDGED..ACKNOWLEDGED + COMMITTED {
            let mut batch = Batch::new();
            batch.put(number.to_be_bytes(), value(number)).unwrap();
            batch.put(*b"last", number.to_be_bytes()).unwrap();
            shard.commit(batch).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        copy(source.path(), folder.path());
        let bytes = fs::read(&log).unwrap();
        assert!(bytes.len() > acknowledged && acknowledged > 100 * 200);
        let log = log.strip_prefix(source.path()).unwrap().to_owned();
        Self { folder, log, bytes, acknowledged }
    }

    /// Open a copy with `file` replaced; how many batches are there, all of them whole.
    fn with(&self, file: &Path, bytes: &[u8]) -> Result<u32, StoreError> {
        let image = tempfile::tempdir().unwrap();
        copy(self.folder.path(), image.path());
        fs::write(image.path().join(file), bytes).unwrap();
        let before = contents(image.path());
        let engine = RocksEngine::open(image.path()).unwrap();
        let opened = engine.open(SHARD, AGAIN);
        if opened.as_ref().err() == Some(&StoreError::Tampered(SHARD)) {
            let now = contents(image.path());
            let kept =
                before.iter().all(|(path, bytes)| now.iter().any(|(p, b)| (p, b) == (path, bytes)));
            assert!(kept, "what is refused stays as it was found");
        }
        whole_batches(&opened?)
    }

    fn with_log(&self, bytes: &[u8]) -> Result<u32, StoreError> {
        self.with(&self.log, bytes)
    }
}

/// Where the records of a log begin: seven bytes of check sum, length and type before each.
fn records(log: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 7 <= log.len() {
        if LOG_BLOCK - at % LOG_BLOCK < 7 {
            at = at.next_multiple_of(LOG_BLOCK);
            continue;
        }
        found.push(at);
        let header = if log[at + 6] >= 5 { 11 } else { 7 };
        at += header + usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
    }
    found
}

const LOG_BLOCK: usize = 32 << 10;

/// A log cut within what was acknowledged is refused; cut behind that, it opens with the whole batches before.
#[test]
fn a_cut_log_loses_nothing_that_was_acknowledged() {
    let image = Image::take();
    let (mut refused, mut seen) = (0, Vec::new());
    for end in (image.acknowledged - 700..=image.bytes.len()).step_by(23) {
        match image.with_log(&image.bytes[..end]) {
            Ok(batches) => seen.push(batches),
            Err(error) => {
                assert_eq!(error, StoreError::Tampered(SHARD));
                assert!(end < image.acknowledged, "a crash while writing is no damage");
                refused += 1;
            }
        }
    }
    seen.dedup();
    assert!(refused > 20, "{refused}");
    assert_eq!(seen, [100, 101, 102, 103, 104]);
    assert_eq!(image.with_log(&image.bytes).unwrap(), 105);
}

/// Flipped bits of a record's length look to RocksDB like the end of the log. Every acknowledged record's are met.
#[test]
fn a_flipped_length_drops_nothing_in_silence() {
    let image = Image::take();
    let records = records(&image.bytes[..image.acknowledged]);
    assert!(records.len() > 100, "{}", records.len());
    let mut refused = 0;
    for (number, record) in records.into_iter().enumerate() {
        for bit in [number % 16, 15] {
            let mut bytes = image.bytes.clone();
            bytes[record + 4 + bit / 8] ^= 1 << (bit % 8);
            match image.with_log(&bytes) {
                Ok(batches) => assert!(batches >= ACKNOWLEDGED, "{batches} left"),
                Err(error) => {
                    assert_eq!(error, StoreError::Tampered(SHARD));
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

/// A log damaged before its end is refused by name, and the other shards serve on.
#[test]
fn a_damaged_log_is_refused() {
    let image = Image::take();
    let mut bytes = image.bytes.clone();
    bytes[image.acknowledged / 2] ^= 1;
    fs::write(image.folder.path().join(&image.log), &bytes).unwrap();
    let engine = RocksEngine::open(image.folder.path()).unwrap();
    for mode in [AGAIN, Open::Follower] {
        assert_eq!(engine.open(SHARD, mode).err(), Some(StoreError::Tampered(SHARD)));
    }
    engine.open(OTHER, FIRST).unwrap();
}

/// The mark forgives one damaged slot, since the other bounds the log still; not two, nor a missing file.
#[test]
fn a_damaged_mark_is_refused() {
    let image = Image::take();
    let file = shard_path(Path::new("")).join("acknowledged");
    let mark = fs::read(image.folder.path().join(&file)).unwrap();
    for bit in 0..mark.len() * 8 {
        let mut bytes = mark.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(image.with(&file, &bytes), Ok(105), "bit {bit}");
        let twin = (bit / 8 + mark.len() / 2) % mark.len();
        bytes[twin] ^= 1 << (bit % 8);
        assert_eq!(image.with(&file, &bytes), Err(StoreError::Tampered(SHARD)), "bit {bit}");
    }
    for len in [0, 1, mark.len() - 1] {
        assert_eq!(image.with(&file, &mark[..len]), Err(StoreError::Tampered(SHARD)));
    }
    fs::remove_file(image.folder.path().join(&file)).unwrap();
    let engine = RocksEngine::open(image.folder.path()).unwrap();
    assert_eq!(engine.open(SHARD, AGAIN).err(), Some(StoreError::Tampered(SHARD)));
}

/// RocksDB's list of files, cut anywhere or with a bit flipped in any byte: refused. RocksDB itself would take a
/// list that ends early for an older one, and tables added since would be gone.
#[test]
fn a_damaged_list_of_files_is_refused() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 30);
    shard.checkpoint().unwrap();
    fill(&*shard, 30, 40);
    let source = tempfile::tempdir().unwrap();
    copy(folder.path(), source.path());
    drop((shard, engine));
    let lists = files(&shard_path(source.path()).join("db")).into_iter();
    let list = lists.max_by_key(|path| path.to_str().unwrap().contains("MANIFEST")).unwrap();
    let bytes = fs::read(&list).unwrap();
    let name = list.strip_prefix(source.path()).unwrap().to_owned();
    let image = Image { folder: source, log: PathBuf::new(), bytes: Vec::new(), acknowledged: 0 };
    assert_eq!(image.with(&name, &bytes), Ok(40));
    for place in 0..bytes.len() {
        assert_eq!(image.with(&name, &bytes[..place]), Err(StoreError::Tampered(SHARD)), "{place}");
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        assert_eq!(image.with(&name, &flipped), Err(StoreError::Tampered(SHARD)), "{place}");
    }
}

/// Bytes flipped or cut anywhere: refused by name, or everything that was acknowledged is read back; never a
/// wrong value, never a panic.
#[test]
fn random_damage_never_lies() {
    let (folder, engine) = fresh();
    let shard = engine.open(SHARD, FIRST).unwrap();
    fill(&*shard, 0, 300);
    shard.checkpoint().unwrap();
    fill(&*shard, 300, 400);
    let image = tempfile::tempdir().unwrap();
    copy(folder.path(), image.path());
    drop((shard, engine));
    let victims = files(&shard_path(image.path()).join("db"));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut served) = (0, 0);
    for _ in 0..200 {
        let image = tempfile::tempdir().unwrap();
        copy(folder.path(), image.path());
        let victim = &victims[random.below(victims.len())];
        let victim = shard_path(image.path()).join("db").join(victim.file_name().unwrap());
        let mut bytes = fs::read(&victim).unwrap_or_default();
        if bytes.is_empty() {
            continue;
        }
        let place = random.below(bytes.len());
        if random.below(4) == 0 {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << random.below(8);
        }
        fs::write(&victim, &bytes).unwrap();

        let engine = RocksEngine::open(image.path()).unwrap();
        match engine.open(SHARD, AGAIN).and_then(|shard| whole_batches(&shard)) {
            Ok(batches) => {
                assert_eq!(batches, 400, "{} lost acknowledged batches", victim.display());
                served += 1;
            }
            Err(StoreError::Tampered(SHARD) | StoreError::Io { shard: SHARD, .. }) => refused += 1,
            Err(other) => panic!("unexpected: {other}"),
        }
    }
    assert!(refused > 0 && served > 0, "{refused} refused, {served} served");
}

/// How many batches there are; every row of them is as it was written, and there is no other.
fn whole_batches(shard: &Arc<dyn Shard>) -> Result<u32, StoreError> {
    let rows = shard.scan(&KeyRange::all(), None, 8000)?.rows;
    let committed = u32::try_from(shard.status().committed).unwrap();
    let (last, numbers) = rows.split_last().unwrap();
    assert_eq!(last, &(b"last".to_vec(), (committed - 1).to_be_bytes().to_vec()));
    let expected = (0..committed).map(|number| (number.to_be_bytes().to_vec(), value(number)));
    assert!(numbers.iter().cloned().eq(expected));
    Ok(committed)
}

fn newest_log(folder: &Path) -> PathBuf {
    let logs = files(&shard_path(folder).join("db")).into_iter();
    let logs = logs.filter(|path| path.extension().is_some_and(|found| found == "log"));
    logs.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

/// What RocksDB has and keeps: its own text log is rewritten by every opening.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let kept = files(folder)
        .into_iter()
        .filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("LOG"));
    kept.map(|path| (path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// xorshift64*: a failing run replays.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }
}
