//! Filters as arithmetic over a row's cells.
//!
//! Layer: index, oblivious.
//! Holds: a filter in coded form, and its verdict on one row.
//! Never: stops early: every condition looks at every cell with every value.
//! Invariant: the verdict is that of [`Filter::matches`].

use super::cells::{Cell, ID_FIELD, coded, field};
use super::choice::{NO, YES, less_wide, same};
use super::trace::{Event, Trace};
use prag_protocol::filter::{Bounds, Condition, Filter};
use prag_protocol::metadata::Value;

/// A filter, coded once per query.
#[derive(Default)]
pub(super) struct Coded {
    must: Vec<Test>,
    should: Vec<Test>,
    must_not: Vec<Test>,
}

enum Test {
    /// A cell of the field is one of these.
    Any(u64, Vec<(u64, [u64; 2])>),
    /// A cell of the field is none of these.
    Except(u64, Vec<(u64, [u64; 2])>),
    /// A cell of the field is of this kind, and from the first word to the second, both included.
    Range(u64, u64, [u64; 2], [u64; 2]),
    /// A cell is of the field.
    Exists(u64),
    /// No cell is of the field.
    Null(u64),
    Nested(Coded),
}

impl Coded {
    pub(super) fn new(filter: &Filter) -> Self {
        let tests = |conditions: &[Condition]| conditions.iter().map(Test::new).collect();
        Self {
            must: tests(&filter.must),
            should: tests(&filter.should),
            must_not: tests(&filter.must_not),
        }
    }

    pub(super) fn holds<T: Trace>(&self, cells: &[Cell], trace: &mut T) -> u64 {
        let mut all = YES;
        for test in &self.must {
            all &= test.holds(cells, trace);
        }
        let mut some = if self.should.is_empty() { YES } else { NO };
        for test in &self.should {
            some |= test.holds(cells, trace);
        }
        for test in &self.must_not {
            all &= !test.holds(cells, trace);
        }
        all & some
    }
}

impl Test {
    fn new(condition: &Condition) -> Self {
        let list = |values: &[Value]| values.iter().filter_map(coded).collect();
        match condition {
            Condition::Match { field: name, value } => {
                Self::Any(field(name), list(std::slice::from_ref(value)))
            }
            Condition::Any { field: name, values } => Self::Any(field(name), list(values)),
            Condition::Except { field: name, values } => Self::Except(field(name), list(values)),
            Condition::Range { field: name, bounds } => range(field(name), bounds),
            Condition::Exists { field: name } => Self::Exists(field(name)),
            Condition::Null { field: name } => Self::Null(field(name)),
            Condition::HasId { ids } => {
                let cells = ids.iter().map(|id| Cell::of_id(id));
                Self::Any(ID_FIELD, cells.map(|cell| (cell.kind, cell.word)).collect())
            }
            Condition::Nested(filter) => Self::Nested(Coded::new(filter)),
        }
    }

    fn holds<T: Trace>(&self, cells: &[Cell], trace: &mut T) -> u64 {
        match self {
            Self::Any(field, values) => {
                trace.note(Event::Condition(values.len()));
                any(cells, |cell| same(cell.field, *field) & listed(cell, values))
            }
            Self::Except(field, values) => {
                trace.note(Event::Condition(values.len()));
                any(cells, |cell| same(cell.field, *field) & !listed(cell, values))
            }
            Self::Range(field, kind, first, last) => {
                trace.note(Event::Condition(2));
                any(cells, |cell| {
                    let within = !less_wide(cell.word, *first) & !less_wide(*last, cell.word);
                    same(cell.field, *field) & same(cell.kind, *kind) & within
                })
            }
            Self::Exists(field) => {
                trace.note(Event::Condition(0));
                any(cells, |cell| same(cell.field, *field))
            }
            Self::Null(field) => {
                trace.note(Event::Condition(0));
                !any(cells, |cell| same(cell.field, *field))
            }
            Self::Nested(filter) => filter.holds(cells, trace),
        }
    }
}

#[inline(always)]
fn any(cells: &[Cell], holds: impl Fn(&Cell) -> u64) -> u64 {
    cells.iter().fold(NO, |found, cell| found | holds(cell))
}

#[inline(always)]
fn listed(cell: &Cell, values: &[(u64, [u64; 2])]) -> u64 {
    values.iter().fold(NO, |found, (kind, [high, low])| {
        let equal = same(cell.word[0], *high) & same(cell.word[1], *low);
        found | (same(cell.kind, *kind) & equal)
    })
}

/// Bounds are of one kind ([`Filter::check`]); of several on one side the narrower counts.
fn range(field: u64, bounds: &Bounds) -> Test {
    let word = |bound: &Option<Value>| bound.as_ref().and_then(coded);
    let wide = |word: [u64; 2]| u128::from(word[0]) << 64 | u128::from(word[1]);
    let (gt, gte, lt, lte) =
        (word(&bounds.gt), word(&bounds.gte), word(&bounds.lt), word(&bounds.lte));
    let kind = [gt, gte, lt, lte].into_iter().flatten().next().map_or(0, |(kind, _)| kind);
    let mut first = gte.map_or(0, |(_, word)| wide(word));
    let mut last = lte.map_or(u128::MAX, |(_, word)| wide(word));
    // No coded word is the greatest or the least one of all.
    first = first.max(gt.map_or(0, |(_, word)| wide(word).saturating_add(1)));
    last = last.min(lt.map_or(u128::MAX, |(_, word)| wide(word).saturating_sub(1)));
    #[allow(clippy::cast_possible_truncation)] // the two halves
    let halves = |word: u128| [(word >> 64) as u64, word as u64];
    Test::Range(field, kind, halves(first), halves(last))
}
