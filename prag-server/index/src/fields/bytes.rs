//! The metadata index in bytes.
//!
//! Layer: index.
//! Holds: the stored shape, and its checks.
//! Never: a row beyond the segment, or a number that is not finite.
//! Invariant: what was written reads back equal.

use super::{Field, Fields, Key};
use crate::bytes::{Reader, Writer};
use crate::error::{IndexError, PartName};
use prag_protocol::metadata::Number;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Stored {
    documents: Vec<(String, Vec<u32>)>,
    fields: Vec<(String, Postings)>,
}

/// Each value of a field, with the serialized bitmap of its rows.
type Postings = Vec<(StoredKey, Vec<u8>)>;

#[derive(Serialize, Deserialize)]
enum StoredKey {
    Bool(bool),
    Keyword(String),
    Datetime(i64),
    Whole(i64),
    Real(f64),
}

impl Fields {
    /// # Errors
    /// [`IndexError::Corrupt`] cannot happen for an index made by [`Fields::push`].
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, IndexError> {
        let corrupt = IndexError::Corrupt(PartName::Fields);
        let documents = self.documents.iter().map(|(id, rows)| (id.to_string(), rows.clone()));
        let mut fields = Vec::with_capacity(self.fields.len());
        for (name, field) in &self.fields {
            let mut values = Vec::with_capacity(field.values.len());
            for (key, rows) in &field.values {
                let mut bytes = Vec::with_capacity(rows.serialized_size());
                rows.serialize_into(&mut bytes).map_err(|_| corrupt)?;
                values.push((stored(key).ok_or(corrupt)?, bytes));
            }
            fields.push((name.clone(), values));
        }
        let shape = Stored { documents: documents.collect(), fields };
        let mut writer = Writer::new(PartName::Fields, self.rows);
        writer.bytes(&postcard::to_allocvec(&shape).map_err(|_| corrupt)?);
        Ok(writer.into_bytes())
    }

    /// # Errors
    /// [`IndexError::Corrupt`] where the bytes are no index over `expected` rows.
    pub(crate) fn from_bytes(bytes: &[u8], expected: u32) -> Result<Self, IndexError> {
        let (mut reader, rows) = Reader::new(PartName::Fields, bytes)?;
        let corrupt = reader.corrupt();
        let body = reader.bytes()?;
        reader.end()?;
        let (shape, rest): (Stored, _) = postcard::take_from_bytes(body).map_err(|_| corrupt)?;
        if rows != expected || !rest.is_empty() {
            return Err(corrupt);
        }
        let mut index = Self { rows, ..Self::default() };
        for (id, ordinals) in shape.documents {
            let ascending = ordinals.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascending || ordinals.last().is_none_or(|&last| last >= rows) {
                return Err(corrupt);
            }
            index.documents.insert(id.into_boxed_str(), ordinals);
        }
        for (name, values) in shape.fields {
            let mut field = Field::default();
            for (key, bytes) in values {
                let key = loaded(key).ok_or(corrupt)?;
                let holders =
                    RoaringBitmap::deserialize_from(bytes.as_slice()).map_err(|_| corrupt)?;
                if holders.max().is_none_or(|last| last >= rows) {
                    return Err(corrupt);
                }
                field.present |= &holders;
                field.values.insert(key, holders);
            }
            index.fields.insert(name, field);
        }
        Ok(index)
    }
}

fn stored(key: &Key) -> Option<StoredKey> {
    match key {
        Key::Bool(truth) => Some(StoredKey::Bool(*truth)),
        Key::Keyword(text) => Some(StoredKey::Keyword(text.clone())),
        Key::Datetime(micros) => Some(StoredKey::Datetime(*micros)),
        Key::Number(number) => match number.as_i64() {
            Some(whole) => Some(StoredKey::Whole(whole)),
            None => number.as_f64().map(StoredKey::Real),
        },
    }
}

fn loaded(key: StoredKey) -> Option<Key> {
    match key {
        StoredKey::Bool(truth) => Some(Key::Bool(truth)),
        StoredKey::Keyword(text) => Some(Key::Keyword(text)),
        StoredKey::Datetime(micros) => Some(Key::Datetime(micros)),
        StoredKey::Whole(whole) => Some(Key::Number(Number::from(whole))),
        StoredKey::Real(real) => Number::from_f64(real).map(Key::Number),
    }
}
