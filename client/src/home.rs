//! Where this machine keeps what belongs to a person: identities, shares, remembered heads.
//!
//! Layer: client.
//! Holds: paths, and private files written whole or not at all.
//! Never: a file that others may read; a half-written one.
//! Invariant: folders are 0700 and files 0600 from their first byte on.

use crate::error::ClientError;
use prag_protocol::{CollectionId, Epoch};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The folders of one person.
#[derive(Clone, Debug)]
pub struct Home {
    config: PathBuf,
    state: PathBuf,
}

impl Home {
    /// `PRAG_HOME` (with its `state` folder) where set, else `~/.config/prag` and `~/.local/share/prag`.
    ///
    /// # Errors
    /// [`ClientError::Usage`] if neither `PRAG_HOME` nor `HOME` is set.
    pub fn from_env() -> Result<Self, ClientError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(root) = set("PRAG_HOME") {
            return Ok(Self::at(Path::new(&root)));
        }
        let user = set("HOME")
            .map(PathBuf::from)
            .ok_or_else(|| ClientError::Usage("set PRAG_HOME or HOME".to_owned()))?;
        Ok(Self { config: user.join(".config/prag"), state: user.join(".local/share/prag") })
    }

    /// Everything under one folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { config: root.to_owned(), state: root.join("state") }
    }

    /// The file of an identity.
    #[must_use]
    pub fn identity(&self, name: &str) -> PathBuf {
        self.config.join("identities").join(format!("{name}.json"))
    }

    /// The file of a collection's or corpus's share in one key epoch.
    #[must_use]
    pub fn share(&self, id: CollectionId, epoch: Epoch) -> PathBuf {
        self.shares().join(format!("{id}.{epoch}"))
    }

    /// The file of the sealing root of a worker, by the name of its data directory.
    #[must_use]
    pub fn root(&self, directory: CollectionId) -> PathBuf {
        self.shares().join(format!("root-{directory}"))
    }

    /// The folder of shares, and of roots.
    #[must_use]
    pub fn shares(&self) -> PathBuf {
        self.config.join("shares")
    }

    /// The file of the policy that workers must meet.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.config.join("policy.json")
    }

    /// A file of remembered state.
    #[must_use]
    pub fn state(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }
}

/// Reads a small file; `None` if it is not there.
pub(crate) fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ClientError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ClientError::file("reading a private file")(error)),
    };
    let bytes = at_most(file, limit).map_err(ClientError::file("reading a private file"))?;
    if bytes.len() as u64 > limit {
        return Err(ClientError::SecretFile("too large"));
    }
    Ok(Some(bytes))
}

/// Reads a file that somebody named, of at most `limit` bytes.
pub(crate) fn read_bounded(
    path: &Path,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>, ClientError> {
    let file = fs::File::open(path).map_err(ClientError::file(what))?;
    let bytes = at_most(file, limit).map_err(ClientError::file(what))?;
    let size = bytes.len();
    if size as u64 > limit {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        return Err(ClientError::TooLarge { what, size, limit });
    }
    Ok(bytes)
}

/// One byte more than the limit, where there is more.
fn at_most(file: fs::File, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a private file whole, replacing what was there.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    let staged = stage(path, bytes)?;
    fs::rename(&staged, path).map_err(ClientError::file("putting a private file in place"))?;
    sync_folder(path)
}

/// Writes a private file whole; `false` if there is one already, which is left alone.
pub(crate) fn write_private_new(path: &Path, bytes: &[u8]) -> Result<bool, ClientError> {
    let staged = stage(path, bytes)?;
    let linked = fs::hard_link(&staged, path);
    fs::remove_file(&staged).map_err(ClientError::file("removing a staged file"))?;
    match linked {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(ClientError::file("putting a private file in place")(error)),
    }
}

/// A lock that other processes of this person take too, for as long as what is returned lives. `path` is a file of its
/// own: a file that is replaced cannot be locked.
pub(crate) fn locked(path: &Path) -> Result<fs::File, ClientError> {
    if !path.exists() {
        // Whoever is first makes it; nobody replaces it under another's lock.
        write_private_new(path, b"")?;
    }
    let lock = fs::File::open(path).map_err(ClientError::file("locking private files"))?;
    lock.lock().map_err(ClientError::file("locking private files"))?;
    Ok(lock)
}

fn stage(path: &Path, bytes: &[u8]) -> Result<PathBuf, ClientError> {
    let what = "writing a private file";
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder).map_err(ClientError::file("making a private folder"))?;
    let mut tag = [0u8; 8];
    getrandom::fill(&mut tag).map_err(|_| prag_trust::entropy::EntropyError)?;
    let staged = folder.join(format!(".staged-{}", hex::encode(tag)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&staged).map_err(ClientError::file(what))?;
    file.write_all(bytes).map_err(ClientError::file(what))?;
    file.sync_all().map_err(ClientError::file(what))?;
    Ok(staged)
}

fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn sync_folder(path: &Path) -> Result<(), ClientError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(ClientError::file("syncing a private folder"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// A private file is readable by its owner only, and a new one never replaces another.
    #[test]
    fn private_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/secret");
        assert!(write_private_new(&path, b"one").unwrap());
        assert!(!write_private_new(&path, b"two").unwrap());
        assert_eq!(read_private(&path, 3).unwrap().unwrap(), b"one");
        assert!(read_private(&path, 2).is_err());
        write_private(&path, b"three").unwrap();
        assert_eq!(read_private(&path, 9).unwrap().unwrap(), b"three");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
        }
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no staged file is left behind");
    }
}
