//! The certificate that the worker serves, and its key.
//!
//! Layer: beside `channel`, below `http` and `flow`; knows the settings and the clock only.
//! Holds: where the pair comes from, the one that is served now, and its replacement while connections go on.
//! Never: key bytes in a log line or an error, a born key on disk, a pair whose halves do not fit, a resumed session.
//! Invariant: [`Certificates::spki_sha256`] is of the pair that the next handshake shows.

mod born;
mod files;
#[cfg(test)]
mod tests;

use crate::settings::Tls;
use files::Files;
use prag_trust::entropy::Clock;
use prag_trust::evidence::ConnectionKey;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use zeroize::Zeroize;

/// Why there is no certificate, or no newer one. Never with bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("TLS: cannot read {0}: {1}")]
    Unreadable(PathBuf, ErrorKind),
    /// A file does not hold what it should, or too much of it; perhaps it is half-written.
    #[error("TLS: {0} holds no {1}")]
    Malformed(PathBuf, &'static str),
    /// The key is not the certificate's; perhaps only one of the two files was replaced.
    #[error("TLS: the key does not belong to the certificate")]
    Mismatch,
    /// The key is of a kind that is not spoken here.
    #[error("TLS: the key is not usable: RSA, ECDSA on P-256 or P-384, and Ed25519 are")]
    Key,
    /// No key could be made.
    #[error("TLS: no key could be made")]
    Born,
    /// The TLS library refuses its own defaults.
    #[error("TLS: cannot be set up")]
    Setup,
}

/// The worker's certificate, as every handshake finds it.
pub struct Certificates {
    source: Source,
    clock: Arc<dyn Clock>,
    served: RwLock<Served>,
    /// One replacement at a time.
    replacing: Mutex<()>,
}

enum Source {
    Born,
    Files(Files),
}

/// A pair, and when to look for another.
struct Served {
    pair: Arc<CertifiedKey>,
    spki_sha256: [u8; 32],
    /// Unix seconds at which a born key is replaced.
    until: u64,
}

impl Certificates {
    /// The first certificate. Reads files; blocks.
    ///
    /// # Errors
    /// [`TlsError`]: without a usable pair nothing is served.
    pub fn open(settings: &Tls, clock: Arc<dyn Clock>) -> Result<Arc<Self>, TlsError> {
        let (source, served) = match settings {
            Tls::Born {} => (Source::Born, born::pair(clock.now())?),
            Tls::Files { certificate, key } => {
                let (files, served) = Files::open(vec![certificate.clone()], key.clone())?;
                (Source::Files(files), served)
            }
            Tls::Secretvm { folder } => {
                let certificates = SECRET_VM_CERTIFICATES.map(|name| folder.join(name));
                let key = folder.join(SECRET_VM_KEY);
                let (files, served) = Files::open(certificates.to_vec(), key)?;
                (Source::Files(files), served)
            }
        };
        let (served, replacing) = (RwLock::new(served), Mutex::default());
        Ok(Arc::new(Self { source, clock, served, replacing }))
    }

    /// SHA-256 of the SPKI of the certificate that is served now.
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        self.served.read().unwrap_or_else(PoisonError::into_inner).spki_sha256
    }

    /// Look for another pair, and serve it from the next handshake on; true if there was one. Reads files; blocks.
    ///
    /// # Errors
    /// [`TlsError`]: what was served stays. The same bad files are reported once.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = match &self.source {
            Source::Born => {
                let now = self.clock.now();
                let due = now >= self.served.read().unwrap_or_else(PoisonError::into_inner).until;
                if due { Some(born::pair(now)?) } else { None }
            }
            Source::Files(files) => files.changed()?,
        };
        let Some(newer) = newer else { return Ok(false) };
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = newer;
        Ok(true)
    }

    /// Refresh every two seconds, as long as this lives. Needs a runtime.
    pub fn keep_fresh(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut last = None;
            loop {
                tokio::time::sleep(POLL).await;
                let Some(this) = weak.upgrade() else { return };
                let found = tokio::task::spawn_blocking(move || this.refresh()).await;
                match found {
                    Ok(Ok(true)) => tracing::info!("another TLS certificate is served"),
                    Ok(Ok(false)) => continue,
                    Ok(Err(error)) if last.as_ref() != Some(&error) => {
                        tracing::warn!(%error, "the TLS certificate stays as it was");
                        last = Some(error);
                        continue;
                    }
                    Ok(Err(_)) => continue,
                    Err(_) => tracing::warn!("looking for another TLS certificate failed"),
                }
                last = None;
            }
        });
    }

    /// What the listener speaks: TLS 1.3, HTTP/1.1, and a whole handshake each time, so that each proves the key.
    ///
    /// # Errors
    /// [`TlsError::Setup`].
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .map_err(|_| TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&served.pair))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Certificates")
    }
}

impl Served {
    /// A chain, its leaf first, and the key of the leaf. `key` is wiped.
    fn new(
        chain: Vec<CertificateDer<'static>>,
        mut key: PrivateKeyDer<'static>,
        until: u64,
    ) -> Result<Self, TlsError> {
        let signing = ring::sign::any_supported_type(&key).map_err(|_| TlsError::Key);
        key.zeroize();
        let pair = CertifiedKey::new(chain, signing?);
        // A key that does not say which it is would pass `keys_match` as unknown; none of ring's does.
        pair.keys_match().map_err(|_| TlsError::Mismatch)?;
        let leaf = pair.end_entity_cert().map_err(|_| TlsError::Mismatch)?;
        let parsed = ParsedCertificate::try_from(leaf).map_err(|_| TlsError::Mismatch)?;
        let spki_sha256 =
            ConnectionKey::of_handshake(&parsed.subject_public_key_info()).spki_sha256();
        Ok(Self { pair: Arc::new(pair), spki_sha256, until })
    }
}

/// Where SecretVM keeps what it got or made at its start: the chain, or the certificate alone.
/// Source: scrtlabs `secret-vm-build`, `secret-vm-generate-cert.sh`.
const SECRET_VM_CERTIFICATES: [&str; 2] = ["secret_vm_fullchain.pem", "secret_vm_cert.pem"];
const SECRET_VM_KEY: &str = "secret_vm_private.pem";
const POLL: Duration = Duration::from_secs(2);
