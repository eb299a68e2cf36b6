//! The live view of a shard: what is searched right now.
//!
//! Layer: collection; in memory only.
//! Holds: segments with their live bitmaps, the exact tail, and where each document lies.
//! Never: disk, keys, admission.
//! Invariant: a document lies in exactly one part, and all its chunks are live there, or it is absent.

use super::memory::{Accounts, Charge, Component, SegmentCharge, tail_row_bytes};
use super::profile::Shape;
use super::record::{Batch, Document, Op, decode};
use super::shelf::{Kept, Retired, Shelf};
use super::text::Elsewhere;
use super::veil::{SegmentVeil, TailVeil};
use prag_index::{Analyzer, Row as IndexRow, Segment, Tail};
use prag_protocol::DocumentId;
use prag_trust::merkle::MerkleLog;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The chunk behind an ordinal.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its document.
    pub document: Arc<Document>,
    /// Which of the document's chunks.
    pub chunk: u32,
}

impl Row {
    /// Bytes of its text, about: its span in the original.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        let chunk = self.document.chunks.get(self.chunk as usize);
        chunk.map_or(0, |chunk| u64::from(chunk.end.saturating_sub(chunk.start)))
    }
}

/// An immutable segment and what of it is still live.
#[derive(Clone)]
pub struct LiveSegment {
    /// Random id, as the manifest lists it.
    pub id: [u8; 16],
    /// Vectors, graph, terms, metadata.
    pub index: Arc<Segment>,
    /// Row per ordinal.
    pub rows: Arc<Vec<Row>>,
    /// Over the rows' chunk hashes, for receipts.
    pub tree: Arc<MerkleLog>,
    /// Ordinals that are not deleted.
    pub live: RoaringBitmap,
    /// Its memory, where that is counted.
    pub charge: Option<Arc<SegmentCharge>>,
    /// For scans of an oblivious collection; it has no other.
    pub veil: Option<SegmentVeil>,
    /// Its rows' texts, where they stay on disk.
    pub shelf: Option<Arc<Shelf>>,
}

impl LiveSegment {
    /// No manifest lists it any more: the blob of texts, whose name is answered, goes when nobody reads it.
    pub(super) fn retire(&self, retired: &Arc<Retired>) -> Option<[u8; 32]> {
        self.shelf.as_ref().map(|shelf| shelf.retire(retired))
    }

    /// Bytes of the texts of its rows, dead ones included, about.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.rows.iter().map(Row::text_bytes).sum()
    }
}

/// The tail: searched exactly.
pub struct LiveTail {
    /// Vectors, terms, metadata.
    pub index: Tail,
    /// Row per ordinal.
    pub rows: Vec<Row>,
    /// Over the rows' chunk hashes, for receipts.
    pub tree: MerkleLog,
    /// Ordinals that are not deleted.
    pub live: RoaringBitmap,
    /// For scans of an oblivious collection; it has no other.
    pub veil: Option<TailVeil>,
    charge: Charge,
}

/// Where a document lies.
#[derive(Clone, Debug)]
pub struct Location {
    /// The document.
    pub document: Arc<Document>,
    /// The segment, or none for the tail.
    pub segment: Option<[u8; 16]>,
    /// Its chunks' ordinals there.
    pub ordinals: Vec<u32>,
}

/// A part of the live view, as search walks it.
pub enum Part<'a> {
    /// A segment.
    Segment(&'a LiveSegment),
    /// The tail.
    Tail(&'a LiveTail),
}

impl Part<'_> {
    /// The tree over the chunk hashes of the part's rows, dead ones included.
    #[must_use]
    pub fn tree(&self) -> &MerkleLog {
        match self {
            Self::Segment(segment) => &segment.tree,
            Self::Tail(tail) => &tail.tree,
        }
    }
}

/// Everything that answers.
pub struct Live {
    /// Oldest first.
    pub segments: Vec<LiveSegment>,
    /// Newest writes.
    pub tail: LiveTail,
    /// By id, ascending.
    pub documents: BTreeMap<DocumentId, Location>,
    staged: HashMap<[u8; 16], Vec<Vec<u8>>>,
    shape: Shape,
}

/// A batch that does not fit the state: wrong vectors, or a publish without its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a batch does not fit the shard's state")]
pub struct ApplyError;

impl LiveTail {
    /// An empty tail.
    #[must_use]
    pub fn new(shape: Shape, accounts: &Arc<Accounts>) -> Self {
        let index = Tail::with_precision(shape.dimension, shape.analyzer, shape.precision);
        let tree = MerkleLog::new();
        let veil = shape.oblivious.then(TailVeil::default);
        let charge = accounts.charge(Component::Tails, 0);
        Self { index, rows: Vec::new(), tree, live: RoaringBitmap::new(), veil, charge }
    }
}

impl Live {
    /// A view of `segments` and an empty tail.
    #[must_use]
    pub fn new(shape: Shape, segments: Vec<LiveSegment>) -> Self {
        Self::counted(shape, segments, &Accounts::unlimited())
    }

    /// As [`Live::new`], with its tail's memory counted.
    #[must_use]
    pub fn counted(shape: Shape, segments: Vec<LiveSegment>, accounts: &Arc<Accounts>) -> Self {
        let mut live = Self {
            segments,
            tail: LiveTail::new(shape, accounts),
            documents: BTreeMap::new(),
            staged: HashMap::new(),
            shape,
        };
        for segment in &mut live.segments {
            if let Some(veil) = &mut segment.veil {
                veil.keep(&segment.live);
            }
        }
        live.locate_segments();
        live
    }

    /// Whether scans must tell nothing of what is sought.
    #[must_use]
    pub fn oblivious(&self) -> bool {
        self.shape.oblivious
    }

    /// The document at a place of this view, readable for as long as it is kept.
    #[must_use]
    pub fn kept(&self, at: &Location) -> Kept {
        let segment = self.segments.iter().find(|segment| Some(segment.id) == at.segment);
        let shelf = segment.and_then(|segment| segment.shelf.clone());
        Kept { document: Arc::clone(&at.document), shelf }
    }

    /// How text became terms, and a query's must.
    #[must_use]
    pub fn analyzer(&self) -> Analyzer {
        self.shape.analyzer
    }

    /// Live chunks.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.segments.iter().map(|segment| segment.live.len()).sum::<u64>() + self.tail.live.len()
    }

    /// Every part, segments first.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.segments.iter().map(Part::Segment).chain(std::iter::once(Part::Tail(&self.tail)))
    }

    /// Apply a batch, in order. Replay and fresh writes come through here alike.
    ///
    /// # Errors
    /// [`ApplyError`]: the batch was not made by this code for this shard.
    pub fn apply(&mut self, batch: Batch) -> Result<(), ApplyError> {
        for op in batch.ops {
            self.apply_op(op)?;
        }
        Ok(())
    }

    fn apply_op(&mut self, op: Op) -> Result<(), ApplyError> {
        match op {
            Op::Put { document, vectors } => self.put(document, &vectors),
            Op::Delete(id) => {
                self.remove(&id);
                Ok(())
            }
            Op::Stage { upload, part, bytes } => {
                let parts = self.staged.entry(upload).or_default();
                if parts.len() != part as usize {
                    return Err(ApplyError);
                }
                parts.push(bytes);
                Ok(())
            }
            Op::Publish { upload, parts } => {
                let staged = self.staged.remove(&upload).ok_or(ApplyError)?;
                if staged.len() != parts as usize {
                    return Err(ApplyError);
                }
                match decode::<Op>(&staged.concat()).map_err(|_| ApplyError)? {
                    Op::Put { document, vectors } => self.put(document, &vectors),
                    Op::Delete(_) | Op::Stage { .. } | Op::Publish { .. } => Err(ApplyError),
                }
            }
        }
    }

    /// Forget uploads that nobody published; called when nothing is being written.
    pub fn sweep_staged(&mut self) {
        self.staged.clear();
    }

    fn put(&mut self, document: Document, vectors: &[f32]) -> Result<(), ApplyError> {
        if vectors.len() != document.chunks.len() * self.shape.dimension {
            return Err(ApplyError);
        }
        self.remove(&document.id);
        let metadata = Arc::new(document.metadata());
        let read =
            |chunk| Ok((self.shape.searched_text(&document, chunk)?, document.chunk_hash(chunk)?));
        let chunks = 0..u32::try_from(document.chunks.len()).unwrap_or(u32::MAX);
        let texts: Result<Vec<_>, Elsewhere> = chunks.map(read).collect();
        let texts = texts.map_err(|Elsewhere| ApplyError)?;
        let document = Arc::new(self.shape.packed(document));
        let mut ordinals = Vec::with_capacity(document.chunks.len());
        let vectors = vectors.chunks_exact(self.shape.dimension);
        for ((chunk, vector), (text, hash)) in (0u32..).zip(vectors).zip(texts) {
            if let Some(veil) = &mut self.tail.veil {
                veil.push(&document, chunk).map_err(|_| ApplyError)?;
            }
            self.tail.charge.grow(tail_row_bytes(&self.shape, text.len()));
            let ordinal = self.tail.index.push(IndexRow {
                doc: document.id.as_str().to_owned(),
                text,
                vector: vector.to_vec(),
                metadata: Arc::clone(&metadata),
            });
            let ordinal = ordinal.map_err(|_| ApplyError)?;
            self.tail.rows.push(Row { document: Arc::clone(&document), chunk });
            self.tail.tree.append(&hash);
            self.tail.live.insert(ordinal);
            ordinals.push(ordinal);
        }
        let id = document.id.clone();
        self.documents.insert(id, Location { document, segment: None, ordinals });
        Ok(())
    }

    fn remove(&mut self, id: &DocumentId) {
        let Some(location) = self.documents.remove(id) else {
            return;
        };
        let Some(segment) = location.segment else {
            for ordinal in location.ordinals {
                self.tail.live.remove(ordinal);
                self.tail.veil.iter_mut().for_each(|veil| veil.kill(ordinal));
            }
            return;
        };
        let Some(part) = self.segments.iter_mut().find(|part| part.id == segment) else { return };
        for ordinal in location.ordinals {
            part.live.remove(ordinal);
            part.veil.iter_mut().for_each(|veil| veil.kill(ordinal));
        }
    }

    /// Find the documents of the segments' live rows.
    fn locate_segments(&mut self) {
        for segment in &self.segments {
            for ordinal in &segment.live {
                let Some(row) = segment.rows.get(ordinal as usize) else { continue };
                let id = &row.document.id;
                match self.documents.get_mut(id) {
                    Some(at) if at.segment == Some(segment.id) => at.ordinals.push(ordinal),
                    Some(_) => {}
                    None => {
                        let document = Arc::clone(&row.document);
                        let location = Location {
                            document,
                            segment: Some(segment.id),
                            ordinals: vec![ordinal],
                        };
                        self.documents.insert(id.clone(), location);
                    }
                }
            }
        }
    }
}
