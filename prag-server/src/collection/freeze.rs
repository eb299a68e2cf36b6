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
use std::sync::{Arc, PoisonError, TryLockError};

/// Which segments become part of the new one, beside the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// None.
    Tail,
    /// All.
    All,
    /// Those that hold a deleted or replaced row.
    Wounded,
}

/// What goes into the new segment, as of one moment.
struct Snapshot {
    /// First batch that is not in it.
    base: u64,
    /// Rows of the tail that were looked at.
    tail_rows: usize,
    /// Segments that it replaces.
    merged: HashSet<[u8; 16]>,
    /// Whether one of them holds a dead row.
    wounded: bool,
    rows: Vec<Row>,
    vectors: Vec<Vec<f32>>,
}

/// Freeze the tail; with `all`, merge every segment into the new one too. Blocks for as long as the build takes, and
/// does nothing while another one runs.
///
/// # Errors
/// Nothing is lost: the shard goes on as it was.
pub fn compact(
    shard: &CollectionShard,
    all: bool,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    // A build that panicked swapped nothing, so its lock is as good as any.
    let _one_at_a_time = match shard.freezing.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
        Err(TryLockError::WouldBlock) => return Ok(()),
    };
    pass(shard, if all { Merge::All } else { Merge::Tail }, false, entropy)
}

/// Tail and segments become one segment, after what is being built now. Blocks for as long as both take.
///
/// # Errors
/// Nothing is lost: the shard goes on as it was.
pub fn merge_all(
    shard: &CollectionShard,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let _one_at_a_time = shard.alone();
    pass(shard, Merge::All, false, entropy)
}

/// One build and one swap. The caller holds `freezing`.
///
/// A root DEK of an earlier key epoch is replaced by a fresh one; with `fresh_root`, any.
pub(super) fn pass(
    shard: &CollectionShard,
    merge: Merge,
    fresh_root: bool,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let keys = shard.keys();
    let fresh_root = fresh_root || keys.root().birth < keys.epoch();
    let snapshot = snapshot(shard, merge);
    let due = fresh_root
        || keys.has_old_roots()
        || snapshot.tail_rows > 0
        || snapshot.merged.len() > 1
        || snapshot.wounded
        || keys.stale(shard.store.as_ref())?.iter().any(|id| snapshot.merged.contains(id));
    if !due {
        return Ok(());
    }
    let written =
        if snapshot.rows.is_empty() { None } else { Some(build(shard, &snapshot, entropy)?) };
    let old = swap(shard, &snapshot, written, fresh_root, entropy)?;
    for name in old {
        // Left behind, a blob is an orphan without a key: harmless, and swept by the next purge.
        let _ = shard.store.blobs().delete(BlobName(name));
    }
    Ok(())
}

fn snapshot(shard: &CollectionShard, merge: Merge) -> Snapshot {
    let writer = shard.writer();
    let live = shard.read();
    let mut taken = Snapshot {
        base: writer.log.size(),
        tail_rows: live.tail.rows.len(),
        merged: HashSet::new(),
        wounded: false,
        rows: Vec::new(),
        vectors: Vec::new(),
    };
    for segment in &live.segments {
        let wounded = segment.live.len() < segment.rows.len() as u64;
        let goes = match merge {
            Merge::Tail => false,
            Merge::All => true,
            Merge::Wounded => wounded,
        };
        if !goes {
            continue;
        }
        taken.wounded |= wounded;
        taken.merged.insert(segment.id);
        for ordinal in &segment.live {
            if let (Some(row), Some(vector)) =
                (segment.rows.get(ordinal as usize), segment.index.vector(ordinal))
            {
                taken.rows.push(row.clone());
                taken.vectors.push(vector);
            }
        }
    }
    for ordinal in &live.tail.live {
        if let (Some(row), Some(vector)) =
            (live.tail.rows.get(ordinal as usize), live.tail.index.vector(ordinal))
        {
            taken.rows.push(row.clone());
            taken.vectors.push(vector);
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
            text: shard.shape.searched_text(&row.document, row.chunk),
            vector: vector.clone(),
            metadata: Arc::new(row.document.metadata()),
        })
        .collect();
    let (analyzer, precision) = (shard.shape.analyzer, shard.shape.precision());
    let mut params = BuildParams { analyzer, precision, ..BuildParams::default() };
    if shard.shape.oblivious {
        // Every row is looked at: a graph would be of no use.
        params.graph_rows_min = usize::MAX;
    }
    let built = Segment::build(&rows, &params)?;
    let ordered = built.order.iter().filter_map(|&row| snapshot.rows.get(row as usize).cloned());
    let ordered: Vec<Row> = ordered.collect();
    write_segment(
        &shard.keys(),
        &shard.profile,
        built.segment,
        ordered,
        shard.store.as_ref(),
        entropy,
    )
}

/// The one moment: manifest, keys and truncation in one commit, then the live view. Returns blobs to delete.
fn swap(
    shard: &CollectionShard,
    snapshot: &Snapshot,
    written: Option<Written>,
    fresh_root: bool,
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
    let keys = turned(shard, &writer, snapshot, fresh_root, &mut write, entropy)?;
    if let Some(Written { live: mut fresh, mut entry, dek }) = written {
        bury_changed(&mut fresh, &live);
        entry.tombstones = tombstones(&fresh)?;
        keys.wrap(dek.id, dek.birth, &dek.key, &mut write, entropy)?;
        entries.push(entry);
        segments.push(fresh);
    }
    let old = dropped_blobs(&writer.manifest, &snapshot.merged);
    let manifest = Manifest {
        base: snapshot.base,
        segments: entries,
        idempotency: writer.recent.values().cloned().collect(),
        version: writer.manifest.version + 1,
        roots: keys.listed(),
        ..writer.manifest.clone()
    };
    write.put(rows::manifest(), manifest.seal(&keys, entropy)?)?;
    let truncated = writer.manifest.base..snapshot.base;
    shard.commit(&mut writer, write)?;
    shard.change_keys(keys);
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

/// The keys from the swap on: with a fresh root if asked for, which seals the head too; without the roots and the
/// segments' DEKs that nothing is under any more.
fn turned(
    shard: &CollectionShard,
    writer: &Writer,
    snapshot: &Snapshot,
    fresh_root: bool,
    write: &mut Batch,
    entropy: &mut dyn Entropy,
) -> Result<Keys, CollectionError> {
    let mut keys = Keys::clone(&shard.keys());
    for id in &snapshot.merged {
        keys.unwrap_rows(*id, write)?;
    }
    if fresh_root {
        keys = keys.with_fresh_root(writer.log.size(), write, entropy)?;
        if let Some(head) = writer.log.sealed_head(&keys, entropy)? {
            write.put(rows::head(), head)?;
        }
    }
    keys.without_spent_roots(snapshot.base, write)
}

/// The new view: the segments, and the tail rebuilt from the batches since the snapshot.
fn replay(
    shard: &CollectionShard,
    writer: &Writer,
    segments: Vec<LiveSegment>,
) -> Result<Live, CollectionError> {
    let mut live = Live::new(shard.shape, segments);
    let log: &Log = &writer.log;
    log.replay(&shard.keys(), writer.manifest.base, &mut |batch| Ok(live.apply(batch)?))?;
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
