//! Filters in JSON.
//!
//! Layer: protocol.
//! Holds: the wire shape of a condition and its translation, both ways.
//! Never: an unknown field, two conditions in one object, or a list where an object belongs.
//! Invariant: what is read has passed [`Filter::check`]; what is written reads back equal.

use super::{Bounds, Condition, Filter, FilterError};
use crate::metadata::{Value, parse_rfc3339};
use crate::objects;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let shape: FilterShape = objects::one(source)?;
        let filter = shape.translate(1).map_err(Error::custom)?;
        filter.check().map_err(Error::custom)?;
        Ok(filter)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        FilterShape::from(self).serialize(out)
    }
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FilterShape {
    #[serde(deserialize_with = "objects::many", skip_serializing_if = "Vec::is_empty")]
    must: Vec<ConditionShape>,
    #[serde(deserialize_with = "objects::many", skip_serializing_if = "Vec::is_empty")]
    should: Vec<ConditionShape>,
    #[serde(deserialize_with = "objects::many", skip_serializing_if = "Vec::is_empty")]
    must_not: Vec<ConditionShape>,
}

/// Every shape at once; [`ConditionShape::translate`] wants exactly one of them.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConditionShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matches: Option<MatchShape>,
    #[serde(deserialize_with = "objects::maybe", skip_serializing_if = "Option::is_none")]
    range: Option<RangeShape>,
    #[serde(deserialize_with = "objects::maybe", skip_serializing_if = "Option::is_none")]
    exists: Option<KeyShape>,
    #[serde(deserialize_with = "objects::maybe", skip_serializing_if = "Option::is_none")]
    is_null: Option<KeyShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_id: Option<Vec<String>>,
    #[serde(deserialize_with = "objects::maybe_many", skip_serializing_if = "Option::is_none")]
    must: Option<Vec<ConditionShape>>,
    #[serde(deserialize_with = "objects::maybe_many", skip_serializing_if = "Option::is_none")]
    should: Option<Vec<ConditionShape>>,
    #[serde(deserialize_with = "objects::maybe_many", skip_serializing_if = "Option::is_none")]
    must_not: Option<Vec<ConditionShape>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyShape {
    key: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum MatchShape {
    Value(Value),
    Any(Vec<Value>),
    Except(Vec<Value>),
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RangeShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    gt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gte: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lt: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lte: Option<Value>,
}

impl FilterShape {
    fn translate(self, depth: usize) -> Result<Filter, FilterError> {
        if depth > super::FILTER_DEPTH_MAX {
            return Err(FilterError::Depth);
        }
        let all = |shapes: Vec<ConditionShape>| {
            shapes.into_iter().map(|shape| shape.translate(depth)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Filter {
            must: all(self.must)?,
            should: all(self.should)?,
            must_not: all(self.must_not)?,
        })
    }

    fn from(filter: &Filter) -> Self {
        let all = |conditions: &[Condition]| conditions.iter().map(ConditionShape::from).collect();
        Self {
            must: all(&filter.must),
            should: all(&filter.should),
            must_not: all(&filter.must_not),
        }
    }
}

impl ConditionShape {
    fn translate(self, depth: usize) -> Result<Condition, FilterError> {
        let nested = self.must.is_some() || self.should.is_some() || self.must_not.is_some();
        let kinds = [
            self.matches.is_some(),
            self.range.is_some(),
            self.exists.is_some(),
            self.is_null.is_some(),
            self.has_id.is_some(),
            nested,
        ];
        if kinds.iter().filter(|&&there| there).count() != 1 {
            return Err(FilterError::Condition);
        }
        if nested && self.key.is_none() {
            let shape = FilterShape {
                must: self.must.unwrap_or_default(),
                should: self.should.unwrap_or_default(),
                must_not: self.must_not.unwrap_or_default(),
            };
            return Ok(Condition::Nested(shape.translate(depth + 1)?));
        }
        match (self.key, self.matches, self.range, self.exists, self.is_null, self.has_id) {
            (Some(field), Some(matches), ..) => Ok(matches.translate(field)),
            (Some(field), _, Some(range), ..) => {
                Ok(Condition::Range { field, bounds: range.translate()? })
            }
            (None, _, _, Some(exists), ..) => Ok(Condition::Exists { field: exists.key }),
            (None, _, _, _, Some(null), _) => Ok(Condition::Null { field: null.key }),
            (None, _, _, _, _, Some(ids)) => Ok(Condition::HasId { ids }),
            _ => Err(FilterError::Condition),
        }
    }

    fn from(condition: &Condition) -> Self {
        let keyed = |field: &String, matches| Self {
            key: Some(field.clone()),
            matches: Some(matches),
            ..Self::default()
        };
        let key = |field: &String| Some(KeyShape { key: field.clone() });
        match condition {
            Condition::Match { field, value } => keyed(field, MatchShape::Value(value.clone())),
            Condition::Any { field, values } => keyed(field, MatchShape::Any(values.clone())),
            Condition::Except { field, values } => keyed(field, MatchShape::Except(values.clone())),
            Condition::Range { field, bounds } => Self {
                key: Some(field.clone()),
                range: Some(RangeShape::from(bounds)),
                ..Self::default()
            },
            Condition::Exists { field } => Self { exists: key(field), ..Self::default() },
            Condition::Null { field } => Self { is_null: key(field), ..Self::default() },
            Condition::HasId { ids } => Self { has_id: Some(ids.clone()), ..Self::default() },
            Condition::Nested(filter) => {
                let shape = FilterShape::from(filter);
                Self {
                    must: Some(shape.must),
                    should: Some(shape.should),
                    must_not: Some(shape.must_not),
                    ..Self::default()
                }
            }
        }
    }
}

impl MatchShape {
    fn translate(self, field: String) -> Condition {
        match self {
            Self::Value(value) => Condition::Match { field, value },
            Self::Any(values) => Condition::Any { field, values },
            Self::Except(values) => Condition::Except { field, values },
        }
    }
}

impl RangeShape {
    /// Text in a range is a datetime: nothing else that is written as text has an order here.
    fn translate(self) -> Result<Bounds, FilterError> {
        let side = |bound: Option<Value>| match bound {
            Some(Value::Keyword(text)) => {
                parse_rfc3339(&text).map(|at| Some(Value::Datetime(at))).ok_or(FilterError::Types)
            }
            other => Ok(other),
        };
        Ok(Bounds {
            gt: side(self.gt)?,
            gte: side(self.gte)?,
            lt: side(self.lt)?,
            lte: side(self.lte)?,
        })
    }

    fn from(bounds: &Bounds) -> Self {
        let Bounds { gt, gte, lt, lte } = bounds.clone();
        Self { gt, gte, lt, lte }
    }
}
