//! What other searches than the walk cost: scans that tell nothing of what is sought, and words.
//!
//! Layer: benches, tax.
//! Holds: one segment of the data set's rows, without a graph.
//! Never: the worker around it: its replies to oblivious queries wait for their quantum besides.
//! Invariant: both sides of a row look for the same vector among the same rows.

use super::storage::K;
use crate::data::DataSet;
use crate::error::{BenchError, Step};
use crate::measure::{Screen, Side, interleave};
use crate::options::Size;
use crate::report::{Row, Sheet, Unit};
use prag_index::oblivious::{Alive, Question, Silent, Source, Table, scan};
use prag_index::{Analyzer, BuildParams, Precision, Segment};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Adds the rows.
pub(super) fn run(
    size: Size,
    data: &DataSet,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let rows = rows(data);
    let params = BuildParams {
        graph_rows_min: usize::MAX,
        precision: Precision::F32,
        ..BuildParams::default()
    };
    screen.now("indexing words");
    let segment = Segment::build(&rows, &params).step("a segment")?.segment;
    let everyone = (0..segment.len()).collect();
    let ground = Ground { data, rows, segment, everyone };
    oblivious(size, &ground, screen, sheet)?;
    words(size, &ground, screen, sheet)
}

/// What is searched.
struct Ground<'a> {
    data: &'a DataSet,
    rows: Vec<prag_index::Row>,
    segment: Segment,
    /// All of its rows.
    everyone: RoaringBitmap,
}

fn oblivious(
    size: Size,
    ground: &Ground<'_>,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let Ground { data, rows, segment, everyone } = ground;
    let mut table = Table::new();
    for row in rows {
        // There is no graph, so no other order. What a record says costs nothing: all of its room is copied.
        table.push(&row.doc, &row.metadata, row.doc.as_bytes()).step("a veiled row")?;
    }
    let alive = Alive::of(everyone, segment.len());
    for k in [1, K] {
        let vector = |round: usize| &data.queries[round % data.queries.len()][..];
        let veiled = |round: usize| {
            let sources = [Source::segment(segment, &table, &alive)];
            let question = Question { vector: vector(round), filters: &[], k };
            scan(&sources, &question, &mut Silent).step("an oblivious scan")
        };
        let sides = vec![
            Side::whole("oblivious", veiled),
            Side::whole("exact scan", |round| {
                segment.dense_exact(vector(round), everyone, k).step("an exact scan")
            }),
        ];
        let measured = interleave(sides, WARM, size.checks, screen.now("scanning obliviously"))?;
        let [subject, baseline] = &measured[..] else {
            return Err(BenchError::new("scanning", "two ways"));
        };
        let (id, figure) =
            (format!("scan/oblivious/{k}"), format!("an oblivious scan of all, k {k}"));
        let row = Row::single(&id, &figure, &data.name, Unit::Seconds, subject)?;
        sheet.add(row.against(subject, baseline)?);
    }
    Ok(())
}

fn words(
    size: Size,
    ground: &Ground<'_>,
    screen: &Screen,
    sheet: &mut Sheet,
) -> Result<(), BenchError> {
    let Ground { data, rows, segment, everyone } = ground;
    for terms in [2, 5] {
        let asked = questions(rows, terms);
        let search = |round: usize| {
            let query = asked.get(round % asked.len().max(1)).step("a question")?;
            let query = Analyzer::default().analyze(query);
            let stats = segment.stats(&query, None).step("statistics")?;
            segment.sparse(&query, &stats, everyone, DEPTH).step("words")
        };
        let sides = vec![Side::whole("BM25", search)];
        let measured = interleave(sides, WARM, size.checks, screen.now("searching words"))?;
        let (id, figure) =
            (format!("words/{terms}"), format!("words: {terms} of a passage, {DEPTH} candidates"));
        let measured = measured.first().step("words")?;
        sheet.add(Row::single(&id, &figure, &data.name, Unit::Seconds, measured)?);
    }
    Ok(())
}

fn rows(data: &DataSet) -> Vec<prag_index::Row> {
    let of = |document: &crate::data::Document| {
        let metadata = Arc::new(document.metadata.clone());
        let chunks = document.spans.iter().zip(&document.vectors);
        let row = |(&(start, end), vector): (&(u32, u32), &Vec<f32>)| prag_index::Row {
            doc: document.id.clone(),
            text: document.content.get(start as usize..end as usize).unwrap_or_default().to_owned(),
            vector: vector.clone(),
            metadata: Arc::clone(&metadata),
        };
        chunks.map(row).collect::<Vec<_>>()
    };
    data.documents.iter().flat_map(of).collect()
}

/// Neighbouring words of passages all over the data, as a person's questions have common and rare ones.
fn questions(rows: &[prag_index::Row], terms: usize) -> Vec<String> {
    let chosen = rows.iter().step_by((rows.len() / QUESTIONS).max(1));
    let question = |row: &prag_index::Row| {
        let one = |word: &&str| Analyzer::default().analyze(word).len() == 1;
        let words: Vec<&str> =
            row.text.split_whitespace().skip(3).filter(one).take(terms).collect();
        (words.len() == terms).then(|| words.join(" "))
    };
    chosen.filter_map(question).collect()
}

/// Candidates of a leg that is fused with the other.
const DEPTH: usize = 64;
const QUESTIONS: usize = 200;
const WARM: usize = 3;
