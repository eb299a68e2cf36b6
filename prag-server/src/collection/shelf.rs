//! Texts of a segment that stay on disk.
//!
//! Layer: collection, beside `state`, below `segment`.
//! Holds: which blob has them, the key that opens its frames, and the blob's end: when nobody reads it any more.
//! Never: a text in memory for longer than its reader wants it; a byte that did not authenticate at its place.
//! Invariant: a shelf reads as long as somebody holds it, whatever became of its segment meanwhile.

use super::CollectionError;
use super::record::{Document, read_in};
use super::rest::Home;
use super::state::Row;
use prag_store::{BlobName, StoreError};
use prag_trust::frames::Framed;
use prag_trust::key::{Dek, Key};
use prag_trust::seal::{Plain, SegmentRecord};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// Where a segment's texts lie. A segment that is sealed anew moves them.
pub struct Shelf {
    volume: RwLock<Arc<Volume>>,
    length: usize,
    hit_bytes: usize,
}

/// A blob of documents, for as long as anybody may read it.
pub(super) struct Volume {
    home: Home,
    blob: BlobName,
    key: Arc<Key<Dek>>,
    framed: Framed<SegmentRecord>,
    /// Set when no manifest names it any more.
    retired: OnceLock<Arc<Retired>>,
}

/// Blobs of a shard that no manifest names, and that somebody still reads.
#[derive(Default)]
pub(super) struct Retired {
    blobs: Mutex<usize>,
    fewer: Condvar,
}

/// A document, and its texts wherever they lie.
pub struct Kept {
    /// The document.
    pub document: Arc<Document>,
    /// Where its texts lie, if that is not in it.
    pub(super) shelf: Option<Arc<Shelf>>,
}

impl Volume {
    pub(super) fn new(
        home: &Home,
        blob: [u8; 32],
        key: Arc<Key<Dek>>,
        framed: Framed<SegmentRecord>,
    ) -> Self {
        let (home, blob) = (home.clone(), BlobName(blob));
        Self { home, blob, key, framed, retired: OnceLock::new() }
    }

    /// Whether no frame lies between two ranges, the first of which begins first.
    fn joins(&self, run: &Range<usize>, next: &Range<usize>) -> bool {
        let (run, next) = (self.framed.sealed(run), self.framed.sealed(next));
        run.zip(next).is_some_and(|(run, next)| next.start <= run.end)
    }

    fn read(&self, range: &Range<usize>) -> Result<Plain<SegmentRecord>, CollectionError> {
        let lies = self.framed.sealed(range).ok_or(DAMAGED)?;
        // Apart from other reads: how many there are tells what was found.
        self.home.accounts.text_read();
        let sealed =
            self.home.store.blobs().get(self.blob, Some(lies)).map_err(|error| match error {
                StoreError::BlobAbsent(_)
                | StoreError::BlobRange { .. }
                | StoreError::Tampered(_) => DAMAGED,
                other => other.into(),
            })?;
        self.framed.open(range, &sealed, &self.key).map_err(|_| DAMAGED)
    }

    /// The ranges of runs, side by side on rayon's threads.
    fn read_all(&self, runs: &[Run]) -> Result<Vec<Plain<SegmentRecord>>, CollectionError> {
        match runs {
            // A thread that waits for work is woken later than one run is read.
            [(run, _)] => Ok(vec![self.read(run)?]),
            runs => runs.par_iter().map(|(run, _)| self.read(run)).collect(),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Some(retired) = self.retired.get() {
            // Left behind, it is an orphan without a key, as after any swap.
            let _ = self.home.store.blobs().delete(self.blob);
            retired.leave();
        }
    }
}

impl Shelf {
    /// Of documents of `length` bytes in `volume`; the texts of the widest hit on them take `hit_bytes` of JSON.
    pub(super) fn new(
        volume: Volume,
        length: u64,
        hit_bytes: usize,
    ) -> Result<Arc<Self>, CollectionError> {
        let length = usize::try_from(length).map_err(|_| DAMAGED)?;
        Ok(Arc::new(Self { volume: RwLock::new(Arc::new(volume)), length, hit_bytes }))
    }

    /// What the texts of the widest hit on its rows take as JSON, dead ones included, bytes.
    #[must_use]
    pub fn hit_bytes(&self) -> usize {
        self.hit_bytes
    }

    /// Length of the documents as they are encoded, bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length as u64
    }

    /// The texts at `places`, in their order; no frame is read twice. Blocks on the disk.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if a frame does not open at its place; [`CollectionError::Store`].
    pub(super) fn texts(&self, places: &[Range<usize>]) -> Result<Vec<String>, CollectionError> {
        let volume = self.volume();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.retain(|at| !places[*at].is_empty());
        order.sort_by_key(|at| places[*at].start);
        let mut runs: Vec<Run> = Vec::new();
        for at in order {
            let next = &places[at];
            match runs.last_mut() {
                Some((run, held)) if volume.joins(run, next) => {
                    run.end = run.end.max(next.end);
                    held.push(at);
                }
                Some(_) | None => runs.push((next.clone(), vec![at])),
            }
        }
        let mut texts = vec![String::new(); places.len()];
        for some in runs.chunks(RUNS_AT_ONCE) {
            for ((run, held), plain) in some.iter().zip(volume.read_all(some)?) {
                for &at in held {
                    let within = places[at].start - run.start..places[at].end - run.start;
                    texts[at] = read_in(plain.expose(), &within).ok_or(DAMAGED)?.to_owned();
                }
            }
        }
        Ok(texts)
    }

    /// All documents as they are encoded. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Shelf::texts`].
    pub(super) fn part(&self) -> Result<Plain<SegmentRecord>, CollectionError> {
        self.volume().read(&(0..self.length))
    }

    /// The same documents lie in `volume` from now on; the blob that had them goes when nobody reads it.
    pub(super) fn move_to(&self, volume: Volume, retired: &Arc<Retired>) {
        let mut at = self.volume.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *at, Arc::new(volume));
        drop(at);
        old.retire(retired);
    }

    /// No manifest names the blob any more: it goes when nobody holds this shelf. Answers its name.
    pub(super) fn retire(&self, retired: &Arc<Retired>) -> [u8; 32] {
        let volume = self.volume();
        volume.retire(retired);
        volume.blob.0
    }

    fn volume(&self) -> Arc<Volume> {
        Arc::clone(&self.volume.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Volume {
    fn retire(&self, retired: &Arc<Retired>) {
        let mut blobs = retired.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        *blobs += usize::from(self.retired.set(Arc::clone(retired)).is_ok());
    }
}

impl Retired {
    /// Wait until the last reader of each has ended.
    ///
    /// # Errors
    /// [`CollectionError::Read`] where one takes longer than any search does.
    pub(super) fn wait(&self) -> Result<(), CollectionError> {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.fewer.wait_timeout_while(blobs, LONGEST_READ, |blobs| *blobs > 0);
        let (left, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *left > 0 { Err(CollectionError::Read) } else { Ok(()) }
    }

    fn leave(&self) {
        *self.blobs.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.fewer.notify_all();
    }
}

impl Kept {
    /// Whether reading a text of it takes a look at the disk.
    #[must_use]
    pub fn on_disk(&self) -> bool {
        self.shelf.is_some()
    }

    /// The original. May block on the disk.
    ///
    /// # Errors
    /// [`CollectionError::Tampered`] if it does not open at its place.
    pub fn content(&self) -> Result<Cow<'_, str>, CollectionError> {
        match (&self.shelf, self.document.content.lies()) {
            (Some(shelf), Some(lies)) => Ok(Cow::Owned(shelf.texts(&[lies])?.swap_remove(0))),
            (_, None) | (None, Some(_)) => Ok(self.document.content.whole()?),
        }
    }
}

/// The cited texts of `rows`, each with the shelf that it lies on, where that is not in memory as it is; each frame is
/// read once. May block on the disk.
///
/// # Errors
/// [`CollectionError::Tampered`] if one does not open at its place, and then none is returned.
pub fn cited(rows: &[(&Row, Option<&Arc<Shelf>>)]) -> Result<Vec<Option<String>>, CollectionError> {
    let mut texts = Vec::with_capacity(rows.len());
    let mut wanted: Vec<(&Arc<Shelf>, Places)> = Vec::new();
    for (number, (row, shelf)) in rows.iter().enumerate() {
        let Row { document, chunk } = row;
        let Some(shelf) = shelf else {
            let kept = document.kept_text(*chunk).is_some();
            texts.push(if kept { None } else { Some(document.text(*chunk)?.into_owned()) });
            continue;
        };
        texts.push(None);
        let lies = document.lies(*chunk).ok_or(DAMAGED)?;
        match wanted.iter_mut().find(|(known, _)| Arc::ptr_eq(known, shelf)) {
            Some((_, (numbers, places))) => {
                numbers.push(number);
                places.push(lies);
            }
            None => wanted.push((shelf, (vec![number], vec![lies]))),
        }
    }
    for (shelf, (numbers, places)) in wanted {
        for (number, text) in numbers.into_iter().zip(shelf.texts(&places)?) {
            texts[number] = Some(text);
        }
    }
    Ok(texts)
}

/// A range without a frame between that is not wanted, and the numbers of the places in it.
type Run = (Range<usize>, Vec<usize>);

/// Of a shelf: rows, and where the text of each lies.
type Places = (Vec<usize>, Vec<Range<usize>>);

const DAMAGED: CollectionError = CollectionError::Tampered("text");
/// Most runs whose plaintext is in memory at once: mostly a frame or two each.
const RUNS_AT_ONCE: usize = 32;
/// Searches take milliseconds.
const LONGEST_READ: Duration = Duration::from_secs(60);
