//! The plain side: the same engine, options, batches, fsyncs and index, and nothing sealed.
//!
//! Layer: benches, tax.
//! Holds: a shard without keys, seals, padding, digests, tree and head, else as `collection` has it.
//! Never: a shortcut: rows are read as they are there, batch by batch, and segments part by part.
//! Invariant: it answers every search as the sealed shard does, bit for bit.

use super::sealed::TIME;
use super::storage::{Arm, Opened, nearest};
use crate::data::DIMENSION;
use crate::error::{BenchError, Step};
use crate::measure::time;
use prag_index::{PartName, Segment};
use prag_server::collection::profile::Shape;
use prag_server::collection::record::{Batch, Document, Op, decode, encode};
use prag_server::collection::rows;
use prag_server::collection::state::{Live, LiveSegment, Row};
use prag_store::{Batch as StoreBatch, BlobName, Engine, Open, RocksEngine, Shard, ShardName};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A plain shard that can be closed and opened.
pub(super) struct Twin {
    engine: RocksEngine,
    open: Option<Loaded>,
}

/// What is in memory of an open twin.
struct Loaded {
    store: Arc<dyn Shard>,
    live: Live,
    /// Number of the next batch.
    next: u64,
}

/// Which segments there are, and which batches are in none.
#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    base: u64,
    segments: Vec<Stored>,
}

/// A segment: its id, and the name and the blob of each part.
#[derive(Serialize, Deserialize)]
struct Stored {
    id: [u8; 16],
    parts: Vec<(u8, [u8; 32])>,
}

impl Twin {
    /// A new shard in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, BenchError> {
        let engine = RocksEngine::open(folder).step("the plain engine")?;
        let store = open(&engine, 0)?;
        let live = Live::new(Shape::plain(DIMENSION), Vec::new());
        let twin = Self { engine, open: Some(Loaded { store, live, next: 0 }) };
        twin.keep(&Manifest::default(), StoreBatch::new())?;
        Ok(twin)
    }

    /// Takes over the sealed shard's segments, unsealed, in place of all batches. A graph that was built again would be
    /// another one, and its searches would not compare.
    pub(super) fn adopt(&mut self, segments: Vec<LiveSegment>) -> Result<(), BenchError> {
        let loaded = self.loaded()?;
        let mut stored = Vec::new();
        for segment in &segments {
            stored.push(write_segment(segment, loaded.store.as_ref())?);
        }
        let manifest = Manifest { base: loaded.next, segments: stored };
        let mut write = StoreBatch::new();
        for seq in 0..loaded.next {
            write.delete(rows::batch(seq, 0)).step("truncating the plain shard")?;
        }
        self.keep(&manifest, write)?;
        let loaded = self.open.as_mut().step(CLOSED)?;
        loaded.live = Live::new(Shape::plain(DIMENSION), segments);
        Ok(())
    }

    fn keep(&self, manifest: &Manifest, mut write: StoreBatch) -> Result<(), BenchError> {
        let bytes = encode(manifest).step("encoding the plain manifest")?;
        write.put(rows::manifest(), bytes).step("the plain manifest")?;
        let store = &self.loaded()?.store;
        let seq = store.commit(write).step("writing the plain manifest")?;
        store.durable(seq).step("writing the plain manifest")
    }

    fn loaded(&self) -> Result<&Loaded, BenchError> {
        self.open.as_ref().step(CLOSED)
    }
}

impl Arm for Twin {
    fn write(&mut self, ops: Vec<Op>) -> Result<Duration, BenchError> {
        let loaded = self.open.as_mut().step(CLOSED)?;
        time(|| {
            let batch = |op| Batch { salt: [0; 16], time: TIME, ops: vec![op], idempotency: None };
            loaded.write(ops.into_iter().map(batch).collect())
        })
    }

    fn reopen(&mut self) -> Result<Opened, BenchError> {
        self.open = None;
        let begin = Instant::now();
        let store = open(&self.engine, 1)?;
        let engine = begin.elapsed();
        self.open = Some(Loaded::load(store)?);
        Ok(Opened { engine, load: begin.elapsed() - engine })
    }

    fn search(&self, query: &[f32]) -> Result<Vec<(u32, u32, u32)>, BenchError> {
        nearest(&self.loaded()?.live, query)
    }
}

impl Loaded {
    /// Commit, make durable, then show.
    fn write(&mut self, batches: Vec<Batch>) -> Result<(), BenchError> {
        let mut last = 0;
        for batch in &batches {
            let bytes = encode(batch).step("encoding a batch")?;
            let mut write = StoreBatch::new();
            for (part, chunk) in (0u16..).zip(bytes.chunks(ROW_BYTES)) {
                write.put(rows::batch(self.next, part), chunk).step("a plain batch")?;
            }
            last = self.store.commit(write).step("committing a plain batch")?;
            self.next += 1;
        }
        self.store.durable(last).step("syncing the plain shard")?;
        for batch in batches {
            self.live.apply(batch).step("showing a plain batch")?;
        }
        Ok(())
    }

    fn load(store: Arc<dyn Shard>) -> Result<Self, BenchError> {
        let rows = store.get_many(&[&rows::manifest()]).step("the plain manifest")?;
        let bytes = rows.into_iter().next().flatten().step("the plain manifest")?;
        let manifest: Manifest = decode(&bytes).step("the plain manifest")?;
        let segments = manifest.segments.iter().map(|stored| load_segment(stored, store.as_ref()));
        let live = Live::new(Shape::plain(DIMENSION), segments.collect::<Result<_, _>>()?);
        let mut loaded = Self { store, live, next: manifest.base };
        while let Some(batch) = loaded.read_batch()? {
            loaded.live.apply(batch).step("showing a plain batch")?;
            loaded.next += 1;
        }
        Ok(loaded)
    }

    fn read_batch(&self) -> Result<Option<Batch>, BenchError> {
        let parts = self.store.scan(&rows::batch_parts(self.next), None, 16);
        let parts = parts.step("reading a plain batch")?.rows;
        if parts.is_empty() {
            return Ok(None);
        }
        let bytes: Vec<u8> = parts.into_iter().flat_map(|(_, value)| value).collect();
        decode(&bytes).step("decoding a plain batch").map(Some)
    }
}

fn open(engine: &RocksEngine, expected_epoch: u64) -> Result<Arc<dyn Shard>, BenchError> {
    let mode = Open::Writer { expected_epoch, claim: 1 };
    engine.open(ShardName([2; 16]), mode).step("opening the plain store")
}

fn write_segment(segment: &LiveSegment, store: &dyn Shard) -> Result<Stored, BenchError> {
    let mut known: HashMap<*const Document, u32> = HashMap::new();
    let mut documents = Vec::new();
    let mut table = Vec::new();
    for row in segment.rows.iter() {
        let number = *known.entry(Arc::as_ptr(&row.document)).or_insert_with(|| {
            documents.push(Arc::clone(&row.document));
            u32::try_from(documents.len() - 1).unwrap_or(u32::MAX)
        });
        table.push((number, row.chunk));
    }
    let mut plain = vec![
        (DOCUMENTS, encode(&documents).step("encoding documents")?),
        (ROWS, encode(&table).step("encoding rows")?),
    ];
    let parts = segment.index.to_parts().step("a segment's parts")?;
    plain.extend(parts.into_iter().map(|(name, bytes)| (name.as_u8(), bytes)));
    let mut parts = Vec::new();
    for (name, bytes) in plain {
        let mut blob = [0; 32];
        blob[..16].copy_from_slice(&segment.id);
        blob[16] = name;
        store.blobs().put_new(BlobName(blob), &bytes).step("writing a plain part")?;
        parts.push((name, blob));
    }
    Ok(Stored { id: segment.id, parts })
}

fn load_segment(stored: &Stored, store: &dyn Shard) -> Result<LiveSegment, BenchError> {
    let open = |(name, blob): &(u8, [u8; 32])| {
        let bytes = store.blobs().get(BlobName(*blob), None).step("reading a plain part")?;
        Ok((*name, bytes))
    };
    let plain: Result<HashMap<u8, Vec<u8>>, BenchError> =
        stored.parts.par_iter().map(open).collect();
    let mut plain = plain?;
    let mut take = |name| plain.remove(&name).step("a plain part");
    let (documents, table) = (take(DOCUMENTS)?, take(ROWS)?);
    let mut parts = Vec::with_capacity(plain.len());
    for (name, bytes) in plain {
        parts.push((PartName::from_u8(name).step("a part's name")?, bytes));
    }
    let texts = || {
        let documents: Vec<Document> = decode(&documents).step("decoding documents")?;
        let pack = |document| Arc::new(Shape::plain(DIMENSION).packed(document));
        let documents: Vec<Arc<Document>> = documents.into_par_iter().map(pack).collect();
        let table: Vec<(u32, u32)> = decode(&table).step("decoding rows")?;
        Ok::<_, BenchError>((documents, table))
    };
    let (index, texts) = rayon::join(|| Segment::from_parts(&parts), texts);
    let (documents, table) = texts?;
    let index = index.step("reading a plain segment")?;
    let row = |(document, chunk): (u32, u32)| {
        let document = documents.get(document as usize)?;
        document.chunks.get(chunk as usize)?;
        Some(Row { document: Arc::clone(document), chunk })
    };
    let rows: Vec<Row> = table.into_iter().map(row).collect::<Option<_>>().step("a plain row")?;
    let live = (0..index.len()).collect();
    // No tree: receipts are part of what is measured against this.
    let (index, rows, tree) = (Arc::new(index), Arc::new(rows), Arc::default());
    Ok(LiveSegment {
        id: stored.id,
        index,
        rows,
        tree,
        live,
        charge: None,
        veil: None,
        shelf: None,
    })
}

const CLOSED: &str = "the plain shard";
/// Bytes of one row of a batch, as in `collection`.
const ROW_BYTES: usize = 1_000_000;
const DOCUMENTS: u8 = 128;
const ROWS: u8 = 129;
