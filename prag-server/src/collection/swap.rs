//! The swap: a new segment takes the place of the rows that it was built from.
//!
//! Layer: collection, below `freeze`.
//! Holds: the next view, made ready beside the one that is searched; one commit of the manifest; one exchange of views.
//! Never: a search that waits for the disk or a replay; a writer that waits for more than the last batches' replay and
//! one commit.
//! Invariant: the next view is the old one: the same documents, with the same chunks, by the same batches.

use super::freeze::Snapshot;
use super::keys::Keys;
use super::log;
use super::manifest::{Manifest, SegmentEntry};
use super::segment::Written;
use super::shard::{CollectionShard, Writer};
use super::state::{Live, LiveSegment};
use super::{CollectionError, rows};
use prag_store::{Batch, Shard};
use prag_trust::entropy::Entropy;
use roaring::RoaringBitmap;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::PoisonError;

/// A view beside the one that is searched, and how far it has come.
struct Next {
    live: Live,
    /// First batch that is not in it.
    at: u64,
}

impl Next {
    /// The segments that stay and the fresh one, as they are now; the batches since the snapshot are yet to come. What
    /// of those the segments show already changes nothing when it comes again.
    fn begin(shard: &CollectionShard, snapshot: &Snapshot, fresh: Option<LiveSegment>) -> Self {
        let mut segments: Vec<LiveSegment> = {
            let live = shard.read();
            let stay = |segment: &&LiveSegment| !snapshot.merged.contains(&segment.id);
            live.segments.iter().filter(stay).cloned().collect()
        };
        segments.extend(fresh);
        let live = Live::counted(shard.shape, segments, &shard.home.accounts);
        Self { live, at: snapshot.base }
    }

    /// Replay what has come in, until only little is left or it comes in faster than it is replayed. Takes no lock that
    /// anybody waits for.
    fn catch_up(&mut self, shard: &CollectionShard) -> Result<(), CollectionError> {
        for _ in 0..ROUNDS_MAX {
            let end = shard.writer().log.size();
            if end - self.at <= CLOSE_BATCHES {
                break;
            }
            self.replay(shard, end)?;
        }
        Ok(())
    }

    fn replay(&mut self, shard: &CollectionShard, end: u64) -> Result<(), CollectionError> {
        let live = &mut self.live;
        let mut apply = |batch| Ok(live.apply(batch)?);
        log::replay(shard.home.store.as_ref(), &shard.keys(), self.at..end, &mut apply)?;
        self.at = end;
        Ok(())
    }
}

/// Put `written` in the place of what `snapshot` took. Returns blobs to delete.
pub(super) fn swap(
    shard: &CollectionShard,
    snapshot: &Snapshot,
    written: Option<Written>,
    fresh_root: bool,
    entropy: &mut dyn Entropy,
) -> Result<Vec<[u8; 32]>, CollectionError> {
    let (fresh, sealed) = written.map(|one| (one.live, (one.entry, one.dek))).unzip();
    let mut next = Next::begin(shard, snapshot, fresh);
    next.catch_up(shard)?;

    let mut writer = shard.writer();
    if writer.failed {
        return Err(CollectionError::Closed);
    }
    let end = writer.log.size();
    next.replay(shard, end)?;
    writer.forget_expired();
    let mut write = Batch::new();
    let keys = turned(shard, &writer, snapshot, fresh_root, &mut write, entropy)?;
    let mut listed = writer.manifest.segments.clone();
    if let Some((entry, dek)) = sealed {
        keys.wrap(dek.id, dek.birth, &dek.key, &mut write, entropy)?;
        listed.push(entry);
    }
    let mut manifest = Manifest {
        base: snapshot.base,
        segments: entries(&listed, &next.live.segments)?,
        idempotency: writer.recent.values().cloned().collect(),
        version: writer.manifest.version + 1,
        roots: keys.listed(),
        ..writer.manifest.clone()
    };
    let at = (&keys, shard.home.store.as_ref());
    manifest.put(&writer.manifest, at, &mut write, entropy)?;
    shard.commit(&mut writer, write)?;
    shard.change_keys(keys);
    let before = std::mem::replace(&mut writer.manifest, manifest);
    let old = {
        let mut live = shard.live.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *live, next.live)
    };
    drop(writer);
    // Large: freed while nobody waits.
    drop(old);
    truncate(shard.home.store.as_ref(), before.base..snapshot.base)?;
    Ok(dropped_blobs(&before, &snapshot.merged))
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

/// The entries of these segments, with what of each is dead.
fn entries(
    listed: &[SegmentEntry],
    segments: &[LiveSegment],
) -> Result<Vec<SegmentEntry>, CollectionError> {
    let entry = |segment: &LiveSegment| {
        let found = listed.iter().find(|entry| entry.id == segment.id);
        let found = found.cloned().ok_or(CollectionError::Tampered("manifest"))?;
        Ok(SegmentEntry { tombstones: tombstones(segment)?, ..found })
    };
    segments.iter().map(entry).collect()
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
fn truncate(store: &dyn Shard, batches: Range<u64>) -> Result<(), CollectionError> {
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

/// Rounds of catching up before the writers wait for the rest.
const ROUNDS_MAX: usize = 8;
/// So few batches are replayed while writers wait.
const CLOSE_BATCHES: u64 = 32;
/// Rows of one batch, at most: 4 MiB in rows of 1 MB.
const PARTS_MAX: u16 = 5;
const DELETES_PER_COMMIT: usize = 4096;
