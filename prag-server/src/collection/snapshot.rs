//! Snapshots: a shard as sealed objects outside the worker, and back.
//!
//! Layer: collection, above `keys`, `manifest` and `log`.
//! Holds: what a snapshot is made of, its index, and the errors; `take` writes one, `unpack` reads one.
//! Never: a byte in a target that is not sealed, but for the public part of an index: lineage, key epoch, hashes,
//! lengths.
//! Invariant: the index is under a DEK of its own, wrapped by the KEK of its key epoch: where those keys are gone, it
//! is noise. What it names by hash, and what opens at its place, is what was there at the moment of the snapshot.
//!
//! Sealed parts of segments are cut into objects as they are. Rows of tail and digests are packed and sealed once more,
//! under the root DEK, with nonces from their content and the name key: equal rows make equal objects, so that a later
//! snapshot finds them written, and nobody without the keys can tell rows apart. AES-GCM-SIV allows that.

mod take;
mod unpack;

pub use take::{Moment, Written};
pub use unpack::{Source, Unpacked};

use super::wrapping::Wrapping;
use super::{CollectionError, rows};
use prag_protocol::place::{Kind as PlaceKind, Place};
use prag_protocol::snapshot::{
    FOLDER_OBJECTS_MAX, Header, HeaderError, INDEX_BYTES_MAX, Listed, OBJECTS_MAX, SNAPSHOTS_MAX,
};
use prag_protocol::wire::collections::{Precision, Residency, Search};
use prag_protocol::{Address, CollectionId, Epoch, Lineage};
use prag_store::archive::{Archive, ArchiveError, Kind, ObjectInfo, ObjectName};
use prag_trust::head::Head;
use prag_trust::key::{Dek, Key, Wrap};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the objects of one collection lie.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The target.
    pub archive: &'a dyn Archive,
    /// The collection's folder in it.
    pub folder: [u8; 16],
}

/// What a worker with the keys reads of a snapshot: the sealed body of its index.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// BLAKE3 of the public part before it.
    pub public: [u8; 32],
    /// Unix seconds.
    pub created: u64,
    /// What it holds.
    pub head: Head,
    /// Digest of the profile, hex.
    pub profile: String,
    /// The collection besides its data.
    pub about: About,
    /// Live documents.
    pub documents: u64,
    /// Live chunks.
    pub chunks: u64,
    /// The newest snapshot before it in this target.
    pub previous: Option<[u8; 32]>,
    /// Manifest, head and wrapped keys of its key epoch, as they lie in the shard.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// Packed rows of digests and tail, in the order of their keys.
    packs: Vec<Pack>,
    /// Parts of segments.
    blobs: Vec<Blob>,
}

/// What an index says of the collection besides its data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The owner's name for it.
    pub name: String,
    /// The owner at that time.
    pub owner: Address,
    /// Where its vectors come from, JSON.
    pub vectors: String,
    /// When it was made, Unix seconds.
    pub born: u64,
    /// Whether the owner lets the ledger keep the owner's share.
    pub managed: bool,
    /// The language of its terms, where one was chosen.
    pub language: Option<String>,
    /// How it is searched, where its texts lie, and what is kept of its vectors.
    pub way: Way,
}

/// What an owner chose for searches, in one word: the first two have been written since there are snapshots. Where it
/// does not say otherwise, vectors keep [`Precision::F16`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// [`Search::Standard`], from memory.
    Standard,
    /// [`Search::Oblivious`], from memory.
    Oblivious,
    /// [`Search::Standard`], texts from disk.
    StandardOnDisk,
    /// [`Search::Standard`], from memory, of vectors in [`Precision::I8`].
    Coded,
    /// The same, texts from disk.
    CodedOnDisk,
}

impl Way {
    /// The word for all three; `None` for what no collection is.
    #[must_use]
    pub fn of(search: Search, residency: Residency, precision: Precision) -> Option<Self> {
        match (search, residency, precision) {
            (Search::Standard, Residency::Memory, Precision::F16) => Some(Self::Standard),
            (Search::Standard, Residency::Disk, Precision::F16) => Some(Self::StandardOnDisk),
            (Search::Standard, Residency::Memory, Precision::I8) => Some(Self::Coded),
            (Search::Standard, Residency::Disk, Precision::I8) => Some(Self::CodedOnDisk),
            (Search::Oblivious, Residency::Memory, Precision::F16) => Some(Self::Oblivious),
            (Search::Oblivious, _, _) => None,
        }
    }

    /// What it stands for.
    #[must_use]
    pub fn parts(self) -> (Search, Residency, Precision) {
        match self {
            Self::Standard => (Search::Standard, Residency::Memory, Precision::F16),
            Self::Oblivious => (Search::Oblivious, Residency::Memory, Precision::F16),
            Self::StandardOnDisk => (Search::Standard, Residency::Disk, Precision::F16),
            Self::Coded => (Search::Standard, Residency::Memory, Precision::I8),
            Self::CodedOnDisk => (Search::Standard, Residency::Disk, Precision::I8),
        }
    }
}

/// Rows in one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pack {
    /// Where it opens: see [`pack_seq`].
    seq: u64,
    object: u32,
}

/// A sealed blob in objects, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Blob {
    name: [u8; 32],
    objects: Vec<u32>,
}

/// Why a snapshot was not made or not read. Names hashes and lengths only.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A piece that its name does not fit. Not retryable.
    #[error("{0} is damaged: its bytes are not those that its name says")]
    Damaged(ObjectName),
    /// The public part of an index. Not retryable.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// The index is of another collection, of an ended key epoch, or damaged. Not retryable with these keys.
    #[error("the snapshot does not open under the keys of epoch {0}")]
    Keys(Epoch),
    /// The index opens, and does not fit together. Not retryable.
    #[error("the snapshot's {0} does not fit")]
    Contents(&'static str),
    /// More objects than one snapshot may have.
    #[error("a snapshot of more than {OBJECTS_MAX} objects")]
    TooMany,
    /// One more could be listed no more, nor pruned.
    #[error("the target has {SNAPSHOTS_MAX} snapshots of this collection; prune some first")]
    Full,
    /// The target.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The shard.
    #[error(transparent)]
    Collection(#[from] CollectionError),
}

/// Opens indexes of one collection under one key epoch.
#[derive(Clone)]
pub struct Opener(pub(super) Wrapping);

impl Opener {
    /// With the wrap key of `epoch`, whatever the lineage: the index names it.
    #[must_use]
    pub fn new(collection: CollectionId, epoch: Epoch, wrap: Key<Wrap>) -> Self {
        let lineage = Lineage([0; 16]);
        Self(Wrapping { collection, lineage, epoch, key: Arc::new(wrap) })
    }

    /// Key epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// The same keys for another lineage.
    fn of(&self, lineage: Lineage) -> Wrapping {
        Wrapping { lineage, ..self.0.clone() }
    }
}

impl Target<'_> {
    /// Every index, opened by nobody.
    ///
    /// # Errors
    /// [`ArchiveError::TooMany`] beyond [`SNAPSHOTS_MAX`]; [`ArchiveError::Io`].
    pub fn indexes(&self) -> Result<Vec<ObjectInfo>, ArchiveError> {
        self.archive.list(self.folder, Kind::Index, SNAPSHOTS_MAX)
    }

    /// Every object.
    ///
    /// # Errors
    /// [`ArchiveError::TooMany`] beyond what all snapshots together may have; [`ArchiveError::Io`].
    pub fn objects(&self) -> Result<Vec<ObjectInfo>, ArchiveError> {
        self.archive.list(self.folder, Kind::Object, FOLDER_OBJECTS_MAX)
    }

    /// The public part of an index.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`], [`SnapshotError::Header`].
    pub fn header(&self, info: ObjectInfo) -> Result<Header, SnapshotError> {
        Ok(Header::parse(&self.index(info)?)?.0)
    }

    /// Remove an index; its objects stay.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn remove_index(&self, hash: [u8; 32]) -> Result<(), ArchiveError> {
        self.archive.delete(self.name(Kind::Index, hash))
    }

    /// Remove an object that no index needs.
    ///
    /// # Errors
    /// [`ArchiveError::Io`].
    pub fn remove_object(&self, hash: [u8; 32]) -> Result<(), ArchiveError> {
        self.archive.delete(self.name(Kind::Object, hash))
    }

    /// An index's bytes, bounded before they are read.
    fn index(&self, info: ObjectInfo) -> Result<Vec<u8>, SnapshotError> {
        if info.bytes > INDEX_BYTES_MAX as u64 {
            let length = usize::try_from(info.bytes).unwrap_or(usize::MAX);
            return Err(HeaderError::TooLong(length).into());
        }
        self.fetch(self.name(Kind::Index, info.hash), info.bytes)
    }

    fn name(&self, kind: Kind, hash: [u8; 32]) -> ObjectName {
        ObjectName { folder: self.folder, kind, hash }
    }

    /// An object's bytes, if they are those of its name.
    fn object(&self, listed: Listed) -> Result<Vec<u8>, SnapshotError> {
        self.fetch(self.name(Kind::Object, listed.name), u64::from(listed.bytes))
    }

    fn fetch(&self, name: ObjectName, length: u64) -> Result<Vec<u8>, SnapshotError> {
        let bytes = self.archive.get(name, length)?;
        if *blake3::hash(&bytes).as_bytes() == name.hash {
            Ok(bytes)
        } else {
            Err(SnapshotError::Damaged(name))
        }
    }
}

/// Where the body of index `id` opens, under its own DEK.
fn index_place(wrapping: &Wrapping, id: [u8; 16]) -> Place {
    let Wrapping { collection, lineage, epoch, .. } = *wrapping;
    Place { collection, lineage, kind: PlaceKind::Snapshot, id, seq: 0, epoch }
}

/// The key of an index, unwrapped.
fn index_key(wrapping: &Wrapping, id: [u8; 16], wrapped: &[u8]) -> Option<Key<Dek>> {
    wrapping.unwrap(id, wrapping.epoch, wrapped)
}

/// The place, under the root DEK, of a pack that begins with the row `key`: table 8 bits, batch 48, part 8. Never 0,
/// which is the index's. `None` for tables that are not packed.
fn pack_seq(key: &[u8]) -> Option<u64> {
    let (seq, part) = rows::parse_batch(key).or_else(|| Some((rows::parse_digest(key)?, 0)))?;
    let table = *key.first()?;
    Some(u64::from(table) << 56 | (seq & 0xffff_ffff_ffff) << 8 | u64::from(part & 0xff))
}
