//! Writing, opening and searching: a sealed shard against its plain twin.
//!
//! Layer: benches, tax.
//! Holds: the order (one by one, in bulk, open, compact, open, search) and the rows that come of it.
//! Never: one side's step without the other's right after or before it.
//! Invariant: both sides hold the same documents at every row, and answer alike.

use super::sealed::Sealed;
use super::twin::Twin;
use crate::data::{DataSet, Document};
use crate::error::{BenchError, Step};
use crate::measure::{Measured, Screen, Side, interleave};
use crate::options::Size;
use crate::report::{Row, Sheet, Unit};
use prag_protocol::wire::documents::Format;
use prag_server::collection::record::{Chunk, Document as Record, Op};
use prag_server::collection::state::{Live, Part};
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

/// One side.
pub(super) trait Arm {
    /// Writes documents in one durable commit, and shows them. Answers how long that took.
    fn write(&mut self, ops: Vec<Op>) -> Result<Duration, BenchError>;

    /// Closes and opens.
    fn reopen(&mut self) -> Result<Opened, BenchError>;

    /// Part, ordinal and score's bits of the best, best first.
    fn search(&self, query: &[f32]) -> Result<Vec<(u32, u32, u32)>, BenchError>;
}

/// How long opening took.
pub(super) struct Opened {
    /// RocksDB's part.
    pub(super) engine: Duration,
    /// From an open store to a shard that answers.
    pub(super) load: Duration,
}

/// Both sides, and what they hold.
struct Pair<'a> {
    sealed: Sealed,
    twin: Twin,
    size: Size,
    data: &'a DataSet,
}

/// Adds the rows, and answers the plain twin, full and compacted.
pub(super) fn run(
    size: Size,
    data: &DataSet,
    disk: &Path,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<Twin, BenchError> {
    let folders = [disk.join("sealed"), disk.join("plain")];
    let (sealed, twin) = (Sealed::create(&folders[0])?, Twin::create(&folders[1])?);
    let mut pair = Pair { sealed, twin, size, data };
    pair.ingest(screen, sheet)?;
    pair.open("tail", "everything in the tail", screen, sheet)?;
    screen.now("compacting");
    pair.sealed.compact()?;
    pair.twin.adopt(pair.sealed.segments()?)?;
    pair.open("segment", "everything in one segment", screen, sheet)?;
    pair.search(screen, sheet)?;
    let sizes = folders.each_ref().map(|folder| stored(folder));
    let [sealed, plain] = sizes;
    let (sealed, plain) = (Measured::once("sealed", sealed?), Measured::once("plain twin", plain?));
    let row = Row::single("store/bytes", "bytes on disk", &data.name, Unit::Bytes, &sealed)?;
    sheet.add(row.against(&sealed, &plain)?);
    Ok(pair.twin)
}

impl Pair<'_> {
    fn ingest(&mut self, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
        let (singles, rest) = self.data.documents.split_at(self.size.singles);
        let singles: Vec<&[Document]> = singles.chunks(1).collect();
        let bulks: Vec<&[Document]> = rest.chunks(self.size.bulk).collect();
        let figure = "write one document of 8 chunks, durable";
        self.write("ingest/single", figure, &singles, screen, sheet)?;
        let figure =
            format!("write {} documents of 8 chunks in one request, durable", self.size.bulk);
        self.write("ingest/bulk", &figure, &bulks, screen, sheet)
    }

    fn write(
        &mut self,
        id: &str,
        figure: &str,
        writes: &[&[Document]],
        screen: &Screen,
        sheet: &mut Sheet,
    ) -> Result<(), BenchError> {
        let ops: Vec<Vec<Op>> =
            writes.iter().map(|documents| ops(documents)).collect::<Result<_, _>>()?;
        let (sealed, twin) = (&mut self.sealed, &mut self.twin);
        let sides = vec![
            Side::new("sealed", |round| sealed.write(ops[round].clone())),
            Side::new("plain twin", |round| twin.write(ops[round].clone())),
        ];
        let measured = interleave(sides, 0, writes.len(), screen.now("writing"))?;
        compare(id, figure, &self.data.name, &measured, Some(1.10), sheet)
    }

    fn open(
        &mut self,
        state: &str,
        figure: &str,
        screen: &Screen,
        sheet: &mut Sheet,
    ) -> Result<(), BenchError> {
        let engines = [RefCell::new(Vec::new()), RefCell::new(Vec::new())];
        let (sealed, twin) = (&mut self.sealed, &mut self.twin);
        let opened = |side: usize, opened: Opened| {
            engines[side].borrow_mut().push(opened.engine.as_secs_f64());
            opened.load
        };
        let sides = vec![
            Side::new("sealed", |_| Ok(opened(0, sealed.reopen()?))),
            Side::new("plain twin", |_| Ok(opened(1, twin.reopen()?))),
        ];
        let bar = screen.now("opening");
        let mut measured = interleave(sides, 1, self.size.opens, bar)?;
        let (id, loading) =
            (format!("open/{state}/load"), format!("open, {figure}: without RocksDB's own part"));
        compare(&id, &loading, &self.data.name, &measured, None, sheet)?;
        for (measured, engine) in measured.iter_mut().zip(&engines) {
            // The first opening was the warm one.
            let engine = engine.borrow();
            for (load, engine) in measured.samples.iter_mut().zip(engine.iter().skip(1)) {
                *load += engine;
            }
        }
        let (id, whole) = (format!("open/{state}"), format!("open, {figure}"));
        compare(&id, &whole, &self.data.name, &measured, Some(1.50), sheet)
    }

    fn search(&self, screen: &Screen, sheet: &mut Sheet) -> Result<(), BenchError> {
        let queries = &self.data.queries;
        for query in queries.iter().take(self.size.searches) {
            if self.sealed.search(query)? != self.twin.search(query)? {
                return Err(BenchError::new("searching", "sealed shard and plain twin differ"));
            }
        }
        let query = |round: usize| &queries[round % queries.len()];
        let sides = vec![
            Side::whole("sealed", |round| self.sealed.search(query(round))),
            Side::whole("plain twin", |round| self.twin.search(query(round))),
        ];
        let bar = screen.now("searching");
        let measured = interleave(sides, WARM, self.size.searches, bar)?;
        let figure = "search the open shard by vector, k 10, one thread; equal answers";
        compare("search/dense", figure, &self.data.name, &measured, Some(1.02), sheet)
    }
}

/// The first side against the second.
pub(super) fn compare(
    id: &str,
    figure: &str,
    data: &str,
    measured: &[Measured],
    bar: Option<f64>,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let [subject, baseline] = measured else {
        return Err(BenchError::new(id, "two sides make a row"));
    };
    let mut row = Row::single(id, figure, data, Unit::Seconds, subject)?;
    row.bar = bar;
    sheet.add(row.against(subject, baseline)?);
    Ok(())
}

/// The nearest [`K`] rows of a live view, by its own segments and tail.
pub(super) fn nearest(live: &Live, query: &[f32]) -> Result<Vec<(u32, u32, u32)>, BenchError> {
    let mut best = Vec::new();
    for (number, part) in (0u32..).zip(live.parts()) {
        let hits = match part {
            Part::Segment(segment) => segment.index.dense(query, &segment.live, K, EF),
            Part::Tail(tail) => tail.index.dense(query, &tail.live, K, EF),
        };
        best.extend(hits.step("searching")?.into_iter().map(|hit| (number, hit)));
    }
    best.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
    best.truncate(K);
    Ok(best.into_iter().map(|(part, hit)| (part, hit.ordinal, hit.score.to_bits())).collect())
}

/// Records as the worker makes them of supplied chunks.
fn ops(documents: &[Document]) -> Result<Vec<Op>, BenchError> {
    let op = |document: &Document| {
        let chunk = |&(start, end): &(u32, u32)| Chunk {
            start,
            end,
            text: None,
            heading_path: Vec::new(),
            tokens: 0,
            salt: [7; 16],
        };
        let chunks = document.spans.iter().map(chunk).collect();
        let id = document.id.parse().step("a document's id")?;
        let (content, metadata) = (document.content.clone(), &document.metadata);
        let record =
            Record::new(id, String::new(), Format::Text, content, metadata, chunks, [7; 32]);
        Ok(Op::Put { document: record, vectors: document.vectors.concat() })
    };
    documents.iter().map(op).collect()
}

/// Bytes of all files below `folder`.
fn stored(folder: &Path) -> Result<f64, BenchError> {
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(folder).step("measuring a database")? {
        let entry = entry.step("measuring a database")?;
        let about = entry.metadata().step("measuring a database")?;
        bytes += if about.is_dir() { stored(&entry.path())? } else { about.len() as f64 };
    }
    Ok(bytes)
}

/// Hits of a search.
pub(super) const K: usize = 10;
/// Breadth of the graph walk: the worker's default.
const EF: usize = 96;
const WARM: usize = 20;
