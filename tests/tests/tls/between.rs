//! Whoever stands between a client and a worker.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prag_client::system::SystemClock;
use prag_server::settings::Tls;
use prag_server::tls::Certificates;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A fresh certificate for `localhost` and its key, PEM.
pub(crate) fn certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let made = params.self_signed(&key).unwrap();
    let pem = |label: &str, der: &[u8]| {
        let lines = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    };
    (pem("CERTIFICATE", made.der()), pem("PRIVATE KEY", key.serialized_der()))
}

/// Both files of a pair into a folder, one after the other.
pub(crate) fn write(folder: &Path, pair: &(String, String)) {
    std::fs::write(folder.join("cert.pem"), &pair.0).unwrap();
    std::fs::write(folder.join("key.pem"), &pair.1).unwrap();
}

/// What serves a pair, and the pair's hash.
pub(crate) fn served(pair: &(String, String)) -> (TlsAcceptor, [u8; 32]) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), pair);
    let files = Tls::Files {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    let served = Certificates::open(&files, Arc::new(SystemClock::default())).unwrap();
    (TlsAcceptor::from(served.server_config().unwrap()), served.spki_sha256())
}

pub(crate) fn acceptor(pair: &(String, String)) -> TlsAcceptor {
    served(pair).0
}

/// Ends one connection, begins another, and reads along.
pub(crate) struct Relay {
    address: SocketAddr,
    tls: bool,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    /// In front of `target`; `down` is its certificate towards clients, `up` whether it speaks TLS to the target.
    pub(crate) async fn before(target: SocketAddr, down: Option<TlsAcceptor>, up: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            tls: down.is_some(),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&relay.heard);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (down, heard) = (down.clone(), Arc::clone(&heard));
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let server: Box<dyn Stream> =
                        if up { blind(server).await } else { Box::new(server) };
                    match down {
                        None => pass(client, server, heard).await,
                        Some(down) => {
                            let Ok(client) = down.accept(client).await else { return };
                            pass(client, server, heard).await;
                        }
                    }
                });
            }
        });
        relay
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Whether a client said this in the clear.
    pub(crate) fn heard(&self, text: &str) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn pass(client: impl Stream, server: Box<dyn Stream>, heard: Arc<Mutex<Vec<u8>>>) {
    let (mut client_in, mut client_out) = tokio::io::split(client);
    let (mut server_in, mut server_out) = tokio::io::split(server);
    let asks = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = client_in.read(&mut buffer).await {
            heard.lock().unwrap().extend_from_slice(&buffer[..count]);
            if server_out.write_all(&buffer[..count]).await.is_err() {
                break;
            }
            // A TLS stream keeps what it was given until it is told to send it.
            let _ = server_out.flush().await;
        }
    };
    let answers = async {
        let _ = tokio::io::copy(&mut server_in, &mut client_out).await;
        let _ = client_out.shutdown().await;
    };
    tokio::select! {
        () = asks => {}
        () = answers => {}
    }
}

/// TLS to a server whose certificate nobody looks at.
async fn blind(server: TcpStream) -> Box<dyn Stream> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Blind))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    Box::new(TlsConnector::from(Arc::new(config)).connect(name, server).await.unwrap())
}

#[derive(Debug)]
struct Blind;

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Passes bytes on, to one server and later to another; turning cuts the connections that are there.
pub(crate) struct Switch {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
}

impl Switch {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, mut target) = watch::channel(target);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let to = *target.borrow_and_update();
                let mut turned = target.clone();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(to).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = turned.changed() => {}
                    }
                });
            }
        });
        Self { address, target: sender }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn turn_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }
}
