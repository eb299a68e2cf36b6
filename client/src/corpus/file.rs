//! The sealed corpus file: header, records, manifest.
//!
//! Layer: client, below `corpus`.
//! Holds: the file's frozen layout, written to the end before it gets its name, read record by record.
//! Never: more than one record in memory.
//! Invariant: a file with a name is complete.
//!
//! Layout, integers big-endian: magic `PRAGCORP` 8, version 2 (= 1), corpus id 16, records 8, offset of
//! the manifest 8; then each record as length 4 and sealed bytes; then the manifest in the same way.

use super::{CORPUS_EPOCH, CorpusError, MANIFEST_BYTES_MAX, RECORD_BYTES_MAX};
use prag_protocol::CollectionId;
use prag_protocol::limits::CORPUS_RECORDS_MAX;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The first 42 bytes of a sealed corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The corpus.
    pub corpus: CollectionId,
    /// How many records follow.
    pub records: u64,
    /// Where the manifest starts, bytes from the start.
    pub manifest_at: u64,
}

impl Header {
    /// Length of a header.
    pub const BYTES: usize = 42;

    /// The frozen layout.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0u8; Self::BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&VERSION.to_be_bytes());
        out[10..26].copy_from_slice(&self.corpus.0);
        out[26..34].copy_from_slice(&self.records.to_be_bytes());
        out[34..].copy_from_slice(&self.manifest_at.to_be_bytes());
        out
    }

    /// Reads [`Header::to_bytes`] back.
    ///
    /// # Errors
    /// [`CorpusError::Format`] for another magic or version, or more records than allowed.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, CorpusError> {
        let parse = || -> Option<Self> {
            let rest = bytes.strip_prefix(&MAGIC[..])?;
            let rest = rest.strip_prefix(&VERSION.to_be_bytes()[..])?;
            let (corpus, rest) = rest.split_first_chunk::<16>()?;
            let (records, rest) = rest.split_first_chunk::<8>()?;
            let records = u64::from_be_bytes(*records);
            (records <= CORPUS_RECORDS_MAX as u64).then_some(())?;
            Some(Self {
                corpus: CollectionId(*corpus),
                records,
                manifest_at: u64::from_be_bytes(rest.try_into().ok()?),
            })
        };
        parse().ok_or(CorpusError::Format)
    }
}

/// Writes a corpus file; it gets its name when [`CorpusWriter::finish`] returns.
pub struct CorpusWriter {
    out: BufWriter<File>,
    staged: PathBuf,
    target: PathBuf,
    header: Header,
    finished: bool,
}

impl CorpusWriter {
    /// Starts a file that will be named `target`.
    ///
    /// # Errors
    /// [`CorpusError::File`].
    pub fn create(target: &Path, corpus: CollectionId) -> Result<Self, CorpusError> {
        let mut name = target.file_name().ok_or(CorpusError::File)?.to_owned();
        name.push(".part");
        let staged = target.with_file_name(name);
        let file = File::create(&staged).map_err(|_| CorpusError::File)?;
        let mut writer = Self {
            out: BufWriter::new(file),
            staged,
            target: target.to_owned(),
            header: Header { corpus, records: 0, manifest_at: Header::BYTES as u64 },
            finished: false,
        };
        writer.write(&[0; Header::BYTES])?;
        Ok(writer)
    }

    /// The number that the next record must be sealed at.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.header.records
    }

    /// Appends a sealed record.
    ///
    /// # Errors
    /// [`CorpusError::TooLarge`], or [`CorpusError::File`] (the file is then lost).
    pub fn append(&mut self, sealed: &[u8]) -> Result<(), CorpusError> {
        let full = self.header.records >= CORPUS_RECORDS_MAX as u64;
        if full || sealed.len() > RECORD_BYTES_MAX {
            return Err(CorpusError::TooLarge(self.header.records));
        }
        self.write_framed(sealed)?;
        self.header.records += 1;
        self.header.manifest_at += 4 + sealed.len() as u64;
        Ok(())
    }

    /// Appends the sealed manifest, makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`CorpusError::File`]; nothing has the name then.
    pub fn finish(mut self, manifest: &[u8]) -> Result<Header, CorpusError> {
        self.write_framed(manifest)?;
        let header = self.header.to_bytes();
        let place = |out: &mut BufWriter<File>| {
            out.seek(SeekFrom::Start(0))?;
            out.write_all(&header)?;
            out.flush()?;
            out.get_ref().sync_all()
        };
        place(&mut self.out).map_err(|_| CorpusError::File)?;
        std::fs::rename(&self.staged, &self.target).map_err(|_| CorpusError::File)?;
        self.finished = true;
        Ok(self.header)
    }

    fn write_framed(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        let length = u32::try_from(bytes.len()).map_err(|_| CorpusError::File)?;
        self.write(&length.to_be_bytes())?;
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CorpusError> {
        self.out.write_all(bytes).map_err(|_| CorpusError::File)
    }
}

impl Drop for CorpusWriter {
    fn drop(&mut self) {
        if !self.finished {
            // A leftover `.part` file is harmless: it is sealed, and the next run replaces it.
            let _ = std::fs::remove_file(&self.staged);
        }
    }
}

/// Reads a corpus file, one record at a time.
pub struct CorpusReader {
    input: BufReader<File>,
    header: Header,
    manifest: Vec<u8>,
    next: u64,
    at: u64,
}

impl CorpusReader {
    /// Whether the file begins like a sealed corpus.
    #[must_use]
    pub fn recognises(path: &Path) -> bool {
        let mut magic = [0u8; 8];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
        read.is_ok() && &magic == MAGIC
    }

    /// Opens a file and reads its header and sealed manifest.
    ///
    /// # Errors
    /// [`CorpusError::Format`], [`CorpusError::Length`], [`CorpusError::File`].
    pub fn open(path: &Path) -> Result<Self, CorpusError> {
        let file = File::open(path).map_err(|_| CorpusError::File)?;
        let length = file.metadata().map_err(|_| CorpusError::File)?.len();
        let mut input = BufReader::new(file);
        let mut bytes = [0u8; Header::BYTES];
        input.read_exact(&mut bytes).map_err(|_| CorpusError::Format)?;
        let header = Header::from_bytes(&bytes)?;
        if header.manifest_at < Header::BYTES as u64 || header.manifest_at >= length {
            return Err(CorpusError::Length);
        }
        seek(&mut input, header.manifest_at)?;
        let manifest = read_framed(&mut input, MANIFEST_BYTES_MAX, CorpusError::Manifest)?;
        if header.manifest_at + 4 + manifest.len() as u64 != length {
            return Err(CorpusError::Length);
        }
        let at = Header::BYTES as u64;
        seek(&mut input, at)?;
        Ok(Self { input, header, manifest, next: 0, at })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// The sealed manifest.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The next sealed record with its number; `None` after the last.
    ///
    /// # Errors
    /// [`CorpusError::Length`] or [`CorpusError::TooLarge`]; stop reading then.
    pub fn next_record(&mut self) -> Result<Option<(u64, Vec<u8>)>, CorpusError> {
        if self.next == self.header.records {
            let complete = self.at == self.header.manifest_at;
            return if complete { Ok(None) } else { Err(CorpusError::Length) };
        }
        let number = self.next;
        let too_large = CorpusError::TooLarge(number);
        let sealed = read_framed(&mut self.input, RECORD_BYTES_MAX, too_large)?;
        self.at += 4 + sealed.len() as u64;
        if self.at > self.header.manifest_at {
            return Err(CorpusError::Length);
        }
        self.next += 1;
        Ok(Some((number, sealed)))
    }
}

fn read_framed(
    input: &mut impl Read,
    limit: usize,
    over: CorpusError,
) -> Result<Vec<u8>, CorpusError> {
    let mut length = [0u8; 4];
    input.read_exact(&mut length).map_err(|_| CorpusError::Length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        return Err(over);
    }
    let mut bytes = vec![0u8; length];
    input.read_exact(&mut bytes).map_err(|_| CorpusError::Length)?;
    Ok(bytes)
}

fn seek(input: &mut BufReader<File>, to: u64) -> Result<(), CorpusError> {
    input.seek(SeekFrom::Start(to)).map(drop).map_err(|_| CorpusError::File)
}

const MAGIC: &[u8; 8] = b"PRAGCORP";
const VERSION: u16 = 1;
const _: () = assert!(CORPUS_EPOCH == 1, "version 1 of the file has one epoch");
