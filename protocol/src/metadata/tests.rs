#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn read(json: &str) -> Result<Metadata, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Every type reads as its own variant, and writes back to the same fields.
#[test]
fn types_survive_json() {
    let json = r#"{"a":"x","b":3,"c":1.5,"d":true,"e":null,"f":["x",2],"g":{"datetime":"2026-01-31T10:30:00+01:00"}}"#;
    let metadata = read(json).unwrap();
    assert_eq!(metadata.get("a"), Some(&Value::Keyword("x".into())));
    assert_eq!(metadata.get("b"), Some(&Value::Integer(3)));
    assert_eq!(metadata.get("c"), Some(&Value::Float(1.5)));
    assert_eq!(metadata.get("e"), Some(&Value::Null));
    let Some(Value::Datetime(micros)) = metadata.get("g") else { panic!("not a datetime") };
    assert_eq!(format_rfc3339(*micros), "2026-01-31T09:30:00Z");
    let again = read(&serde_json::to_string(&metadata).unwrap()).unwrap();
    assert_eq!(again, metadata);
}

/// Each bound holds at its last allowed value and refuses the next; the error names the field only.
#[test]
fn bounds_hold_on_both_sides() {
    let fields = |count: usize| {
        let all: BTreeMap<_, _> = (0..count).map(|i| (format!("k{i}"), i)).collect();
        serde_json::to_string(&all).unwrap()
    };
    assert!(read(&fields(METADATA_FIELDS_MAX)).is_ok());
    assert!(read(&fields(METADATA_FIELDS_MAX + 1)).is_err());

    let keyed = |bytes: usize| format!(r#"{{"{}":1}}"#, "k".repeat(bytes));
    assert!(read(&keyed(METADATA_KEY_BYTES_MAX)).is_ok());
    assert!(read(&keyed(METADATA_KEY_BYTES_MAX + 1)).is_err());
    assert!(read(&keyed(0)).is_err());

    let text = |bytes: usize| format!(r#"{{"field":"{}"}}"#, "v".repeat(bytes));
    assert!(read(&text(METADATA_VALUE_BYTES_MAX)).is_ok());
    let error = read(&text(METADATA_VALUE_BYTES_MAX + 1)).unwrap_err();
    assert!(error.contains("field") && error.contains("4096") && !error.contains("vv"));

    assert!(read(&format!(r#"{{"f":[{}1]}}"#, "1,".repeat(454))).is_ok());
    assert!(read(&format!(r#"{{"f":[{}1]}}"#, "1,".repeat(455))).is_err());
    let mut full = read(&fields(METADATA_FIELDS_MAX)).unwrap();
    assert_eq!(full.insert("new".into(), Value::Null), Err(MetadataError::Fields));
    assert!(full.insert("k0".into(), Value::Null).unwrap().is_some());
}

/// Nesting, foreign objects, twins and numbers that do not fit are refused.
#[test]
fn strangers_are_refused() {
    for json in [
        r#"{"a":[[1]]}"#,
        r#"{"a":[null]}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":{}}"#,
        r#"{"a":{"datetime":"2026-01-31T00:00:00Z","b":1}}"#,
        r#"{"a":{"datetime":"yesterday"}}"#,
        r#"{"a":{"datetime":1}}"#,
        r#"{"a":9223372036854775808}"#,
        r#"{"a":1e400}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a\u0000":1}"#,
        "[]",
    ] {
        assert!(read(json).is_err(), "{json}");
    }
    let mut metadata = Metadata::new();
    assert!(metadata.insert("a".into(), Value::Float(f64::NAN)).is_err());
    assert!(metadata.insert("a".into(), Value::Datetime(i64::MAX)).is_err());
}

/// Printing metadata shows no content.
#[test]
fn debug_is_quiet() {
    let metadata = read(r#"{"patient":"smith"}"#).unwrap();
    let shown = format!("{metadata:?} {:?}", metadata.get("patient"));
    assert!(!shown.contains("smith") && !shown.contains("patient\""));
}

/// Integers and floats stand on one line, also where a float cannot hold the integer.
#[test]
fn numbers_have_one_order() {
    let real = |value| Number::from_f64(value).unwrap();
    assert_eq!(Number::from(3), real(3.0));
    assert_eq!(real(-0.0), real(0.0));
    assert!(Number::from(i64::MAX) < real(9_223_372_036_854_775_808.0));
    assert_eq!(Number::from(i64::MIN), real(-9_223_372_036_854_775_808.0));
    assert!(Number::from((1 << 53) + 1) > real(9_007_199_254_740_992.0));
    assert!(real(-1.5) < Number::from(-1) && real(-1.5) > Number::from(-2));
    assert!(real(0.5) > Number::from(0) && real(0.5) < Number::from(1));
    assert!(real(1e300) > Number::from(i64::MAX) && real(-1e300) < Number::from(i64::MIN));
    assert!(Number::from_f64(f64::INFINITY).is_none());
}

/// Dates around leap days, eras and the epoch survive the way there and back.
#[test]
fn datetimes_go_there_and_back() {
    for (text, micros) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2000-02-29T12:00:00Z", 951_825_600_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ] {
        assert_eq!(parse_rfc3339(text), Some(micros), "{text}");
        assert_eq!(format_rfc3339(micros), text);
    }
    for day in (-719_162i64..2_932_896).step_by(97) {
        let micros = day * 86_400_000_000 + 1;
        assert_eq!(parse_rfc3339(&format_rfc3339(micros)), Some(micros));
    }
    assert_eq!(
        parse_rfc3339("2026-01-01t00:00:00.1234567z"),
        parse_rfc3339("2026-01-01T00:00:00.123456Z")
    );
    for text in [
        "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00",
        "0000-12-31T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "２026-01-01T00:00:00Z",
    ] {
        assert_eq!(parse_rfc3339(text), None, "{text}");
    }
}
