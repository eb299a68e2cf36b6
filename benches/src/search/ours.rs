//! Ours, as an engine in a process of its own: `prag-bench --engine`.
//!
//! Layer: benches, search.
//! Holds: the index crate's public interface behind the line protocol of `engine`.
//! Never: a batch: each query is one call, as a worker makes it; a filter is evaluated within the query's time.
//! Invariant: memory is that of a process that read the index's parts, as a worker does when it opens a shard.

use super::engine::{Answers, Ask, Block, LINE_BYTES_MAX, Open, Opened, Reply};
use crate::error::{BenchError, Step};
use crate::vectors::Matrix;
use crate::vectors::texmex::read_fvecs;
use crate::vectors::truth::{BUCKETS, answers};
use prag_index::{BuildParams, PartName, Precision, Row, Segment};
use prag_protocol::filter::{Bounds, Condition, Filter};
use prag_protocol::metadata::{Metadata, Value};
use roaring::RoaringBitmap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Serves until the input ends.
///
/// # Errors
/// [`BenchError`] where input or output fail; what a request fails with is answered.
pub fn serve(input: impl Read, mut output: impl Write) -> Result<(), BenchError> {
    let (mut input, mut line) = (BufReader::new(input), Vec::new());
    let mut engine: Option<Ours> = None;
    loop {
        line.clear();
        input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).step("a request")?;
        if line.is_empty() {
            return Ok(());
        }
        let reply = match serde_json::from_slice(&line).step("a request")? {
            Ask::Open(open) => Ours::open(&open).map(|(opened, ours)| {
                engine = ours;
                Reply::Opened(opened)
            }),
            Ask::Search(block) => engine
                .as_ref()
                .step("an index")
                .and_then(|ours| ours.search(block))
                .map(Reply::Answers),
            Ask::Load(_) => Err(BenchError::new("load", "this is no server")),
        };
        let reply = reply.unwrap_or_else(|error| Reply::Failed { error: error.to_string() });
        serde_json::to_writer(&mut output, &reply).step("an answer")?;
        output.write_all(b"\n").and_then(|()| output.flush()).step("an answer")?;
    }
}

struct Ours {
    segment: Segment,
    /// Ordinal → the row's number in the file.
    order: Vec<u32>,
    all: RoaringBitmap,
    queries: Matrix,
}

impl Ours {
    /// Parts that lie in the cache are read, else the index is built and its parts are put there.
    fn open(open: &Open) -> Result<(Opened, Option<Self>), BenchError> {
        let queries = read_fvecs(&open.query, None)?;
        let before = resident();
        let folder = open.cache.as_deref();
        let known = folder.filter(|folder| folder.join(BUILT).exists());
        let (mut opened, segment, order) = match known {
            Some(folder) => read(folder)?,
            None => build(open)?,
        };
        opened.fresh = known.is_none();
        if let (Some(folder), true) = (folder, opened.fresh) {
            write(folder, &opened, &segment, &order)?;
        }
        let all = (0..segment.len()).collect();
        opened.bytes = resident().saturating_sub(before);
        Ok((opened, Some(Self { segment, order, all, queries })))
    }

    fn search(&self, block: Block) -> Result<Answers, BenchError> {
        let end = (block.first + block.count).min(self.queries.len());
        let queries: Vec<&[f32]> =
            (block.first.min(end)..end).map(|index| self.queries.row(index)).collect();
        let filter = block.permille.map(filter);
        let begin = Instant::now();
        let mut ids =
            answers(&queries, block.threads, |query| self.one(query, block, filter.as_ref()))?;
        let seconds = begin.elapsed().as_secs_f64();
        for found in &mut ids {
            for id in found {
                *id = self.order.get(*id as usize).copied().step("an ordinal")?;
            }
        }
        Ok(Answers { seconds, ids })
    }

    fn one(
        &self,
        query: &[f32],
        block: Block,
        filter: Option<&Filter>,
    ) -> Result<Vec<u32>, BenchError> {
        let chosen = filter.map(|filter| self.segment.filter(filter));
        let allowed = chosen.as_ref().unwrap_or(&self.all);
        let hits = self.segment.dense(query, allowed, block.k, block.ef).step("a query")?;
        Ok(hits.iter().map(|hit| hit.ordinal).collect())
    }
}

fn build(open: &Open) -> Result<(Opened, Segment, Vec<u32>), BenchError> {
    let matrix = read_fvecs(&open.base, Some(open.rows))?;
    let mut buckets = Vec::new();
    for bucket in 0..BUCKETS {
        let mut metadata = Metadata::new();
        let value = Value::Integer(i64::from(bucket));
        metadata.insert(FIELD.to_owned(), value).step("metadata")?;
        buckets.push(Arc::new(metadata));
    }
    let row = |(vector, metadata): (&[f32], &Arc<Metadata>)| Row {
        doc: String::new(),
        text: String::new(),
        vector: vector.to_vec(),
        metadata: metadata.clone(),
    };
    let rows: Vec<Row> = matrix.rows().zip(buckets.iter().cycle()).map(row).collect();
    drop(matrix);
    let precision = if open.codes_alone { Precision::I8 } else { Precision::default() };
    let params = BuildParams { threads: open.threads, precision, ..BuildParams::default() };
    let begin = Instant::now();
    let built = Segment::build(&rows, &params).step("a segment")?;
    let seconds = begin.elapsed().as_secs_f64();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let opened = Opened { seconds, bytes: 0, version, fresh: true, url: None };
    Ok((opened, built.segment, built.order))
}

fn write(
    folder: &Path,
    opened: &Opened,
    segment: &Segment,
    order: &[u32],
) -> Result<(), BenchError> {
    fs::create_dir_all(folder).step("keeping the index")?;
    for (name, bytes) in segment.to_parts().step("keeping the index")? {
        fs::write(folder.join(name.to_string()), bytes).step("keeping the index")?;
    }
    let order: Vec<u8> = order.iter().flat_map(|row| row.to_le_bytes()).collect();
    fs::write(folder.join(ORDER), order).step("keeping the index")?;
    let opened = serde_json::to_vec(opened).step("keeping the index")?;
    fs::write(folder.join(BUILT), opened).step("keeping the index")
}

fn read(folder: &Path) -> Result<(Opened, Segment, Vec<u32>), BenchError> {
    let opened = fs::read(folder.join(BUILT)).step("a kept index")?;
    let opened = serde_json::from_slice(&opened).step("a kept index")?;
    let part = |name: PartName| Some((name, fs::read(folder.join(name.to_string())).ok()?));
    let parts: Vec<_> = PartName::ALL.into_iter().filter_map(part).collect();
    let segment = Segment::from_parts(&parts).step("a kept index")?;
    drop(parts);
    // As a worker does.
    prag_server::give_back();
    let order = fs::read(folder.join(ORDER)).step("a kept index")?;
    let order = order.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    Ok((opened, segment, order))
}

fn filter(permille: u32) -> Filter {
    let below = Bounds { lt: Some(Value::Integer(i64::from(permille))), ..Bounds::default() };
    let range = Condition::Range { field: FIELD.to_owned(), bounds: below };
    Filter { must: vec![range], ..Filter::default() }
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

const FIELD: &str = "bucket";
const BUILT: &str = "built.json";
const ORDER: &str = "order";
