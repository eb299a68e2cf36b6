//! The machine's own evidence: from the kernel, from vendors' servers, and from a helper for the GPU; its sealing key.
//!
//! Layer: server, below `boot`; of the server it knows the names of sources in `settings`, and `files`.
//! Holds: how evidence is asked for, with bounds on what comes back.
//! Never: a judgement of what came back; `trust` verifies it, on both sides.
//! Invariant: the host answers within the bounds, or the question failed.

mod attester;
mod cache;
mod collateral;
pub mod configfs;
mod fetch;
pub mod gpu;
mod sealing;
mod vcek;

pub use attester::Attester;
pub use sealing::sealing_root;

use prag_trust::quote::QuoteError;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Why there is no evidence, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// The kernel has no such folder.
    #[error(
        "no {0}: run inside a TDX or SEV-SNP guest with Linux 6.7 or newer, load its driver (`modprobe tdx_guest` or \
         `modprobe sev-guest`), and mount configfs (`mount -t configfs none /sys/kernel/config`)"
    )]
    Absent(PathBuf),
    /// The folder is there, and no driver behind it.
    #[error("no driver gives evidence at {0}: `modprobe tdx_guest` or `modprobe sev-guest`")]
    NoDriver(PathBuf),
    /// Not for this user.
    #[error(
        "no access to {0}: let the worker's user make folders there, or run the worker as root"
    )]
    Denied(PathBuf),
    /// Neither TDX nor SEV-SNP.
    #[error("evidence of provider `{0}` is not supported: `tdx_guest` and `sev_guest` are")]
    Provider(String),
    /// Somebody else wrote to our folder each time. Worth a retry.
    #[error("the evidence changed while it was read: another process writes to {0}")]
    Race(PathBuf),
    /// Too much came back.
    #[error("{what} has more than {max} bytes")]
    Size {
        /// Which part.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// Not what it should be.
    #[error("{0} is empty or malformed")]
    Malformed(&'static str),
    /// Reading or writing failed. Worth a retry where the kind says so.
    #[error("cannot use {0}: {1}")]
    Io(&'static str, ErrorKind),
    /// No randomness for a name.
    #[error("no entropy")]
    Entropy,
    /// The helper for the GPU did not start, or ended with an error.
    #[error("the GPU helper `{0}` {1}: run it by hand with PRAG_GPU_NONCE set to 64 hex digits")]
    Helper(String, &'static str),
    /// Nobody was named who has the vendor's part.
    #[error("{0}")]
    Unset(&'static str),
    /// A configured file cannot be read.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, ErrorKind),
    /// A vendor's server, or one that speaks for it. Worth a retry.
    #[error("{0}: {1}; see `evidence` in the settings")]
    Fetch(&'static str, &'static str),
    /// The kernel's or the host's answer does not say what it must.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The processor gave no sealing key.
    #[error("no sealing key from the processor: {0}")]
    Sealing(&'static str),
}

/// A configured file, of at most `max` bytes.
fn file(path: &Path, what: &'static str, max: usize) -> Result<Vec<u8>, PlatformError> {
    let file = File::open(path).map_err(|e| PlatformError::Read(path.to_owned(), e.kind()))?;
    bounded(file, what, max)
}

/// All of `source`, at most `max` bytes.
fn bounded(source: impl Read, what: &'static str, max: usize) -> Result<Vec<u8>, PlatformError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes).map_err(|e| PlatformError::Io(what, e.kind()))?;
    if bytes.len() > max { Err(PlatformError::Size { what, max }) } else { Ok(bytes) }
}
