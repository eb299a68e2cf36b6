//! A key that is born here and never leaves.
//!
//! Layer: inside `tls`.
//! Holds: a fresh ECDSA key on P-256 and a certificate that it signed itself.
//! Never: a file; a key of a boot before.
//! Invariant: the key is replaced while half of its certificate's time is left.
//!
//! Nobody is asked to trust this certificate: evidence names its key. Its dates and its name are for tools that insist.

use super::{Served, TlsError};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroize;

/// A new pair at Unix second `now`. Randomness is the system's, through ring.
pub(super) fn pair(now: u64) -> Result<Served, TlsError> {
    let born = |_| TlsError::Born;
    let seconds = i64::try_from(now).map_err(|_| TlsError::Born)?;
    let now_date = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| TlsError::Born)?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(born)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "PRAG worker");
    params.not_before = now_date - Duration::hours(1);
    params.not_after = now_date + Duration::seconds(2 * ROTATE_SECONDS);
    let mut pair = KeyPair::generate().map_err(born)?;
    let certificate = params.self_signed(&pair).map_err(born);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    pair.zeroize();
    let until = now.saturating_add(ROTATE_SECONDS.unsigned_abs());
    Served::new(vec![certificate?.der().clone()], key, until)
}

/// A day; clients hold on to a key for an hour at most, so a new one costs each of them one look at the evidence.
pub(super) const ROTATE_SECONDS: i64 = 24 * 3600;
