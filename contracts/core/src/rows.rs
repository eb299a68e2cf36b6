//! How a record is written, and where.
//!
//! Layer: bottom of the core, over `kv`.
//! Holds: the frozen shape of keys and values of every contract, and what is wrong with one that does not read back; a
//! changed record gets another value format byte.
//! Never: rules; which tables there are is each contract's own (`keys`).
//! Invariant: no key is the key of two things: fields are of fixed length, length-prefixed, or last.
//!
//! Key = module byte ‖ table byte ‖ fields, big-endian. Value = format byte ‖ postcard.

use crate::Kv;
use prag_protocol::Address;
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// A row that does not read back, or cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// What is stored does not read back. Stop serving this state.
    #[error("a stored row of {0} is damaged")]
    Damaged(&'static str),
    /// A counter is at its end. Not retryable.
    #[error("{0} can grow no further")]
    Exhausted(&'static str),
}

/// The place of one record of type `T`.
pub(crate) struct Row<T> {
    key: Vec<u8>,
    table: &'static str,
    format: u8,
    record: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Row<T> {
    /// `table` names it in errors.
    pub(crate) fn new(table: &'static str, key: Vec<u8>) -> Self {
        Self { key, table, format: FORMAT, record: PhantomData }
    }

    /// The same of a record that has changed since its first format. Rows of formats before do not read back.
    pub(crate) fn of_format(self, format: u8) -> Self {
        Self { format, ..self }
    }

    /// The record, if there is one.
    pub(crate) fn load(&self, kv: &dyn Kv) -> Result<Option<T>, RowError> {
        let Some(value) = kv.get(&self.key) else {
            return Ok(None);
        };
        let damaged = RowError::Damaged(self.table);
        let body = value.strip_prefix(&[self.format]).ok_or(damaged)?;
        match postcard::take_from_bytes(body) {
            Ok((record, [])) => Ok(Some(record)),
            Ok(_) | Err(_) => Err(damaged),
        }
    }

    /// Writes the record.
    pub(crate) fn save(&self, kv: &mut dyn Kv, record: &T) -> Result<(), RowError> {
        let value = postcard::to_extend(record, vec![self.format])
            .map_err(|_| RowError::Damaged(self.table))?;
        kv.put(&self.key, &value);
        Ok(())
    }

    /// Removes the record.
    pub(crate) fn remove(&self, kv: &mut dyn Kv) {
        kv.delete(&self.key);
    }
}

/// The raw key of a row. `module`: 1 access, 2 workers, 3 subscription, 4 rewards, 5 bank.
pub(crate) fn key(module: u8, table: u8, fields: &[&[u8]]) -> Vec<u8> {
    [&[module, table], fields.concat().as_slice()].concat()
}

/// An address as the last field of a key, or after its [`Address::length_byte`].
pub(crate) fn text(address: &Address) -> &[u8] {
    address.as_str().as_bytes()
}

/// First byte of every record that is as it was at first.
const FORMAT: u8 = 1;
