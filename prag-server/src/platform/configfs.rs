//! Evidence of the CPU, through Linux' configfs-tsm.
//!
//! Layer: server, `platform`.
//! Holds: one question to the kernel: a folder, 64 bytes in, the report out.
//! Never: a folder left behind, a report to another question, a part without a bound.
//! Invariant: between our write and the last read nobody else wrote, or there is no evidence.
//!
//! Source: Linux, `Documentation/ABI/testing/configfs-tsm-report`.

#[cfg(test)]
mod tests;

use super::{PlatformError, bounded};
use prag_trust::entropy::{Entropy, random};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What the kernel gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What `outblob` is.
    pub provider: Provider,
    /// TDX: a quote. SEV-SNP: a report. 1..=[`BLOB_BYTES_MAX`] bytes.
    pub outblob: Vec<u8>,
    /// SEV-SNP: the host's certificate table, if it has one. At most [`BLOB_BYTES_MAX`] bytes.
    pub auxblob: Option<Vec<u8>>,
}

/// Which kind of guest this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `tdx_guest`.
    Tdx,
    /// `sev_guest`.
    Snp,
}

/// Ask the kernel behind `files` for evidence that binds `inblob`.
///
/// `root`: usually [`ROOT`]. Blocks for as long as the host takes, milliseconds to seconds; call it off the async
/// runtime. Several may ask at once, each in a folder of its own.
///
/// # Errors
/// [`PlatformError`]; only `Race` and some of `Io` (`ResourceBusy`, `Interrupted`, `TimedOut`) are worth a retry.
pub fn report(
    files: &dyn Files,
    root: &Path,
    inblob: &[u8; 64],
    entropy: &mut dyn Entropy,
) -> Result<Report, PlatformError> {
    for _ in 0..ATTEMPTS_MAX {
        let name: [u8; 16] = random(entropy).map_err(|_| PlatformError::Entropy)?;
        let folder = Folder::create(files, root, &name)?;
        if let Some(report) = folder.ask(inblob)? {
            return Ok(report);
        }
    }
    Err(PlatformError::Race(root.join("report")))
}

/// Our folder; it goes when this goes.
struct Folder<'a> {
    files: &'a dyn Files,
    path: PathBuf,
}

impl<'a> Folder<'a> {
    fn create(files: &'a dyn Files, root: &Path, name: &[u8; 16]) -> Result<Self, PlatformError> {
        let parent = root.join("report");
        let path = parent.join(format!("prag-{}", hex::encode(name)));
        match files.create(&path) {
            Ok(()) => Ok(Self { files, path }),
            Err(error) => Err(match error.kind() {
                // ENXIO: the kernel's answer while no driver is registered. Other kinds have no name for it.
                _ if error.raw_os_error() == Some(ENXIO) => PlatformError::NoDriver(parent),
                ErrorKind::NotFound => PlatformError::Absent(parent),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    PlatformError::Denied(parent)
                }
                kind => PlatformError::Io("a folder for the report", kind),
            }),
        }
    }

    /// The report, or nothing if somebody else wrote here meanwhile.
    fn ask(&self, inblob: &[u8; 64]) -> Result<Option<Report>, PlatformError> {
        let before = self.generation()?;
        self.files
            .write(&self.path.join("inblob"), inblob)
            .map_err(|e| PlatformError::Io("inblob", e.kind()))?;
        let provider = match self.text("provider")?.as_str() {
            "tdx_guest" => Provider::Tdx,
            "sev_guest" => Provider::Snp,
            other => return Err(PlatformError::Provider(other.escape_default().to_string())),
        };
        let outblob = self.read("outblob", BLOB_BYTES_MAX)?;
        let outblob = outblob.ok_or(PlatformError::Io("outblob", ErrorKind::NotFound))?;
        let auxblob = self.read("auxblob", BLOB_BYTES_MAX)?.filter(|aux| !aux.is_empty());
        // The kernel takes the bytes when the file is closed and cannot say then that it failed; the count can.
        if before.checked_add(1) != Some(self.generation()?) {
            return Ok(None);
        }
        if outblob.is_empty() {
            return Err(PlatformError::Malformed("outblob"));
        }
        Ok(Some(Report { provider, outblob, auxblob }))
    }

    fn generation(&self) -> Result<u64, PlatformError> {
        self.text("generation")?.parse().map_err(|_| PlatformError::Malformed("generation"))
    }

    fn text(&self, name: &'static str) -> Result<String, PlatformError> {
        let bytes = self.read(name, TEXT_BYTES_MAX)?;
        let bytes = bytes.ok_or(PlatformError::Io(name, ErrorKind::NotFound))?;
        let text = String::from_utf8(bytes).map_err(|_| PlatformError::Malformed(name))?;
        Ok(text.trim_end().to_owned())
    }

    /// Nothing where there is no such file.
    fn read(&self, name: &'static str, max: usize) -> Result<Option<Vec<u8>>, PlatformError> {
        match File::open(self.path.join(name)) {
            Ok(file) => bounded(file, name, max).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PlatformError::Io(name, error.kind())),
        }
    }
}

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.files.remove(&self.path) {
            tracing::warn!(path = %self.path.display(), kind = %error.kind(), "folder of a report stays");
        }
    }
}

/// What the kernel answers to by making, changing and removing files; tests pretend to be it.
pub trait Files {
    /// A folder, with its files.
    ///
    /// # Errors
    /// What `mkdir` says.
    fn create(&self, folder: &Path) -> io::Result<()>;
    /// All of `bytes` at once, into a file that is there.
    ///
    /// # Errors
    /// What `open` and `write` say.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;
    /// A folder, with its files.
    ///
    /// # Errors
    /// What `rmdir` says.
    fn remove(&self, folder: &Path) -> io::Result<()>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

impl Files for Kernel {
    fn create(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).open(file)?.write_all(bytes)
    }

    fn remove(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }
}

/// Where Linux shows it.
pub const ROOT: &str = "/sys/kernel/config/tsm";
/// One part of a report; the kernel's own bound was 32 KiB when it came.
pub const BLOB_BYTES_MAX: usize = 64 << 10;
const TEXT_BYTES_MAX: usize = 64;
const ATTEMPTS_MAX: usize = 3;
const ENXIO: i32 = 6;
