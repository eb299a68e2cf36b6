//! Batches to write, ranges to read and pages read.
//!
//! Layer: `prag-store`.
//! Holds: sealed bytes on their way.
//! Never: keys or values in `Debug`.
//! Invariant: a `Batch` that exists is within the bounds.

use std::fmt;

use crate::error::StoreError;
use crate::limits::{BATCH_BYTES_MAX, KEY_BYTES_MAX, OPERATION_BYTES, VALUE_BYTES_MAX};

/// Puts and deletes that happen together or not at all, in this order.
#[derive(Clone, Default)]
pub struct Batch {
    operations: Vec<Operation>,
    bytes: usize,
}

#[derive(Clone)]
struct Operation {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Batch {
    /// An empty batch; committing it takes a seq and changes no row.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Put `value` (≤ 1 MiB, may be empty) at `key` (1..=256 bytes). A later operation on the same key wins.
    ///
    /// # Errors
    /// [`StoreError::Key`], [`StoreError::Value`] or [`StoreError::Batch`]; the batch is then as before.
    pub fn put(
        &mut self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.push(key.into(), Some(value.into()))
    }

    /// Delete the row at `key`, there or not.
    ///
    /// # Errors
    /// [`StoreError::Key`] or [`StoreError::Batch`]; the batch is then as before.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) -> Result<(), StoreError> {
        self.push(key.into(), None)
    }

    /// What the batch counts against `BATCH_BYTES_MAX`.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it has no operation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations in order: a key, and the value to put or `None` to delete.
    pub fn operations(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.operations
            .iter()
            .map(|operation| (operation.key.as_slice(), operation.value.as_deref()))
    }

    fn push(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        check_key(&key)?;
        let value_bytes = value.as_ref().map_or(0, Vec::len);
        if value_bytes > VALUE_BYTES_MAX {
            return Err(StoreError::Value { bytes: value_bytes });
        }
        let bytes = self.bytes + key.len() + value_bytes + OPERATION_BYTES;
        if bytes > BATCH_BYTES_MAX {
            return Err(StoreError::Batch { bytes });
        }
        self.operations.push(Operation { key, value });
        self.bytes = bytes;
        Ok(())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Batch({} operations, {} bytes)", self.len(), self.bytes)
    }
}

/// Keys from `start` on, up to and without `end` (`None`: to the last).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// First key of the range; empty for the first of all.
    pub start: Vec<u8>,
    /// First key after the range.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Every key that begins with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Self { start: prefix.to_vec(), end: Some(end) };
            }
        }
        Self { start: prefix.to_vec(), end: None }
    }

    /// Whether `key` lies in the range.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }

    /// Where a scan that resumes after `after` begins.
    pub(crate) fn resume(&self, after: Option<&[u8]>) -> Vec<u8> {
        match after {
            Some(after) if after >= self.start.as_slice() => {
                let mut next = after.to_vec();
                next.push(0);
                next
            }
            Some(_) | None => self.start.clone(),
        }
    }
}

impl fmt::Debug for KeyRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyRange(..)")
    }
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A page of a scan.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Rows in ascending order of key.
    pub rows: Vec<Row>,
    /// Whether rows may follow; resume after the last key.
    pub more: bool,
}

impl fmt::Debug for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Page({} rows, more: {})", self.rows.len(), self.more)
    }
}

/// Check the length of a key.
pub(crate) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StoreError::Key { bytes: key.len() });
    }
    Ok(())
}
