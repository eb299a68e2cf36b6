//! Freeze and merge: the tail, and segments if asked, become one new segment.
//!
//! Layer: collection.
//! Holds: what is taken, the build without locks within the memory limit, and the hand to `swap`.
//! Never: blocks searches; blocks writers for longer than the swap.
//! Invariant: what was deleted or replaced while the segment was built is dead in it from its first moment.

use super::CollectionError;
use super::memory::{Charge, Component, build_bytes, view_bytes};
use super::segment::{GIVEN_BACK_BYTES, Written, write_segment};
use super::shard::CollectionShard;
use super::state::{Live, LiveSegment, Row};
use super::swap::swap;
use super::taken::Taken;
use super::tiers::{self, Room, Shape as Tiers, Size};
use prag_index::{BuildParams, Segment};
use prag_simd::give_back;
use prag_store::BlobName;
use prag_trust::entropy::Entropy;
use std::collections::HashSet;
use std::sync::{MutexGuard, TryLockError};

/// Which segments become part of the new one, beside the tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// None.
    Tail,
    /// These.
    These(HashSet<[u8; 16]>),
}

/// What goes into the new segment, as of one moment.
pub(super) struct Snapshot {
    /// First batch that is not in it.
    pub(super) base: u64,
    /// Segments that it replaces.
    pub(super) merged: HashSet<[u8; 16]>,
    /// Rows of the tail that were looked at.
    tail_rows: usize,
    /// Whether a segment that it replaces holds a dead row.
    wounded: bool,
    segments: Vec<LiveSegment>,
    /// The tail's living rows.
    tail: Vec<(Row, Vec<f32>)>,
    /// What they take as copies.
    _copied: Charge,
}

/// Freeze the tail if it is due, and merge what is due, by the shard's tiers. Blocks for as long as the builds take,
/// and does nothing while another one runs.
///
/// # Errors
/// Nothing is lost: the shard goes on as it was. [`CollectionError::Memory`] where the limit leaves no room to build.
pub fn maintain(shard: &CollectionShard, entropy: &mut dyn Entropy) -> Result<(), CollectionError> {
    let Some(_one_at_a_time) = free(shard) else { return Ok(()) };
    let (room, shape) = (Room::of(shard.profile.dimension as usize), tiers_of(shard));
    for _ in 0..PASSES_MAX {
        let (ids, sizes, tail) = sizes(&shard.read());
        let Some(chosen) = tiers::due(&shape, room, &sizes, &tail) else {
            return Ok(());
        };
        let chosen: HashSet<_> = chosen.into_iter().map(|at| ids[at]).collect();
        match pass(shard, &Merge::These(chosen.clone()), false, entropy) {
            // The tail alone may fit where a merge does not.
            Err(CollectionError::Memory(_)) if !chosen.is_empty() => {
                let frozen = tail.rows >= shape.freeze_rows as u64;
                return if frozen { pass(shard, &Merge::Tail, false, entropy) } else { Ok(()) };
            }
            other => other?,
        }
    }
    Ok(())
}

/// Whether [`maintain`] has something to do, but for what a merge leads to. Cheap: asked with every write.
pub fn is_due(shard: &CollectionShard) -> bool {
    let live = shard.read();
    let sizes: Vec<Size> = live.segments.iter().map(|segment| size(segment, 0)).collect();
    let tail = Size { rows: live.tail.rows.len() as u64, ..Size::default() };
    tiers::is_due(&tiers_of(shard), &sizes, &tail)
}

/// The settings' tiers, with a tail that is frozen while the memory that is kept for builds has room for it.
fn tiers_of(shard: &CollectionShard) -> Tiers {
    let Tiers { freeze_rows, fan } = shard.home.upkeep.shape;
    let row = build_bytes(1, shard.profile.dimension as usize, TEXT_BYTES);
    let most = shard.home.accounts.limit() / FREEZE_SHARE / row;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Tiers { freeze_rows: freeze_rows.min(most.max(FREEZE_ROWS_MIN)), fan }
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
    let Some(_one_at_a_time) = free(shard) else { return Ok(()) };
    if all {
        merge_groups(shard, |_| true, false, entropy)
    } else {
        pass(shard, &Merge::Tail, false, entropy)
    }
}

/// Tail and segments become one segment, after what is being built now; more than one only where one would be larger
/// than a segment may be. Blocks for as long as both take.
///
/// # Errors
/// Nothing is lost: the shard goes on as it was.
pub fn merge_all(
    shard: &CollectionShard,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let _one_at_a_time = shard.alone();
    merge_groups(shard, |_| true, false, entropy)
}

/// As few passes as can be over the tail and the segments for which `wanted` holds; the first with a fresh root, if
/// asked for. The caller holds `freezing`.
pub(super) fn merge_groups(
    shard: &CollectionShard,
    wanted: impl Fn(&Size) -> bool,
    fresh_root: bool,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let (ids, sizes, tail) = sizes(&shard.read());
    let room = Room::of(shard.profile.dimension as usize);
    for (number, group) in tiers::groups(room, &sizes, &tail, wanted).into_iter().enumerate() {
        let merge = Merge::These(group.into_iter().map(|at| ids[at]).collect());
        pass(shard, &merge, fresh_root && number == 0, entropy)?;
    }
    Ok(())
}

/// The shard's `freezing`, unless another build holds it.
fn free(shard: &CollectionShard) -> Option<MutexGuard<'_, ()>> {
    match shard.freezing.try_lock() {
        Ok(guard) => Some(guard),
        // A build that panicked swapped nothing, so its lock is as good as any.
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// One build and one swap. The caller holds `freezing`.
///
/// A root DEK of an earlier key epoch is replaced by a fresh one; with `fresh_root`, any.
pub(super) fn pass(
    shard: &CollectionShard,
    merge: &Merge,
    fresh_root: bool,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    if shard.writer().failed {
        return Err(CollectionError::Closed);
    }
    let keys = shard.keys();
    let fresh_root = fresh_root || keys.root().birth < keys.epoch();
    let snapshot = snapshot(shard, merge)?;
    let due = fresh_root
        || keys.has_old_roots()
        || snapshot.tail_rows > 0
        || snapshot.merged.len() > 1
        || snapshot.wounded
        || keys.stale(shard.home.store.as_ref())?.iter().any(|id| snapshot.merged.contains(id));
    if !due {
        return Ok(());
    }
    // The view that takes the place of the one that is searched, until that one goes.
    let view = view_bytes(shard.read().chunks());
    let _view = shard.home.accounts.reserve(Component::Builds, view)?;
    let written = if snapshot.rows() == 0 { None } else { Some(build(shard, &snapshot, entropy)?) };
    let old = swap(shard, &snapshot, written, fresh_root, entropy)?;
    // These go when nobody reads them any more.
    let read: HashSet<[u8; 32]> =
        snapshot.segments.iter().filter_map(|segment| segment.retire(&shard.retired)).collect();
    for name in old.into_iter().filter(|name| !read.contains(name)) {
        // Left behind, a blob is an orphan without a key: harmless, and swept by the next purge.
        let _ = shard.home.store.blobs().delete(BlobName(name));
    }
    Ok(())
}

impl Snapshot {
    fn rows(&self) -> u64 {
        let segments = self.segments.iter().map(|segment| segment.live.len());
        segments.sum::<u64>() + self.tail.len() as u64
    }
}

/// Segments are shared and do not change, so only the tail's rows are copied while writers wait, once there is room.
fn snapshot(shard: &CollectionShard, merge: &Merge) -> Result<Snapshot, CollectionError> {
    let writer = shard.writer();
    let live = shard.read();
    let vector = shard.profile.dimension as usize * size_of::<f32>();
    let copies = live.tail.live.len() * (vector + size_of::<(Row, Vec<f32>)>()) as u64;
    let copied = shard.home.accounts.reserve(Component::Builds, copies)?;
    let goes = |segment: &&LiveSegment| match merge {
        Merge::Tail => false,
        Merge::These(ids) => ids.contains(&segment.id),
    };
    let segments: Vec<LiveSegment> = live.segments.iter().filter(goes).cloned().collect();
    let row = |ordinal: u32| {
        let row = live.tail.rows.get(ordinal as usize)?;
        Some((row.clone(), live.tail.index.vector(ordinal)?))
    };
    Ok(Snapshot {
        base: writer.log.size(),
        merged: segments.iter().map(|segment| segment.id).collect(),
        tail_rows: live.tail.rows.len(),
        wounded: segments.iter().any(|one| one.live.len() < one.rows.len() as u64),
        segments,
        tail: live.tail.live.iter().filter_map(row).collect(),
        _copied: copied,
    })
}

/// The shard's segments, their sizes, and that of its tail.
fn sizes(live: &Live) -> (Vec<[u8; 16]>, Vec<Size>, Size) {
    let tail = Size {
        rows: live.tail.rows.len() as u64,
        live: live.tail.live.len(),
        text_bytes: live.tail.rows.iter().map(Row::text_bytes).sum(),
    };
    let ids = live.segments.iter().map(|segment| segment.id).collect();
    let sizes = live.segments.iter().map(|segment| size(segment, segment.text_bytes()));
    (ids, sizes.collect(), tail)
}

fn size(segment: &LiveSegment, text_bytes: u64) -> Size {
    Size { rows: segment.rows.len() as u64, live: segment.live.len(), text_bytes }
}

fn build(
    shard: &CollectionShard,
    snapshot: &Snapshot,
    entropy: &mut dyn Entropy,
) -> Result<Written, CollectionError> {
    let dimension = shard.profile.dimension as usize;
    let tail_bytes: u64 = snapshot.tail.iter().map(|(row, _)| row.text_bytes()).sum();
    let texts = snapshot.segments.iter().map(LiveSegment::text_bytes).sum::<u64>() + tail_bytes;
    // Those on disk come into memory: one segment's documents as they are encoded, and all as they are kept.
    let shelves = snapshot.segments.iter().filter_map(|segment| segment.shelf.as_ref());
    let fetched: u64 = shelves.map(|shelf| 2 * shelf.length()).sum();
    let bytes = build_bytes(snapshot.rows(), dimension, texts) + fetched;
    let _room = shard.home.accounts.reserve(Component::Builds, bytes)?;
    let mut taken = Taken::default();
    for segment in &snapshot.segments {
        taken.segment(&shard.shape, segment)?;
    }
    for (row, vector) in &snapshot.tail {
        taken.push(&shard.shape, row, vector.clone())?;
    }
    let Taken { kept, indexed, .. } = taken;
    let built = Segment::build(&indexed, &params(shard))?;
    drop(indexed);
    let ordered = built.order.iter().filter_map(|&row| kept.get(row as usize).cloned()).collect();
    let written =
        write_segment(&shard.keys(), &shard.profile, built.segment, ordered, &shard.home, entropy);
    if bytes >= GIVEN_BACK_BYTES {
        give_back();
    }
    written
}

/// How the shard's segments are built.
fn params(shard: &CollectionShard) -> BuildParams {
    let (analyzer, precision) = (shard.shape.analyzer, shard.shape.precision);
    let params = BuildParams { analyzer, precision, ..shard.home.upkeep.params() };
    // Every row is looked at: a graph would be of no use.
    let graph_rows_min = if shard.shape.oblivious { usize::MAX } else { params.graph_rows_min };
    BuildParams { graph_rows_min, ..params }
}

/// One part in so many of the limit is enough to freeze a tail: half of what is kept from writes.
const FREEZE_SHARE: u64 = 16;
/// As the settings' own bound.
const FREEZE_ROWS_MIN: usize = 16;
/// Text of a row of the tail, about.
const TEXT_BYTES: u64 = 1024;
/// Merges of one shard before others have their turn.
const PASSES_MAX: usize = 8;
