//! Passages, one a line, to vectors in a file of the TexMex form (fvecs).
//!
//! `cargo run --release -p prag-embedder --example embed -- PASSAGES.txt VECTORS.fvecs`

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::time::Instant;

use prag_embedder::{BertEmbedder, Embedder, Options, Preset, Role, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let [passages, vectors] = arguments.as_slice() else {
        return Err("usage: embed PASSAGES.txt VECTORS.fvecs".into());
    };
    let folder = std::env::var("PRAG_MODEL_DIR").unwrap_or_else(|_| {
        let home = std::env::var("HOME").unwrap_or_default();
        format!("{home}/.cache/prag/models/all-MiniLM-L6-v2")
    });
    let source = Source::Folder(folder.into());
    let model = BertEmbedder::open(&source, &Preset::minilm(), &Options::default())?;
    let passages = fs::read_to_string(passages)?;
    let passages = passages.lines().collect::<Vec<_>>();
    // Whoever finds the file finds all of it.
    let partial = format!("{vectors}.part");
    let mut out = BufWriter::new(File::create(&partial)?);
    let started = Instant::now();
    let (mut done, mut tokens) = (0, 0);
    for batch in passages.chunks(BATCH) {
        let rows = model.embed(Role::Passage, batch)?;
        for row in rows.iter() {
            out.write_all(&u32::try_from(row.len())?.to_le_bytes())?;
            for value in row {
                out.write_all(&value.to_le_bytes())?;
            }
        }
        done += batch.len();
        tokens += batch.iter().map(|text| model.count(text)).sum::<usize>();
        let rate = tokens as f64 / started.elapsed().as_secs_f64();
        eprint!("\r{done} of {} passages, {rate:.0} tokens/s ", passages.len());
    }
    eprintln!();
    out.into_inner()?.sync_all()?;
    fs::rename(partial, vectors)?;
    Ok(())
}

/// Texts at once: enough that those of like length go together.
const BATCH: usize = 1024;
