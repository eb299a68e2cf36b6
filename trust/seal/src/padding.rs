//! Padmé: lengths that tell only their order of magnitude and a few leading bits.
//!
//! Layer: bottom of `trust`; depends on nothing of ours.
//! Holds: the padded form: true length (u64, little-endian), data, zeros.
//! Never: a second padded form of the same data; unpadding refuses it.
//! Invariant: at most 12 % is added (8 bytes of length apart).
//!
//! Source: Nikitin et al. 2019, "Reducing Metadata Leakage from Encrypted Files and Communication
//! with PURBs", section 4 (arXiv:1806.03160).

#[cfg(test)]
mod tests;

use crate::wiped::Wiped;

/// Bytes of the true length in front of padded data.
pub const LENGTH_BYTES: usize = 8;

/// The bytes are not the padded form of any data. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not padded as they must be")]
pub struct PaddingError;

/// The Padmé length for `length` bytes: never less, at most 12 % more, idempotent.
#[must_use]
pub fn padded_len(length: usize) -> usize {
    let Some(exponent) = length.checked_ilog2() else {
        return 0;
    };
    let Some(magnitude) = exponent.checked_ilog2() else {
        return length;
    };
    // All but the leading `magnitude + 1` bits behind the highest one are rounded up to zeros.
    let mask = (1usize << (exponent - magnitude - 1)) - 1;
    length.checked_add(mask).map_or(length, |sum| sum & !mask)
}

/// How long `length` bytes of data are once padded, their length field included.
#[must_use]
pub fn padded_data_len(length: usize) -> usize {
    padded_len(length.saturating_add(LENGTH_BYTES))
}

/// The padded form of `data`, which is wiped.
#[must_use]
pub fn pad(data: Vec<u8>) -> Vec<u8> {
    let data = Wiped::new(data);
    let mut out = Vec::with_capacity(padded_data_len(data.len()));
    append_padded(&data, &mut out);
    out
}

/// The data in a padded form, [`LENGTH_BYTES`] from its beginning.
///
/// # Errors
/// [`PaddingError`] unless [`pad`] gives exactly these bytes.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let (field, rest) = padded.split_first_chunk::<LENGTH_BYTES>().ok_or(PaddingError)?;
    let length = usize::try_from(u64::from_le_bytes(*field)).map_err(|_| PaddingError)?;
    let (data, filler) = rest.split_at_checked(length).ok_or(PaddingError)?;
    // Not one by one: an eighth of a large blob may be filler.
    let zero = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | byte) == 0;
    let canonical = padded_data_len(length) == padded.len() && filler.chunks(256).all(zero);
    if canonical { Ok(data) } else { Err(PaddingError) }
}

/// Write the padded form of `data` behind what `out` holds; give `out` the capacity beforehand.
pub(crate) fn append_padded(data: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&length_field(data));
    out.extend_from_slice(data);
    out.resize(start + padded_data_len(data.len()), 0);
}

/// The length field of the padded form of `data`.
pub(crate) fn length_field(data: &[u8]) -> [u8; LENGTH_BYTES] {
    (data.len() as u64).to_le_bytes()
}
