//! Which pair is served, and when another one is.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

const NOW: u64 = 1_800_000_000;

fn clock() -> Arc<Hand> {
    Arc::new(Hand(AtomicU64::new(NOW)))
}

/// A fresh certificate and its key, PEM.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", key.serialized_der()))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// A folder with a pair in it, as `[tls] mode = "files"` names it.
fn folder(pair: &(String, String)) -> (tempfile::TempDir, Tls) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, &pair.0).unwrap();
    fs::write(&key, &pair.1).unwrap();
    (folder, Tls::Files { certificate, key })
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

/// A born key serves for a day, and then another does.
#[test]
fn a_born_key_is_replaced_daily() {
    let clock = clock();
    let born = Certificates::open(&Tls::Born {}, clock.clone()).unwrap();
    let first = born.spki_sha256();
    assert_ne!(first, [0; 32]);
    clock.0.fetch_add(24 * 3600 - 1, Ordering::Relaxed);
    assert_eq!(born.refresh(), Ok(false));
    assert_eq!(born.spki_sha256(), first);
    clock.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(born.refresh(), Ok(true));
    assert_ne!(born.spki_sha256(), first);
    assert_eq!(born.refresh(), Ok(false));
    // Two boots never share a key.
    let other = Certificates::open(&Tls::Born {}, clock).unwrap();
    assert_ne!(other.spki_sha256(), born.spki_sha256());
}

/// Another pair is served once both halves are there; half a pair is reported once, and the old one goes on.
#[test]
fn half_a_pair_changes_nothing() {
    let (old, new) = (pair(), pair());
    let (folder, tls) = folder(&old);
    let served = Certificates::open(&tls, clock()).unwrap();
    let first = served.spki_sha256();
    assert_eq!(served.refresh(), Ok(false));

    write(folder.path(), "cert.pem", &new.0);
    assert_eq!(served.refresh(), Err(TlsError::Mismatch));
    assert_eq!(served.refresh(), Ok(false), "the same bytes are not tried again");
    assert_eq!(served.spki_sha256(), first);

    write(folder.path(), "key.pem", &new.1);
    assert_eq!(served.refresh(), Ok(true));
    assert_ne!(served.spki_sha256(), first);

    write(folder.path(), "cert.pem", &old.0);
    write(folder.path(), "key.pem", &old.1);
    assert_eq!(served.refresh(), Ok(true));
    assert_eq!(served.spki_sha256(), first);
}

/// A file that is cut short, empty, absent, too long or of another kind keeps the old pair, and no error shows a key.
#[test]
fn bad_files_change_nothing() {
    let good = pair();
    let (folder, tls) = folder(&good);
    let served = Certificates::open(&tls, clock()).unwrap();
    let first = served.spki_sha256();
    let cut = &good.1[..good.1.len() / 2];
    let long = "x".repeat((64 << 10) + 1);
    for (file, text) in [
        ("key.pem", cut),
        ("key.pem", ""),
        ("key.pem", &good.0),
        ("key.pem", &long),
        ("cert.pem", ""),
        ("cert.pem", &good.1),
        ("cert.pem", &good.0.replace('M', "")),
        ("cert.pem", &good.0.repeat(11)),
    ] {
        write(folder.path(), file, text);
        let error = served.refresh().unwrap_err().to_string();
        assert!(!error.contains(&cut[40..60]), "{error}");
        assert_eq!(served.spki_sha256(), first, "{error}");
        assert!(Certificates::open(&tls, clock()).is_err(), "{error}");
        write(folder.path(), "cert.pem", &good.0);
        write(folder.path(), "key.pem", &good.1);
        served.refresh().unwrap();
    }
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    let absent = served.refresh().unwrap_err();
    assert!(matches!(absent, TlsError::Unreadable(_, ErrorKind::NotFound)), "{absent}");
    assert_eq!(served.spki_sha256(), first);
}

/// SecretVM's folder: the chain where there is one, else the certificate alone.
#[test]
fn a_secret_vms_folder_is_read() {
    let (chain, alone) = (pair(), pair());
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::Secretvm { folder: folder.path().to_owned() };
    let missing = Certificates::open(&tls, clock()).unwrap_err();
    let expected = folder.path().join("secret_vm_fullchain.pem");
    assert_eq!(missing, TlsError::Unreadable(expected, ErrorKind::NotFound));

    write(folder.path(), "secret_vm_cert.pem", &alone.0);
    write(folder.path(), "secret_vm_private.pem", &alone.1);
    let served = Certificates::open(&tls, clock()).unwrap();
    let first = served.spki_sha256();

    write(folder.path(), "secret_vm_fullchain.pem", &(chain.0.clone() + &alone.0));
    assert_eq!(served.refresh(), Err(TlsError::Mismatch));
    write(folder.path(), "secret_vm_private.pem", &chain.1);
    assert_eq!(served.refresh(), Ok(true));
    assert_ne!(served.spki_sha256(), first);
}
