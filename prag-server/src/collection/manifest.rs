//! The manifest: which segments exist, what of them is deleted, where the tail begins.
//!
//! Layer: collection.
//! Holds: the sealed record that makes a set of blobs one shard (manifest format 2).
//! Never: keys; DEKs lie wrapped in rows of their own.
//! Invariant: swapped in one commit with the truncation of the tail, so there is always exactly one truth.

use super::keys::{Keys, nonce, one};
use super::record::{Idempotency, decode, encode};
use super::{CollectionError, rows};
use prag_protocol::place::Kind;
use prag_store::Shard;
use prag_trust::entropy::Entropy;
use prag_trust::seal::{ManifestRecord, Plain, Sealed};
use serde::{Deserialize, Serialize};

/// Everything needed to open a shard besides its tail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of this record and of segments: [`FORMAT`].
    pub format: u32,
    /// The profile as JSON, frozen.
    pub profile: String,
    /// First batch that is not in a segment.
    pub base: u64,
    /// Oldest first.
    pub segments: Vec<SegmentEntry>,
    /// Idempotency keys younger than a day whose batches were truncated.
    pub idempotency: Vec<Idempotency>,
    /// Owner's count of manifests, so that two never share a place.
    pub version: u64,
    /// The root DEKs that are in use, oldest first: generation, and the first batch that it seals. The last one seals
    /// this manifest and the head.
    pub roots: Vec<(u64, u64)>,
}

/// A segment as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Random id; also the id of its DEK.
    pub id: [u8; 16],
    /// Its parts, each a blob.
    pub parts: Vec<PartEntry>,
    /// Rows, live or not.
    pub rows: u32,
    /// Deleted ordinals, as a serialized roaring bitmap.
    pub tombstones: Vec<u8>,
    /// Digest of the profile that it was built under.
    pub profile: String,
    /// Merkle root over the rows' chunk hashes, in order.
    pub root: [u8; 32],
}

/// A sealed blob of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// What it holds: the index's part number, or one of ours from 128 on.
    pub name: u8,
    /// Random name of the blob.
    pub blob: [u8; 32],
    /// Length of the plain part, bytes.
    pub length: u64,
}

/// The manifest's format.
pub const FORMAT: u32 = 2;

impl Manifest {
    /// Sealed for the manifest row.
    ///
    /// # Errors
    /// [`CollectionError`] from sealing.
    pub fn seal(&self, keys: &Keys, entropy: &mut dyn Entropy) -> Result<Vec<u8>, CollectionError> {
        let plain = Plain::<ManifestRecord>::new(encode(self)?);
        let root = keys.root();
        let place = keys.root_place(Kind::Manifest, root, 0);
        Ok(plain.seal(root.key(), place, nonce(entropy)?)?.as_bytes().to_vec())
    }

    /// The stored manifest.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if it is missing, does not open, or is of an unknown format.
    pub fn load(keys: &Keys, shard: &dyn Shard) -> Result<Self, CollectionError> {
        let bytes = one(shard, rows::manifest())?.ok_or(CollectionError::Tampered("manifest"))?;
        let root = keys.root();
        let place = keys.root_place(Kind::Manifest, root, 0);
        let plain = Sealed::<ManifestRecord>::from_bytes(bytes)
            .open(root.key(), place)
            .map_err(|_| CollectionError::Tampered("manifest"))?;
        let manifest: Self =
            decode(plain.expose()).map_err(|_| CollectionError::Tampered("manifest"))?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            Err(CollectionError::Format(manifest.format))
        }
    }
}
