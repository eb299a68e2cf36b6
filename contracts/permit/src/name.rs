//! The permit's name: which session key, until when.
//!
//! Layer: `permit`.
//! Holds: `prag/1|sk=<43 characters of base64url>|exp=<decimal>`, written and read.
//! Never: leading zeros, padding, a session key that anybody could sign for.
//! Invariant: what parses is written back byte for byte.

use crate::PermitError;
use crate::curves::small_order;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prag_protocol::ledger::INTEGER_MAX;

/// The name of a permit for `session_key` until `expires`, Unix seconds.
pub(crate) fn write(session_key: &[u8; 32], expires: u64) -> String {
    format!("prag/1|sk={}|exp={expires}", URL_SAFE_NO_PAD.encode(session_key))
}

/// Session key and expiry of a name.
pub(crate) fn parse(name: &str) -> Result<([u8; 32], u64), PermitError> {
    let rest = name.strip_prefix("prag/1|sk=").ok_or(PermitError::Name)?;
    let (key, expires) = rest.split_once("|exp=").ok_or(PermitError::Name)?;
    if key.len() != 43 || expires.len() > 16 {
        return Err(PermitError::Name);
    }
    let key = URL_SAFE_NO_PAD.decode(key).map_err(|_| PermitError::Name)?;
    let key: [u8; 32] = key.try_into().map_err(|_| PermitError::Name)?;
    let expires: u64 = expires.parse().map_err(|_| PermitError::Name)?;
    if !small_order(&key) && expires <= INTEGER_MAX && write(&key, expires) == name {
        Ok((key, expires))
    } else {
        Err(PermitError::Name)
    }
}
