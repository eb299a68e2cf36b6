//! Real evidence, read from where it lies: it is not ours to copy.
//!
//! Layer: tests.
//! Holds: the folder of shared vectors, and files that ship with crates that we depend on.
//! Never: a file of the repository.
//! Invariant: an absent folder is named on standard error, so that a skipped test says why; a folder with gaps fails.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the shared vectors: of `PRAG_VECTORS`, else of `shared/vectors` beside the repository. `None`, said on
/// standard error, where there is no such folder.
///
/// # Panics
/// Where the folder lacks the file.
#[must_use]
pub fn vector(name: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let folder = std::env::var_os("PRAG_VECTORS").map_or_else(|| beside.into(), PathBuf::from);
    if folder.is_dir() {
        return Some(std::fs::read(folder.join(name)).expect("the folder of vectors is whole"));
    }
    eprintln!("skipped: no vectors at {} (set PRAG_VECTORS)", folder.display());
    None
}

/// The folder of a crate that `manifest_folder`'s package is built with.
#[must_use]
pub fn package(manifest_folder: &str, name: &str) -> Option<PathBuf> {
    // Crates of other platforms were never downloaded; without the filter cargo would ask for them.
    let version = Command::new("rustc").arg("-vV").output().ok()?;
    let version = String::from_utf8(version.stdout).ok()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "))?;
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host])
        .current_dir(manifest_folder)
        .output()
        .ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let mut packages = metadata["packages"].as_array()?.iter();
    let found = packages.find(|package| package["name"] == name)?;
    Some(Path::new(found["manifest_path"].as_str()?).parent()?.to_owned())
}
