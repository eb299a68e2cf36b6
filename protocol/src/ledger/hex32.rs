//! 32-byte values as lowercase hex, for `#[serde(with = "hex32")]`.
//!
//! Layer: protocol, ledger part.
//! Holds: the codec of one value, and of a list of them ([`list`]).
//! Never: uppercase digits, prefixes, other lengths.
//! Invariant: text and bytes are in bijection.

use crate::hex::{decode, encode};
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
    use crate::hex::{decode, encode};
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
            .map(|text| decode::<32>(text))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("expected 64 lowercase hexadecimal digits"))
    }
}
