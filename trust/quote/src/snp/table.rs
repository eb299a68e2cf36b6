//! The signer's certificate in the forms in which it is handed out.
//!
//! Layer: `prag-quote::snp`.
//! Holds: DER, PEM, and the host's certificate table, as configfs-tsm gives it in `auxblob`.
//! Never: trust: the host wrote all of it; [`verify`](super::verify) judges the certificate.
//! Invariant: no entry reaches outside the table.

use super::{CERTIFICATE_BYTES_MAX, Signer};
use crate::QuoteError;
use crate::error::bounded;
use x509_cert::der::pem;

/// The certificate of a report's signer, DER, out of DER, PEM or a host's certificate table.
///
/// # Errors
/// [`QuoteError::Size`] and [`QuoteError::Format`]; those of [`certificates`] for a table.
pub fn endorsement(bytes: &[u8], signer: Signer) -> Result<Vec<u8>, QuoteError> {
    let format = QuoteError::Format("VCEK certificate");
    match bytes.first() {
        // A SEQUENCE; the GUIDs of a table begin with other bytes.
        Some(0x30) => {
            bounded("VCEK certificate", bytes, CERTIFICATE_BYTES_MAX).map(|()| bytes.to_vec())
        }
        Some(b'-') => {
            bounded("VCEK certificate", bytes, 2 * CERTIFICATE_BYTES_MAX)?;
            pem::decode_vec(bytes.trim_ascii()).map(|(_, der)| der).map_err(|_| format)
        }
        _ => certificates(bytes, signer).map(<[u8]>::to_vec),
    }
}

/// The VCEK or VLEK within a certificate table, DER.
///
/// `table`: at most [`TABLE_BYTES_MAX`]: entries of GUID (16 bytes, in the order of its text), offset and length
/// (u32, little-endian, from the table's start), up to an entry of zeros. ARK, ASK, CRL and unknown entries are
/// skipped: roots are pinned.
///
/// # Errors
/// [`QuoteError::Size`] and [`QuoteError::Format`] for the table; [`QuoteError::Unsupported`], with different texts,
/// where the signer's is missing: a VCEK can then be had from AMD by chip id and TCB, a VLEK only from the host.
///
/// Source: GHCB specification (AMD 56421), section "SNP Extended Guest Request".
pub fn certificates(table: &[u8], signer: Signer) -> Result<&[u8], QuoteError> {
    let field = "SNP certificate table";
    bounded(field, table, TABLE_BYTES_MAX)?;
    let (mut vcek, mut vlek) = (None, None);
    let (entries, _) = table.as_chunks::<ENTRY_BYTES>();
    let mut ended = table.is_empty();
    for entry in entries {
        if entry.iter().all(|&byte| byte == 0) {
            ended = true;
            break;
        }
        let [guid @ .., o0, o1, o2, o3, l0, l1, l2, l3] = *entry;
        let start = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let end = start.checked_add(length).ok_or(QuoteError::Format(field))?;
        let data = table.get(start..end).ok_or(QuoteError::Format(field))?;
        match u128::from_be_bytes(guid) {
            VCEK if vcek.is_none() => vcek = Some(data),
            VLEK if vlek.is_none() => vlek = Some(data),
            VCEK | VLEK => return Err(QuoteError::Format(field)),
            _ => (),
        }
    }
    if !ended {
        return Err(QuoteError::Format(field));
    }
    let missing = match signer {
        Signer::Chip if vlek.is_some() => "SNP certificate table with a VLEK only",
        Signer::Chip => "SNP certificate table without a VCEK",
        Signer::Cloud => "SNP certificate table without a VLEK",
    };
    let found = if signer == Signer::Chip { vcek } else { vlek };
    let der = found.ok_or(QuoteError::Unsupported(missing))?;
    bounded("VCEK certificate", der, CERTIFICATE_BYTES_MAX).map(|()| der)
}

/// A table's size: what Linux reserves for it (`SEV_FW_BLOB_MAX_SIZE`).
pub const TABLE_BYTES_MAX: usize = 16 << 10;
const ENTRY_BYTES: usize = 24;
const VCEK: u128 = 0x63da758d_e664_4564_adc5_f4b93be8accd;
const VLEK: u128 = 0xa8074bc2_a25a_483e_aae6_39c045a0b8a1;
