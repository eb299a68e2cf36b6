//! A segment on disk: sealed blobs, written once.
//!
//! Layer: collection.
//! Holds: the documents, the row table, the chunks' hashes and the index's parts, each in one framed blob under the
//! segment's DEK.
//! Never: a plain byte in a blob; a blob name that says anything.
//! Invariant: every blob opens only at its place in its own segment; a swap or truncation is refused.

use super::CollectionError;
use super::keys::{Keys, NAMES, generation};
use super::manifest::{Manifest, PartEntry, SegmentEntry};
use super::memory::{Component, Footprint, SegmentCharge};
use super::profile::Shape;
use super::record::encode;
use super::scopes::is_scope_key;
use super::shard::Home;
use super::shelf::{Shelf, Volume};
use super::state::{LiveSegment, Row};
use super::veil::SegmentVeil;
use prag_index::{PartName, Segment};
use prag_protocol::Epoch;
use prag_protocol::place::Kind;
use prag_protocol::wire::collections::{Profile, Residency};
use prag_simd::give_back;
use prag_store::{BlobName, Shard};
use prag_trust::entropy::{Entropy, random};
use prag_trust::frames::{Frame, Framed, Opening, seal_frames};
use prag_trust::key::{Dek, Key};
use prag_trust::seal::{Plain, SegmentRecord};
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::Arc;
use texts::{Texts, hashed, hashes_in, kept_texts, read_texts, tables};

mod texts;

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
    pub(super) key: Arc<Key<Dek>>,
}

impl Sealer {
    /// A fresh key for the segment `id`, born now.
    pub(super) fn new(
        keys: &Keys,
        id: [u8; 16],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, CollectionError> {
        Ok(Self { id, birth: keys.epoch(), key: Arc::new(Key::random(entropy)?) })
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
    let hashes = hashed(&rows)?;
    let (documents, table) = tables(&rows);
    let (encoded, table) = (encode(&documents)?, encode(&table)?);
    let listed = hashes.as_flattened().to_vec();
    let shape = Shape::of(profile)?;
    let texts = match shape.residency {
        Residency::Memory => kept_texts(rows, documents, hashes),
        Residency::Disk => read_texts(shape, &encoded, &table, Some(hashes))?,
    };
    let mut plain = vec![(DOCUMENTS, encoded), (ROWS, table), (HASHES, listed)];
    plain.extend(index.to_parts()?.into_iter().map(|(name, bytes)| (name.as_u8(), bytes)));
    let (mut parts, mut framed) = (Vec::with_capacity(plain.len()), HashMap::new());
    for (name, bytes) in plain {
        let part = write_part(keys, &dek, name, &bytes, home.store.as_ref(), entropy)?;
        parts.push(part.entry);
        framed.insert(name, part.framed);
        home.upkeep.spend(bytes.len());
    }
    let count = u32::try_from(texts.rows.len()).map_err(|_| CollectionError::Tampered("rows"))?;
    let entry = SegmentEntry {
        id: dek.id,
        parts,
        rows: count,
        tombstones: Vec::new(),
        profile: profile.digest.clone(),
        root: texts.tree.root(),
    };
    let charge = Footprint::of(&entry, &shape).charge(&home.accounts);
    let framed = framed.remove(&DOCUMENTS);
    let live = (0..count).collect();
    let live =
        assemble((&entry, shape), (index, live), texts, framed.zip(Some(&dek)), charge, home)?;
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
    charge: SegmentCharge,
) -> Result<LiveSegment, CollectionError> {
    let store = home.store.as_ref();
    // The parts as they are read. Counted, not asked for: one segment always opens if it fits, several wait for room.
    let read = entry.parts.iter().map(|part| part.length).sum();
    let reading = home.accounts.charge(Component::Builds, read);
    if entry.profile != profile.digest {
        return Err(CollectionError::Tampered("segment profile"));
    }
    let dek = load_sealer(keys, entry.id, store)?;
    let open = |part: &PartEntry| Ok((part.name, read_part(keys, &dek, part, store)?));
    let opened: Result<HashMap<u8, Part>, CollectionError> =
        entry.parts.par_iter().map(open).collect();
    let mut opened = opened?;
    let mut take = |name| opened.remove(&name).ok_or(CollectionError::Tampered("segment part"));
    let (documents, table) = (take(DOCUMENTS)?, take(ROWS)?);
    // A segment of before has none: they are computed.
    let hashes = opened.remove(&HASHES);
    let hashes = hashes.map(|part| hashes_in(part.plain.expose())).transpose()?;
    let mut parts = Vec::with_capacity(opened.len());
    for (name, part) in &opened {
        let name = PartName::from_u8(*name).ok_or(CollectionError::Tampered("segment part"))?;
        parts.push((name, part.plain.expose()));
    }
    let (index, texts) = rayon::join(
        || Segment::from_parts(&parts),
        || read_texts(shape, documents.plain.expose(), table.plain.expose(), hashes),
    );
    let (index, texts) = (index?, texts?);
    if index.analyzer() != shape.analyzer {
        return Err(CollectionError::Tampered("segment analyser"));
    }
    if texts.rows.len() != entry.rows as usize || index.len() as usize != texts.rows.len() {
        return Err(CollectionError::Tampered("segment rows"));
    }
    if texts.tree.root() != entry.root {
        return Err(CollectionError::Tampered("segment root"));
    }
    let mut live: RoaringBitmap = (0..entry.rows).collect();
    if !entry.tombstones.is_empty() {
        live -= RoaringBitmap::deserialize_from(entry.tombstones.as_slice())
            .map_err(|_| CollectionError::Tampered("tombstones"))?;
    }
    let Part { plain, framed, .. } = documents;
    // What was read goes before what it became is asked for.
    rayon::join(|| drop((plain, table)), || opened.into_par_iter().for_each(drop));
    drop(reading);
    if read >= GIVEN_BACK_BYTES {
        give_back();
    }
    charge.ask(&home.accounts, texts.documents.iter().map(AsRef::as_ref), index.len())?;
    let framed = Some((framed, &dek));
    assemble((entry, shape), (index, live), texts, framed, charge, home)
}

/// A segment of which everything is there.
fn assemble(
    (entry, shape): (&SegmentEntry, Shape),
    (index, live): (Segment, RoaringBitmap),
    texts: Texts,
    documents: Option<(Framed<SegmentRecord>, &Sealer)>,
    mut charge: SegmentCharge,
    home: &Home,
) -> Result<LiveSegment, CollectionError> {
    let Texts { documents: kept, rows, tree, hit_bytes } = texts;
    charge.settle(&home.accounts, &index, kept.iter().map(AsRef::as_ref));
    let part = entry.parts.iter().find(|part| part.name == DOCUMENTS);
    let shelf = match (shape.residency, part.zip(documents)) {
        (Residency::Memory, _) => None,
        (Residency::Disk, None) => return Err(CollectionError::Tampered("segment part")),
        (Residency::Disk, Some((part, (framed, dek)))) => {
            let volume = Volume::new(home, part.blob, Arc::clone(&dek.key), framed);
            Some(Shelf::new(volume, part.length, hit_bytes)?)
        }
    };
    let veil = veil(shape, &rows)?;
    let (index, rows, tree) = (Arc::new(index), Arc::new(rows), Arc::new(tree));
    let charge = Some(Arc::new(charge));
    Ok(LiveSegment { id: entry.id, index, rows, tree, live, charge, veil, shelf })
}

fn veil(shape: Shape, rows: &[Row]) -> Result<Option<SegmentVeil>, CollectionError> {
    let veil = shape.oblivious.then(|| SegmentVeil::new(rows)).transpose();
    veil.map_err(|_| CollectionError::Tampered("segment records"))
}

/// The DEK that a segment is sealed under.
pub(super) fn load_sealer(
    keys: &Keys,
    id: [u8; 16],
    store: &dyn Shard,
) -> Result<Sealer, CollectionError> {
    let (key, birth) = keys.segment_key(id, store)?;
    Ok(Sealer { id, birth, key: Arc::new(key) })
}

/// A random id that is not the id of a root, of the name key or of a key for scopes.
fn fresh_id(entropy: &mut dyn Entropy) -> Result<[u8; 16], CollectionError> {
    loop {
        let id = random(entropy)?;
        if generation(id).is_none() && id != NAMES && !is_scope_key(id) {
            return Ok(id);
        }
    }
}

/// A part, with what opens ranges of it from now on.
pub(super) struct Part<T = Plain<SegmentRecord>> {
    pub(super) plain: T,
    pub(super) entry: PartEntry,
    pub(super) framed: Framed<SegmentRecord>,
}

/// Seal one part under a random name of its own.
pub(super) fn write_part(
    keys: &Keys,
    dek: &Sealer,
    name: u8,
    bytes: &[u8],
    store: &dyn Shard,
    entropy: &mut dyn Entropy,
) -> Result<Part<()>, CollectionError> {
    let place = keys.place(Kind::Segment, dek.id, u64::from(name), dek.birth);
    let sealed = seal_frames::<SegmentRecord>(bytes, &dek.key, place, entropy)?;
    let framed = Framed::of(&sealed, place, bytes.len())?;
    let blob = random(entropy)?;
    store.blobs().put_new(BlobName(blob), &sealed)?;
    let entry = PartEntry { name, blob, length: bytes.len() as u64 };
    Ok(Part { plain: (), entry, framed })
}

/// One part, opened whole.
pub(super) fn read_part(
    keys: &Keys,
    dek: &Sealer,
    part: &PartEntry,
    store: &dyn Shard,
) -> Result<Part, CollectionError> {
    let failed = || CollectionError::Tampered("segment part");
    let sealed = store.blobs().get(BlobName(part.blob), None).map_err(|error| match error {
        prag_store::StoreError::BlobAbsent(_) => failed(),
        other => other.into(),
    })?;
    let place = keys.place(Kind::Segment, dek.id, u64::from(part.name), dek.birth);
    let length = usize::try_from(part.length).map_err(|_| failed())?;
    let framed = Framed::of(&sealed, place, length).map_err(|_| failed())?;
    let mut opening =
        Opening::<SegmentRecord>::begin(sealed, &dek.key, place, length).map_err(|_| failed())?;
    let frames: Vec<Frame<'_>> = opening.frames().collect();
    frames.into_par_iter().for_each(Frame::open);
    let plain = opening.finish().map_err(|_| failed())?;
    if plain.expose().len() != length {
        return Err(failed());
    }
    Ok(Part { plain, entry: part.clone(), framed })
}

/// Part numbers beyond the index's own.
pub(super) const DOCUMENTS: u8 = 128;
pub(super) const ROWS: u8 = 129;
/// Of the rows in turn, 32 bytes each.
pub(super) const HASHES: u8 = 130;
/// Whoever let go of so much says so to the allocator.
pub(super) const GIVEN_BACK_BYTES: u64 = 8 << 20;
