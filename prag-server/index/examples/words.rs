//! What a BM25 query costs: `words FOLDER` indexes the folder's texts and prints microseconds per query.
//!
//! Layer: example of the index; reads files, prints a table.
//! Holds: queries of 1 to 5 terms drawn from the texts themselves, over all rows and over some of them.
//! Never: a claim about another machine or corpus.
//! Invariant: the same folder gives the same queries.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, missing_docs)]

use prag_index::{Analyzer, BuildParams, Row, Segment};
use prag_protocol::metadata::Metadata;
use roaring::RoaringBitmap;
use std::sync::Arc;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let copies: usize = std::env::args().nth(2).map_or(Ok(1), |text| text.parse())?;
    let mut texts = Vec::new();
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        texts.extend(passages(&plain(&String::from_utf8_lossy(&std::fs::read(path)?))));
    }
    let metadata = Arc::new(Metadata::new());
    let row = |(number, text): (usize, &String)| Row {
        doc: format!("doc-{number}"),
        text: text.clone(),
        vector: vec![1.0, 0.0],
        metadata: Arc::clone(&metadata),
    };
    let repeated = texts.iter().cycle().take(texts.len() * copies);
    let rows: Vec<Row> = repeated.enumerate().map(row).collect();
    let params = BuildParams { graph_rows_min: usize::MAX, ..BuildParams::default() };
    let segment = Segment::build(&rows, &params)?.segment;
    println!("{} passages", segment.len());
    println!("terms  allowed   statistics µs   search µs   both µs   postings read");
    for terms in 1..=5 {
        let queries = queries(&texts, terms);
        for one_in in [1, 10, 100] {
            let allowed: RoaringBitmap = (0..segment.len())
                .filter(|row| row.wrapping_mul(2_654_435_761) % one_in == 0)
                .collect();
            measure(&segment, &queries, &allowed, terms, one_in)?;
        }
    }
    Ok(())
}

fn measure(
    segment: &Segment,
    queries: &[String],
    allowed: &RoaringBitmap,
    terms: usize,
    one_in: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let (mut counted, mut searched, mut postings) = (0.0, 0.0, 0u64);
    for text in queries {
        let query = Analyzer::default().analyze(text);
        let live = (one_in > 1).then_some(allowed);
        let (mut fastest_count, mut fastest_search) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let stats = segment.stats(&query, live)?;
            fastest_count = fastest_count.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let hits = segment.sparse(&query, &stats, allowed, DEPTH)?;
            fastest_search = fastest_search.min(start.elapsed().as_secs_f64());
            std::hint::black_box(hits);
        }
        postings += segment.stats(&query, None)?.frequencies.iter().sum::<u64>();
        counted += fastest_count;
        searched += fastest_search;
    }
    let each = |seconds: f64| seconds * 1e6 / queries.len() as f64;
    println!(
        "{terms:>5}  1 in {one_in:<4} {:>13.1} {:>11.1} {:>9.1} {:>15}",
        each(counted),
        each(searched),
        each(counted + searched),
        postings / queries.len() as u64
    );
    Ok(())
}

/// Text between tags.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text
}

/// Passages of so many words.
fn passages(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(PASSAGE_WORDS).map(|words| words.join(" ")).collect()
}

/// Neighbouring words of passages all over the corpus, as a person's questions have common and rare ones.
fn queries(texts: &[String], terms: usize) -> Vec<String> {
    let mut queries = Vec::new();
    for text in texts.iter().step_by((texts.len() / QUERIES).max(1)) {
        let words = text
            .split_whitespace()
            .skip(20)
            .filter(|word| Analyzer::default().analyze(word).len() == 1);
        let words: Vec<&str> = words.take(terms).collect();
        if words.len() == terms {
            queries.push(words.join(" "));
        }
    }
    queries
}

const PASSAGE_WORDS: usize = 120;
const QUERIES: usize = 200;
const ROUNDS: usize = 5;
const DEPTH: usize = 64;
