//! How fast one thread searches, and what it finds: `probe BASE.fvecs QUERIES.fvecs`.
//!
//! Layer: example of the index; reads files, prints a table.
//! Holds: recall and time of walks at each breadth, against the scan over the same rows.
//! Never: a claim about another machine or data set.
//! Invariant: the same files and settings give the same queries and the same allowed rows.
//!
//! Settings by environment: ROWS and QUERIES (most of each), PRECISION (f32, f16, i8), EFS (comma-separated), M, EFC,
//! REFINE (0, 1), THREADS (of the build), K, ROUNDS (the best counts), SHARES (one row in so many is allowed,
//! comma-separated), PARTS (a folder: keep the segment there, plain, and read it from there the next time).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use prag_index::{BuildParams, PartName, Precision, Row, Segment};
use prag_protocol::metadata::Metadata;
use roaring::RoaringBitmap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, base, queries] = arguments.as_slice() else {
        panic!("usage: probe BASE.fvecs QUERIES.fvecs");
    };
    let segment = segment(base);
    let (rows, k) = (segment.len(), number("K", 10));
    let queries = fvecs(queries, number("QUERIES", 1000));
    let memory = segment.memory();
    println!(
        "{rows} rows of {}; bytes a row: {}",
        segment.dimension(),
        memory.total() / rows as usize
    );
    println!("{memory:?}");
    for one_in in list("SHARES", "1") {
        // A multiplicative hash spreads the allowed rows over all of them.
        let spread = |row: &u32| (row.wrapping_mul(0x9e37_79b1) >> 8) & 0xffff;
        let share = |row: &u32| (u64::from(spread(row)) * one_in as u64) >> 16 == 0;
        let allowed: RoaringBitmap = (0..rows).filter(share).collect();
        let exact = |query: &Vec<f32>| {
            let hits = segment.dense_exact(query, &allowed, k).unwrap();
            hits.iter().map(|hit| hit.ordinal).collect::<Vec<u32>>()
        };
        let ran = processor_seconds();
        let truth: Vec<Vec<u32>> = queries.iter().map(exact).collect();
        let micros = (processor_seconds() - ran) * 1e6 / queries.len() as f64;
        println!("1 in {one_in}: {} allowed, scan {micros:.1} µs on the processor", allowed.len());
        for ef in list("EFS", "10,16,24,32,48,64,96,128,192,256,384,512") {
            let (mut best, mut busy, mut found) = (f64::MAX, f64::MAX, 0);
            for _ in 0..number("ROUNDS", 3) {
                found = 0;
                let (start, ran) = (Instant::now(), processor_seconds());
                for (query, truth) in queries.iter().zip(&truth) {
                    let hits = segment.dense(query, &allowed, k, ef).unwrap();
                    found += hits.iter().filter(|hit| truth.contains(&hit.ordinal)).count();
                }
                best = best.min(start.elapsed().as_secs_f64() / queries.len() as f64);
                busy = busy.min((processor_seconds() - ran) / queries.len() as f64);
            }
            let recall = found as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64;
            println!(
                "  ef {ef:4}  recall {recall:.4}  {:8.0} QPS  {:7.1} µs, {:7.1} on the processor",
                1.0 / best,
                best * 1e6,
                busy * 1e6
            );
        }
    }
}

fn segment(base: &str) -> Segment {
    let folder = env::var("PARTS").ok();
    let part = |folder: &str, name: PartName| Path::new(folder).join(name.to_string());
    if let Some(folder) = &folder {
        let read = |name: PartName| fs::read(part(folder, name)).ok().map(|bytes| (name, bytes));
        let parts: Vec<_> = PartName::ALL.into_iter().filter_map(read).collect();
        if !parts.is_empty() {
            let start = Instant::now();
            let segment = Segment::from_parts(&parts).unwrap();
            println!("read in {:.3} s", start.elapsed().as_secs_f64());
            return segment;
        }
    }
    let metadata = Arc::new(Metadata::new());
    let row = |vector| Row {
        doc: String::new(),
        text: String::new(),
        vector,
        metadata: Arc::clone(&metadata),
    };
    let rows: Vec<Row> = fvecs(base, number("ROWS", 1 << 24)).into_iter().map(row).collect();
    let precision = match env::var("PRECISION").as_deref() {
        Ok("f32") => Precision::F32,
        Ok("i8") => Precision::I8,
        _ => Precision::F16,
    };
    let default = BuildParams::default();
    let params = BuildParams {
        m: number("M", default.m),
        ef_construction: number("EFC", default.ef_construction),
        graph_rows_min: 2,
        refine: number("REFINE", usize::from(default.refine)) != 0,
        threads: number("THREADS", default.threads),
        precision,
        ..default
    };
    let start = Instant::now();
    let segment = Segment::build(&rows, &params).unwrap().segment;
    println!("built in {:.1} s by {} threads", start.elapsed().as_secs_f64(), params.threads);
    if let Some(folder) = &folder {
        fs::create_dir_all(folder).unwrap();
        for (name, bytes) in segment.to_parts().unwrap() {
            fs::write(part(folder, name), bytes).unwrap();
        }
    }
    segment
}

/// How long this thread has run: where others share the processor, that says more than the wall's clock. Linux only.
fn processor_seconds() -> f64 {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = statistics.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    nanos.unwrap_or(f64::NAN) / 1e9
}

/// Vectors from a file of TexMex's form, each brought to unit length.
fn fvecs(path: &str, most: usize) -> Vec<Vec<f32>> {
    let bytes = fs::read(path).unwrap();
    let (numbers, _) = bytes.as_chunks::<4>();
    let dimension = u32::from_le_bytes(numbers[0]) as usize;
    let vectors = numbers.chunks_exact(dimension + 1).take(most).map(|vector| {
        let floats = || vector[1..].iter().map(|value| f32::from_le_bytes(*value));
        let length = floats().map(|value| value * value).sum::<f32>().sqrt();
        floats().map(|value| value / length).collect()
    });
    vectors.collect()
}

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn list(name: &str, default: &str) -> Vec<usize> {
    let list = env::var(name).unwrap_or(default.to_owned());
    list.split(',').map(|value| value.parse().unwrap()).collect()
}
