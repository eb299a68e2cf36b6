//! What an oblivious scan costs: `oblivious ROWS` prints milliseconds per query, beside the exact scan by codes.
//!
//! Layer: example of the index; reads no file, prints a table.
//! Holds: synthetic rows of one segment, all alive, each with one field of metadata.
//! Never: a claim about another machine.
//! Invariant: the same number of rows gives the same rows and queries.

#![allow(clippy::cast_precision_loss, missing_docs)]

use prag_index::oblivious::{Alive, Question, Silent, Source, Table, scan};
use prag_index::{BuildParams, IndexError, Precision, Row, Segment};
use prag_protocol::filter::Filter;
use prag_protocol::metadata::{Metadata, Value};
use roaring::RoaringBitmap;
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u32 = std::env::args().nth(1).ok_or("how many rows?")?.parse()?;
    let mut chance = 7;
    let mut rows = Vec::new();
    for number in 0..count {
        let mut metadata = Metadata::new();
        metadata.insert("tenth".to_owned(), Value::Integer(i64::from(number % 10)))?;
        let (doc, text) = (format!("doc-{number}"), String::new());
        rows.push(Row { doc, text, vector: unit(&mut chance), metadata: Arc::new(metadata) });
    }
    let queries: Vec<Vec<f32>> = (0..QUERIES).map(|_| unit(&mut chance)).collect();
    let precision = Precision::F32;
    let params = BuildParams { graph_rows_min: usize::MAX, precision, ..BuildParams::default() };
    let segment = Segment::build(&rows, &params)?.segment;
    let mut table = Table::new();
    for row in &rows {
        // No graph, no other order. What a record says costs nothing: all of its room is copied.
        table.push(&row.doc, &row.metadata, row.doc.as_bytes())?;
    }
    let everyone: RoaringBitmap = (0..count).collect();
    let alive = Alive::of(&everyone, count);

    println!("{count} rows of {DIMENSION} dimensions, milliseconds a query");
    let exact = timed(&queries, |query| segment.dense_exact(query, &everyone, 10).map(drop))?;
    println!("exact scan by codes      {exact:8.1}");
    let tenth = r#"{"must":[{"key":"tenth","match":{"value":3}}]}"#;
    let filter: Filter = serde_json::from_str(tenth)?;
    for (name, filters) in [("oblivious", vec![]), ("oblivious, filtered", vec![filter])] {
        for k in [1, 10, 100] {
            let took = timed(&queries, |vector| {
                let sources = [Source::segment(&segment, &table, &alive)];
                let question = Question { vector, filters: &filters, k };
                scan(&sources, &question, &mut Silent).map(drop)
            })?;
            println!("{name:<19} k {k:<3}{took:8.1}");
        }
    }
    Ok(())
}

/// Milliseconds for each of `queries`.
fn timed(
    queries: &[Vec<f32>],
    ask: impl Fn(&[f32]) -> Result<(), IndexError>,
) -> Result<f64, IndexError> {
    let begun = Instant::now();
    for query in queries {
        ask(query)?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1000.0 / queries.len() as f64)
}

/// A direction, by a linear congruential generator (Knuth's MMIX).
fn unit(chance: &mut u64) -> Vec<f32> {
    let numbers = (0..DIMENSION).map(|_| {
        *chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*chance >> 40) as f32 / 8_388_608.0 - 1.0
    });
    let vector: Vec<f32> = numbers.collect();
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    vector.iter().map(|number| number / length).collect()
}

const DIMENSION: usize = 384;
const QUERIES: usize = 20;
