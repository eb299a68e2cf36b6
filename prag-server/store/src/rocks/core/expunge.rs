//! Making removed rows physically absent.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: the part of [`Core`] that rewrites the database's files without what was deleted or replaced.
//! Never: a checkpoint's files; the state of a disk below its file system.
//! Invariant: when it succeeds, the folder of rows holds one log, begun after the call, and the tables of the live
//! version only, each written by a compaction that met no older version to keep.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rocksdb::{BottommostLevelCompaction, CompactOptions, DB, LiveFile, WriteBatch, WriteOptions};

use super::{Core, STATE_KEY};
use crate::error::StoreError;
use crate::names::ShardName;
use crate::rocks::folder;
use crate::rocks::options::failed;

impl Core {
    pub(in crate::rocks) fn expunge(&self, term: u64) -> Result<(), StoreError> {
        {
            let state = self.writing();
            self.check(term)?;
            // One write at least in the log that ends here: an empty log would go on being used.
            let mut write = WriteBatch::default();
            write.put(STATE_KEY, state.to_bytes());
            self.write(write, &WriteOptions::default())?;
            self.barrier.wait(state.seq, || self.sync())?;
        }
        self.closing(self.with(|db| rewrite(self.name, db)))?;
        self.with(|db| settled(self.name, db))?;
        self.closing(self.sync().map(drop))?;
        self.check(term)
    }
}

/// Memory to tables, then every table through a compaction, those of the last level too.
fn rewrite(shard: ShardName, db: &DB) -> Result<(), StoreError> {
    let failed = |error: rocksdb::Error| failed(shard, &error);
    db.flush().map_err(failed)?;
    let before = db.live_files().map_err(failed)?;
    let mut options = CompactOptions::default();
    options.set_exclusive_manual_compaction(true);
    options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
    db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
    // The call says nothing; a table that is still listed was not rewritten.
    let after = db.live_files().map_err(failed)?;
    let kept = |old: &LiveFile| after.iter().any(|file| file.name == old.name);
    if before.iter().any(kept) {
        return Err(StoreError::Io { shard, kind: std::io::ErrorKind::Other });
    }
    Ok(())
}

/// Wait until the files that the new version does not list are gone. A reader may hold them for a moment.
fn settled(shard: ShardName, db: &DB) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS {
        // The pair looks for obsolete files itself, in this thread.
        db.disable_file_deletions()
            .and_then(|()| db.enable_file_deletions())
            .map_err(|error| failed(shard, &error))?;
        if leftovers(shard, db)?.is_empty() {
            return folder::sync_folder(db.path()).map_err(folder::io(shard));
        }
        thread::sleep(PAUSE);
    }
    Err(StoreError::Io { shard, kind: std::io::ErrorKind::ResourceBusy })
}

/// Tables that are not live, and logs but the newest.
fn leftovers(shard: ShardName, db: &DB) -> Result<Vec<PathBuf>, StoreError> {
    let live = db.live_files().map_err(|error| failed(shard, &error))?;
    let live: Vec<&str> = live.iter().map(|file| file.name.trim_start_matches('/')).collect();
    let (mut old, mut logs) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(db.path()).map_err(folder::io(shard))? {
        let path = entry.map_err(folder::io(shard))?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sst") if !live.iter().any(|name| is_named(&path, name)) => old.push(path),
            Some("log") => logs.push(path),
            Some(_) | None => {}
        }
    }
    logs.sort();
    logs.pop();
    old.extend(logs);
    Ok(old)
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|found| found == name)
}

const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
