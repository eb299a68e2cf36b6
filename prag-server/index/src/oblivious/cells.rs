//! Metadata as cells of one size, so that a filter can look at all of them.
//!
//! Layer: index, oblivious.
//! Holds: the coding of fields and values; a filter's values are coded alike.
//! Never: stored: cells are made anew from records.
//! Invariant: two values are [`Value::same`] exactly if kind and word agree, and words of numbers and of datetimes
//! order as they do (but for collisions of 64 bits among fields and of 128 among keywords, which nobody meets by
//! chance).

use prag_protocol::metadata::{Number, Value};

/// One scalar of one field of a row; zeros where there is none.
#[derive(Clone, Copy, Default)]
pub(super) struct Cell {
    /// Never 0 for a field.
    pub(super) field: u64,
    pub(super) kind: u64,
    /// High word first.
    pub(super) word: [u64; 2],
}

impl Cell {
    pub(super) fn of_id(id: &str) -> Self {
        Self { field: ID_FIELD, kind: ID, word: digest(id) }
    }

    /// Nothing for null, and for what no filter can name.
    pub(super) fn of(field: u64, value: &Value) -> Option<Self> {
        let (kind, word) = coded(value)?;
        Some(Self { field, kind, word })
    }
}

/// Kind and word of a scalar.
pub(super) fn coded(value: &Value) -> Option<(u64, [u64; 2])> {
    match value {
        Value::Keyword(text) => Some((KEYWORD, digest(text))),
        Value::Bool(truth) => Some((BOOL, [u64::from(*truth), 0])),
        Value::Datetime(micros) => Some((DATETIME, [lifted(*micros), 0])),
        Value::Integer(_) | Value::Float(_) => Some((NUMBER, number(value.number()?))),
        Value::Null | Value::Many(_) => None,
    }
}

/// The name that stands for a field.
pub(super) fn field(name: &str) -> u64 {
    let hash = blake3::derive_key("prag 2026 oblivious field v1", name.as_bytes());
    // One that is another field's by chance is as likely as a broken machine; those of no field and of ids stay free.
    words(&hash)[0] | 2
}

fn digest(text: &str) -> [u64; 2] {
    words(&blake3::derive_key("prag 2026 oblivious keyword v1", text.as_bytes()))
}

fn words(hash: &[u8; 32]) -> [u64; 2] {
    let mut words = [0; 2];
    for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// The greatest float that is not above the number, in the order of floats; then what is missing to the number.
fn number(number: Number) -> [u64; 2] {
    let (float, rest) = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => below(whole),
        (None, float) => (float.unwrap_or_default(), 0),
    };
    let bits = float.to_bits();
    let negative = 0u64.wrapping_sub(bits >> 63);
    [bits ^ (negative | 1 << 63), rest]
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
fn below(whole: i64) -> (f64, u64) {
    let near = whole as f64;
    let float = if near as i128 > i128::from(whole) { near.next_down() } else { near };
    (float, (i128::from(whole) - float as i128) as u64)
}

fn lifted(value: i64) -> u64 {
    value.cast_unsigned() ^ 1 << 63
}

/// The field of document ids; no name has it.
pub(super) const ID_FIELD: u64 = 1;
const KEYWORD: u64 = 1;
const BOOL: u64 = 2;
const DATETIME: u64 = 3;
const NUMBER: u64 = 4;
const ID: u64 = 5;
