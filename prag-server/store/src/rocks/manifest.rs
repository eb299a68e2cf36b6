//! RocksDB's list of its files, watched from outside.
//!
//! Layer: `prag-store`, RocksDB engine.
//! Holds: which MANIFEST is current, its length, and a digest of its bytes, kept up as it grows.
//! Never: parses it.
//! Invariant: what was seen is durable: a list that grew is synced before it is told.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The list at one moment. It is only appended to, or replaced by one of a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Of the file `MANIFEST-…`.
    pub(super) number: u64,
    /// Bytes.
    pub(super) len: u64,
    /// First half of the BLAKE3 of those bytes.
    pub(super) digest: [u8; 16],
}

/// Length of a [`Listed`] on disk.
pub(super) const LEN: usize = 32;

impl Listed {
    /// Number, length (big-endian), digest.
    pub(super) fn to_bytes(self) -> [u8; LEN] {
        let mut out = [0; LEN];
        out[..8].copy_from_slice(&self.number.to_be_bytes());
        out[8..16].copy_from_slice(&self.len.to_be_bytes());
        out[16..].copy_from_slice(&self.digest);
        out
    }

    pub(super) fn from_bytes(bytes: [u8; LEN]) -> Self {
        let word =
            |at: usize| bytes[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let mut digest = [0; 16];
        digest.copy_from_slice(&bytes[16..]);
        Self { number: word(0), len: word(8), digest }
    }
}

/// A reader that keeps up with the list.
pub(super) struct Watch {
    folder: PathBuf,
    number: u64,
    len: u64,
    hasher: blake3::Hasher,
}

impl Watch {
    /// Of the database in `folder`; reads nothing yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), number: 0, len: 0, hasher: blake3::Hasher::new() }
    }

    /// The list as it is now. Reads what was added, and syncs it.
    pub(super) fn look(&mut self) -> io::Result<Listed> {
        let file = self.turn_to(self.current()?)?;
        let len = file.metadata()?.len();
        if len > self.len {
            file.sync_data()?;
            self.read_to(&file, len)?;
        }
        Ok(self.listed())
    }

    /// Whether the list holds all of what was noted: the same bytes and perhaps more, or a newer list.
    pub(super) fn confirms(&mut self, noted: Listed) -> io::Result<bool> {
        let current = self.current()?;
        if current != noted.number {
            return Ok(current > noted.number);
        }
        let file = self.turn_to(current)?;
        if file.metadata()?.len() < noted.len {
            return Ok(false);
        }
        self.read_to(&file, noted.len)?;
        Ok(self.listed() == noted)
    }

    fn listed(&self) -> Listed {
        let mut digest = [0; 16];
        digest.copy_from_slice(&self.hasher.finalize().as_bytes()[..16]);
        Listed { number: self.number, len: self.len, digest }
    }

    fn turn_to(&mut self, number: u64) -> io::Result<File> {
        if number != self.number {
            (self.number, self.len) = (number, 0);
            self.hasher.reset();
        }
        File::open(self.folder.join(format!("{PREFIX}{number:06}")))
    }

    fn read_to(&mut self, file: &File, len: u64) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        while self.len < len {
            let want =
                usize::try_from(len - self.len).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            file.read_exact_at(&mut piece[..want], self.len)?;
            self.hasher.update(&piece[..want]);
            self.len += want as u64;
        }
        Ok(())
    }

    /// The number in the file `CURRENT`.
    fn current(&self) -> io::Result<u64> {
        let mut bytes = [0; 64];
        let read = File::open(self.folder.join("CURRENT"))?.read_at(&mut bytes, 0)?;
        let name = std::str::from_utf8(&bytes[..read]).ok();
        let number =
            name.and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix('\n')?.parse().ok());
        // As if it were not there: the caller takes both for damage.
        number.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

const PREFIX: &str = "MANIFEST-";
const PIECE_BYTES: usize = 64 << 10;
