//! How fast one thread searches, and what it finds: `probe BASE.fvecs QUERIES.fvecs`.
//!
//! Layer: example of the index; reads files, prints a table.
//! Holds: recall and time of walks at each breadth, against the scan over the same rows.
//! Never: a claim about another machine or data set.
//! Invariant: the same files and settings give the same queries and the same allowed rows.
//!
//! Settings by environment: ROWS and QUERIES (most of each), PRECISION (f32, f16, i8), EFS (comma-separated), M, EFC,
//! REFINE (0, 1), THREADS (of the build), K, ROUNDS (each query's best and median count), SHARES (one row in so many is
//! allowed, comma-separated), PARTS (a folder: keep the segment there, plain, and read it from there the next time),
//! AGAINST (a folder of such parts: asked in turns with the other).
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
    let (segment, k) = (segment(base), number("K", 10));
    let other = env::var("AGAINST").ok().and_then(|folder| stored(&folder));
    let segments: Vec<Segment> = [Some(segment), other].into_iter().flatten().collect();
    let queries = fvecs(queries, number("QUERIES", 1000));
    for segment in &segments {
        let (rows, memory) = (segment.len() as usize, segment.memory());
        println!("{rows} rows of {}; bytes a row: {}", segment.dimension(), memory.total() / rows);
        println!("{memory:?}");
    }
    for one_in in list("SHARES", "1") {
        // A multiplicative hash spreads the allowed rows over all of them.
        let spread = |row: &u32| (row.wrapping_mul(0x9e37_79b1) >> 8) & 0xffff;
        let share = |row: &u32| (u64::from(spread(row)) * one_in as u64) >> 16 == 0;
        let allowed: RoaringBitmap = (0..segments[0].len()).filter(share).collect();
        let scanned = segments.iter().map(|segment| scanned(segment, &queries, &allowed, k));
        let (truths, micros): (Vec<_>, Vec<_>) = scanned.unzip();
        println!("1 in {one_in}: {} allowed, scan {micros:.1?} µs", allowed.len());
        for ef in list("EFS", "10,16,24,32,48,64,96,128,192,256,384,512") {
            let mut walks: Vec<Walks> = segments.iter().map(|_| Walks::default()).collect();
            for _ in 0..number("ROUNDS", 3) {
                for ((segment, truth), walks) in segments.iter().zip(&truths).zip(&mut walks) {
                    walks.round(segment, &queries, truth, &allowed, (k, ef));
                }
            }
            for walks in walks {
                walks.print(ef);
            }
        }
    }
}

/// The exact answers, and how long each took.
fn scanned(
    segment: &Segment,
    queries: &[Vec<f32>],
    allowed: &RoaringBitmap,
    k: usize,
) -> (Vec<Vec<u32>>, f64) {
    let start = Instant::now();
    let exact = |query: &Vec<f32>| {
        let hits = segment.dense_exact(query, allowed, k).unwrap();
        hits.iter().map(|hit| hit.ordinal).collect::<Vec<u32>>()
    };
    let truth = queries.iter().map(exact).collect();
    (truth, start.elapsed().as_secs_f64() * 1e6 / queries.len() as f64)
}

/// Walks of one breadth.
#[derive(Default)]
struct Walks {
    recall: f64,
    /// Of each query, each round's microseconds.
    micros: Vec<Vec<f64>>,
}

impl Walks {
    fn round(
        &mut self,
        segment: &Segment,
        queries: &[Vec<f32>],
        truth: &[Vec<u32>],
        allowed: &RoaringBitmap,
        (k, ef): (usize, usize),
    ) {
        self.micros.resize(queries.len(), Vec::new());
        let mut found = 0;
        for ((query, truth), micros) in queries.iter().zip(truth).zip(&mut self.micros) {
            let start = Instant::now();
            let hits = segment.dense(query, allowed, k, ef).unwrap();
            micros.push(start.elapsed().as_secs_f64() * 1e6);
            found += hits.iter().filter(|hit| truth.contains(&hit.ordinal)).count();
        }
        self.recall = found as f64 / truth.iter().map(Vec::len).sum::<usize>() as f64;
    }

    fn print(mut self, ef: usize) {
        let count = self.micros.len() as f64;
        let (mut best, mut median) = (0.0, 0.0);
        for micros in &mut self.micros {
            micros.sort_by(f64::total_cmp);
            best += micros[0] / count;
            median += micros[micros.len() / 2] / count;
        }
        let (recall, rate) = (self.recall, 1e6 / median);
        println!(
            "  ef {ef:4}  recall {recall:.4}  {median:7.1} µs ({rate:7.0} QPS), at best {best:7.1}"
        );
    }
}

fn stored(folder: &str) -> Option<Segment> {
    let part = |name: PartName| Path::new(folder).join(name.to_string());
    let read = |name: PartName| fs::read(part(name)).ok().map(|bytes| (name, bytes));
    let parts: Vec<_> = PartName::ALL.into_iter().filter_map(read).collect();
    if parts.is_empty() {
        return None;
    }
    let start = Instant::now();
    let segment = Segment::from_parts(&parts).unwrap();
    println!("read in {:.3} s", start.elapsed().as_secs_f64());
    Some(segment)
}

fn segment(base: &str) -> Segment {
    let folder = env::var("PARTS").ok();
    if let Some(segment) = folder.as_deref().and_then(stored) {
        return segment;
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
        signs_rows_min: number("SIGNS", 2),
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
            fs::write(Path::new(folder).join(name.to_string()), bytes).unwrap();
        }
    }
    segment
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
