//! What a message did, for whoever watches the chain.
//!
//! Layer: shell.
//! Holds: one event's attributes.
//! Never: content, accounts, amounts; on public chains, ids.
//! Invariant: on Secret, attributes are encrypted for the sender; elsewhere an id is blinded, so an index of events
//! does not spell what only messages and rows say.

use crate::std::{Attribute, Env};

/// `action` = what happened, and `collection` = to which 16-byte id, blinded where everybody reads along.
#[must_use]
pub fn happened(env: &Env, action: &str, id: Option<&[u8; 16]>) -> Vec<Attribute> {
    let mut attributes = vec![Attribute::new("action", action)];
    if let Some(id) = id {
        attributes.push(Attribute::new("collection", shown(env, id)));
    }
    attributes
}

#[cfg(feature = "secret")]
fn shown(_: &Env, id: &[u8; 16]) -> String {
    hex(id)
}

/// The first 16 bytes of `SHA-256("PRAG-EVENT/v1" ‖ LP(contract) ‖ id)`.
#[cfg(not(feature = "secret"))]
fn shown(env: &Env, id: &[u8; 16]) -> String {
    use sha2::{Digest, Sha256};

    let contract = env.contract.address.as_str().as_bytes();
    // An address is at most 90 bytes long.
    let length = u32::try_from(contract.len()).unwrap_or(u32::MAX).to_be_bytes();
    let hash = Sha256::new()
        .chain_update(b"PRAG-EVENT/v1")
        .chain_update(length)
        .chain_update(contract)
        .chain_update(id)
        .finalize();
    hex(&hash[..16])
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests;
