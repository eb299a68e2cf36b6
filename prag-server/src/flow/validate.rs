//! Bounds of what callers send, each with the field's name and the limit.
//!
//! Layer: flow.
//! Holds: pure checks.
//! Never: content in an error.
//! Invariant: nothing over a bound reaches a leaf.

use prag_protocol::limits;
use prag_protocol::problem::{Code, Problem};
use prag_protocol::wire::documents::PutDocument;

pub(super) fn document(document: &PutDocument) -> Result<(), Problem> {
    text("content", &document.content, limits::DOCUMENT_BYTES_MAX)?;
    at_most("title", document.title.len(), limits::TITLE_BYTES_MAX, "bytes")?;
    if let Some(chunks) = &document.chunks {
        at_most("chunks", chunks.len(), limits::DOCUMENT_CHUNKS_MAX, "chunks")?;
    }
    Ok(())
}

/// Non-empty text of at most `max` bytes.
pub(super) fn text(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    at_most(field, text.len(), max, "bytes")?;
    if text.chars().all(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(Problem::new(Code::EmptyText, format!("`{field}` has no visible character"))
            .field(field));
    }
    Ok(())
}

pub(super) fn at_most(field: &str, is: usize, max: usize, unit: &str) -> Result<(), Problem> {
    if is <= max {
        return Ok(());
    }
    let detail = format!("`{field}` has {is} {unit}; at most {max} are accepted");
    Err(Problem::new(Code::TooLarge, detail).field(field).limit(max as u64))
}

pub(super) fn within(field: &str, is: u64, min: u64, max: u64) -> Result<(), Problem> {
    if (min..=max).contains(&is) {
        return Ok(());
    }
    let detail = format!("`{field}` is {is}; it must be {min} to {max}");
    Err(Problem::new(Code::InvalidField, detail).field(field).limit(max))
}

/// A finite vector of `dimension`, scaled to unit length.
pub(super) fn vector(field: &str, vector: &[f32], dimension: usize) -> Result<Vec<f32>, Problem> {
    if vector.len() != dimension {
        let detail = format!(
            "`{field}` has {} numbers; the collection's dimension is {dimension}",
            vector.len()
        );
        return Err(Problem::new(Code::WrongDimension, detail)
            .field(field)
            .limit(dimension as u64));
    }
    if !vector.iter().all(|x| x.is_finite()) {
        return Err(Problem::new(
            Code::BadVector,
            format!("`{field}` holds a number that is not finite"),
        )
        .field(field));
    }
    let norm = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if norm < 1e-12 {
        return Err(
            Problem::new(Code::BadVector, format!("`{field}` has no direction")).field(field)
        );
    }
    #[allow(clippy::cast_possible_truncation)]
    Ok(vector.iter().map(|x| (f64::from(*x) / norm) as f32).collect())
}

/// The page size that a listing uses.
pub(super) fn page(limit: Option<u32>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(100);
    within("limit", u64::from(limit), 1, u64::from(limits::PAGE_ROWS_MAX))?;
    Ok(limit as usize)
}
