//! A folder as a target for snapshots: `<collection>/{objects,snapshots}/<hash>`.
//!
//! Layer: `prag-store`, below `archive`.
//! Holds: one root, made if it is absent.
//! Never: rewrites a file, follows a link that lies under an object's name, opens what is no plain file.
//! Invariant: a file under an object's name is whole and synced: it is written aside and linked to its name.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::{Archive, ArchiveError, Hex, Kind, ObjectInfo, ObjectName};
use crate::names::BlobName;

/// A folder of this machine, or of what is mounted there.
pub struct FolderArchive {
    root: PathBuf,
    parts: AtomicU64,
    /// Folders that are durable with all their parents.
    made: Mutex<HashSet<PathBuf>>,
    /// Folders that were rid of what crashes left.
    swept: Mutex<HashSet<PathBuf>>,
}

impl FolderArchive {
    /// Use the folder `root`, which is made by the first write.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let (made, swept) = Default::default();
        Self { root: root.into(), parts: AtomicU64::new(0), made, swept }
    }

    fn folder(&self, folder: [u8; 16], kind: Kind) -> PathBuf {
        self.root.join(Hex(&folder).to_string()).join(kind.folder())
    }

    fn file(&self, name: ObjectName) -> PathBuf {
        self.folder(name.folder, name.kind).join(Hex(&name.hash).to_string())
    }

    /// Make the folder with its parents, each durably, once for each folder: a process before this one may have made
    /// it, and died before it was durable.
    fn make(&self, folder: &Path) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.contains(folder) && folder.is_dir() {
            return Ok(());
        }
        let absent = folder.ancestors().take_while(|path| !path.is_dir()).count();
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Up to the folder that holds the root, and to the one that was there before.
        let own = folder.ancestors().take_while(|path| path.starts_with(&self.root)).count();
        for parent in folder.ancestors().skip(1).take(absent.max(own)) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            match File::open(parent) {
                Ok(parent) => parent.sync_all()?,
                // Not ours, and not ours to read: whoever made the root there made it durable, or did not.
                Err(error)
                    if error.kind() == ErrorKind::PermissionDenied
                        && !parent.starts_with(&self.root) => {}
                Err(error) => return Err(error),
            }
        }
        made.insert(folder.to_owned());
        Ok(())
    }

    fn write(&self, folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.make(folder)?;
        let (aside, mut file) = self.aside(folder)?;
        // Once, with the first: its own time says what is old, by the clock of whoever keeps the files.
        if self.swept.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
            let now = file.metadata().and_then(|found| found.modified());
            let _ = now.and_then(|now| sweep(folder, now));
        }
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&aside, path));
        let removed = fs::remove_file(&aside);
        written.and(removed)?;
        File::open(folder)?.sync_all()
    }

    /// A new file beside the objects. A name that is taken is passed over: a crash left it, or a process of the same
    /// number on another machine writes there.
    fn aside(&self, folder: &Path) -> io::Result<(PathBuf, File)> {
        for _ in 0..ASIDE_TRIES_MAX {
            let number = self.parts.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{number}.part", std::process::id()));
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            match made {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Archive for FolderArchive {
    fn put_new(&self, name: ObjectName, bytes: &[u8]) -> Result<bool, ArchiveError> {
        let (folder, path) = (self.folder(name.folder, name.kind), self.file(name));
        let wanted = bytes.len() as u64;
        let there = |path: &Path| match plain(name, path) {
            Ok(found) if found == wanted => Ok(true),
            Ok(found) => Err(ArchiveError::Length { name, found, wanted }),
            Err(ArchiveError::Missing(_)) => Ok(false),
            Err(error) => Err(error),
        };
        if there(&path)? {
            return Ok(false);
        }
        match self.write(&folder, &path, bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && there(&path)? => Ok(false),
            Err(error) => Err(ArchiveError::Io(error.kind())),
        }
    }

    fn get(&self, name: ObjectName, length: u64) -> Result<Vec<u8>, ArchiveError> {
        let path = self.file(name);
        let found = plain(name, &path)?;
        if found != length {
            return Err(ArchiveError::Length { name, found, wanted: length });
        }
        let capacity = usize::try_from(length).map_err(|_| ArchiveError::Io(ErrorKind::Other))?;
        let mut bytes = Vec::with_capacity(capacity);
        let file = File::open(&path).map_err(|error| ArchiveError::Io(error.kind()))?;
        // It may grow while it is read: no byte more than was asked for, and one to see that there are more.
        let read = file.take(length + 1).read_to_end(&mut bytes);
        read.map_err(|error| ArchiveError::Io(error.kind()))?;
        let found = bytes.len() as u64;
        if found == length {
            Ok(bytes)
        } else {
            Err(ArchiveError::Length { name, found, wanted: length })
        }
    }

    fn list(
        &self,
        folder: [u8; 16],
        kind: Kind,
        most: usize,
    ) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let failed = |error: io::Error| ArchiveError::Io(error.kind());
        let entries = match fs::read_dir(self.folder(folder, kind)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut infos = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().and_then(BlobName::from_hex) else {
                continue;
            };
            if infos.len() == most {
                return Err(ArchiveError::TooMany(most));
            }
            match fs::symlink_metadata(entry.path()) {
                Ok(found) => infos.push(ObjectInfo { hash: name.0, bytes: found.len() }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        infos.sort_unstable_by_key(|info| info.hash);
        Ok(infos)
    }

    fn delete(&self, name: ObjectName) -> Result<(), ArchiveError> {
        let removed = fs::remove_file(self.file(name)).and_then(|()| match name.kind {
            Kind::Index => File::open(self.folder(name.folder, name.kind))?.sync_all(),
            Kind::Object => Ok(()),
        });
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(ArchiveError::Io(error.kind()))
            }
            _ => Ok(()),
        }
    }
}

/// Remove what writes that died left in `folder`: nobody writes one object for a day.
fn sweep(folder: &Path, now: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(".part"));
        let old = now.duration_since(found.modified()?).is_ok_and(|age| age > OLDEST_WRITE);
        if ours && old && found.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The length of the plain file at `path`. Asked before it is opened: a pipe that somebody put there would hang.
fn plain(name: ObjectName, path: &Path) -> Result<u64, ArchiveError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(found.len()),
        Ok(_) => Err(ArchiveError::NoFile(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(ArchiveError::Missing(name)),
        Err(error) => Err(ArchiveError::Io(error.kind())),
    }
}

/// Names that are tried for a file beside the objects.
const ASIDE_TRIES_MAX: usize = 1024;
/// The longest that a write may take.
const OLDEST_WRITE: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn name(hash: u8) -> ObjectName {
        ObjectName { folder: [1; 16], kind: Kind::Object, hash: [hash; 32] }
    }

    /// A folder is a target, and what a crash left beside the objects is passed over.
    #[test]
    fn conforms() {
        let folder = tempfile::tempdir().unwrap();
        let archive = FolderArchive::new(folder.path().join("deep/target"));
        crate::conformance::archive(&archive);
        let left = format!("{}-99.part", std::process::id());
        let left = archive.folder([1; 16], Kind::Object).join(left);
        fs::write(&left, b"half").unwrap();
        archive.parts.store(99, Ordering::Relaxed);
        assert_eq!(archive.put_new(name(1), b"abc"), Ok(true));
        assert_eq!(archive.get(name(1), 3).unwrap(), b"abc");
        assert_eq!(fs::read(&left).unwrap(), b"half", "another process may be at it");
    }

    /// What a crash left goes with the first write a day later; what is younger, or no file of ours, stays.
    #[test]
    fn old_parts_go() {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderArchive::new(folder.path()).folder([1; 16], Kind::Object);
        fs::create_dir_all(&objects).unwrap();
        let old = SystemTime::now() - OLDEST_WRITE - Duration::from_secs(60);
        for (file, when) in [("1-1.part", old), ("1-2.part", SystemTime::now()), ("notes", old)] {
            let made = File::create(objects.join(file)).unwrap();
            made.set_modified(when).unwrap();
        }
        fs::create_dir(objects.join("3.part")).unwrap();
        let archive = FolderArchive::new(folder.path());
        archive.put_new(name(1), b"abc").unwrap();
        let there = |file: &str| objects.join(file).exists();
        assert_eq!(
            ["1-1.part", "1-2.part", "notes", "3.part"].map(there),
            [false, true, true, true]
        );
        assert_eq!(archive.get(name(1), 3).unwrap(), b"abc");
    }

    /// A link, a folder or a strange name that somebody put there is not followed, read or listed.
    #[test]
    fn what_is_no_object_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let archive = FolderArchive::new(folder.path());
        archive.put_new(name(1), b"abc").unwrap();
        let objects = archive.folder([1; 16], Kind::Object);
        fs::write(folder.path().join("secret"), b"abc").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), archive.file(name(2))).unwrap();
        fs::create_dir(archive.file(name(3))).unwrap();
        fs::write(objects.join("..part"), b"x").unwrap();
        fs::write(objects.join("AB".repeat(32)), b"x").unwrap();
        for hash in [2, 3] {
            assert_eq!(archive.get(name(hash), 3), Err(ArchiveError::NoFile(name(hash))));
            assert_eq!(archive.put_new(name(hash), b"abc"), Err(ArchiveError::NoFile(name(hash))));
        }
        let listed = archive.list([1; 16], Kind::Object, 9).unwrap();
        assert_eq!(listed.iter().map(|one| one.hash[0]).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
