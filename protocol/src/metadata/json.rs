//! Metadata in JSON.
//!
//! Layer: protocol.
//! Holds: the reader that checks bounds while it reads, and the writer.
//! Never: a field twice, or a list longer than its bound in memory.
//! Invariant: what is written reads back equal.

use super::{METADATA_FIELDS_MAX, METADATA_VALUE_BYTES_MAX, Metadata, MetadataError};
use super::{Value, ValueError, format_rfc3339, parse_rfc3339};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(Fields)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => out.serialize_unit(),
            Self::Keyword(text) => out.serialize_str(text),
            Self::Integer(number) => out.serialize_i64(*number),
            Self::Float(number) => out.serialize_f64(*number),
            Self::Bool(truth) => out.serialize_bool(*truth),
            Self::Datetime(micros) => {
                let mut map = out.serialize_map(Some(1))?;
                map.serialize_entry(DATETIME, &format_rfc3339(*micros))?;
                map.end()
            }
            Self::Many(values) => out.collect_seq(values),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let value = source.deserialize_any(OneValue)?;
        value.check().map_err(Error::custom)?;
        Ok(value)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Metadata;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of metadata fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Metadata, A::Error> {
        let mut metadata = Metadata::new();
        while let Some(field) = source.next_key::<String>()? {
            if metadata.len() >= METADATA_FIELDS_MAX {
                return Err(A::Error::custom(MetadataError::Fields));
            }
            super::check_key(&field).map_err(A::Error::custom)?;
            let value = source.next_value::<Value>().map_err(|error| {
                A::Error::custom(format_args!("metadata field {field}: {error}"))
            })?;
            if metadata.insert(field, value).map_err(A::Error::custom)?.is_some() {
                return Err(A::Error::custom("a metadata field is there twice"));
            }
        }
        Ok(metadata)
    }
}

struct OneValue;

impl<'de> Visitor<'de> for OneValue {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a metadata value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Integer).map_err(|_| E::custom(ValueError::Number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Keyword(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = source.next_element::<Value>()? {
            if matches!(value, Value::Many(_)) {
                return Err(A::Error::custom(ValueError::Nested));
            }
            if values.len() >= METADATA_VALUE_BYTES_MAX {
                return Err(A::Error::custom(ValueError::Bytes));
            }
            values.push(value);
        }
        Ok(Value::Many(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let nested = || A::Error::custom(ValueError::Nested);
        if source.next_key::<String>()?.as_deref() != Some(DATETIME) {
            return Err(nested());
        }
        let Value::Keyword(text) = source.next_value::<Value>()? else {
            return Err(nested());
        };
        if source.next_key::<String>()?.is_some() {
            return Err(nested());
        }
        let micros = parse_rfc3339(&text).ok_or_else(|| A::Error::custom(ValueError::Datetime))?;
        Ok(Value::Datetime(micros))
    }
}

const DATETIME: &str = "datetime";
