//! 64-byte signatures as lowercase hex, for `#[serde(with = "hex64")]`.
//!
//! Layer: protocol, ledger part.
//! Holds: the codec of one value.
//! Never: uppercase digits, prefixes, other lengths.
//! Invariant: text and bytes are in bijection.

use crate::hex::{decode, encode};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Exactly 128 lowercase hexadecimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8; 64], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&encode(bytes))
}

/// Reads [`serialize`] back.
///
/// # Errors
/// Anything but 128 lowercase hexadecimal digits.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 64], D::Error> {
    let text = String::deserialize(input)?;
    decode(&text).ok_or_else(|| D::Error::custom("expected 128 lowercase hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{decode, encode};

    /// Every signature has one text, and no other text is a signature.
    #[test]
    fn one_text_each() {
        let bytes: Vec<u8> = (100..164).collect();
        let text = encode(&bytes);
        assert_eq!(decode::<64>(&text).unwrap().as_slice(), bytes);
        for bad in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "é".repeat(64)]
        {
            assert_eq!(decode::<64>(&bad), None, "{bad}");
        }
    }
}
