//! Folders, locks and syncs: the parts of the disk that RocksDB does not do for us.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: the names of the parts of a shard's folder.
//! Never: follows a name that is not ours.
//! Invariant: a change of names counts only after the folder is synced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::error::StoreError;
use crate::names::ShardName;

/// RocksDB's folder.
pub(super) const ROWS: &str = "db";
/// The folder of blobs.
pub(super) const BLOBS: &str = "blobs";
/// The folder of checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// What is being made aside; swept.
pub(super) const NEW: &str = "new";
/// What is being removed; swept.
pub(super) const GONE: &str = "gone";

/// A shard's folder held against other processes, until dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Take the lock of the shard in `folder`.
    ///
    /// A child process has copies of all our descriptors until it becomes its program, so a lock that this process let
    /// go may be held a moment longer, by nobody who means it: such a one is waited for.
    pub(super) fn take(shard: ShardName, folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("LOCK");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(io(shard))?;
        let mut left = LOCK_ATTEMPTS;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if left > 0 => sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(shard)),
                Err(TryLockError::Error(error)) => return Err(io(shard)(error)),
            }
            left -= 1;
        }
        // The folder may have been destroyed between open and lock: then this is the lock of nothing.
        let held = file.metadata().map_err(io(shard))?;
        let there = fs::metadata(&path).map_err(|_| StoreError::Busy(shard))?;
        if (held.dev(), held.ino()) != (there.dev(), there.ino()) {
            return Err(StoreError::Busy(shard));
        }
        Ok(Self { _file: file })
    }
}

/// Make the root and the folder of shards, and sweep what a crash left half removed or half made.
pub(super) fn prepare_root(root: &Path, shards: &Path) -> io::Result<()> {
    let fresh = !exists(root);
    create(shards)?;
    sync_folder(root)?;
    if let Some(parent) = root.canonicalize()?.parent().filter(|_| fresh) {
        sync_folder(parent)?;
    }
    sweep(shards, GONE)?;
    for entry in fs::read_dir(shards)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| ShardName::from_hex(stem.to_str()?));
        let aside = path.extension().is_some_and(|found| found == NEW);
        let Some(name) = name.filter(|_| aside) else {
            continue;
        };
        // Whoever holds the lock is still making it.
        if let Ok(_held) = Lock::take(name, &path) {
            remove_all(&path)?;
        }
    }
    Ok(())
}

/// Make a folder for this user only, with its parents, if it is absent.
pub(super) fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Make the folder of a shard empty, but for its lock.
pub(super) fn empty_shard(path: &Path) -> io::Result<()> {
    for part in [ROWS, BLOBS, CHECKPOINTS] {
        remove_all(&path.join(part))?;
        create(&path.join(part))?;
    }
    Ok(())
}

/// Remove a folder: by name at once and durably, then its content.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let gone = path.with_extension(GONE);
    remove_all(&gone)?;
    fs::rename(path, &gone)?;
    let parent = path.parent().unwrap_or(path);
    sync_folder(parent)?;
    remove_all(&gone)?;
    sync_folder(parent)
}

/// Remove what in `folder` has this extension.
pub(super) fn sweep(folder: &Path, extension: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            remove_all(&path)?;
        }
    }
    Ok(())
}

/// Whether something has this name.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Make changes of names within a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// An error of the system as one of the shard's.
pub(super) fn io(shard: ShardName) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Io { shard, kind: error.kind() }
}

/// Like [`io`], for what must be there: if it is not, somebody took it.
pub(super) fn owned(shard: ShardName) -> impl Fn(io::Error) -> StoreError {
    move |error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::Tampered(shard),
        kind => StoreError::Io { shard, kind },
    }
}

/// Together a third of a second: far more than a child needs to become its program.
const LOCK_ATTEMPTS: u32 = 30;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

fn remove_all(path: &Path) -> io::Result<()> {
    let result = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
