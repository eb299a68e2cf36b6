//! Bytes as text, and texts that every encoder writes alike.
//!
//! Layer: bottom of `permit`.
//! Holds: base64 of a fixed length, the closed alphabet of a permit.
//! Never: bytes or text over their bound.
//! Invariant: none of its own.

use crate::PermitError;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Exactly `N` bytes of base64 (RFC 4648, section 4, padded).
pub(crate) fn fixed<const N: usize>(text: &str) -> Result<[u8; N], PermitError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(PermitError::TooLarge("signature"));
    }
    let bytes = STANDARD.decode(text).map_err(|_| PermitError::Encoding)?;
    bytes.try_into().map_err(|_| PermitError::Encoding)
}

/// Characters that every JSON encoder writes as themselves.
pub(crate) fn plain(text: &str, field: &'static str) -> Result<(), PermitError> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(PermitError::TooLarge(field));
    }
    let fits = |byte: u8| matches!(byte, b' '..=b'~') && !br#"<>&"\"#.contains(&byte);
    if text.bytes().all(fits) { Ok(()) } else { Err(PermitError::Character(field)) }
}

/// A short list of [`plain`] texts.
pub(crate) fn plain_list(list: &[String], field: &'static str) -> Result<(), PermitError> {
    if list.len() > LIST_MAX {
        return Err(PermitError::TooLarge(field));
    }
    list.iter().try_for_each(|text| plain(text, field))
}

/// Longest text of a permit, bytes. A name that is longer could not be revoked.
const TEXT_BYTES_MAX: usize = prag_protocol::ledger::PERMIT_NAME_BYTES_MAX;
/// Longest list in a permit.
const LIST_MAX: usize = 4;
