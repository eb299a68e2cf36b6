//! Making a snapshot: a moment that is kept, then object by object.
//!
//! Layer: collection, `snapshot`.
//! Holds: the order: a checkpoint under the writer's lock, objects, and the index last.
//! Never: makes a writer or a search wait for the target; writes what the target has.
//! Invariant: an index is written after everything that it names, so a crash leaves objects that no index names, and
//! the next snapshot finds them written.

use super::{About, Blob, Index, Opener, Pack, SnapshotError, Target, index_place, pack_seq};
use crate::collection::keys::{Keys, nonce};
use crate::collection::manifest::Manifest;
use crate::collection::record::encode;
use crate::collection::shard::CollectionShard;
use crate::collection::wrapping::wrapped_row;
use crate::collection::{CollectionError, rows};
use prag_protocol::place::Kind as PlaceKind;
use prag_protocol::snapshot::{Header, INDEX_BYTES_MAX, Listed, OBJECT_BYTES_MAX, OBJECTS_MAX};
use prag_store::archive::Kind;
use prag_store::{BlobName, CheckpointId, KeyRange, Row, Shard};
use prag_trust::entropy::{Entropy, EntropyError, random};
use prag_trust::frames::{seal_frames, sealed_len};
use prag_trust::head::Head;
use prag_trust::key::{Dek, Key};
use prag_trust::seal::SnapshotRecord;
use std::sync::Arc;

/// A moment of a shard, kept by a checkpoint of its store.
pub struct Moment {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The head at that moment, durable.
    pub head: Head,
    created: u64,
    keys: Arc<Keys>,
    manifest: Manifest,
    profile: String,
    documents: u64,
    chunks: u64,
}

/// A snapshot that is durable in its target.
pub struct Written {
    /// BLAKE3 of its index.
    pub id: [u8; 32],
    /// The index's public part.
    pub header: Header,
    /// The index's body.
    pub index: Index,
    /// Objects that were not there before.
    pub new_objects: u64,
    /// Their bytes.
    pub new_bytes: u64,
}

impl CollectionShard {
    /// Opens indexes under the keys that are in use.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] without any; there are some.
    pub fn opener(&self) -> Result<Opener, CollectionError> {
        Ok(Opener(self.keys().wrapping()?.clone()))
    }

    /// Keep this moment, Unix second `now`, until [`CollectionShard::drop_moments`]; earlier ones go.
    ///
    /// # Errors
    /// [`CollectionError::Closed`] after a failed write: nobody knows what is on disk.
    pub fn keep_moment(&self, now: u64) -> Result<Moment, CollectionError> {
        let writer = self.writer();
        if writer.failed {
            return Err(CollectionError::Closed);
        }
        self.drop_moments()?;
        let checkpoint = self.home.store.checkpoint()?;
        let (keys, live) = (self.keys(), self.read());
        Ok(Moment {
            checkpoint,
            head: writer.log.head(&keys),
            created: now,
            keys,
            manifest: writer.manifest.clone(),
            profile: self.profile.digest.clone(),
            documents: live.documents.len() as u64,
            chunks: live.chunks(),
        })
    }

    /// Let go of every moment that is kept.
    ///
    /// # Errors
    /// What the store says; the next moment that is kept comes back to it.
    pub fn drop_moments(&self) -> Result<(), CollectionError> {
        for kept in self.home.store.checkpoints()? {
            self.home.store.drop_checkpoint(kept)?;
        }
        Ok(())
    }
}

impl Moment {
    /// Write what `store`, opened at the checkpoint, holds into `target`, whose newest snapshot is `previous`. `told`
    /// hears bytes done and bytes in all. Blocks on disk and target.
    ///
    /// # Errors
    /// What is written stays, for the next try.
    pub fn write(
        &self,
        store: &dyn Shard,
        about: About,
        previous: Option<[u8; 32]>,
        target: Target<'_>,
        told: &dyn Fn(u64, u64),
        entropy: &mut dyn Entropy,
    ) -> Result<Written, SnapshotError> {
        let mut out = Objects::new(target, told, self.blob_bytes() + self.head.size * DIGEST_BYTES);
        let mut blobs = Vec::new();
        for part in self.manifest.segments.iter().flat_map(|entry| &entry.parts) {
            let bytes = sealed_len(usize::try_from(part.length).unwrap_or(usize::MAX)) as u64;
            let mut objects = Vec::new();
            for start in (0..bytes).step_by(OBJECT_BYTES_MAX as usize) {
                let end = bytes.min(start + u64::from(OBJECT_BYTES_MAX));
                let piece = store.blobs().get(BlobName(part.blob), Some(start..end));
                objects.push(out.put(&piece.map_err(CollectionError::from)?)?);
            }
            blobs.push(Blob { name: part.blob, objects });
        }
        let mut packs = self.pack(store, &rows::digests(), &mut out)?;
        packs.extend(self.pack(store, &rows::batches_from(self.manifest.base), &mut out)?);
        let rows = self.small_rows(store)?;
        let index = Index {
            public: [0; 32],
            created: self.created,
            head: self.head,
            profile: self.profile.clone(),
            about,
            documents: self.documents,
            chunks: self.chunks,
            previous,
            rows,
            packs,
            blobs,
        };
        self.finish(out, index, entropy)
    }

    /// The index, sealed under a fresh DEK and written last.
    fn finish(
        &self,
        out: Objects<'_>,
        mut index: Index,
        entropy: &mut dyn Entropy,
    ) -> Result<Written, SnapshotError> {
        let failed = CollectionError::from;
        let (key, id) =
            (Key::<Dek>::random(entropy).map_err(failed)?, random(entropy).map_err(failed)?);
        let wrapping = self.keys.wrapping()?;
        let wrapped = wrapping.wrap(id, wrapping.epoch, &key, nonce(entropy)?)?;
        let wrapped = wrapped.try_into().map_err(|_| SnapshotError::Contents("wrapped key"))?;
        let (lineage, epoch) = (self.keys.lineage, wrapping.epoch);
        let header = Header { lineage, epoch, id, wrapped, objects: out.listed };
        let mut bytes = header.to_bytes();
        index.public = *blake3::hash(&bytes).as_bytes();
        let plain = encode(&index).map_err(CollectionError::from)?;
        let place = index_place(wrapping, id);
        let body = seal_frames::<SnapshotRecord>(&plain, &key, place, entropy);
        let body = body.map_err(CollectionError::from)?;
        bytes.extend_from_slice(&body);
        if bytes.len() > INDEX_BYTES_MAX {
            return Err(SnapshotError::TooMany);
        }
        let id = *blake3::hash(&bytes).as_bytes();
        out.target.archive.put_new(out.target.name(Kind::Index, id), &bytes)?;
        let Objects { new_objects, new_bytes, .. } = out;
        Ok(Written { id, header, index, new_objects, new_bytes })
    }

    /// Manifest, head and wrapped keys of the current key epoch.
    fn small_rows(&self, store: &dyn Shard) -> Result<Vec<Row>, SnapshotError> {
        let mut small = Vec::new();
        for key in [rows::manifest(), rows::head()] {
            let value = crate::collection::keys::one(store, key.clone())?;
            small.extend(value.map(|value| (key, value)));
        }
        each_row(store, &rows::manifest_parts(self.manifest.version), |row| {
            small.push(row);
            Ok(())
        })?;
        each_row(store, &rows::deks(), |(key, value)| {
            if rows::parse_dek(&key).is_some_and(|(_, epoch)| epoch == self.keys.epoch()) {
                wrapped_row(&key, &value)?;
                small.push((key, value));
            }
            Ok(())
        })?;
        Ok(small)
    }

    /// Rows of `range`, packed in the order of their keys. What was packed before is packed alike as long as the range
    /// begins with the same row.
    fn pack(
        &self,
        store: &dyn Shard,
        range: &KeyRange,
        out: &mut Objects<'_>,
    ) -> Result<Vec<Pack>, SnapshotError> {
        let (mut packs, mut held, mut bytes) = (Vec::new(), Vec::<Row>::new(), 0);
        each_row(store, range, |(key, value)| {
            bytes += key.len() + value.len();
            held.push((key, value));
            if bytes >= PACK_BYTES || held.len() == PACK_ROWS {
                packs.push(self.seal_pack(&std::mem::take(&mut held), out)?);
                bytes = 0;
            }
            Ok(())
        })?;
        if !held.is_empty() {
            packs.push(self.seal_pack(&held, out)?);
        }
        Ok(packs)
    }

    fn seal_pack(&self, held: &[Row], out: &mut Objects<'_>) -> Result<Pack, SnapshotError> {
        let first = held.first().map_or(&[][..], |(key, _)| key);
        let seq = pack_seq(first).ok_or(CollectionError::Tampered("row"))?;
        let plain = encode(&held).map_err(CollectionError::from)?;
        let root = self.keys.root();
        let place = self.keys.root_place(PlaceKind::Snapshot, root, seq);
        let content = blake3::hash(&plain);
        let seed = self
            .keys
            .names()
            .name(&[&b"prag/snapshot/pack/v1"[..], &place.to_bytes(), content.as_bytes()].concat());
        let mut nonces = Nonces::new(&seed);
        let sealed = seal_frames::<SnapshotRecord>(&plain, root.key(), place, &mut nonces);
        Ok(Pack { seq, object: out.put(&sealed.map_err(CollectionError::from)?)? })
    }

    fn blob_bytes(&self) -> u64 {
        let parts = self.manifest.segments.iter().flat_map(|entry| &entry.parts);
        parts.map(|part| sealed_len(usize::try_from(part.length).unwrap_or(0)) as u64).sum()
    }
}

/// Objects on their way to a target.
struct Objects<'a> {
    target: Target<'a>,
    listed: Vec<Listed>,
    new_objects: u64,
    new_bytes: u64,
    done: u64,
    total: u64,
    told: &'a dyn Fn(u64, u64),
}

impl<'a> Objects<'a> {
    fn new(target: Target<'a>, told: &'a dyn Fn(u64, u64), total: u64) -> Self {
        told(0, total);
        Self { target, listed: Vec::new(), new_objects: 0, new_bytes: 0, done: 0, total, told }
    }

    /// The object's number in the index.
    fn put(&mut self, bytes: &[u8]) -> Result<u32, SnapshotError> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= OBJECT_BYTES_MAX);
        let length = length.ok_or(SnapshotError::Contents("object"))?;
        if self.listed.len() == OBJECTS_MAX {
            return Err(SnapshotError::TooMany);
        }
        let name = *blake3::hash(bytes).as_bytes();
        if self.target.archive.put_new(self.target.name(Kind::Object, name), bytes)? {
            self.new_objects += 1;
            self.new_bytes += u64::from(length);
        }
        self.listed.push(Listed { name, bytes: length });
        self.done += u64::from(length);
        self.total = self.total.max(self.done);
        (self.told)(self.done, self.total);
        u32::try_from(self.listed.len() - 1).map_err(|_| SnapshotError::TooMany)
    }
}

/// Nonces that only the content and a secret key determine.
struct Nonces(blake3::OutputReader);

impl Nonces {
    fn new(seed: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("prag 2026 snapshot nonces v1");
        hasher.update(seed);
        Self(hasher.finalize_xof())
    }
}

impl Entropy for Nonces {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(out);
        Ok(())
    }
}

fn each_row(
    store: &dyn Shard,
    range: &KeyRange,
    mut see: impl FnMut(Row) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.scan(range, after.as_deref(), 1024).map_err(CollectionError::from)?;
        after = page.rows.last().map(|(key, _)| key.clone());
        for row in page.rows {
            see(row)?;
        }
        if !page.more || after.is_none() {
            return Ok(());
        }
    }
}

/// A pack is closed with the row that takes it to this many bytes.
const PACK_BYTES: usize = 2 << 20;
/// Most rows of a pack.
const PACK_ROWS: usize = 32_768;
const DIGEST_BYTES: u64 = 43;
