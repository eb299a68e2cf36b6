//! 64-byte signatures as lowercase hex, for `#[serde(with = "hex64")]`.
//!
//! Layer: protocol, ledger part.
//! Holds: the codec of one value, made of two of [`hex32`].
//! Never: uppercase digits, prefixes, other lengths.
//! Invariant: text and bytes are in bijection.

use super::hex32;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Exactly 128 lowercase hexadecimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8; 64], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&hex32::encode(bytes))
}

/// Reads [`serialize`] back.
///
/// # Errors
/// Anything but 128 lowercase hexadecimal digits.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 64], D::Error> {
    let text = String::deserialize(input)?;
    decode(&text).ok_or_else(|| D::Error::custom("expected 128 lowercase hexadecimal digits"))
}

fn decode(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let mut out = [0; 64];
    let (left, right) = out.split_at_mut(32);
    left.copy_from_slice(&hex32::decode(first)?);
    right.copy_from_slice(&hex32::decode(second)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{decode, hex32::encode};

    /// Every signature has one text, and no other text is a signature.
    #[test]
    fn one_text_each() {
        let bytes: Vec<u8> = (100..164).collect();
        let text = encode(&bytes);
        assert_eq!(decode(&text).unwrap().as_slice(), bytes);
        for bad in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), "é".repeat(64)]
        {
            assert_eq!(decode(&bad), None, "{bad}");
        }
    }
}
