//! The term index in bytes.
//!
//! Layer: index.
//! Holds: tantivy's few files by name, and the check of everything that a search will read.
//! Never: trusts tantivy with hostile bytes unguarded: it may panic on them, so it reads them all
//! once, under guard, before the segment serves.
//! Invariant: an index that was read answers any query without a panic.

use super::Words;
use crate::analyze::Analyzer;
use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tantivy::directory::{Directory, RamDirectory};
use tantivy::index::SegmentComponent;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED};

impl Words {
    /// # Errors
    /// [`IndexError::Words`] where tantivy has lost a file.
    pub(crate) fn to_bytes(&self, rows: u32) -> Result<Vec<u8>, IndexError> {
        let mut writer = Writer::new(PartName::Words, rows);
        writer.bytes(self.analyzer.version().as_bytes());
        writer.numbers(&self.lengths);
        let files = self.files()?;
        writer.number(u32::try_from(files.len()).map_err(|_| IndexError::Words)?);
        for path in files {
            let name = path.to_str().ok_or(IndexError::Words)?;
            let slice = self.directory.open_read(&path).map_err(|_| IndexError::Words)?;
            let bytes = slice.read_bytes().map_err(|_| IndexError::Words)?;
            writer.bytes(name.as_bytes());
            writer.bytes(&bytes);
        }
        Ok(writer.into_bytes())
    }

    /// # Errors
    /// [`IndexError::Format`] for an unknown analyser; [`IndexError::Corrupt`] where the bytes are no
    /// term index over `expected` rows.
    pub(crate) fn from_bytes(bytes: &[u8], expected: u32) -> Result<Self, IndexError> {
        let (mut reader, rows) = Reader::new(PartName::Words, bytes)?;
        let corrupt = reader.corrupt();
        let version = std::str::from_utf8(reader.bytes()?).map_err(|_| corrupt)?;
        let analyzer = Analyzer::of_version(version).ok_or(IndexError::Format(PartName::Words))?;
        let lengths = reader.numbers()?;
        let files = reader.number()?;
        if rows != expected || lengths.len() != rows as usize || files > FILES_MAX {
            return Err(corrupt);
        }
        let directory = RamDirectory::create();
        for _ in 0..files {
            let name = reader.bytes()?;
            let known = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
            let name = std::str::from_utf8(name).map_err(|_| corrupt)?;
            if !known || name.len() > NAME_BYTES_MAX {
                return Err(corrupt);
            }
            let bytes = reader.bytes()?;
            directory.atomic_write(Path::new(name), bytes).map_err(|_| corrupt)?;
        }
        reader.end()?;
        catch_unwind(AssertUnwindSafe(|| {
            let words = Self::open(directory, lengths, analyzer).map_err(|_| corrupt)?;
            if words.is_sound() { Ok(words) } else { Err(corrupt) }
        }))
        .unwrap_or(Err(corrupt))
    }

    fn files(&self) -> Result<Vec<PathBuf>, IndexError> {
        let index = tantivy::Index::open(self.directory.clone()).map_err(|_| IndexError::Words)?;
        let metas = index.searchable_segment_metas().map_err(|_| IndexError::Words)?;
        let mut files: Vec<PathBuf> = vec![PathBuf::from("meta.json")];
        for meta in metas {
            let there = |path: &PathBuf| self.directory.exists(path).unwrap_or(false);
            files.extend(COMPONENTS.into_iter().map(|of| meta.relative_path(of)).filter(there));
        }
        files.sort();
        Ok(files)
    }

    /// Read every term and every posting once.
    fn is_sound(&self) -> bool {
        let rows = self.lengths.len();
        let Ok(mut stream) = self.terms.terms().stream() else {
            return false;
        };
        while let Some((_, info)) = stream.next() {
            let option = IndexRecordOption::WithFreqs;
            let Ok(mut postings) = self.terms.read_postings_from_terminfo(info, option) else {
                return false;
            };
            let mut count = 0u32;
            let mut next = 0u32;
            while postings.doc() != TERMINATED {
                let doc = postings.doc();
                if doc < next || doc as usize >= rows || postings.term_freq() == 0 {
                    return false;
                }
                next = doc + 1;
                count += 1;
                postings.advance();
            }
            if count == 0 || count != info.doc_freq {
                return false;
            }
        }
        true
    }
}

/// What a segment without deletes and plugins consists of.
const COMPONENTS: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::Terms,
    SegmentComponent::Store,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
];
const FILES_MAX: u32 = 32;
const NAME_BYTES_MAX: usize = 64;
