//! Where snapshots rest: objects outside the worker, written once under the hash of their bytes.
//!
//! Layer: `prag-store`; what stands on it is [`FolderArchive`] here, object storage in `prag-server`.
//! Holds: the trait [`Archive`], the names of objects, and what goes wrong.
//! Never: a name that somebody chose: fixed folders and lowercase hex only, so no name leaves its place.
//! Invariant: an object under a name is whole; whether its bytes are those of the name, the reader checks.

mod folder;

use std::fmt;
use std::io;

pub use folder::FolderArchive;

/// The two kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A piece of a snapshot.
    Object,
    /// A snapshot's index.
    Index,
}

/// Where an object lies: one collection's folder, kind, hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// The collection's folder: a hash of its id.
    pub folder: [u8; 16],
    /// Which kind.
    pub kind: Kind,
    /// BLAKE3 of the bytes.
    pub hash: [u8; 32],
}

/// An object in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its hash.
    pub hash: [u8; 32],
    /// Its length, bytes.
    pub bytes: u64,
}

/// Why the archive refused. Names hashes and lengths only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Nothing lies there.
    #[error("{0} is missing")]
    Missing(ObjectName),
    /// What lies there is no file, or has another length than it must have.
    #[error("{name} has {found} bytes, and must have {wanted}")]
    Length {
        /// Which.
        name: ObjectName,
        /// What lies there.
        found: u64,
        /// What must lie there.
        wanted: u64,
    },
    /// A link, a pipe or a folder lies there.
    #[error("{0} is no file")]
    NoFile(ObjectName),
    /// More objects than a snapshot can have.
    #[error("more than {0} objects lie in one folder")]
    TooMany(usize),
    /// The target cannot be reached or refuses. Worth a retry.
    #[error("the target fails: {0:?}")]
    Io(io::ErrorKind),
}

/// A target for snapshots. Every call blocks the thread.
pub trait Archive: Send + Sync {
    /// Write an object; when this returns it survives a crash, whole. False where one of that length lies there
    /// already.
    ///
    /// # Errors
    /// [`ArchiveError::Length`] where another one lies there; [`ArchiveError::Io`].
    fn put_new(&self, name: ObjectName, bytes: &[u8]) -> Result<bool, ArchiveError>;

    /// The bytes of an object of exactly `length` bytes; nothing is read of any other.
    ///
    /// # Errors
    /// [`ArchiveError::Missing`], [`ArchiveError::Length`], [`ArchiveError::NoFile`], [`ArchiveError::Io`].
    fn get(&self, name: ObjectName, length: u64) -> Result<Vec<u8>, ArchiveError>;

    /// The objects of one kind in a folder, ascending, of `most` at most. What has no name of ours is none of ours.
    ///
    /// # Errors
    /// [`ArchiveError::TooMany`], [`ArchiveError::Io`].
    fn list(
        &self,
        folder: [u8; 16],
        kind: Kind,
        most: usize,
    ) -> Result<Vec<ObjectInfo>, ArchiveError>;

    /// Remove an object, there or not; an index durably, before the objects that it names go.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    fn delete(&self, name: ObjectName) -> Result<(), ArchiveError>;
}

impl Kind {
    /// The kind's folder.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Self::Object => "objects",
            Self::Index => "snapshots",
        }
    }
}

impl ObjectName {
    /// Folder, kind and hash, parted by slashes.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}", Hex(&self.folder), self.kind.folder(), Hex(&self.hash))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            Kind::Object => "object",
            Kind::Index => "snapshot",
        };
        write!(out, "{what} {}", Hex(&self.hash))
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.path())
    }
}

/// Bytes as lowercase hex.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
