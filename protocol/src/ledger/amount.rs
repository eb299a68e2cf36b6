//! Amounts as decimal text, for `#[serde(with = "amount")]`.
//!
//! Layer: protocol, ledger part.
//! Holds: the codec of one `u128`, in the form of CosmWasm's `Uint128`.
//! Never: signs, leading zeros, numbers of JSON: readers lose integers above 2^53.
//! Invariant: text and number are in bijection.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Decimal digits.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(amount: &u128, out: S) -> Result<S::Ok, S::Error> {
    // Not `collect_str`: that of serde-json-wasm 0.4, which Secret's contracts are linked with, traps.
    out.serialize_str(&amount.to_string())
}

/// Reads [`serialize`] back.
///
/// # Errors
/// Anything but the digits of a number below 2^128 without leading zeros.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u128, D::Error> {
    let text = String::deserialize(input)?;
    decode(&text).ok_or_else(|| D::Error::custom("expected the decimal digits of an amount"))
}

fn decode(text: &str) -> Option<u128> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    if plain && shortest { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::decode;

    /// Every number has one text, and no other text is a number.
    #[test]
    fn one_text_each() {
        for number in [0, 1, 10, u128::from(u64::MAX) + 1, u128::MAX] {
            assert_eq!(decode(&number.to_string()), Some(number));
        }
        let above = "340282366920938463463374607431768211456";
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "1e3", "٣", above] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
