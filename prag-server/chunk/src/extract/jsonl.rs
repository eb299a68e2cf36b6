//! JSON lines: one record a line.
//!
//! Layer: a leaf of the server.
//! Holds: the choice of a record's text, and string escapes with their places.
//! Never: joins two records in one piece.
//! Invariant: a line is read whole by a JSON parser before any of it is used.

use super::{Extract, title};
use crate::ChunkError;
use crate::map::{Map, Runs};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Hands each record to `take`, in order; blank lines are skipped.
///
/// # Errors
/// [`ChunkError::Record`] names the first line without text; and what `take` answers.
pub(crate) fn jsonl(
    source: &str,
    mut take: impl FnMut(Extract<'_>) -> Result<(), ChunkError>,
) -> Result<(), ChunkError> {
    let mut offset = 0;
    for (index, line) in source.split_inclusive('\n').enumerate() {
        let body = line.trim_start_matches('\u{feff}').trim();
        if !body.is_empty() {
            let at = offset + (line.len() - line.trim_start_matches('\u{feff}').trim_start().len());
            let bad = ChunkError::Record { line: index + 1 };
            take(record(body, at).ok_or(bad)?)?;
        }
        offset += line.len();
    }
    Ok(())
}

fn record(line: &str, at: usize) -> Option<Extract<'static>> {
    let (literal, above) = if line.starts_with('"') {
        serde_json::from_str::<&RawValue>(line).ok()?;
        (0..line.len(), Vec::new())
    } else {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(line).ok()?;
        let is_text = |value: &&&RawValue| value.get().starts_with('"');
        let chosen = match fields.get("text").filter(is_text) {
            Some(text) => text,
            None => fields.values().filter(is_text).max_by_key(|value| value.get().len())?,
        };
        let above = fields.get("title").filter(is_text);
        let above = above.filter(|value| !std::ptr::eq(value.get(), chosen.get()));
        let above = above.and_then(|value| title(&decode(line, place(line, value)?, 0).0));
        (place(line, chosen)?, above.into_iter().collect())
    };
    let (text, runs) = decode(line, literal, at);
    (!text.trim().is_empty()).then(|| Extract {
        text: Cow::Owned(text),
        map: Map::Runs(runs),
        headings: Vec::new(),
        above,
        markdown: false,
    })
}

/// Where a borrowed value stands in its line.
fn place(line: &str, value: &RawValue) -> Option<Range<usize>> {
    let raw = value.get();
    let start = raw.as_ptr().addr().checked_sub(line.as_ptr().addr())?;
    let place = start..start + raw.len();
    (line.get(place.clone())? == raw).then_some(place)
}

/// The text of a JSON string literal that a parser has accepted, quotes included in `literal`.
fn decode(line: &str, literal: Range<usize>, at: usize) -> (String, Runs) {
    let mut text = String::new();
    let mut runs = Runs::default();
    let mut position = literal.start + 1;
    let end = literal.end.saturating_sub(1);
    while let Some(rest) = line.get(position..end).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('\\').unwrap_or(rest.len());
        if plain > 0 {
            text.push_str(&rest[..plain]);
            runs.exact(plain, at + position);
            position += plain;
            continue;
        }
        let (decoded, bytes) = escape(rest);
        text.push(decoded);
        let from = at + position;
        runs.decoded(decoded.len_utf8(), from..from + bytes);
        position += bytes;
    }
    (text, runs)
}

/// The character of the escape that `rest` begins with, and the escape's length.
fn escape(rest: &str) -> (char, usize) {
    let simple = match rest.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(rest),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, rest.len().min(2))
}

fn unicode(rest: &str) -> (char, usize) {
    let unit = |from: usize| {
        let digits = rest.get(from..from + 4)?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(2) else {
        return (char::REPLACEMENT_CHARACTER, rest.len().min(2));
    };
    let second = if rest.get(6..8) == Some("\\u") {
        unit(8).filter(|unit| (0xdc00..0xe000).contains(unit))
    } else {
        None
    };
    match (first, second) {
        (0xd800..0xdc00, Some(second)) => {
            let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            let decoded = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
            (decoded, 12)
        }
        _ => {
            let decoded = char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER);
            (decoded, 6)
        }
    }
}
