//! The chain: from the certificate that signs to the pinned root.
//!
//! Layer: `prag-quote::nvidia`, over single certificates.
//! Holds: the split of PEM and DER, the pinned root, and who may issue what.
//! Never: a certificate out of its place, or a root that came with the chain.
//! Invariant: a [`Signer`] comes out only if each certificate is signed by the next, and the last by the root.

use p384::ecdsa::VerifyingKey;
use sha2::{Digest, Sha256};
use x509_cert::der::{Decode, Reader, SliceReader, pem};
use x509_cert::name::Name;

use super::Root;
use super::certificate::{Certificate, Identity};
use crate::QuoteError;
use crate::error::bounded;

/// Who signs reports.
pub(super) struct Signer {
    pub(super) key: VerifyingKey,
    pub(super) device: String,
    pub(super) certificate_sha256: [u8; 32],
    pub(super) chip_sha256: [u8; 32],
    pub(super) fwid: [u8; 48],
}

pub(super) fn verify(chain: &[u8], root: &Root<'_>, now: u64) -> Result<Signer, QuoteError> {
    let anchor = match root {
        Root::Nvidia => pinned()?,
        Root::Other(der) => {
            let root = Certificate::parse(der)?;
            root.valid(now)?;
            Issuer { key: root.key()?, name: root.subject().clone() }
        }
    };
    let chain: Vec<Certificate> =
        split(chain)?.iter().map(|der| Certificate::parse(der)).collect::<Result<_, _>>()?;
    let [leaf, chip, ..] = chain.as_slice() else {
        return Err(QuoteError::Chain("the GPU, of a single certificate,"));
    };

    let mut issuer = anchor;
    for (below, certificate) in chain.iter().enumerate().rev() {
        certificate.issued(&issuer.name, &issuer.key)?;
        certificate.valid(now)?;
        match below.checked_sub(1) {
            Some(issuers_below) => certificate.may_issue(issuers_below)?,
            None => certificate.may_sign()?,
        }
        issuer = Issuer { key: certificate.key()?, name: certificate.subject().clone() };
    }

    let chip = chip.key()?;
    let Identity { device_key, fwid } = leaf.identity()?;
    if device_key.is_some_and(|key| key != chip.to_encoded_point(false).as_bytes()) {
        return Err(QuoteError::Chip("device key named by the GPU's certificate"));
    }
    Ok(Signer {
        key: issuer.key,
        device: leaf.common_name()?,
        certificate_sha256: Sha256::digest(leaf.der()).into(),
        chip_sha256: Sha256::digest(chip.to_encoded_point(false).as_bytes()).into(),
        fwid,
    })
}

pub(super) fn fingerprint(chain: &[u8]) -> Result<[u8; 32], QuoteError> {
    let chain = split(chain)?;
    let leaf = chain.first().ok_or(QuoteError::Format("certificates of the GPU"))?;
    Ok(Sha256::digest(leaf).into())
}

struct Issuer {
    name: Name,
    key: VerifyingKey,
}

fn pinned() -> Result<Issuer, QuoteError> {
    let broken = QuoteError::Format("built-in root of NVIDIA");
    let name = Name::from_der(NVIDIA_SUBJECT).map_err(|_| broken)?;
    let key = VerifyingKey::from_sec1_bytes(&NVIDIA_KEY).map_err(|_| broken)?;
    Ok(Issuer { name, key })
}

/// DER of each certificate.
fn split(chain: &[u8]) -> Result<Vec<Vec<u8>>, QuoteError> {
    bounded("certificates of the GPU", chain, CHAIN_BYTES_MAX)?;
    let format = QuoteError::Format("certificates of the GPU");
    let all = if chain.first() == Some(&SEQUENCE) { from_der(chain) } else { from_pem(chain) };
    let all = all.ok_or(format)?;
    if all.len() > CERTIFICATES_MAX {
        let (bytes, max) = (all.len(), CERTIFICATES_MAX);
        return Err(QuoteError::Size { field: "number of the GPU's certificates", bytes, max });
    }
    Ok(all)
}

fn from_der(chain: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut reader, mut all) = (SliceReader::new(chain).ok()?, Vec::new());
    while !reader.is_finished() {
        all.push(reader.tlv_bytes().ok()?.to_vec());
    }
    Some(all)
}

/// Blocks of RFC 7468, and white space between them.
fn from_pem(chain: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut rest, mut all) = (std::str::from_utf8(chain).ok()?.trim(), Vec::new());
    while !rest.is_empty() {
        let end = rest.find(END)? + END.len();
        let block = rest.get(..end).filter(|block| block.starts_with(BEGIN))?;
        let (_, der) = pem::decode_vec(block.as_bytes()).ok()?;
        all.push(der);
        rest = rest.get(end..)?.trim_start();
    }
    Some(all)
}

/// All certificates together, in bytes.
pub const CHAIN_BYTES_MAX: usize = 32 << 10;
/// NVIDIA's chains have five.
pub const CERTIFICATES_MAX: usize = 8;
const SEQUENCE: u8 = 0x30;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Common name and organisation of NVIDIA's root, DER; valid from 2021-11-05 without end.
///
/// Source: `verifier_device_root.pem` of `nv-local-gpu-verifier` 2.7.3; `device-root.pem` of the vectors is the same.
const NVIDIA_SUBJECT: &[u8] =
    b"\x30\x35\x31\x22\x30\x20\x06\x03\x55\x04\x03\x0c\x19NVIDIA Device Identity CA\
      \x31\x0f\x30\x0d\x06\x03\x55\x04\x0a\x0c\x06NVIDIA";
/// Its public key, SEC1 uncompressed; same source.
const NVIDIA_KEY: [u8; 97] = [
    0x04, 0x0e, 0x4c, 0x14, 0xa3, 0x3b, 0xf8, 0xa5, 0x62, 0x66, 0x58, 0xdb, 0x41, 0x29, 0x60, 0x7e,
    0x4c, 0xbf, 0x45, 0x19, 0xc4, 0x41, 0x27, 0x16, 0xf4, 0xd0, 0xd9, 0x17, 0xc4, 0x97, 0x80, 0x05,
    0xbd, 0xea, 0xbe, 0xae, 0xfd, 0x57, 0xbc, 0x66, 0x08, 0x2d, 0x71, 0x8a, 0x4f, 0x8b, 0x60, 0x52,
    0xe1, 0x51, 0x6e, 0xe8, 0xa7, 0xc4, 0x22, 0xb8, 0x4d, 0xe8, 0x57, 0x07, 0x1b, 0xb5, 0x8f, 0xd3,
    0x95, 0xbe, 0xa0, 0xcf, 0xa1, 0xc6, 0x3e, 0xe7, 0xc8, 0x0d, 0x6b, 0xd6, 0x39, 0x01, 0xd9, 0x1c,
    0xbb, 0xd1, 0x87, 0xd3, 0x85, 0x7d, 0xc1, 0x6b, 0x5c, 0xce, 0xaf, 0x23, 0x8f, 0xf8, 0xc2, 0x7d,
    0xbd,
];
