//! Reading a snapshot: into a new shard, or into nothing to see that it would do.
//!
//! Layer: collection, `snapshot`.
//! Holds: every check: names against bytes, seals at their places, digests against the head, parts against the
//! manifest.
//! Never: believes a length, a name or a list that the index does not authenticate; shows a shard before all of it is
//! checked.
//! Invariant: reading a snapshot to verify it and to restore it are the same steps; only where sealed parts go differs.

use super::{Index, Opener, SnapshotError, Target, index_key, index_place, pack_seq};
use crate::collection::CollectionError;
use crate::collection::keys::Keys;
use crate::collection::log::Log;
use crate::collection::manifest::{Manifest, PartEntry, SegmentEntry};
use crate::collection::record::decode;
use crate::collection::segment::load_sealer;
use prag_protocol::place::Kind as PlaceKind;
use prag_protocol::snapshot::{Header, INDEX_BYTES_MAX, Listed, OBJECT_BYTES_MAX};
use prag_store::archive::ObjectInfo;
use prag_store::{Batch as StoreBatch, BlobName, Row, Shard};
use prag_trust::frames::{open_frames, sealed_len};
use prag_trust::head::Head;
use prag_trust::merkle::MerkleLog;
use prag_trust::seal::{SegmentRecord, SnapshotRecord};
use std::collections::HashMap;
use std::sync::Arc;

/// A snapshot whose index opened.
pub struct Source<'a> {
    target: Target<'a>,
    /// BLAKE3 of the index.
    pub id: [u8; 32],
    /// The index's public part.
    pub header: Header,
    /// Its body.
    pub index: Index,
}

/// A snapshot of which everything was checked.
pub struct Unpacked {
    /// Its head.
    pub head: Head,
    tree: MerkleLog,
}

impl Unpacked {
    /// The root as it was after `size` batches; `None` if there are fewer.
    #[must_use]
    pub fn root_at(&self, size: u64) -> Option<[u8; 32]> {
        self.tree.root_at(size)
    }
}

impl<'a> Source<'a> {
    /// Open the index `info`.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] and [`SnapshotError::Header`] before any key is used; [`SnapshotError::Keys`].
    pub fn open(
        target: Target<'a>,
        info: ObjectInfo,
        opener: &Opener,
    ) -> Result<Self, SnapshotError> {
        let bytes = target.index(info)?;
        let (header, body) = Header::parse(&bytes)?;
        let wrapping = opener.of(header.lineage);
        let shut = || SnapshotError::Keys(opener.epoch());
        if header.epoch != wrapping.epoch {
            return Err(SnapshotError::Keys(header.epoch));
        }
        let key = index_key(&wrapping, header.id, &header.wrapped).ok_or_else(shut)?;
        let place = index_place(&wrapping, header.id);
        let plain = open_frames::<SnapshotRecord>(body, &key, place, INDEX_BYTES_MAX);
        let plain = plain.map_err(|_| SnapshotError::Keys(header.epoch))?;
        let index: Index = decode(plain.expose()).map_err(|_| SnapshotError::Contents("index"))?;
        let public = blake3::hash(&bytes[..bytes.len() - body.len()]);
        if index.public != *public.as_bytes() || index.head.lineage != header.lineage {
            return Err(SnapshotError::Contents("index"));
        }
        Ok(Self { target, id: info.hash, header, index })
    }

    /// Check everything, and write it into `store`, which is new; with `keep` its blobs too. `told` hears bytes done
    /// and bytes in all. Blocks on target and disk.
    ///
    /// # Errors
    /// Names what failed. `store` is then of no use.
    pub fn unpack(
        &self,
        opener: &Opener,
        store: &Arc<dyn Shard>,
        keep: bool,
        told: &dyn Fn(u64, u64),
    ) -> Result<Unpacked, SnapshotError> {
        let mut tell = Told { done: 0, total: self.header.bytes(), told };
        put_rows(store.as_ref(), &self.index.rows)?;
        let keys = Keys::load_under(opener.of(self.header.lineage), store.as_ref())?;
        let manifest = Manifest::load(&keys, store.as_ref())?;
        let keys = keys.begin(&manifest.roots)?;
        for pack in &self.index.packs {
            let listed = self.listed(pack.object)?;
            let sealed = self.target.object(listed)?;
            let place = keys.root_place(PlaceKind::Snapshot, keys.root(), pack.seq);
            let key = keys.root().key();
            let plain =
                open_frames::<SnapshotRecord>(&sealed, key, place, OBJECT_BYTES_MAX as usize)
                    .map_err(|_| SnapshotError::Contents("packed rows"))?;
            put_rows(store.as_ref(), &packed(plain.expose(), pack.seq)?)?;
            tell.more(listed.bytes);
        }
        let writer_epoch = self.index.head.writer_epoch;
        let base = manifest.base;
        let log = Log::load(Arc::clone(store), writer_epoch, &keys, base, &mut |_| Ok(()))?;
        let head = log.head(&keys);
        if head != self.index.head {
            return Err(SnapshotError::Contents("head"));
        }
        self.parts(&keys, &manifest, store.as_ref(), keep, &mut tell)?;
        let write = store.commit(StoreBatch::new()).and_then(|seq| store.durable(seq));
        write.map_err(CollectionError::from)?;
        Ok(Unpacked { head, tree: log.into_tree() })
    }

    /// Every part that the manifest lists, opened at its place.
    fn parts(
        &self,
        keys: &Keys,
        manifest: &Manifest,
        store: &dyn Shard,
        keep: bool,
        tell: &mut Told<'_>,
    ) -> Result<(), SnapshotError> {
        let blobs: HashMap<[u8; 32], &[u32]> =
            self.index.blobs.iter().map(|blob| (blob.name, &blob.objects[..])).collect();
        for entry in &manifest.segments {
            for part in &entry.parts {
                let objects = blobs.get(&part.blob).ok_or(SnapshotError::Contents("part"))?;
                let sealed = self.assemble(objects, part, tell)?;
                open_part(keys, entry, part, &sealed, store)?;
                if keep {
                    let put = store.blobs().put_new(BlobName(part.blob), &sealed);
                    put.map_err(CollectionError::from)?;
                }
            }
        }
        Ok(())
    }

    /// A part's sealed bytes from its objects, whose lengths must come to what the manifest says.
    fn assemble(
        &self,
        objects: &[u32],
        part: &PartEntry,
        tell: &mut Told<'_>,
    ) -> Result<Vec<u8>, SnapshotError> {
        let listed: Vec<Listed> =
            objects.iter().map(|object| self.listed(*object)).collect::<Result<_, _>>()?;
        let wanted = usize::try_from(part.length).map(sealed_len);
        let total: u64 = listed.iter().map(|one| u64::from(one.bytes)).sum();
        let wanted = wanted.ok().filter(|wanted| *wanted as u64 == total);
        let mut sealed = Vec::with_capacity(wanted.ok_or(SnapshotError::Contents("part"))?);
        for one in listed {
            sealed.extend_from_slice(&self.target.object(one)?);
            tell.more(one.bytes);
        }
        Ok(sealed)
    }

    fn listed(&self, object: u32) -> Result<Listed, SnapshotError> {
        let found = self.header.objects.get(object as usize);
        found.copied().ok_or(SnapshotError::Contents("list of objects"))
    }
}

fn open_part(
    keys: &Keys,
    entry: &SegmentEntry,
    part: &PartEntry,
    sealed: &[u8],
    store: &dyn Shard,
) -> Result<(), SnapshotError> {
    let dek = load_sealer(keys, entry.id, store)?;
    let place = keys.place(PlaceKind::Segment, dek.id, u64::from(part.name), dek.birth);
    let length = usize::try_from(part.length).map_err(|_| SnapshotError::Contents("part"))?;
    let plain = open_frames::<SegmentRecord>(sealed, &dek.key, place, length);
    let whole = plain.is_ok_and(|plain| plain.expose().len() == length);
    if whole { Ok(()) } else { Err(SnapshotError::Contents("part")) }
}

/// The rows of a pack: of one table, ascending from where the pack's place says.
fn packed(plain: &[u8], seq: u64) -> Result<Vec<Row>, SnapshotError> {
    let bad = || SnapshotError::Contents("packed rows");
    let held: Vec<Row> = decode(plain).map_err(|_| bad())?;
    let first = held.first().and_then(|(key, _)| pack_seq(key));
    let ordered = held.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let one_table = held.iter().all(|(key, _)| {
        let at = pack_seq(key);
        at.is_some_and(|at| at >> 56 == seq >> 56)
    });
    if first == Some(seq) && ordered && one_table { Ok(held) } else { Err(bad()) }
}

fn put_rows(store: &dyn Shard, held: &[Row]) -> Result<(), SnapshotError> {
    let failed = CollectionError::from;
    let mut write = StoreBatch::new();
    for (key, value) in held {
        write.put(key.clone(), value.clone()).map_err(failed)?;
        if write.bytes() >= COMMIT_BYTES {
            store.commit(std::mem::take(&mut write)).map_err(failed)?;
        }
    }
    store.commit(write).map_err(failed)?;
    Ok(())
}

struct Told<'a> {
    done: u64,
    total: u64,
    told: &'a dyn Fn(u64, u64),
}

impl Told<'_> {
    fn more(&mut self, bytes: u32) {
        self.done += u64::from(bytes);
        (self.told)(self.done, self.total);
    }
}

/// A commit goes with the row that takes it to this many bytes; one more row of 1 MB still fits.
const COMMIT_BYTES: usize = 2 << 20;
