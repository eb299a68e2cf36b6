//! A filter as bytes to be hashed. Frozen, version 1.
//!
//! Layer: protocol.
//! Holds: a tag for each condition and value, a length before each text, a count before each list; big-endian.
//! Never: JSON: one filter has many texts.
//! Invariant: two filters that differ, in order too, have different bytes.

use super::{Bounds, Condition, Filter};
use crate::metadata::Value;

impl Filter {
    /// The frozen layout: `must`, `should`, `must_not`, each a count of 4 bytes and its conditions.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        filter(&mut out, self);
        out
    }
}

fn filter(out: &mut Vec<u8>, filter: &Filter) {
    for conditions in [&filter.must, &filter.should, &filter.must_not] {
        list(out, conditions, condition);
    }
}

fn condition(out: &mut Vec<u8>, one: &Condition) {
    match one {
        Condition::Match { field, value: held } => {
            named(out, 1, field);
            value(out, held);
        }
        Condition::Any { field, values } => {
            named(out, 2, field);
            list(out, values, value);
        }
        Condition::Except { field, values } => {
            named(out, 3, field);
            list(out, values, value);
        }
        Condition::Range { field, bounds: Bounds { gt, gte, lt, lte } } => {
            named(out, 4, field);
            for bound in [gt, gte, lt, lte] {
                value(out, bound.as_ref().unwrap_or(&Value::Null));
            }
        }
        Condition::Exists { field } => named(out, 5, field),
        Condition::Null { field } => named(out, 6, field),
        Condition::HasId { ids } => {
            out.push(7);
            list(out, ids, |out, id| text(out, id));
        }
        Condition::Nested(nested) => {
            out.push(8);
            filter(out, nested);
        }
    }
}

fn value(out: &mut Vec<u8>, one: &Value) {
    match one {
        Value::Null => out.push(0),
        Value::Keyword(keyword) => named(out, 1, keyword),
        Value::Integer(number) => tagged(out, 2, number.to_be_bytes()),
        Value::Float(number) => tagged(out, 3, number.to_bits().to_be_bytes()),
        Value::Bool(flag) => out.extend_from_slice(&[4, u8::from(*flag)]),
        Value::Datetime(micros) => tagged(out, 5, micros.to_be_bytes()),
        Value::Many(values) => {
            out.push(6);
            list(out, values, value);
        }
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) {
    out.push(tag);
    out.extend_from_slice(&bytes);
}

fn named(out: &mut Vec<u8>, tag: u8, name: &str) {
    out.push(tag);
    text(out, name);
}

fn text(out: &mut Vec<u8>, text: &str) {
    count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn list<T>(out: &mut Vec<u8>, entries: &[T], entry: fn(&mut Vec<u8>, &T)) {
    count(out, entries.len());
    entries.iter().for_each(|one| entry(out, one));
}

fn count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Every condition and every kind of value, spelled from the layout.
    #[test]
    fn golden_bytes() {
        let filter: Filter = serde_json::from_str(
            r#"{"must":[{"key":"a","match":{"value":"x"}},{"key":"a","match":{"any":[3,4]}},
                {"key":"a","match":{"except":[true]}},{"key":"a","range":{"gt":0.5}},
                {"key":"a","range":{"lte":{"datetime":"1970-01-01T00:00:01Z"}}}],
              "should":[{"exists":{"key":"bc"}},{"is_null":{"key":"b"}}],
              "must_not":[{"has_id":["d"]},{"must":[{"exists":{"key":"e"}}]}]}"#,
        )
        .unwrap();
        let a = [0, 0, 0, 1, b'a'];
        let number = |tag: u8, value: i64| [&[tag][..], &value.to_be_bytes()].concat();
        let must = [
            &[0, 0, 0, 5][..],
            &[&[1][..], &a, &[1, 0, 0, 0, 1, b'x']].concat(),
            &[&[2][..], &a, &[0, 0, 0, 2], &number(2, 3), &number(2, 4)].concat(),
            &[&[3][..], &a, &[0, 0, 0, 1, 4, 1]].concat(),
            &[&[4][..], &a, &[3, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], &[0, 0, 0]].concat(),
            &[&[4][..], &a, &[0, 0, 0], &number(5, 1_000_000)].concat(),
        ];
        let should = [&[0, 0, 0, 2][..], &[5, 0, 0, 0, 2], b"bc", &[6, 0, 0, 0, 1, b'b']];
        let nested = [&[8, 0, 0, 0, 1, 5, 0, 0, 0, 1, b'e'][..], &[0; 8]].concat();
        let must_not = [&[0, 0, 0, 2][..], &[7, 0, 0, 0, 1, 0, 0, 0, 1, b'd'], &nested];
        let expected = [must.concat(), should.concat(), must_not.concat()].concat();
        assert_eq!(filter.to_bytes(), expected);
        assert_eq!(Filter::default().to_bytes(), [0; 12]);
    }
}
