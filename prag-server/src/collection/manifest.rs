//! The manifest: which segments exist, what of them is deleted, where the tail begins.
//!
//! Layer: collection.
//! Holds: the sealed record that makes a set of blobs one shard (manifest format 2), in one row or, where it is large,
//! in several that the one row names (format 3).
//! Never: keys; DEKs lie wrapped in rows of their own.
//! Invariant: swapped in one commit with the truncation of the tail, so there is always exactly one truth.

use super::keys::{Keys, nonce, one};
use super::record::{Idempotency, decode, encode};
use super::{CollectionError, rows};
use prag_protocol::place::Kind;
use prag_store::{Batch, Shard};
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
    /// In how many rows beside the manifest's own it lies; not part of it.
    #[serde(skip)]
    pub parts: u16,
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

/// What the manifest's row holds where the manifest is larger than a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// [`POINTER`].
    pub format: u32,
    /// Of the manifest.
    pub version: u64,
    /// In how many rows it lies.
    pub parts: u16,
}

/// The pointer's format: a manifest of format 2 lies in rows of its own.
pub const POINTER: u32 = 3;

impl Manifest {
    /// Into `write`, which makes it the shard's; the rows of `before` go with it. What does not fit one row is
    /// committed before that, to rows that nothing names yet.
    ///
    /// # Errors
    /// [`CollectionError::TooLarge`] before anything is written; those of sealing and of the store.
    pub fn put(
        &mut self,
        before: &Self,
        (keys, store): (&Keys, &dyn Shard),
        write: &mut Batch,
        entropy: &mut dyn Entropy,
    ) -> Result<(), CollectionError> {
        let plain = encode(self)?;
        self.parts = 0;
        if plain.len() <= ROW_BYTES_MAX {
            write.put(rows::manifest(), seal(plain, keys, 0, entropy)?)?;
        } else if plain.len() > MANIFEST_BYTES_MAX {
            return Err(CollectionError::TooLarge { bytes: plain.len(), max: MANIFEST_BYTES_MAX });
        } else {
            let sealed = seal(plain, keys, self.version, entropy)?;
            for chunk in sealed.chunks(ROW_BYTES_MAX) {
                let mut rows = Batch::new();
                rows.put(rows::manifest_part(self.version, self.parts), chunk)?;
                store.commit(rows)?;
                self.parts += 1;
            }
            let pointer = Pointer { format: POINTER, version: self.version, parts: self.parts };
            write.put(rows::manifest(), seal(encode(&pointer)?, keys, 0, entropy)?)?;
        }
        for part in 0..before.parts {
            write.delete(rows::manifest_part(before.version, part))?;
        }
        Ok(())
    }

    /// The stored manifest.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if it is missing, does not open, or is of an unknown format.
    pub fn load(keys: &Keys, shard: &dyn Shard) -> Result<Self, CollectionError> {
        let bytes = one(shard, rows::manifest())?.ok_or(BAD)?;
        let plain = open(bytes, keys, 0)?;
        let (plain, pointer) = match format(&plain)? {
            FORMAT => (plain, None),
            POINTER => {
                let pointer: Pointer = decode(plain.expose()).map_err(|_| BAD)?;
                (open(gather(&pointer, shard)?, keys, pointer.version)?, Some(pointer))
            }
            unknown => return Err(CollectionError::Format(unknown)),
        };
        match format(&plain)? {
            FORMAT => {}
            unknown => return Err(CollectionError::Format(unknown)),
        }
        let manifest: Self = decode(plain.expose()).map_err(|_| BAD)?;
        let parts = match pointer {
            None => 0,
            Some(pointer) if pointer.version == manifest.version => pointer.parts,
            Some(_) => return Err(BAD),
        };
        Ok(Self { parts, ..manifest })
    }
}

/// The sealed bytes of a manifest in rows of its own.
fn gather(pointer: &Pointer, shard: &dyn Shard) -> Result<Vec<u8>, CollectionError> {
    if usize::from(pointer.parts) > PARTS_MAX {
        return Err(BAD);
    }
    let mut sealed = Vec::new();
    for part in 0..pointer.parts {
        let row = one(shard, rows::manifest_part(pointer.version, part))?;
        sealed.extend_from_slice(&row.ok_or(BAD)?);
    }
    Ok(sealed)
}

fn seal(
    plain: Vec<u8>,
    keys: &Keys,
    seq: u64,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, CollectionError> {
    let (plain, root) = (Plain::<ManifestRecord>::new(plain), keys.root());
    let place = keys.root_place(Kind::Manifest, root, seq);
    Ok(plain.seal(root.key(), place, nonce(entropy)?)?.into_bytes())
}

fn open(sealed: Vec<u8>, keys: &Keys, seq: u64) -> Result<Plain<ManifestRecord>, CollectionError> {
    let root = keys.root();
    let place = keys.root_place(Kind::Manifest, root, seq);
    Sealed::<ManifestRecord>::from_bytes(sealed).open(root.key(), place).map_err(|_| BAD)
}

/// What the record begins with.
fn format(plain: &Plain<ManifestRecord>) -> Result<u32, CollectionError> {
    let (format, _) = postcard::take_from_bytes::<u32>(plain.expose()).map_err(|_| BAD)?;
    Ok(format)
}

const BAD: CollectionError = CollectionError::Tampered("manifest");
/// The largest manifest that lies in the manifest's own row: padded and sealed, it still fits. And bytes of each part
/// of a larger one.
const ROW_BYTES_MAX: usize = 900_000;
/// The largest manifest: a snapshot's index has room for it.
const MANIFEST_BYTES_MAX: usize = 32 << 20;
const PARTS_MAX: usize = 2 * MANIFEST_BYTES_MAX / ROW_BYTES_MAX;
