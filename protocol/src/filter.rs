//! Filters: conditions on ids and metadata, in the shape that Qdrant users know.
//!
//! Layer: protocol.
//! Holds: the filter's form, its bounds, and an evaluator that is its specification.
//! Never: scores, text search, or a comparison of unlike types.
//! Invariant: a [`Filter`] read from JSON is within its bounds; every index answers as
//! [`Filter::matches`] does.

mod bytes;
mod json;
#[cfg(test)]
mod tests;

use crate::metadata::{Metadata, Number, Value};
use std::fmt;

/// Deepest nesting of filters; a filter without nested ones has depth 1.
pub const FILTER_DEPTH_MAX: usize = 8;
/// Most conditions of one filter, nested ones included.
pub const FILTER_CONDITIONS_MAX: usize = 256;
/// Most values and ids in one filter, over all its conditions.
pub const FILTER_VALUES_MAX: usize = 4096;

/// All of `must`, none of `must_not`, and at least one of `should` unless that is empty.
///
/// An empty filter matches everything.
#[derive(Clone, Default, PartialEq)]
pub struct Filter {
    /// Each of these holds.
    pub must: Vec<Condition>,
    /// At least one of these holds; empty asks nothing.
    pub should: Vec<Condition>,
    /// None of these holds.
    pub must_not: Vec<Condition>,
}

/// One condition. A field that holds a list satisfies it if one of its elements does; a field that
/// is absent, null or an empty list satisfies [`Condition::Null`] only.
#[derive(Clone, PartialEq)]
pub enum Condition {
    /// `{"key":"lang","match":{"value":"en"}}`: equal, type included; 3 equals 3.0.
    Match {
        /// The field.
        field: String,
        /// A scalar.
        value: Value,
    },
    /// `{"key":"lang","match":{"any":["en","de"]}}`: equal to one of `values`.
    Any {
        /// The field.
        field: String,
        /// Comparable scalars, at least one.
        values: Vec<Value>,
    },
    /// `{"key":"lang","match":{"except":["en"]}}`: a value that equals none of `values`.
    Except {
        /// The field.
        field: String,
        /// Comparable scalars, at least one.
        values: Vec<Value>,
    },
    /// `{"key":"year","range":{"gte":2020}}`, or RFC 3339 text for datetimes.
    Range {
        /// The field.
        field: String,
        /// Between which bounds.
        bounds: Bounds,
    },
    /// `{"exists":{"key":"lang"}}`: the field has a value.
    Exists {
        /// The field.
        field: String,
    },
    /// `{"is_null":{"key":"lang"}}`: the field is absent, null or an empty list.
    Null {
        /// The field.
        field: String,
    },
    /// `{"has_id":["doc-1"]}`: the document's id is one of these.
    HasId {
        /// Document ids, at least one.
        ids: Vec<String>,
    },
    /// A filter within the filter.
    Nested(Filter),
}

/// Bounds of a range: all numbers or all datetimes, at least one of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Greater than.
    pub gt: Option<Value>,
    /// Greater than or equal to.
    pub gte: Option<Value>,
    /// Less than.
    pub lt: Option<Value>,
    /// Less than or equal to.
    pub lte: Option<Value>,
}

/// Why a filter is refused. Not retryable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Deeper than [`FILTER_DEPTH_MAX`].
    #[error("a filter nests deeper than {FILTER_DEPTH_MAX}")]
    Depth,
    /// More than [`FILTER_CONDITIONS_MAX`] conditions.
    #[error("a filter has more than {FILTER_CONDITIONS_MAX} conditions")]
    Conditions,
    /// More than [`FILTER_VALUES_MAX`] values and ids.
    #[error("a filter lists more than {FILTER_VALUES_MAX} values")]
    Values,
    /// A condition is none of the known ones, or several at once.
    #[error(
        "a condition is one of key with match, key with range, exists, is_null, has_id, or must, should, must_not"
    )]
    Condition,
    /// A field name or document id is empty or too long.
    #[error("a condition names a field or id that is empty or too long")]
    Name,
    /// A list where a scalar belongs, an empty list, or a number that is not finite.
    #[error("a condition's value must be a finite number, a string, a bool or a datetime")]
    Value,
    /// Unlike types in one list, or a range that is not over numbers or datetimes alone.
    #[error("a condition compares unlike types")]
    Types,
}

impl Filter {
    /// Whether the filter says nothing: it holds no condition but empty nested filters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions().all(|condition| match condition {
            Condition::Nested(filter) => filter.is_empty(),
            _ => false,
        })
    }

    /// What matches both. The result may be one deeper than [`FILTER_DEPTH_MAX`]; it is for use in
    /// this process, such as a grant's scope on top of a caller's filter.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        if self == Filter::default() {
            return other;
        }
        if other == Filter::default() {
            return self;
        }
        let must = vec![Condition::Nested(self), Condition::Nested(other)];
        Filter { must, ..Filter::default() }
    }

    /// Whether a document with `id` and `metadata` is among those meant. This is the specification.
    #[must_use]
    pub fn matches(&self, id: &str, metadata: &Metadata) -> bool {
        let holds = |condition: &Condition| condition.matches(id, metadata);
        self.must.iter().all(holds)
            && (self.should.is_empty() || self.should.iter().any(holds))
            && !self.must_not.iter().any(holds)
    }

    /// Whether the filter is within its bounds and compares like with like.
    ///
    /// # Errors
    /// [`FilterError`] names the first thing that is not.
    pub fn check(&self) -> Result<(), FilterError> {
        let (mut conditions, mut values) = (0, 0);
        self.measure(1, &mut conditions, &mut values)
    }

    /// All conditions of this level.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.must.iter().chain(&self.should).chain(&self.must_not)
    }

    fn measure(
        &self,
        depth: usize,
        conditions: &mut usize,
        values: &mut usize,
    ) -> Result<(), FilterError> {
        if depth > FILTER_DEPTH_MAX {
            return Err(FilterError::Depth);
        }
        for condition in self.conditions() {
            *conditions += 1;
            *values += condition.check()?;
            if *conditions > FILTER_CONDITIONS_MAX {
                return Err(FilterError::Conditions);
            }
            if *values > FILTER_VALUES_MAX {
                return Err(FilterError::Values);
            }
            if let Condition::Nested(filter) = condition {
                filter.measure(depth + 1, conditions, values)?;
            }
        }
        Ok(())
    }
}

impl Condition {
    fn matches(&self, id: &str, metadata: &Metadata) -> bool {
        let scalars = |field: &str| metadata.get(field).map_or(&[][..], Value::scalars);
        match self {
            Self::Match { field, value } => scalars(field).iter().any(|held| held.same(value)),
            Self::Any { field, values } => {
                scalars(field).iter().any(|held| values.iter().any(|value| held.same(value)))
            }
            Self::Except { field, values } => {
                scalars(field).iter().any(|held| !values.iter().any(|value| held.same(value)))
            }
            Self::Range { field, bounds } => scalars(field).iter().any(|held| bounds.hold(held)),
            Self::Exists { field } => !scalars(field).is_empty(),
            Self::Null { field } => scalars(field).is_empty(),
            Self::HasId { ids } => ids.iter().any(|listed| listed == id),
            Self::Nested(filter) => filter.matches(id, metadata),
        }
    }

    /// How many values and ids the condition lists.
    fn check(&self) -> Result<usize, FilterError> {
        match self {
            Self::Match { field, value } => {
                check_values(field, std::slice::from_ref(value))?;
                Ok(1)
            }
            Self::Any { field, values } | Self::Except { field, values } => {
                check_values(field, values)?;
                Ok(values.len())
            }
            Self::Range { field, bounds } => {
                check_field(field)?;
                bounds.check()?;
                Ok(1)
            }
            Self::Exists { field } | Self::Null { field } => check_field(field).map(|()| 0),
            Self::HasId { ids } => {
                let named = |id: &String| (1..=crate::DocumentId::BYTES_MAX).contains(&id.len());
                if ids.is_empty() || !ids.iter().all(named) {
                    return Err(FilterError::Name);
                }
                Ok(ids.len())
            }
            Self::Nested(_) => Ok(0),
        }
    }
}

impl Bounds {
    /// Whether `held` is of the bounds' type and within them.
    #[must_use]
    pub fn hold(&self, held: &Value) -> bool {
        let Some(held) = rank(held) else { return false };
        let side = |bound: &Option<Value>, fits: fn(&Rank, &Rank) -> bool| match bound {
            None => true,
            Some(bound) => {
                rank(bound).is_some_and(|bound| like(held, bound) && fits(&held, &bound))
            }
        };
        side(&self.gt, Rank::gt)
            && side(&self.gte, Rank::ge)
            && side(&self.lt, Rank::lt)
            && side(&self.lte, Rank::le)
    }

    /// The bounds that are there.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        [&self.gt, &self.gte, &self.lt, &self.lte].into_iter().flatten()
    }

    fn check(&self) -> Result<(), FilterError> {
        let Some(first) = self.values().next() else {
            return Err(FilterError::Value);
        };
        for bound in self.values() {
            bound.check().map_err(|_| FilterError::Value)?;
            if rank(bound).is_none() || !bound.comparable(first) {
                return Err(FilterError::Types);
            }
        }
        Ok(())
    }
}

/// What ranges order: numbers among themselves, datetimes among themselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(Number),
    Datetime(i64),
}

fn rank(value: &Value) -> Option<Rank> {
    match value {
        Value::Datetime(micros) => Some(Rank::Datetime(*micros)),
        other => other.number().map(Rank::Number),
    }
}

fn like(left: Rank, right: Rank) -> bool {
    matches!(
        (left, right),
        (Rank::Number(_), Rank::Number(_)) | (Rank::Datetime(_), Rank::Datetime(_))
    )
}

fn check_field(field: &str) -> Result<(), FilterError> {
    crate::metadata::check_key(field).map_err(|_| FilterError::Name)
}

fn check_values(field: &str, values: &[Value]) -> Result<(), FilterError> {
    check_field(field)?;
    let Some(first) = values.first() else {
        return Err(FilterError::Value);
    };
    for value in values {
        value.check().map_err(|_| FilterError::Value)?;
        if matches!(value, Value::Null | Value::Many(_)) {
            return Err(FilterError::Value);
        }
        if !value.comparable(first) {
            return Err(FilterError::Types);
        }
    }
    Ok(())
}

impl fmt::Debug for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Filter({} conditions)", self.conditions().count())
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Condition(…)")
    }
}
