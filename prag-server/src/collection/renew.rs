//! Bytes that must go: re-encryption after a rotation, and purge.
//!
//! Layer: collection, above `freeze`.
//! Holds: what is done to a shard as a whole while searches and writes go on.
//! Never: an index built anew only to change its key.
//! Invariant: a crash leaves the shard as it was or further on; asked again, both end where they would have.

use super::freeze::{Merge, merge_groups, pass};
use super::keys::Keys;
use super::manifest::{Manifest, PartEntry, SegmentEntry};
use super::segment::{DOCUMENTS, Sealer, load_sealer, read_part, write_part};
use super::shard::CollectionShard;
use super::shelf::Volume;
use super::{CollectionError, rows};
use prag_protocol::Epoch;
use prag_store::limits::BLOB_NAMES_MAX;
use prag_store::{Batch, BlobName, KeyRange};
use prag_trust::entropy::Entropy;
use prag_trust::key::{Key, Wrap};
use std::collections::HashSet;
use std::sync::{Arc, MutexGuard, PoisonError};

impl CollectionShard {
    /// Wrap every DEK in `epoch` too, durably; from now on fresh ones are wrapped in both. Again replaces the last try.
    ///
    /// # Errors
    /// The current epoch stays as it is, whatever happens.
    pub fn prepare_epoch(
        &self,
        epoch: Epoch,
        wrap: Key<Wrap>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), CollectionError> {
        let mut writer = self.writer();
        let mut write = Batch::new();
        let store = self.home.store.as_ref();
        let keys = self.keys().prepared(epoch, wrap, store, &mut write, entropy)?;
        self.commit(&mut writer, write)?;
        self.change_keys(keys);
        Ok(())
    }

    /// Make `epoch` the only one: the rows of all others go, durably. Again changes nothing.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if the DEKs are not wrapped in `epoch`; nothing was removed then.
    pub fn settle_epoch(&self, epoch: Epoch) -> Result<(), CollectionError> {
        let mut writer = self.writer();
        let mut write = Batch::new();
        let keys = self.keys().settled(epoch, self.home.store.as_ref(), &mut write)?;
        let keys = keys.ok_or(CollectionError::Tampered("wrapped key"))?;
        if !write.is_empty() {
            self.commit(&mut writer, write)?;
        }
        self.change_keys(keys);
        Ok(())
    }

    /// Waits until no freeze, merge or renewal runs; there is none while it is held.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.freezing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seal anew whatever is under a DEK of an earlier key epoch: segments part by part as they are, the tail by a freeze
/// under a fresh root DEK. Waits for a freeze that runs; blocks. `progress` hears bytes done and bytes in all.
///
/// # Errors
/// What is done stays done; ask again for the rest.
pub fn reencrypt(
    shard: &CollectionShard,
    progress: &dyn Fn(u64, u64),
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let _alone = shard.alone();
    let stale: HashSet<_> = shard.keys().stale(shard.home.store.as_ref())?.into_iter().collect();
    let mut entries = shard.writer().manifest.segments.clone();
    entries.retain(|entry| stale.contains(&entry.id));
    let total = entries.iter().flat_map(|entry| &entry.parts).map(|part| part.length).sum();
    let mut done = 0;
    progress(done, total);
    for entry in entries {
        let mut told = |bytes| {
            done += bytes;
            progress(done, total);
        };
        reseal(shard, &entry, &mut told, entropy)?;
    }
    pass(shard, &Merge::Tail, false, entropy)?;
    drop_old_roots(shard, entropy)?;
    sweep(shard)?;
    Ok(shard.home.store.expunge()?)
}

/// Make every deleted and replaced document physically absent: from segments, tail, rows and blobs, with the DEKs that
/// sealed them. Waits for a freeze that runs; blocks.
///
/// # Errors
/// The documents stay deleted; ask again until it succeeds.
pub fn purge(shard: &CollectionShard, entropy: &mut dyn Entropy) -> Result<(), CollectionError> {
    let _alone = shard.alone();
    forget_digests(shard);
    merge_groups(shard, |size| size.live < size.rows, true, entropy)?;
    drop_old_roots(shard, entropy)?;
    sweep(shard)?;
    shard.drop_moments()?;
    Ok(shard.home.store.expunge()?)
}

/// What came in while the pass was under way lies under the root before it; one more pass takes all of it.
fn drop_old_roots(
    shard: &CollectionShard,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    if shard.keys().has_old_roots() { pass(shard, &Merge::Tail, false, entropy) } else { Ok(()) }
}

/// Idempotency keys remember digests of documents: those of documents that are gone go too.
fn forget_digests(shard: &CollectionShard) {
    let mut writer = shard.writer();
    let live: HashSet<[u8; 32]> =
        shard.read().documents.values().map(|at| at.document.digest).collect();
    writer.recent.retain(|_, entry| live.contains(&entry.digest));
}

/// One segment under a fresh DEK: new blobs, then manifest and key in one commit, then the old blobs go.
fn reseal(
    shard: &CollectionShard,
    entry: &SegmentEntry,
    told: &mut dyn FnMut(u64),
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let (keys, store) = (shard.keys(), shard.home.store.as_ref());
    let old = load_sealer(&keys, entry.id, store)?;
    let fresh = Sealer::new(&keys, entry.id, entropy)?;
    let (mut parts, mut documents) = (Vec::with_capacity(entry.parts.len()), None);
    for part in &entry.parts {
        let plain = read_part(&keys, &old, part, store)?.plain;
        let written = write_part(&keys, &fresh, part.name, plain.expose(), store, entropy)?;
        if part.name == DOCUMENTS {
            documents = Some((written.entry.blob, written.framed));
        }
        parts.push(written.entry);
        told(part.length);
    }
    exchange(shard, &fresh, parts, entropy)?;
    let shelf = {
        let live = shard.read();
        live.segments.iter().find(|one| one.id == entry.id).and_then(|one| one.shelf.clone())
    };
    let moved = shelf.zip(documents);
    let read = moved.is_some();
    if let Some((shelf, (blob, framed))) = moved {
        let volume = Volume::new(&shard.home, blob, Arc::clone(&fresh.key), framed);
        shelf.move_to(volume, &shard.retired);
    }
    for part in entry.parts.iter().filter(|part| !(read && part.name == DOCUMENTS)) {
        // As after a freeze: an orphan without a key.
        let _ = store.blobs().delete(BlobName(part.blob));
    }
    Ok(())
}

fn exchange(
    shard: &CollectionShard,
    fresh: &Sealer,
    parts: Vec<PartEntry>,
    entropy: &mut dyn Entropy,
) -> Result<(), CollectionError> {
    let mut writer = shard.writer();
    let keys: &Keys = &shard.keys();
    let mut manifest = Manifest { version: writer.manifest.version + 1, ..writer.manifest.clone() };
    let listed = manifest.segments.iter_mut().find(|entry| entry.id == fresh.id);
    listed.ok_or(CollectionError::Tampered("manifest"))?.parts = parts;
    let mut write = Batch::new();
    keys.wrap(fresh.id, fresh.birth, &fresh.key, &mut write, entropy)?;
    let at = (keys, shard.home.store.as_ref());
    manifest.put(&writer.manifest, at, &mut write, entropy)?;
    shard.commit(&mut writer, write)?;
    writer.manifest = manifest;
    Ok(())
}

/// What a crash left behind: blobs that no segment names, batches before the base. Nothing is being built now; who
/// still reads such a blob ends first.
fn sweep(shard: &CollectionShard) -> Result<(), CollectionError> {
    shard.retired.wait()?;
    let manifest = shard.writer().manifest.clone();
    let parts = manifest.segments.iter().flat_map(|entry| &entry.parts);
    let known: HashSet<[u8; 32]> = parts.map(|part| part.blob).collect();
    let blobs = shard.home.store.blobs();
    let mut after = None;
    loop {
        let page = blobs.list(after, BLOB_NAMES_MAX)?;
        for found in page.iter().filter(|found| !known.contains(&found.name.0)) {
            blobs.delete(found.name)?;
        }
        match page.last() {
            Some(last) => after = Some(last.name),
            None => break,
        }
    }
    remove(shard, &rows::batches_before(manifest.base), |_| true)?;
    let named = |key: &[u8]| {
        let (version, part) = rows::parse_manifest_part(key)?;
        Some(version == manifest.version && part < manifest.parts)
    };
    remove(shard, &rows::all_manifest_parts(), |key| named(key) != Some(true))
}

/// The rows of `range` go that are `gone`.
fn remove(
    shard: &CollectionShard,
    range: &KeyRange,
    gone: impl Fn(&[u8]) -> bool,
) -> Result<(), CollectionError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = shard.home.store.scan(range, after.as_deref(), 1024)?;
        let mut write = Batch::new();
        for (key, _) in page.rows.iter().filter(|(key, _)| gone(key)) {
            write.delete(key.clone())?;
        }
        if !write.is_empty() {
            shard.commit(&mut shard.writer(), write)?;
        }
        match page.rows.into_iter().next_back() {
            Some((key, _)) if page.more => after = Some(key),
            Some(_) | None => return Ok(()),
        }
    }
}
