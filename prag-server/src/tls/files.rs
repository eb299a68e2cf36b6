//! A certificate and its key in files that somebody else replaces.
//!
//! Layer: inside `tls`.
//! Holds: two PEM files, and a hash over their bytes as they were last looked at.
//! Never: an unbounded read; a second try of the same bytes.
//! Invariant: a pair is used only if both halves parse and fit; a pair that is half replaced waits for its other half.

use super::{Served, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// The files. Their contents decide, not their times: a clock or a copy may keep those.
pub(super) struct Files {
    /// The first that is there counts.
    certificates: Vec<PathBuf>,
    key: PathBuf,
    /// BLAKE3 over both, as last tried.
    tried: Mutex<[u8; 32]>,
}

impl Files {
    /// The pair that is there now.
    pub(super) fn open(
        certificates: Vec<PathBuf>,
        key: PathBuf,
    ) -> Result<(Self, Served), TlsError> {
        let files = Self { certificates, key, tried: Mutex::new([0; 32]) };
        // Nothing has these bytes: a hash of zeros is found by nobody.
        let served = files.changed()?.ok_or(TlsError::Mismatch)?;
        Ok((files, served))
    }

    /// The pair, if its bytes are others than those that were tried last.
    pub(super) fn changed(&self) -> Result<Option<Served>, TlsError> {
        let (path, chain) = self.chain()?;
        let key = Zeroizing::new(read(&self.key)?);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(chain.len() as u64).to_be_bytes()).update(&chain).update(&key);
        {
            let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut *tried, *hasher.finalize().as_bytes())
                == *hasher.finalize().as_bytes()
            {
                return Ok(None);
            }
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .take(CERTIFICATES_MAX + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Malformed(path.clone(), "certificate in PEM"))?;
        if chain.is_empty() || chain.len() > CERTIFICATES_MAX {
            return Err(TlsError::Malformed(path, "chain of 1 to 10 certificates in PEM"));
        }
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| TlsError::Malformed(self.key.clone(), "private key in PEM"))?;
        Served::new(chain, key, u64::MAX).map(Some)
    }

    fn chain(&self) -> Result<(PathBuf, Vec<u8>), TlsError> {
        let mut first = None;
        for path in &self.certificates {
            match read(path) {
                Ok(bytes) => return Ok((path.clone(), bytes)),
                Err(error @ TlsError::Unreadable(_, ErrorKind::NotFound)) => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or(TlsError::Mismatch))
    }
}

/// All of a file, within its bound.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: std::io::Error| TlsError::Unreadable(path.to_owned(), error.kind());
    let mut bytes = Vec::with_capacity(FILE_BYTES_MAX + 1);
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(TlsError::Malformed(path.to_owned(), "PEM of at most 64 KiB"));
    }
    Ok(bytes)
}

const FILE_BYTES_MAX: usize = 64 << 10;
const CERTIFICATES_MAX: usize = 10;
