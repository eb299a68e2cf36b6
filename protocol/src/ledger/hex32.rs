//! 32-byte values as lowercase hex, for `#[serde(with = "hex32")]`.
//!
//! Layer: protocol, ledger part.
//! Holds: the codec of one value, and of a list of them ([`list`]).
//! Never: uppercase digits, prefixes, other lengths.
//! Invariant: text and bytes are in bijection.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Exactly 64 lowercase hexadecimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&encode(bytes))
}

/// Reads [`serialize`] back.
///
/// # Errors
/// Anything but 64 lowercase hexadecimal digits.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(input)?;
    decode(&text).ok_or_else(|| D::Error::custom("expected 64 lowercase hexadecimal digits"))
}

/// A list of 32-byte values; its length is checked by whoever takes the message.
pub mod list {
    use super::{decode, encode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// A sequence of hex texts.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(values: &[[u8; 32]], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(values.iter().map(|value| encode(value)))
    }

    /// Reads [`serialize`] back.
    ///
    /// # Errors
    /// Any element that is not 64 lowercase hexadecimal digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<[u8; 32]>, D::Error> {
        Vec::<String>::deserialize(input)?
            .iter()
            .map(|text| decode(text))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("expected 64 lowercase hexadecimal digits"))
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

pub(super) fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut out = [0u8; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
