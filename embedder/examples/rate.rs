//! Tokens per second of a model on this machine.
//!
//! `cargo run --release -p prag-embedder --example rate -- [threads] [tensors]`

use std::num::NonZeroUsize;
use std::time::Instant;

use prag_embedder::{BertEmbedder, Compute, EmbedError, Embedder, Options, Preset, Role, Source};

fn main() -> Result<(), EmbedError> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let threads = arguments.iter().find_map(|argument| argument.parse::<NonZeroUsize>().ok());
    let tensors = arguments.iter().any(|argument| argument == "tensors");
    let device = if tensors { Compute::CpuTensors } else { Compute::Cpu };
    let folder = std::env::var("PRAG_MODEL_DIR").unwrap_or_else(|_| {
        let home = std::env::var("HOME").unwrap_or_default();
        format!("{home}/.cache/prag/models/all-MiniLM-L6-v2")
    });
    let started = Instant::now();
    let source = Source::Folder(folder.into());
    let model = BertEmbedder::open(&source, &Preset::minilm(), &Options { device, threads })?;
    println!("loaded in {:.2?}", started.elapsed());

    let texts = texts(256);
    let texts = texts.iter().map(String::as_str).collect::<Vec<_>>();
    let tokens =
        texts.iter().map(|text| model.count(text) + model.model().special_tokens).sum::<usize>();
    model.embed(Role::Passage, &texts[..32])?;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let started = Instant::now();
        model.embed(Role::Passage, &texts)?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{tokens} tokens of {} texts: {:.0} tokens/s (best of 5)",
        texts.len(),
        tokens as f64 / best
    );

    let mut times = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        model.embed(Role::Query, &["what is the capital of the country north of here"])?;
        times.push(started.elapsed());
    }
    times.sort();
    println!("one query: median {:.2?}", times[25]);
    Ok(())
}

/// Texts of 6 to 240 tokens, the same every time.
fn texts(count: usize) -> Vec<String> {
    let mut state = 1_u32;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    (0..count)
        .map(|_| {
            let words = 4 + draw(234);
            (0..words).map(|_| WORDS[draw(WORDS.len())]).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

const WORDS: [&str; 24] = [
    "water",
    "the",
    "of",
    "station",
    "cell",
    "treatment",
    "and",
    "price",
    "rain",
    "engine",
    "was",
    "city",
    "under",
    "report",
    "light",
    "with",
    "patient",
    "north",
    "field",
    "value",
    "may",
    "house",
    "paper",
    "long",
];
