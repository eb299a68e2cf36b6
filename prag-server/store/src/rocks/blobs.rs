//! Blobs as files.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: one folder of files, each named by its blob.
//! Never: rewrites a file; checks content (the blob's seal does).
//! Invariant: a file under a blob's name is whole and synced: it is written aside and linked to its name.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folder::{self, io, sync_folder};
use crate::error::StoreError;
use crate::limits::{BLOB_BYTES_MAX, BLOB_NAMES_MAX};
use crate::names::{BlobName, ShardName};
use crate::traits::BlobInfo;

/// The blobs of a shard or of a checkpoint.
pub(super) struct BlobFolder {
    shard: ShardName,
    path: PathBuf,
    parts: AtomicU64,
    reads: Arc<AtomicU64>,
    deleting: Mutex<()>,
}

impl BlobFolder {
    /// `reads` counts what is read.
    pub(super) fn new(shard: ShardName, path: PathBuf, reads: Arc<AtomicU64>) -> Self {
        Self { shard, path, parts: AtomicU64::new(0), reads, deleting: Mutex::new(()) }
    }

    /// Remove what a crash left half written.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        folder::sweep(&self.path, PART).map_err(folder::owned(self.shard))
    }

    /// No blob is deleted while this is held.
    pub(super) fn keep_all(&self) -> MutexGuard<'_, ()> {
        self.deleting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_new(&self, name: BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        let len = bytes.len() as u64;
        if len > BLOB_BYTES_MAX {
            return Err(StoreError::Blob { bytes: len });
        }
        let path = self.file(name);
        if folder::exists(&path) {
            return Err(StoreError::BlobExists(self.shard));
        }
        let part = self.path.join(format!("{}.{PART}", self.parts.fetch_add(1, Ordering::Relaxed)));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::hard_link(&part, &path));
        let removed = fs::remove_file(&part);
        match written {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder::exists(&path) => {
                return Err(StoreError::BlobExists(self.shard));
            }
            other => other.and(removed).map_err(io(self.shard))?,
        }
        sync_folder(&self.path).map_err(io(self.shard))
    }

    pub(super) fn get(
        &self,
        name: BlobName,
        range: Option<Range<u64>>,
    ) -> Result<Vec<u8>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let path = self.file(name);
        let (shard, absent) = (self.shard, |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => StoreError::BlobAbsent(self.shard),
            _ => io(self.shard)(error),
        });
        // Asked before the file is opened: opening a pipe that the host put here would hang.
        if !fs::symlink_metadata(&path).map_err(absent)?.is_file() {
            return Err(StoreError::Tampered(shard));
        }
        let file = File::open(&path).map_err(absent)?;
        let len = file.metadata().map_err(io(shard))?.len();
        if len > BLOB_BYTES_MAX {
            return Err(StoreError::Tampered(shard));
        }
        let range = range.unwrap_or(0..len);
        if range.start > range.end || range.end > len {
            return Err(StoreError::BlobRange { shard, end: range.end, len });
        }
        let wanted = usize::try_from(range.end - range.start)
            .map_err(|_| StoreError::BlobRange { shard, end: range.end, len })?;
        let mut bytes = vec![0; wanted];
        file.read_exact_at(&mut bytes, range.start).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => StoreError::Tampered(shard),
            _ => io(shard)(error),
        })?;
        Ok(bytes)
    }

    /// The kernel reads on while others compute. A name that is no file of ours is left alone, as [`BlobFolder::get`] does.
    pub(super) fn expect(&self, names: &[BlobName]) {
        for path in names.iter().map(|name| self.file(*name)) {
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file())
                && let Ok(file) = File::open(&path)
            {
                let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::WillNeed);
            }
        }
    }

    /// The first `limit` blobs after `after`. Files with other names are none of ours.
    pub(super) fn list(
        &self,
        after: Option<BlobName>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, StoreError> {
        if limit == 0 || limit > BLOB_NAMES_MAX {
            return Err(StoreError::Limit);
        }
        let mut first = BTreeMap::new();
        for entry in fs::read_dir(&self.path).map_err(io(self.shard))? {
            let entry = entry.map_err(io(self.shard))?;
            let name = entry.file_name().to_str().and_then(BlobName::from_hex);
            let Some(name) = name.filter(|name| after.is_none_or(|after| *name > after)) else {
                continue;
            };
            first.insert(name, entry);
            if first.len() > limit {
                first.pop_last();
            }
        }
        let mut infos = Vec::with_capacity(first.len());
        for (name, entry) in first {
            match entry.metadata() {
                Ok(found) => infos.push(BlobInfo { name, bytes: found.len() }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(io(self.shard)(error)),
            }
        }
        Ok(infos)
    }

    pub(super) fn delete(&self, name: BlobName) -> Result<(), StoreError> {
        let _deleting = self.keep_all();
        match fs::remove_file(self.file(name)) {
            Ok(()) => sync_folder(&self.path).map_err(io(self.shard)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io(self.shard)(error)),
        }
    }

    /// Link every blob into another folder; the caller holds [`Self::keep_all`] and syncs the folder.
    pub(super) fn link_all(&self, target: &Path) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.path).map_err(io(self.shard))? {
            let name = entry.map_err(io(self.shard))?.file_name();
            if name.to_str().and_then(BlobName::from_hex).is_some() {
                fs::hard_link(self.path.join(&name), target.join(&name)).map_err(io(self.shard))?;
            }
        }
        Ok(())
    }

    fn file(&self, name: BlobName) -> PathBuf {
        self.path.join(name.to_string())
    }
}

/// Extension of a blob being written.
const PART: &str = "part";
