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
    let folder = std::env::var_os("PRAG_VECTORS").map(PathBuf::from).or_else(beside)?;
    if folder.is_dir() {
        return Some(std::fs::read(folder.join(name)).expect("the folder of vectors is whole"));
    }
    eprintln!("skipped: no vectors at {} (set PRAG_VECTORS)", folder.display());
    None
}

/// `shared/vectors` in a folder around the one that this runs in: a test runs in its package's.
fn beside() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|folder| folder.join("shared/vectors")).find(|at| at.is_dir());
    if found.is_none() {
        eprintln!("skipped: no shared/vectors around {} (set PRAG_VECTORS)", here.display());
    }
    found
}

/// The folder of a crate that the workspace around this process's folder is built with.
#[must_use]
pub fn package(name: &str) -> Option<PathBuf> {
    // For this platform only: of other platforms' crates a fresh machine has fetched none, and offline none comes.
    let platform = host()?;
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform"];
    let output = Command::new("cargo").args(arguments).arg(platform).output().ok()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    let mut packages = metadata["packages"].as_array()?.iter();
    let found = packages.find(|package| package["name"] == name)?;
    Some(Path::new(found["manifest_path"].as_str()?).parent()?.to_owned())
}

/// This machine's target triple.
fn host() -> Option<String> {
    let output = Command::new("rustc").arg("-vV").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}
