//! Little-endian arrays in and out of bytes.
//!
//! Layer: index.
//! Holds: a writer and a bounded reader.
//! Never: allocates more than the bytes at hand can fill.
//! Invariant: a reader that fails names its part and nothing else.

use crate::error::{IndexError, PartName};

/// Appends to a part.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// A part's header: format, then rows.
    pub(crate) fn new(part: PartName, rows: u32) -> Self {
        Self::of(format(part), rows)
    }

    /// The header of vectors with signs.
    pub(crate) fn signed(rows: u32) -> Self {
        Self::of(SIGNED, rows)
    }

    fn of(format: u32, rows: u32) -> Self {
        let mut writer = Self(Vec::new());
        writer.number(format);
        writer.number(rows);
        writer
    }

    pub(crate) fn number(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A count, then the numbers.
    pub(crate) fn numbers(&mut self, values: &[u32]) {
        self.0.reserve(4 + values.len() * 4);
        self.count(values.len());
        for value in values {
            self.number(*value);
        }
    }

    /// The floats, without a count.
    pub(crate) fn floats(&mut self, values: &[f32]) {
        self.0.reserve(values.len() * 4);
        for value in values {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// The f16 (their bits), without a count.
    pub(crate) fn halves(&mut self, values: &[u16]) {
        self.0.reserve(values.len() * 2);
        for value in values {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// The bytes, without a count.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A count, then the bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Counts are of arrays in this process's memory, sized by u32 ordinals or by files of less
    /// than 4 GiB; a larger one saturates, and the reader then refuses the part.
    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }
}

/// Reads a part.
pub(crate) struct Reader<'a> {
    part: PartName,
    rest: &'a [u8],
    /// Vectors with signs.
    signed: bool,
}

impl<'a> Reader<'a> {
    /// Check the header; answers the reader behind it and the rows.
    pub(crate) fn new(part: PartName, bytes: &'a [u8]) -> Result<(Self, u32), IndexError> {
        let mut reader = Self { part, rest: bytes, signed: false };
        let found = reader.number()?;
        reader.signed = part == PartName::Vectors && found == SIGNED;
        if found != format(part) && !reader.signed {
            return Err(IndexError::Format(part));
        }
        let rows = reader.number()?;
        if rows == 0 || rows > ROWS_MAX { Err(reader.corrupt()) } else { Ok((reader, rows)) }
    }

    /// Whether these are vectors with signs.
    pub(crate) fn signed(&self) -> bool {
        self.signed
    }

    pub(crate) fn corrupt(&self) -> IndexError {
        IndexError::Corrupt(self.part)
    }

    pub(crate) fn number(&mut self) -> Result<u32, IndexError> {
        let corrupt = self.corrupt();
        let (head, rest) = self.rest.split_first_chunk::<4>().ok_or(corrupt)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*head))
    }

    pub(crate) fn numbers(&mut self) -> Result<Vec<u32>, IndexError> {
        let count = self.number()? as usize;
        let bytes = self.take(count.checked_mul(4).ok_or(self.corrupt())?)?;
        let (chunks, _) = bytes.as_chunks::<4>();
        Ok(gathered(chunks.iter().map(|chunk| u32::from_le_bytes(*chunk))))
    }

    pub(crate) fn floats(&mut self, count: usize) -> Result<Vec<f32>, IndexError> {
        let bytes = self.take(count.checked_mul(4).ok_or(self.corrupt())?)?;
        let (chunks, _) = bytes.as_chunks::<4>();
        Ok(gathered(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk))))
    }

    pub(crate) fn halves(&mut self, count: usize) -> Result<Vec<u16>, IndexError> {
        let bytes = self.take(count.checked_mul(2).ok_or(self.corrupt())?)?;
        let (chunks, _) = bytes.as_chunks::<2>();
        Ok(gathered(chunks.iter().map(|chunk| u16::from_le_bytes(*chunk))))
    }

    pub(crate) fn raw(&mut self, count: usize) -> Result<&'a [u8], IndexError> {
        self.take(count)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], IndexError> {
        let count = self.number()? as usize;
        self.take(count)
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), IndexError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.corrupt()) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], IndexError> {
        let corrupt = self.corrupt();
        let (head, rest) = self.rest.split_at_checked(count).ok_or(corrupt)?;
        self.rest = rest;
        Ok(head)
    }
}

/// The values in memory that a walk finds fast ([`prag_simd::roomy`]).
fn gathered<T>(values: impl ExactSizeIterator<Item = T>) -> Vec<T> {
    let mut room = prag_simd::roomy(values.len());
    room.extend(values);
    room
}

/// Most rows of a part: links, at most 129 a row, stay below 2^32, and rows below tantivy's end mark.
pub(crate) const ROWS_MAX: u32 = 1 << 24;

/// Vectors of version 3, which has signs behind all that version 2 has. Both are written: vectors without signs, as
/// small segments and small dimensions have them, are of version 2.
const SIGNED: u32 = 0x5058_0003;

/// A magic number and the part's version. A part of another version is refused, and the segment rebuilt.
const fn format(part: PartName) -> u32 {
    match part {
        PartName::Vectors | PartName::Graph => 0x5058_0002,
        PartName::Words | PartName::Fields => 0x5058_0001,
    }
}

#[cfg(test)]
mod tests;
