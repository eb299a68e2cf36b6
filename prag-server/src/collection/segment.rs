//! A segment on disk: sealed blobs, written once.
//!
//! Layer: collection.
//! Holds: the documents, the row table and the index's parts, each in one framed blob under the segment's DEK.
//! Never: a plain byte in a blob; a blob name that says anything.
//! Invariant: every blob opens only at its place in its own segment; a swap or truncation is refused.

use super::CollectionError;
use super::keys::{Keys, NAMES, generation};
use super::manifest::{Manifest, PartEntry, SegmentEntry};
use super::memory::{Component, Footprint, SegmentCharge};
use super::profile::Shape;
use super::record::{Document, decode, encode};
use super::shard::Home;
use super::state::{LiveSegment, Row};
use super::veil::SegmentVeil;
use prag_index::{PartName, Segment};
use prag_protocol::Epoch;
use prag_protocol::place::Kind;
use prag_protocol::wire::collections::Profile;
use prag_store::{BlobName, Shard};
use prag_trust::entropy::{Entropy, random};
use prag_trust::frames::{Frame, Opening, seal_frames};
use prag_trust::key::{Dek, Key};
use prag_trust::merkle::MerkleLog;
use prag_trust::seal::{Plain, SegmentRecord};
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::Arc;

/// A segment that was written but is in no manifest yet.
pub(super) struct Written {
    pub(super) live: LiveSegment,
    pub(super) entry: SegmentEntry,
    pub(super) dek: Sealer,
}

/// A fresh DEK of a segment. Whoever puts the segment into the manifest wraps it, in the epochs of that moment.
pub(super) struct Sealer {
    pub(super) id: [u8; 16],
    pub(super) birth: Epoch,
    pub(super) key: Key<Dek>,
}

impl Sealer {
    /// A fresh key for the segment `id`, born now.
    pub(super) fn new(
        keys: &Keys,
        id: [u8; 16],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        Ok(Self { id, birth: keys.epoch(), key: Key::random(entropy)? })
    }
}

/// Seal and store a built segment's parts. Blocks.
pub(super) fn write_segment(
    keys: &Keys,
    profile: &Profile,
    index: Segment,
    rows: Vec<Row>,
    home: &Home,
    entropy: &mut dyn Entropy,
) -> Result<Written, CollectionError> {
    let dek = Sealer::new(keys, fresh_id(entropy)?, entropy)?;
    let (documents, table) = tables(&rows);
    let mut plain = vec![(DOCUMENTS, encode(&documents)?), (ROWS, encode(&table)?)];
    plain.extend(index.to_parts()?.into_iter().map(|(name, bytes)| (name.as_u8(), bytes)));
    let mut parts = Vec::with_capacity(plain.len());
    for (name, bytes) in plain {
        parts.push(write_part(keys, &dek, name, &bytes, home.store.as_ref(), entropy)?);
        home.upkeep.spend(bytes.len());
    }
    let count = u32::try_from(rows.len()).map_err(|_| CollectionError::Tampered("rows"))?;
    let tree = tree(rows.iter().map(|row| row.document.chunk_hash(row.chunk)));
    let shape = Shape::of(profile)?;
    let veil = veil(shape, &rows)?;
    let entry = SegmentEntry {
        id: dek.id,
        parts,
        rows: count,
        tombstones: Vec::new(),
        profile: profile.digest.clone(),
        root: tree.root(),
    };
    let mut charge = Footprint::of(&entry, &shape).charge(&home.accounts);
    charge.settle(&home.accounts, &index, documents.iter().map(AsRef::as_ref));
    let live = LiveSegment {
        id: dek.id,
        index: Arc::new(index),
        rows: Arc::new(rows),
        tree: Arc::new(tree),
        live: (0..count).collect(),
        charge: Some(Arc::new(charge)),
        veil,
    };
    Ok(Written { live, entry, dek })
}

/// Load every segment of the manifest, each part authenticated at its place.
pub(super) fn load_segments(
    keys: &Keys,
    manifest: &Manifest,
    profile: &Profile,
    home: &Home,
) -> Result<Vec<LiveSegment>, CollectionError> {
    let shape = Shape::of(profile)?;
    let load = |entry: &SegmentEntry| {
        // Taken before a byte is read: a shard that does not fit is refused, not half loaded.
        let charge = Footprint::of(entry, &shape).reserve(&home.accounts)?;
        load_segment(keys, entry, (profile, shape), home, charge)
    };
    let mut segments = Vec::with_capacity(manifest.segments.len());
    let expect = |pair: &[SegmentEntry]| {
        let parts = pair.iter().flat_map(|entry| &entry.parts);
        let names: Vec<BlobName> = parts.map(|part| BlobName(part.blob)).collect();
        home.store.blobs().expect(&names);
    };
    // Two at a time: in the steps of one that do not divide, the other keeps the processors busy.
    let mut pairs = manifest.segments.chunks(2).peekable();
    pairs.peek().copied().map(expect);
    while let Some(pair) = pairs.next() {
        pairs.peek().copied().map(expect);
        let loaded: Result<Vec<_>, CollectionError> = pair.par_iter().map(load).collect();
        segments.extend(loaded?);
    }
    Ok(segments)
}

fn load_segment(
    keys: &Keys,
    entry: &SegmentEntry,
    (profile, shape): (&Profile, Shape),
    home: &Home,
    mut charge: SegmentCharge,
) -> Result<LiveSegment, CollectionError> {
    let store = home.store.as_ref();
    // The parts as they are read. Counted, not asked for: one segment always opens if it fits, several wait for room.
    let read = entry.parts.iter().map(|part| part.length).sum();
    let _reading = home.accounts.charge(Component::Builds, read);
    if entry.profile != profile.digest {
        return Err(CollectionError::Tampered("segment profile"));
    }
    let dek = load_sealer(keys, entry.id, store)?;
    let open = |part: &PartEntry| Ok((part.name, read_part(keys, &dek, part, store)?));
    let plain: Result<HashMap<u8, Plain<SegmentRecord>>, CollectionError> =
        entry.parts.par_iter().map(open).collect();
    let mut plain = plain?;
    let mut take = |name| plain.remove(&name).ok_or(CollectionError::Tampered("segment part"));
    let (documents, table) = (take(DOCUMENTS)?, take(ROWS)?);
    let mut parts = Vec::with_capacity(plain.len());
    for (name, bytes) in &plain {
        let name = PartName::from_u8(*name).ok_or(CollectionError::Tampered("segment part"))?;
        parts.push((name, bytes.expose()));
    }
    let (index, texts) = rayon::join(
        || Segment::from_parts(&parts),
        || read_texts(shape, documents.expose(), table.expose()),
    );
    let (index, Texts { documents, table, tree }) = (index?, texts?);
    if index.analyzer() != shape.analyzer {
        return Err(CollectionError::Tampered("segment analyser"));
    }
    charge.settle(&home.accounts, &index, documents.iter().map(AsRef::as_ref));
    let row = |(document, chunk): (u32, u32)| {
        let document = documents.get(document as usize)?;
        document.chunks.get(chunk as usize)?;
        Some(Row { document: Arc::clone(document), chunk })
    };
    let rows: Option<Vec<Row>> = table.into_iter().map(row).collect();
    let rows = rows.ok_or(CollectionError::Tampered("segment rows"))?;
    if rows.len() != entry.rows as usize || index.len() as usize != rows.len() {
        return Err(CollectionError::Tampered("segment rows"));
    }
    if tree.root() != entry.root {
        return Err(CollectionError::Tampered("segment root"));
    }
    let mut live: RoaringBitmap = (0..entry.rows).collect();
    if !entry.tombstones.is_empty() {
        live -= RoaringBitmap::deserialize_from(entry.tombstones.as_slice())
            .map_err(|_| CollectionError::Tampered("tombstones"))?;
    }
    let veil = veil(shape, &rows)?;
    let (index, rows, tree) = (Arc::new(index), Arc::new(rows), Arc::new(tree));
    let charge = Some(Arc::new(charge));
    Ok(LiveSegment { id: entry.id, index, rows, tree, live, charge, veil })
}

/// Of a segment, what is not the index's.
struct Texts {
    documents: Vec<Arc<Document>>,
    /// Per row: its document and chunk.
    table: Vec<(u32, u32)>,
    tree: MerkleLog,
}

/// Side by side on rayon's threads.
fn read_texts(shape: Shape, documents: &[u8], table: &[u8]) -> Result<Texts, CollectionError> {
    let bad = |_| CollectionError::Tampered("segment records");
    let documents: Vec<Document> = decode(documents).map_err(bad)?;
    let table: Vec<(u32, u32)> = decode(table).map_err(bad)?;
    // Hashed before they are packed: to unpack them for it would take longer.
    let hash = |(at, chunk): &(u32, u32)| Some(documents.get(*at as usize)?.chunk_hash(*chunk));
    let hashes: Vec<[u8; 32]> = table.par_iter().filter_map(hash).collect();
    let pack = |document: Document| Arc::new(shape.packed(document));
    let documents = documents.into_par_iter().map(pack).collect();
    Ok(Texts { documents, table, tree: tree(hashes.into_iter()) })
}

fn veil(shape: Shape, rows: &[Row]) -> Result<Option<SegmentVeil>, CollectionError> {
    let veil = shape.oblivious.then(|| SegmentVeil::new(rows)).transpose();
    veil.map_err(|_| CollectionError::Tampered("segment records"))
}

/// The Merkle tree over the rows' chunk hashes.
fn tree(hashes: impl Iterator<Item = [u8; 32]>) -> MerkleLog {
    let mut tree = MerkleLog::new();
    for hash in hashes {
        tree.append(&hash);
    }
    tree
}

/// Each document once, and (document, chunk) per row.
fn tables(rows: &[Row]) -> (Vec<Arc<Document>>, Vec<(u32, u32)>) {
    let mut known: HashMap<*const Document, u32> = HashMap::new();
    let mut documents = Vec::new();
    let mut table = Vec::with_capacity(rows.len());
    for row in rows {
        let number = *known.entry(Arc::as_ptr(&row.document)).or_insert_with(|| {
            documents.push(Arc::clone(&row.document));
            u32::try_from(documents.len() - 1).unwrap_or(u32::MAX)
        });
        table.push((number, row.chunk));
    }
    (documents, table)
}

/// The DEK that a segment is sealed under.
pub(super) fn load_sealer(
    keys: &Keys,
    id: [u8; 16],
    store: &dyn Shard,
) -> Result<Sealer, CollectionError> {
    let (key, birth) = keys.segment_key(id, store)?;
    Ok(Sealer { id, birth, key })
}

/// A random id that is not the id of a root or of the name key.
fn fresh_id(entropy: &mut dyn Entropy) -> Result<[u8; 16], CollectionError> {
    loop {
        let id = random(entropy)?;
        if generation(id).is_none() && id != NAMES {
            return Ok(id);
        }
    }
}

/// Seal one part under a random name of its own.
pub(super) fn write_part(
    keys: &Keys,
    dek: &Sealer,
    name: u8,
    bytes: &[u8],
    store: &dyn Shard,
    entropy: &mut dyn Entropy,
) -> Result<PartEntry, CollectionError> {
    let place = keys.place(Kind::Segment, dek.id, u64::from(name), dek.birth);
    let sealed = seal_frames::<SegmentRecord>(bytes, &dek.key, place, entropy)?;
    let blob = random(entropy)?;
    store.blobs().put_new(BlobName(blob), &sealed)?;
    Ok(PartEntry { name, blob, length: bytes.len() as u64 })
}

/// The plain bytes of one part.
pub(super) fn read_part(
    keys: &Keys,
    dek: &Sealer,
    part: &PartEntry,
    store: &dyn Shard,
) -> Result<Plain<SegmentRecord>, CollectionError> {
    let failed = || CollectionError::Tampered("segment part");
    let sealed = store.blobs().get(BlobName(part.blob), None).map_err(|error| match error {
        prag_store::StoreError::BlobAbsent(_) => failed(),
        other => other.into(),
    })?;
    let place = keys.place(Kind::Segment, dek.id, u64::from(part.name), dek.birth);
    let length = usize::try_from(part.length).map_err(|_| failed())?;
    let mut opening =
        Opening::<SegmentRecord>::begin(sealed, &dek.key, place, length).map_err(|_| failed())?;
    let frames: Vec<Frame<'_>> = opening.frames().collect();
    frames.into_par_iter().for_each(Frame::open);
    let plain = opening.finish().map_err(|_| failed())?;
    if plain.expose().len() == length { Ok(plain) } else { Err(failed()) }
}

/// Part numbers beyond the index's own.
const DOCUMENTS: u8 = 128;
pub(super) const ROWS: u8 = 129;
