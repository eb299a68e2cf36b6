//! Freeze and merge: the tail, and segments if asked, become one new segment.
//!
//! Layer: collection.
//! Holds: build without locks, then one atomic swap of the manifest.
//! Never: blocks searches; blocks writers for longer than the swap.
//! Invariant: what was deleted or replaced while the segment was built is dead in it from its first moment.

use super::keys::Keys;
use super::log::Log;
use super::manifest::{Manifest, SegmentEntry};
use super::segment::{Written, write_segment};
use super::shard::{CollectionShard, Writer};
use super::state::{Live, LiveSegment, Row};
use super::{CollectionError, rows};
use prag_index::{BuildParams, Row as IndexRow, Segment};
use prag_store::{Batch, BlobName, Shard};
use prag_trust::entropy::Entropy;
use roaring::RoaringBitmap;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

/// What goes into the new segment, as of one moment.
struct Snapshot {
    /// First batch that is not in it.
    base: u64,
    /// Rows of the tail that were looked at.
    tail_rows: usize,
    /// Segments that it replaces.
    merged: HashSet<[u8; 16]>,
    rows: Vec<Row>,
    vectors: Vec<Vec<f32>>,
}

/// Freeze the tail; with `all`, merge every segment into the new one too. Blocks for as long as the build takes.
///
/// # Errors
/// Nothing is lost: the shard goes on as it was.
pub fn compact(
    shard: &CollectionShard,
    all: bool,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let Ok(_one_at_a_time) = shard.freezing.try_lock() else {
        return Ok(());
    };
    let snapshot = snapshot(shard, all);
    if snapshot.tail_rows == 0 && snapshot.merged.len() < 2 && !has_tombstones(shard, all) {
        return Ok(());
    }
    let written =
        if snapshot.rows.is_empty() { None } else { Some(build(shard, &snapshot, entropy)?) };
    let old = swap(shard, &snapshot, written, entropy)?;
    for name in old {
        // Left behind, a blob is an orphan without a key: harmless, and swept when the shard is destroyed.
        let _ = shard.store.blobs().delete(BlobName(name));
    }
    Ok(())
}

fn has_tombstones(shard: &CollectionShard, all: bool) -> bool {
    all && shard.read().segments.iter().any(|part| part.live.len() < part.rows.len() as u64)
}

fn snapshot(shard: &CollectionShard, all: bool) -> Snapshot {
    let writer = shard.writer();
    let live = shard.read();
    let mut taken = Snapshot {
        base: writer.log.size(),
        tail_rows: live.tail.rows.len(),
        merged: HashSet::new(),
        rows: Vec::new(),
        vectors: Vec::new(),
    };
    for segment in live.segments.iter().filter(|_| all) {
        taken.merged.insert(segment.id);
        for ordinal in &segment.live {
            if let (Some(row), Some(vector)) =
                (segment.rows.get(ordinal as usize), segment.index.vector(ordinal))
            {
                taken.rows.push(row.clone());
                taken.vectors.push(vector.to_vec());
            }
        }
    }
    for ordinal in &live.tail.live {
        if let (Some(row), Some(vector)) =
            (live.tail.rows.get(ordinal as usize), live.tail.index.vector(ordinal))
        {
            taken.rows.push(row.clone());
            taken.vectors.push(vector.to_vec());
        }
    }
    taken
}

fn build(
    shard: &CollectionShard,
    snapshot: &Snapshot,
    entropy: &mut dyn Entropy,
) -> Result<Written, CollectionError> {
    let rows: Vec<IndexRow> = snapshot
        .rows
        .iter()
        .zip(&snapshot.vectors)
        .map(|(row, vector)| IndexRow {
            doc: row.document.id.as_str().to_owned(),
            text: row.document.searched_text(row.chunk),
            vector: vector.clone(),
            metadata: Arc::new(row.document.metadata()),
        })
        .collect();
    let built = Segment::build(&rows, &BuildParams::default())?;
    let ordered = built.order.iter().filter_map(|&row| snapshot.rows.get(row as usize).cloned());
    let ordered: Vec<Row> = ordered.collect();
    write_segment(
        &shard.keys,
        &shard.profile,
        built.segment,
        ordered,
        shard.store.as_ref(),
        entropy,
    )
}

/// The one moment: manifest, DEK and truncation in one commit, then the live view. Returns blobs to delete.
fn swap(
    shard: &CollectionShard,
    snapshot: &Snapshot,
    written: Option<Written>,
    entropy: &mut dyn Entropy,
) -> Result<Vec<[u8; 32]>, CollectionError> {
    let mut writer = shard.writer();
    if writer.failed {
        return Err(CollectionError::Closed);
    }
    let mut live = shard.live.write().unwrap_or_else(PoisonError::into_inner);
    let mut segments: Vec<LiveSegment> = live
        .segments
        .iter()
        .filter(|segment| !snapshot.merged.contains(&segment.id))
        .cloned()
        .collect();
    let mut write = Batch::new();
    let mut entries = kept_entries(&writer.manifest, &segments)?;
    if let Some(Written { live: mut fresh, mut entry, wrapped }) = written {
        bury_changed(&mut fresh, &live);
        entry.tombstones = tombstones(&fresh)?;
        write.put(rows::dek(entry.id), wrapped)?;
        entries.push(entry);
        segments.push(fresh);
    }
    let old = dropped_blobs(&writer.manifest, &snapshot.merged);
    for id in &snapshot.merged {
        write.delete(rows::dek(*id))?;
    }
    let manifest = Manifest {
        base: snapshot.base,
        segments: entries,
        idempotency: writer.recent.values().cloned().collect(),
        version: writer.manifest.version + 1,
        ..writer.manifest.clone()
    };
    write.put(rows::manifest(), manifest.seal(&shard.keys, entropy)?)?;
    let truncated = writer.manifest.base..snapshot.base;
    let seq = shard.store.commit(write)?;
    if let Err(error) = shard.store.durable(seq) {
        writer.failed = true;
        return Err(error.into());
    }
    writer.manifest = manifest;
    let shown =
        truncate(shard.store.as_ref(), truncated).and_then(|()| replay(shard, &writer, segments));
    match shown {
        Ok(fresh) => *live = fresh,
        Err(error) => {
            // The manifest on disk is the new one and the view is the old one: reopen before writing on.
            writer.failed = true;
            return Err(error);
        }
    }
    Ok(old)
}

/// The new view: the segments, and the tail rebuilt from the batches since the snapshot.
fn replay(
    shard: &CollectionShard,
    writer: &Writer,
    segments: Vec<LiveSegment>,
) -> Result<Live, CollectionError> {
    let mut live = Live::new(shard.profile.dimension as usize, segments);
    let keys: &Keys = &shard.keys;
    let log: &Log = &writer.log;
    log.replay(keys, writer.manifest.base, &mut |batch| Ok(live.apply(batch)?))?;
    Ok(live)
}

/// Rows whose document was replaced or deleted since the snapshot are dead on arrival.
fn bury_changed(fresh: &mut LiveSegment, live: &Live) {
    let dead: RoaringBitmap = (0u32..)
        .zip(fresh.rows.iter())
        .filter(|(_, row)| {
            let now = live.documents.get(&row.document.id);
            !now.is_some_and(|at| Arc::ptr_eq(&at.document, &row.document))
        })
        .map(|(ordinal, _)| ordinal)
        .collect();
    fresh.live -= dead;
}

fn kept_entries(
    manifest: &Manifest,
    segments: &[LiveSegment],
) -> Result<Vec<SegmentEntry>, CollectionError> {
    let mut entries = Vec::new();
    for segment in segments {
        let entry = manifest.segments.iter().find(|entry| entry.id == segment.id);
        let mut entry = entry.cloned().ok_or(CollectionError::Tampered("manifest"))?;
        entry.tombstones = tombstones(segment)?;
        entries.push(entry);
    }
    Ok(entries)
}

fn tombstones(segment: &LiveSegment) -> Result<Vec<u8>, CollectionError> {
    let count = u32::try_from(segment.rows.len()).unwrap_or(u32::MAX);
    let dead = (0..count).collect::<RoaringBitmap>() - &segment.live;
    let mut bytes = Vec::with_capacity(dead.serialized_size());
    dead.serialize_into(&mut bytes).map_err(|_| CollectionError::Tampered("tombstones"))?;
    Ok(bytes)
}

fn dropped_blobs(manifest: &Manifest, merged: &HashSet<[u8; 16]>) -> Vec<[u8; 32]> {
    let dropped = manifest.segments.iter().filter(|entry| merged.contains(&entry.id));
    dropped.flat_map(|entry| entry.parts.iter().map(|part| part.blob)).collect()
}

/// Batches that are in a segment now. Not atomic with the swap: they are below the base, so never read again.
fn truncate(store: &dyn Shard, batches: std::ops::Range<u64>) -> Result<(), CollectionError> {
    let mut write = Batch::new();
    for seq in batches {
        for part in 0..PARTS_MAX {
            write.delete(rows::batch(seq, part))?;
        }
        if write.len() >= DELETES_PER_COMMIT {
            store.commit(std::mem::take(&mut write))?;
        }
    }
    if !write.is_empty() {
        store.commit(write)?;
    }
    Ok(())
}

/// Rows of one batch, at most: 4 MiB in rows of 1 MB.
const PARTS_MAX: u16 = 5;
const DELETES_PER_COMMIT: usize = 4096;
