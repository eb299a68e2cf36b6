//! Kill a writing process at random moments and look at what it leaves.
//!
//! The test starts its own executable as a child, which writes from several threads and prints each batch once
//! it is durable. The parent kills it with SIGKILL, opens the shard and asks: is every acknowledged batch there,
//! and each batch whole or absent? `PRAG_CRASH_ROUNDS` (default 20) sets the number of kills and
//! `PRAG_CRASH_SEED` the moments.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{env, thread};

use prag_store::{
    Batch, BlobName, Engine, KeyRange, Open, RocksEngine, Shard, ShardName, StoreError,
};

const SHARD: ShardName = ShardName([0xc5; 16]);
const WRITERS: u8 = 4;
/// Each batch deletes the rows that its writer wrote this many batches before.
const KEPT: u64 = 60;
/// Every so many batches a writer puts a blob, and deletes it as it deletes the rows.
const BLOB_EVERY: u64 = 5;
/// Every so many batches a writer takes a checkpoint and drops the one before.
const CHECKPOINT_EVERY: u64 = 40;

const ROW: u8 = 1;
const COUNT: u8 = 2;

/// Acknowledged batches survive a kill, and no batch survives in part.
#[test]
fn acknowledged_batches_survive_kills() {
    let rounds: u64 = setting("PRAG_CRASH_ROUNDS", 20);
    let seed = setting("PRAG_CRASH_SEED", u64::from(std::process::id()));
    println!("PRAG_CRASH_SEED={seed} PRAG_CRASH_ROUNDS={rounds}");
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut total = 0;
    for round in 0..rounds {
        // From the middle of opening to some hundreds of batches later.
        let pause = Duration::from_micros(mix(seed ^ round) % 700_000);
        let at_once = mix(seed ^ round ^ 0xabcd).is_multiple_of(4);
        total += kill_once(folder.path(), pause, at_once, &mut acknowledged);
        verify(folder.path(), &acknowledged);
    }
    println!("{total} batches acknowledged before {rounds} kills");
    assert!(rounds < 10 || total > 0, "no batch was ever acknowledged");
}

/// Run a child, kill it and note what it acknowledged: (writer → last batch) and their number. `at_once` counts
/// the pause from its start, which hits opening and recovery; else from its first acknowledgement.
fn kill_once(
    folder: &Path,
    pause: Duration,
    at_once: bool,
    acknowledged: &mut BTreeMap<u8, u64>,
) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_writes", "--nocapture", "--test-threads=1"])
        .env("PRAG_CRASH_CHILD", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let output = child.stderr.take().unwrap();
    let reader = thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        // A line without its end was cut by the kill: not acknowledged.
        while output.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            sender.send(std::mem::take(&mut line)).unwrap();
        }
    });
    let (mut count, mut failure) = (0, String::new());
    let mut note = |line: String| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ["ack", writer, batch] = fields[..] else {
            failure.push_str(&line);
            return;
        };
        let last = acknowledged.entry(writer.parse().unwrap()).or_insert(0);
        let batch = batch.parse().unwrap();
        assert!(batch > *last);
        *last = batch;
        count += 1;
    };
    if !at_once {
        // Nothing comes if the child failed: its status tells.
        lines.recv_timeout(Duration::from_secs(60)).into_iter().for_each(&mut note);
    }
    wait(pause / if at_once { 20 } else { 1 });
    child.kill().unwrap();
    let status = child.wait().unwrap();
    reader.join().unwrap();
    // Before the status is judged: a child that failed has said why.
    lines.into_iter().for_each(&mut note);
    assert_eq!(status.signal(), Some(9), "the child ended by itself: {failure}");
    assert_eq!(failure, "", "the child failed before it was killed");
    count
}

/// Let the child run: the pause is the random moment itself, nothing depends on its length.
fn wait(pause: Duration) {
    let end = Instant::now() + pause;
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(rest);
    }
}

/// Every acknowledged batch is there; each batch is whole or absent; seq and counts agree.
fn verify(folder: &Path, acknowledged: &BTreeMap<u8, u64>) {
    let engine = RocksEngine::open(folder).unwrap();
    let shard = match engine.open(SHARD, Open::Follower) {
        Ok(shard) => shard,
        Err(StoreError::Absent(_)) if acknowledged.is_empty() => return,
        Err(other) => panic!("cannot be opened after a kill: {other}"),
    };
    let status = shard.status();
    let mut batches = 0;
    for writer in 0..WRITERS {
        let last = count(&*shard, writer);
        batches += last;
        let promised = acknowledged.get(&writer).copied().unwrap_or(0);
        assert!(last >= promised, "writer {writer}: batch {promised} acknowledged, {last} found");
        let oldest = last.saturating_sub(KEPT) + 1;
        let expected: Vec<_> = (oldest..=last).flat_map(|batch| rows_of(writer, batch)).collect();
        assert!(rows(&*shard, &[ROW, writer]) == expected, "writer {writer}: a batch in part");
        for batch in (oldest..=last).filter(|batch| batch.is_multiple_of(BLOB_EVERY)) {
            let (name, bytes) = blob_of(writer, batch);
            assert_eq!(shard.blobs().get(name, None), Ok(bytes));
        }
    }
    assert_eq!(status.committed, batches);
    assert_eq!(status.durable, batches);
    for id in shard.checkpoints().unwrap() {
        let at = engine.open(SHARD, Open::At(id)).unwrap();
        let batches: u64 = (0..WRITERS).map(|writer| count(&*at, writer)).sum();
        assert_eq!((at.status().committed, batches), (id.0, id.0));
    }
}

/// The child: writes until it is killed. Does nothing when it runs as a test of its own.
#[test]
fn child_writes() {
    let Some(folder) = env::var_os("PRAG_CRASH_CHILD") else {
        return;
    };
    let engine = RocksEngine::open(folder).unwrap();
    let epoch = match engine.open(SHARD, Open::Follower) {
        Ok(shard) => shard.status().epoch,
        Err(StoreError::Absent(_)) => 0,
        Err(other) => panic!("{other}"),
    };
    let mode = Open::Writer { expected_epoch: epoch, claim: epoch + 1 };
    let shard = engine.open(SHARD, mode).unwrap();
    let workers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let shard = Arc::clone(&shard);
            thread::spawn(move || write_forever(&*shard, writer))
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

fn write_forever(shard: &dyn Shard, writer: u8) {
    let mut checkpoint = None;
    for batch in count(shard, writer) + 1.. {
        let seq = write(shard, writer, batch);
        shard.durable(seq).unwrap();
        // One call, so that lines of several threads do not mix.
        std::io::stderr().write_all(format!("ack {writer} {batch}\n").as_bytes()).unwrap();
        if batch > KEPT && (batch - KEPT).is_multiple_of(BLOB_EVERY) {
            shard.blobs().delete(blob_of(writer, batch - KEPT).0).unwrap();
        }
        if batch.is_multiple_of(CHECKPOINT_EVERY) {
            let id = shard.checkpoint().unwrap();
            if let Some(before) = checkpoint.replace(id).filter(|before| *before != id) {
                shard.drop_checkpoint(before).unwrap();
            }
        }
    }
}

fn write(shard: &dyn Shard, writer: u8, batch: u64) -> u64 {
    if batch.is_multiple_of(BLOB_EVERY) {
        let (name, bytes) = blob_of(writer, batch);
        match shard.blobs().put_new(name, &bytes) {
            // Put before the kill, while its batch was not yet durable.
            Ok(()) | Err(StoreError::BlobExists(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let mut changes = Batch::new();
    if batch > KEPT {
        for (key, _) in rows_of(writer, batch - KEPT) {
            changes.delete(key).unwrap();
        }
    }
    changes.put([COUNT, writer], batch.to_be_bytes()).unwrap();
    for (key, value) in rows_of(writer, batch) {
        changes.put(key, value).unwrap();
    }
    shard.commit(changes).unwrap()
}

/// What a batch writes follows from its writer and number alone: 1 to 12 rows, now and then a large one.
fn rows_of(writer: u8, batch: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let random = mix(batch ^ u64::from(writer) << 56);
    (0..=random % 12)
        .map(|row| {
            let random = mix(random ^ row);
            let len = if random.is_multiple_of(50) { 300_000 } else { random % 3000 };
            let mut key = vec![ROW, writer];
            key.extend(batch.to_be_bytes());
            key.extend(row.to_be_bytes());
            (
                key,
                random
                    .to_le_bytes()
                    .into_iter()
                    .cycle()
                    .take(usize::try_from(len).unwrap())
                    .collect(),
            )
        })
        .collect()
}

fn blob_of(writer: u8, batch: u64) -> (BlobName, Vec<u8>) {
    let mut name = [writer; 32];
    name[..8].copy_from_slice(&batch.to_be_bytes());
    let len = usize::try_from(mix(batch) % 100_000).unwrap();
    (BlobName(name), batch.to_le_bytes().into_iter().cycle().take(len).collect())
}

fn count(shard: &dyn Shard, writer: u8) -> u64 {
    let found = shard.get_many(&[&[COUNT, writer]]).unwrap().remove(0);
    found.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

fn rows(shard: &dyn Shard, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    loop {
        let after = rows.last().map(|(key, _)| key.clone());
        let page = shard.scan(&KeyRange::prefix(prefix), after.as_deref(), 500).unwrap();
        rows.extend(page.rows);
        if !page.more {
            return rows;
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// splitmix64.
fn mix(seed: u64) -> u64 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}
