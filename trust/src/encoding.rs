//! Bytes that are hashed or signed, and fixed bytes as text.
//!
//! Layer: bottom of `trust`, above `key`, whose length prefixes it shares.
//! Holds: the domain tag and length prefixes of every transcript; hex and base64 for serde.
//! Never: JSON as the input of a hash; secrets in a transcript.
//! Invariant: two different lists of parts never have the same transcript.

use crate::key::length_prefixed;
use sha2::{Digest, Sha256};

/// `domain ‖ LP(parts[0]) ‖ LP(parts[1]) ‖ …` with LP = u32 big-endian length ‖ bytes.
///
/// Domains are constants of this crate, and none is the beginning of another.
pub(crate) fn transcript(domain: &str, parts: &[&[u8]]) -> Vec<u8> {
    [domain.as_bytes(), &length_prefixed(parts)].concat()
}

/// SHA-256 of a [`transcript`].
pub(crate) fn digest(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(transcript(domain, parts)).into()
}

/// Serde for `[u8; N]` as lowercase hexadecimal text.
pub(crate) mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut out = [0u8; N];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if lower && hex::decode_to_slice(text.as_bytes(), &mut out).is_ok() {
            Ok(out)
        } else {
            Err(D::Error::custom(format_args!("expected {} lowercase hex digits", 2 * N)))
        }
    }
}

/// Serde for a bounded list of 32-byte values as lowercase hexadecimal text.
pub(crate) mod hex_list {
    use super::hex_bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Most values of one list.
    pub(crate) const VALUES_MAX: usize = 256;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Value(#[serde(with = "hex_bytes")] [u8; 32]);

    pub(crate) fn serialize<S: Serializer>(list: &[[u8; 32]], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(list.iter().map(|bytes| Value(*bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<[u8; 32]>, D::Error> {
        let list = Vec::<Value>::deserialize(deserializer)?;
        if list.len() > VALUES_MAX {
            return Err(D::Error::custom(format_args!("more than {VALUES_MAX} values")));
        }
        Ok(list.into_iter().map(|value| value.0).collect())
    }
}

/// Serde for at most [`base64_bytes::BYTES_MAX`] bytes as base64 text (RFC 4648, section 4).
pub(crate) mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Most bytes of one field.
    pub(crate) const BYTES_MAX: usize = 64 << 10;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.len() > BYTES_MAX / 3 * 4 + 4 {
            return Err(D::Error::custom(format_args!("more than {BYTES_MAX} bytes")));
        }
        STANDARD.decode(text.as_bytes()).map_err(|_| D::Error::custom("expected base64 text"))
    }
}

#[cfg(test)]
mod tests;
