#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::error::{IndexError, PartName};
use proptest::prelude::*;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-c]{0,1}".prop_map(Value::Keyword),
        (-3i64..4).prop_map(Value::Integer),
        (-6i32..7).prop_map(|half| Value::Float(f64::from(half) / 2.0)),
        any::<bool>().prop_map(Value::Bool),
        (-2i64..3).prop_map(Value::Datetime),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => scalar(),
        1 => Just(Value::Null),
        3 => prop::collection::vec(scalar(), 0..4).prop_map(Value::Many),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[xyz]"
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let side = || prop::option::of((-3i64..4, any::<bool>()));
    (any::<bool>(), side(), side(), side(), side()).prop_map(|(dates, gt, gte, lt, lte)| {
        #[allow(clippy::cast_precision_loss)]
        let make = |bound: Option<(i64, bool)>| {
            bound.map(|(at, half)| match (dates, half) {
                (true, _) => Value::Datetime(at),
                (false, false) => Value::Integer(at),
                (false, true) => Value::Float(at as f64 + 0.5),
            })
        };
        let bounds = Bounds { gt: make(gt), gte: make(gte), lt: make(lt), lte: make(lte) };
        if bounds.values().next().is_none() {
            return Bounds { gte: Some(Value::Integer(0)), ..bounds };
        }
        bounds
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (name(), scalar()).prop_map(|(field, value)| Condition::Match { field, value }),
        (name(), prop::collection::vec(scalar(), 1..3))
            .prop_map(|(field, values)| Condition::Any { field, values }),
        (name(), prop::collection::vec(scalar(), 1..3))
            .prop_map(|(field, values)| Condition::Except { field, values }),
        (name(), bounds()).prop_map(|(field, bounds)| Condition::Range { field, bounds }),
        name().prop_map(|field| Condition::Exists { field }),
        name().prop_map(|field| Condition::Null { field }),
        prop::collection::vec("d[0-9]", 1..4).prop_map(|ids| Condition::HasId { ids }),
    ];
    let group = |condition: BoxedStrategy<Condition>| {
        let some = prop::collection::vec(condition, 0..3);
        (some.clone(), some.clone(), some).prop_map(|(must, should, must_not)| Filter {
            must,
            should,
            must_not,
        })
    };
    let condition = leaf
        .prop_recursive(3, 12, 3, move |inner| group(inner.boxed()).prop_map(Condition::Nested));
    group(condition.boxed())
}

fn rows() -> impl Strategy<Value = Vec<(String, Metadata)>> {
    let metadata = prop::collection::btree_map(name(), value(), 0..4)
        .prop_map(|fields| Metadata::try_from(fields).unwrap());
    prop::collection::vec(("d[0-9]", metadata), 1..24)
}

fn index(rows: &[(String, Metadata)]) -> Fields {
    let mut fields = Fields::default();
    for (doc, metadata) in rows {
        fields.push(doc, metadata);
    }
    fields
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The index answers as the specification does, row by row, before and after storage.
    #[test]
    fn index_agrees_with_the_specification(rows in rows(), filter in filter()) {
        let fields = index(&rows);
        let expected: RoaringBitmap = (0u32..)
            .zip(&rows)
            .filter(|(_, (doc, metadata))| filter.matches(doc, metadata))
            .map(|(row, _)| row)
            .collect();
        prop_assert_eq!(fields.filter(&filter), expected.clone());
        let count = u32::try_from(rows.len()).unwrap();
        let again = Fields::from_bytes(&fields.to_bytes().unwrap(), count).unwrap();
        prop_assert!(again == fields);
    }

    /// Damaged bytes are refused or read as some index over the same rows; never a panic.
    #[test]
    fn damaged_bytes_do_not_panic(
        rows in rows(), at in any::<prop::sample::Index>(), flip in 1u8.., filter in filter(),
    ) {
        let count = u32::try_from(rows.len()).unwrap();
        let mut bytes = index(&rows).to_bytes().unwrap();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(read) = Fields::from_bytes(&bytes, count) {
            let found = read.filter(&filter);
            prop_assert!(found.max().is_none_or(|last| last < count));
        }
        bytes.truncate(place);
        prop_assert!(Fields::from_bytes(&bytes, count).is_err());
    }
}

/// The number of rows is part of what is checked.
#[test]
fn another_row_count_is_refused() {
    let fields = index(&[("d".to_owned(), Metadata::new())]);
    let bytes = fields.to_bytes().unwrap();
    assert!(Fields::from_bytes(&bytes, 1).is_ok());
    let refused = Fields::from_bytes(&bytes, 2).err();
    assert_eq!(refused, Some(IndexError::Corrupt(PartName::Fields)));
}

/// Part format 1 is frozen: header, length, then postcard of documents with their rows and of fields with their
/// values, kind by kind; a value's rows are a roaring bitmap in its portable form.
#[test]
fn golden_bytes() {
    let rows: [(&str, &[(&str, Value)]); 3] = [
        ("a", &[("k", Value::Keyword("x".into())), ("b", Value::Bool(true))]),
        (
            "b",
            &[
                ("k", Value::Many(vec![Value::Keyword("x".into()), Value::Keyword("y".into())])),
                ("d", Value::Datetime(-1)),
                ("n", Value::Integer(3)),
            ],
        ),
        ("a", &[("n", Value::Float(2.5))]),
    ];
    let mut fields = Fields::default();
    for (doc, values) in rows {
        let mut metadata = Metadata::new();
        for (name, value) in values {
            metadata.insert((*name).to_owned(), value.clone()).unwrap();
        }
        fields.push(doc, &metadata);
    }
    let body = [
        &b"\x02"[..],
        b"\x01a\x02\x00\x02",
        b"\x01b\x01\x01",
        b"\x04",
        b"\x01b\x01",
        &[0, 1],
        &bitmap(&[0]),
        b"\x01d\x01",
        &[2, 1], // zigzag of −1
        &bitmap(&[1]),
        b"\x01k\x02",
        b"\x01\x01x",
        &bitmap(&[0, 1]),
        b"\x01\x01y",
        &bitmap(&[1]),
        b"\x01n\x02",
        &[4, 0, 0, 0, 0, 0, 0, 0x04, 0x40],
        &bitmap(&[2]),
        &[3, 6], // zigzag of 3
        &bitmap(&[1]),
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let expected = [&[0x01, 0x00, 0x58, 0x50, 3, 0, 0, 0], &length[..], &body].concat();
    assert_eq!(fields.to_bytes().unwrap(), expected);
    assert!(Fields::from_bytes(&expected, 3).unwrap() == fields);
}

/// Its length as postcard has it, then one array container: cookie without runs, count, key, cardinality less one,
/// offset, ordinals.
fn bitmap(ordinals: &[u16]) -> Vec<u8> {
    let count = u8::try_from(ordinals.len()).unwrap();
    let head = [0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, count - 1, 0, 16, 0, 0, 0];
    let ordinals: Vec<u8> = ordinals.iter().flat_map(|ordinal| ordinal.to_le_bytes()).collect();
    [&[16 + 2 * count], &head[..], &ordinals].concat()
}
