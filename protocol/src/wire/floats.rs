//! Vectors in JSON: a list of numbers, as people write them, or base64 of little-endian f32, a third as long and read
//! without parsing a number.
//!
//! Layer: protocol, wire.
//! Holds: both forms in, the short one out.
//! Never: a number that is not finite; more numbers than the widest vector has, in the short form.
//! Invariant: a vector that is written and read again is the same, bit for bit.

use crate::limits::DIMENSION_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;

/// Write a vector.
///
/// # Errors
/// What the serializer fails with.
pub fn serialize<S: Serializer>(vector: &[f32], to: S) -> Result<S::Ok, S::Error> {
    if !to.is_human_readable() {
        return to.collect_seq(vector);
    }
    let bytes: Vec<[u8; 4]> = vector.iter().map(|x| x.to_le_bytes()).collect();
    to.serialize_str(&STANDARD.encode(bytes.as_flattened()))
}

/// Read a vector in either form.
///
/// # Errors
/// Where it is neither, or holds what is no finite number.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
    if from.is_human_readable() { from.deserialize_any(Either) } else { Vec::deserialize(from) }
}

/// The same for a vector that may be absent.
pub mod maybe {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct Vector(#[serde(with = "super")] Vec<f32>);

    /// Write a vector, if there is one.
    ///
    /// # Errors
    /// What the serializer fails with.
    pub fn serialize<S: Serializer>(vector: &Option<Vec<f32>>, to: S) -> Result<S::Ok, S::Error> {
        match vector {
            Some(vector) => super::serialize(vector, to),
            None => to.serialize_none(),
        }
    }

    /// Read a vector in either form, or none.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<f32>>, D::Error> {
        Ok(Option::<Vector>::deserialize(from)?.map(|Vector(vector)| vector))
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Vec<f32>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of numbers, or base64 of little-endian f32")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<f32>, E> {
        // Never what was sent: it may be a secret.
        if text.len() > TEXT_BYTES_MAX {
            return Err(E::custom("more numbers than a vector may have"));
        }
        let bytes = STANDARD.decode(text).map_err(|_| E::custom("this is no base64"))?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(E::custom("the bytes of an f32 are missing"));
        }
        let vector: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if vector.iter().all(|x| x.is_finite()) {
            Ok(vector)
        } else {
            Err(E::custom("a number is not finite"))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<f32>, A::Error> {
        let mut vector = Vec::with_capacity(list.size_hint().unwrap_or(0).min(DIMENSION_MAX));
        while let Some(number) = list.next_element()? {
            vector.push(number);
        }
        Ok(vector)
    }
}

/// Base64 of the widest vector.
const TEXT_BYTES_MAX: usize = (4 * DIMENSION_MAX).div_ceil(3) * 4;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Serialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Both {
        #[serde(with = "super")]
        one: Vec<f32>,
        #[serde(default, with = "super::maybe", skip_serializing_if = "Option::is_none")]
        other: Option<Vec<f32>>,
    }

    /// Golden: 1.0 and -2.5, little-endian.
    const SHORT: &str = r#"{"one":"AACAPwAAIMA=","other":""}"#;

    /// Both forms are the same vector; the short one is written, and reads back bit for bit.
    #[test]
    fn both_forms_are_one() {
        let both = Both { one: vec![1.0, -2.5], other: Some(Vec::new()) };
        assert_eq!(serde_json::to_string(&both).unwrap(), SHORT);
        for text in [SHORT, r#"{"one":[1,-2.5],"other":[]}"#, r#"{"one":[1e0,-25e-1],"other":[]}"#]
        {
            assert_eq!(serde_json::from_str::<Both>(text).unwrap(), both);
        }
        let odd = vec![f32::MIN_POSITIVE / 3.0, -0.0, f32::MAX, 0.1];
        let text = serde_json::to_string(&Both { one: odd.clone(), other: None }).unwrap();
        let read: Both = serde_json::from_str(&text).unwrap();
        let bits = |vector: &[f32]| vector.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&read.one), read.other), (bits(&odd), None));
        assert_eq!(serde_json::from_str::<Both>(r#"{"one":[],"other":null}"#).unwrap().other, None);
    }

    /// What is no vector is refused, without being repeated.
    #[test]
    fn what_is_no_vector_is_refused() {
        let long = STANDARD.encode(vec![0; 4 * DIMENSION_MAX]);
        let of = |text: &str| serde_json::from_str::<Both>(&format!(r#"{{"one":{text}}}"#));
        assert_eq!(of(&format!(r#""{long}""#)).unwrap().one.len(), DIMENSION_MAX);
        for text in [
            r#""hush""#,
            r#""hush!""#,
            r#""AACAPwA=""#,
            r#""AACAPw""#,
            r#""AADAfw==""#,
            r#""AACAfw==""#,
            &format!(r#""{long}AAAA""#),
            "[1,null]",
            r#"["1"]"#,
            "1",
            "{}",
            "true",
            "null",
        ] {
            let error = of(text).unwrap_err().to_string();
            assert!(!error.contains("hush") && error.len() < 200, "{text}: {error}");
        }
    }
}
