//! What an owner attaches to a document, and what filters see.
//!
//! Layer: protocol.
//! Holds: typed, bounded fields; JSON in and out.
//! Never: nesting deeper than one list; a value in an error message.
//! Invariant: a [`Metadata`] that exists is within its bounds.

mod datetime;
mod json;
mod number;
#[cfg(test)]
mod tests;

pub use datetime::{format_rfc3339, parse_rfc3339};
pub use number::Number;

use std::collections::BTreeMap;
use std::fmt;

/// Most fields of one document.
pub const METADATA_FIELDS_MAX: usize = 64;
/// Longest field name, bytes.
pub const METADATA_KEY_BYTES_MAX: usize = 128;
/// Largest value, bytes: a keyword's length, 8 for other scalars, and one more for each in a list.
pub const METADATA_VALUE_BYTES_MAX: usize = 4096;

/// Fields by name. In JSON an object; see [`Value`] for what its values may be.
#[derive(Clone, Default, PartialEq)]
pub struct Metadata(BTreeMap<String, Value>);

/// A value, with the type that filters compare it by.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// JSON null: a field that is there and has no value.
    Null,
    /// A JSON string; compared whole, byte for byte.
    Keyword(String),
    /// A JSON number without fraction or exponent that fits in 64 bits.
    Integer(i64),
    /// Any other finite JSON number.
    Float(f64),
    /// A JSON bool.
    Bool(bool),
    /// `{"datetime": "2026-01-31T09:30:00Z"}` (RFC 3339): microseconds since 1970, UTC.
    Datetime(i64),
    /// A JSON list of the scalars above, null excepted; a filter matches if any of them does.
    Many(Vec<Value>),
}

/// Why fields are refused. Names the field, never its value. Not retryable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// More than [`METADATA_FIELDS_MAX`] fields.
    #[error("metadata has more than {METADATA_FIELDS_MAX} fields")]
    Fields,
    /// A field name is empty, over [`METADATA_KEY_BYTES_MAX`] bytes, or holds control characters.
    #[error(
        "a metadata field name must be 1 to {METADATA_KEY_BYTES_MAX} bytes without control characters"
    )]
    Key,
    /// One field's value is refused.
    #[error("metadata field {field}: {error}")]
    Value {
        /// The field.
        field: String,
        /// Why.
        error: ValueError,
    },
}

/// Why a value is refused. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Over [`METADATA_VALUE_BYTES_MAX`] bytes.
    #[error("the value is over {METADATA_VALUE_BYTES_MAX} bytes")]
    Bytes,
    /// A list in a list, null in a list, or an object other than a datetime.
    #[error("a value is a scalar, a list of scalars, or an object with the one field datetime")]
    Nested,
    /// Not finite, or an integer outside of 64 bits.
    #[error("a number must be finite, and an integer must fit in 64 bits")]
    Number,
    /// Not an RFC 3339 date and time between the years 1 and 9999.
    #[error("a datetime must be RFC 3339 text such as 2026-01-31T09:30:00Z")]
    Datetime,
}

impl Metadata {
    /// No fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many fields there are, at most [`METADATA_FIELDS_MAX`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of `field`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The fields, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Set `field`; answers its former value.
    ///
    /// # Errors
    /// [`MetadataError`] names the bound, and nothing changes.
    pub fn insert(&mut self, field: String, value: Value) -> Result<Option<Value>, MetadataError> {
        check_key(&field)?;
        if let Err(error) = value.check() {
            return Err(MetadataError::Value { field, error });
        }
        if self.0.len() >= METADATA_FIELDS_MAX && !self.0.contains_key(&field) {
            return Err(MetadataError::Fields);
        }
        Ok(self.0.insert(field, value))
    }
}

impl TryFrom<BTreeMap<String, Value>> for Metadata {
    type Error = MetadataError;
    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, MetadataError> {
        let mut metadata = Self::new();
        for (field, value) in fields {
            metadata.insert(field, value)?;
        }
        Ok(metadata)
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Metadata({} fields)", self.0.len())
    }
}

impl Value {
    /// What a filter compares: the elements of a list, nothing for null, otherwise the value itself.
    #[must_use]
    pub fn scalars(&self) -> &[Value] {
        match self {
            Self::Null => &[],
            Self::Many(values) => values,
            scalar => std::slice::from_ref(scalar),
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Integer(value) => Some(Number::from(*value)),
            Self::Float(value) => Number::from_f64(*value),
            _ => None,
        }
    }

    /// Equal as a filter sees it: same type and value, where 3 and 3.0 are one number.
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) => left == right,
            (None, None) => self == other,
            _ => false,
        }
    }

    /// Whether the two have types that can be compared.
    #[must_use]
    pub fn comparable(&self, other: &Value) -> bool {
        use Value::{Bool, Datetime, Float, Integer, Keyword};
        matches!(
            (self, other),
            (Keyword(_), Keyword(_))
                | (Bool(_), Bool(_))
                | (Datetime(_), Datetime(_))
                | (Integer(_) | Float(_), Integer(_) | Float(_))
        )
    }

    /// Whether the value is within its bounds.
    ///
    /// # Errors
    /// [`ValueError`] names the bound.
    pub fn check(&self) -> Result<(), ValueError> {
        let mut bytes = 0usize;
        for value in self.scalars() {
            bytes += match value {
                Self::Keyword(text) => text.len(),
                Self::Float(number) if !number.is_finite() => return Err(ValueError::Number),
                Self::Datetime(micros) if !datetime::in_range(*micros) => {
                    return Err(ValueError::Datetime);
                }
                Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::Datetime(_) => 8,
                Self::Null | Self::Many(_) => return Err(ValueError::Nested),
            };
            bytes += usize::from(matches!(self, Self::Many(_)));
            if bytes > METADATA_VALUE_BYTES_MAX {
                return Err(ValueError::Bytes);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Null => "Null",
            Self::Keyword(_) => "Keyword(…)",
            Self::Integer(_) => "Integer(…)",
            Self::Float(_) => "Float(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Datetime(_) => "Datetime(…)",
            Self::Many(_) => "Many(…)",
        })
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), MetadataError> {
    let fits = (1..=METADATA_KEY_BYTES_MAX).contains(&key.len());
    if fits && !key.chars().any(char::is_control) { Ok(()) } else { Err(MetadataError::Key) }
}
