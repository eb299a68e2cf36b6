//! Connections to one worker, which all show the TLS key that the first of them showed.
//!
//! Layer: client, below `attest` and `channel`.
//! Holds: the transport of one session, and what its first handshake proved.
//! Never: trust in a certificate: whoever asks compares the key with evidence, or has the certificate judged.
//! Invariant: over one transport there is one key. What was verified on a connection is said on no other party's.

use crate::error::ClientError;
use prag_trust::evidence::ConnectionKey;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The connections of one session.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    /// Absent over plain HTTP.
    key: Option<Arc<OneKey>>,
}

/// Takes the first key that proves itself, and from then on no other.
#[derive(Debug)]
struct OneKey {
    provider: Arc<CryptoProvider>,
    first: OnceLock<Shown>,
    /// Handshakes come one by one, so that there is a first.
    deciding: Mutex<()>,
    moved: AtomicBool,
}

/// What the first handshake showed.
#[derive(Debug)]
struct Shown {
    key: ConnectionKey,
    chain: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
    time: UnixTime,
}

impl Transport {
    /// A transport to `base` on which nothing was said yet.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] where it cannot be set up.
    pub(crate) fn open(base: &str) -> Result<Self, ClientError> {
        let failed = || ClientError::Unreachable {
            url: base.to_owned(),
            reason: "the transport cannot be set up",
        };
        // Another part of the process may have installed a provider: this one is named where it is used.
        let _ = ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT);
        let key = base.starts_with("https://").then(|| Arc::new(OneKey::new()));
        builder = match &key {
            Some(key) => builder.tls_backend_preconfigured(key.config().map_err(|_| failed())?),
            // No TLS is spoken, so the system's certificates need not be there.
            None => builder.tls_certs_only(std::iter::empty()),
        };
        let host = base.split_once("://").map_or("", |(_, authority)| authority);
        if ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local)) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| failed())?;
        Ok(Self { http, key })
    }

    /// What sends requests.
    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The key that every connection of this transport has proved; none over plain HTTP, or before the first.
    pub(crate) fn connection(&self) -> Option<ConnectionKey> {
        self.key.as_ref()?.first.get().map(|shown| shown.key)
    }

    /// Whether the first certificate is one that this machine's roots vouch for, by the name in the URL.
    pub(crate) fn publicly_trusted(&self) -> bool {
        let Some(key) = &self.key else { return false };
        let Some(Shown { chain, name, time, .. }) = key.first.get() else { return false };
        let Some((leaf, others)) = chain.split_first() else { return false };
        rustls_platform_verifier::Verifier::new(Arc::clone(&key.provider))
            .and_then(|roots| roots.verify_server_cert(leaf, others, name, &[], *time))
            .is_ok()
    }

    /// Whether a later handshake showed another key and was ended: nothing was said on that connection.
    pub(crate) fn moved(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.moved.load(Ordering::Relaxed))
    }
}

impl OneKey {
    fn new() -> Self {
        Self {
            provider: Arc::new(ring::default_provider()),
            first: OnceLock::new(),
            deciding: Mutex::default(),
            moved: AtomicBool::new(false),
        }
    }

    fn config(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(self) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        // A resumed session shows no certificate.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ServerCertVerifier for OneKey {
    /// The handshake goes on to prove that the server holds the key; the names and dates say nothing here.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let key = ConnectionKey::of_handshake(&parsed.subject_public_key_info());
        let _one_by_one = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = self.first.get_or_init(|| Shown {
            key,
            chain: std::iter::once(end_entity)
                .chain(intermediates)
                .map(|certificate| certificate.clone().into_owned())
                .collect(),
            name: server_name.to_owned(),
            time: now,
        });
        if shown.key == key {
            Ok(ServerCertVerified::assertion())
        } else {
            self.moved.store(true, Ordering::Relaxed);
            Err(Error::General("another key than this session's".to_owned()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A large document takes minutes to embed on two cores.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(900);
/// Well before a worker closes a silent connection, so that no request meets one that is closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Plain HTTP has no key; HTTPS has none before its first handshake, and nobody vouches for it.
    #[test]
    fn nothing_is_known_before_a_handshake() {
        for base in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
            let transport = Transport::open(base).unwrap();
            assert_eq!(transport.connection(), None);
            assert!(!transport.publicly_trusted() && !transport.moved());
        }
    }
}
