//! Metadata and document ids, inverted: which rows hold a value.
//!
//! Layer: index.
//! Holds: a bitmap of rows per field and value, and the rows of each document.
//! Never: another meaning of a filter than [`Filter::matches`] has.
//! Invariant: `filter` answers exactly the rows that [`Filter::matches`] would.

mod bytes;
#[cfg(test)]
mod tests;

use prag_protocol::filter::{Bounds, Condition, Filter};
use prag_protocol::metadata::{Metadata, Number, Value};
use roaring::{MultiOps, RoaringBitmap};
use std::collections::BTreeMap;
use std::ops::Bound;

/// The metadata index of a part.
#[derive(Default, PartialEq)]
pub(crate) struct Fields {
    rows: u32,
    documents: BTreeMap<Box<str>, Vec<u32>>,
    fields: BTreeMap<String, Field>,
}

#[derive(Default, PartialEq)]
struct Field {
    /// Rows where the field has a value.
    present: RoaringBitmap,
    values: BTreeMap<Key, RoaringBitmap>,
}

/// A scalar, in the order of its kind; kinds one after another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Bool(bool),
    Keyword(String),
    Datetime(i64),
    Number(Number),
}

impl Key {
    fn new(value: &Value) -> Option<Self> {
        match value {
            Value::Keyword(text) => Some(Self::Keyword(text.clone())),
            Value::Bool(truth) => Some(Self::Bool(*truth)),
            Value::Datetime(micros) => Some(Self::Datetime(*micros)),
            Value::Integer(_) | Value::Float(_) => value.number().map(Self::Number),
            Value::Null | Value::Many(_) => None,
        }
    }

    fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The least key of the kind.
    fn floor(&self) -> Option<Self> {
        match self {
            Self::Bool(_) => Some(Self::Bool(false)),
            Self::Keyword(_) => Some(Self::Keyword(String::new())),
            Self::Datetime(_) => Some(Self::Datetime(i64::MIN)),
            Self::Number(_) => Number::from_f64(f64::MIN).map(Self::Number),
        }
    }
}

impl Fields {
    /// Add the next row; its ordinal is how many there were before.
    pub(crate) fn push(&mut self, doc: &str, metadata: &Metadata) {
        let ordinal = self.rows;
        self.rows += 1;
        match self.documents.get_mut(doc) {
            Some(rows) => rows.push(ordinal),
            None => {
                self.documents.insert(doc.into(), vec![ordinal]);
            }
        }
        for (name, value) in metadata.iter() {
            for key in value.scalars().iter().filter_map(Key::new) {
                if !self.fields.contains_key(name) {
                    self.fields.insert(name.to_owned(), Field::default());
                }
                if let Some(field) = self.fields.get_mut(name) {
                    field.present.insert(ordinal);
                    field.values.entry(key).or_default().insert(ordinal);
                }
            }
        }
    }

    /// Bytes, about: of the bitmaps as they would be written, of ids and values, and of the trees that hold them.
    pub(crate) fn memory(&self) -> usize {
        let list = |id: &str, rows: &Vec<u32>| {
            TREE + size_of::<Box<str>>()
                + id.len()
                + size_of::<Vec<u32>>()
                + rows.capacity() * size_of::<u32>()
        };
        let bitmap = |rows: &RoaringBitmap| size_of::<RoaringBitmap>() + rows.serialized_size();
        let value = |(key, rows): (&Key, &RoaringBitmap)| {
            let text = if let Key::Keyword(text) = key { text.capacity() } else { 0 };
            TREE + size_of::<Key>() + text + bitmap(rows)
        };
        let field = |(name, field): (&String, &Field)| {
            name.capacity() + bitmap(&field.present) + field.values.iter().map(value).sum::<usize>()
        };
        self.documents.iter().map(|(id, rows)| list(id, rows)).sum::<usize>()
            + self.fields.iter().map(field).sum::<usize>()
    }

    /// The rows that `filter` matches.
    pub(crate) fn filter(&self, filter: &Filter) -> RoaringBitmap {
        let mut must = filter.must.iter().map(|condition| self.rows_of(condition));
        let mut rows = must.next().unwrap_or_else(|| self.every());
        for others in must {
            rows &= others;
        }
        if !filter.should.is_empty() {
            rows &= filter.should.iter().map(|condition| self.rows_of(condition)).union();
        }
        for condition in &filter.must_not {
            rows -= self.rows_of(condition);
        }
        rows
    }

    fn every(&self) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        rows.insert_range(0..self.rows);
        rows
    }

    fn rows_of(&self, condition: &Condition) -> RoaringBitmap {
        let field = |name: &String| self.fields.get(name);
        match condition {
            Condition::Match { field: name, value } => field(name)
                .map_or_else(RoaringBitmap::new, |field| field.any(std::slice::from_ref(value))),
            Condition::Any { field: name, values } => {
                field(name).map_or_else(RoaringBitmap::new, |field| field.any(values))
            }
            Condition::Except { field: name, values } => {
                field(name).map_or_else(RoaringBitmap::new, |field| field.except(values))
            }
            Condition::Range { field: name, bounds } => {
                field(name).map_or_else(RoaringBitmap::new, |field| field.range(bounds))
            }
            Condition::Exists { field: name } => {
                field(name).map_or_else(RoaringBitmap::new, |field| field.present.clone())
            }
            Condition::Null { field: name } => {
                let mut rows = self.every();
                if let Some(field) = field(name) {
                    rows -= &field.present;
                }
                rows
            }
            Condition::HasId { ids } => ids
                .iter()
                .filter_map(|id| self.documents.get(id.as_str()))
                .flatten()
                .copied()
                .collect(),
            Condition::Nested(filter) => self.filter(filter),
        }
    }
}

impl Field {
    fn any(&self, values: &[Value]) -> RoaringBitmap {
        let keys = values.iter().filter_map(Key::new);
        keys.filter_map(|key| self.values.get(&key)).union()
    }

    fn except(&self, values: &[Value]) -> RoaringBitmap {
        let mut keys: Vec<Key> = values.iter().filter_map(Key::new).collect();
        keys.sort_unstable();
        let others = self.values.iter().filter(|(key, _)| keys.binary_search(key).is_err());
        others.map(|(_, rows)| rows).union()
    }

    fn range(&self, bounds: &Bounds) -> RoaringBitmap {
        let key = |bound: &Option<Value>| bound.as_ref().and_then(Key::new);
        let (gt, gte, lt, lte) =
            (key(&bounds.gt), key(&bounds.gte), key(&bounds.lt), key(&bounds.lte));
        let kind = [&gt, &gte, &lt, &lte].into_iter().flatten().next();
        let Some(kind @ (Key::Datetime(_) | Key::Number(_))) = kind else {
            return RoaringBitmap::new();
        };
        let Some(floor) = kind.floor() else {
            return RoaringBitmap::new();
        };
        let start = gt.as_ref().into_iter().chain(&gte).max().unwrap_or(&floor);
        self.values
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(|(key, _)| key.same_kind(kind))
            .skip_while(|(key, _)| gt.as_ref().is_some_and(|bound| *key <= bound))
            .take_while(|(key, _)| lt.as_ref().is_none_or(|bound| *key < bound))
            .take_while(|(key, _)| lte.as_ref().is_none_or(|bound| *key <= bound))
            .map(|(_, rows)| rows)
            .union()
    }
}

/// What a tree keeps beside an entry, about: its nodes are two thirds full.
const TREE: usize = 16;
