#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn metadata() -> Metadata {
    serde_json::from_str(
        r#"{"lang":"en","year":2021,"tags":["a","b"],"score":0.5,"open":true,"none":null,"empty":[],
            "at":{"datetime":"2026-01-31T00:00:00Z"},"mixed":["x",7]}"#,
    )
    .unwrap()
}

fn read(json: &str) -> Result<Filter, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn one(condition: &str) -> bool {
    let filter = read(&format!(r#"{{"must":[{condition}]}}"#)).unwrap();
    let again: Filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
    assert_eq!(again, filter);
    filter.matches("doc-1", &metadata())
}

/// Each condition, where it holds and right beside that.
#[test]
fn conditions_hold_where_they_say() {
    for (condition, holds) in [
        (r#"{"key":"lang","match":{"value":"en"}}"#, true),
        (r#"{"key":"lang","match":{"value":"EN"}}"#, false),
        (r#"{"key":"year","match":{"value":2021.0}}"#, true),
        (r#"{"key":"year","match":{"value":"2021"}}"#, false),
        (r#"{"key":"tags","match":{"value":"b"}}"#, true),
        (r#"{"key":"open","match":{"value":true}}"#, true),
        (r#"{"key":"at","match":{"value":{"datetime":"2026-01-31T01:00:00+01:00"}}}"#, true),
        (r#"{"key":"lang","match":{"any":["de","en"]}}"#, true),
        (r#"{"key":"lang","match":{"any":["de"]}}"#, false),
        (r#"{"key":"lang","match":{"except":["de"]}}"#, true),
        (r#"{"key":"lang","match":{"except":["en"]}}"#, false),
        (r#"{"key":"tags","match":{"except":["a"]}}"#, true),
        (r#"{"key":"absent","match":{"except":["a"]}}"#, false),
        (r#"{"key":"year","range":{"gte":2021,"lt":2022}}"#, true),
        (r#"{"key":"year","range":{"gt":2021}}"#, false),
        (r#"{"key":"score","range":{"gt":0,"lte":0.5}}"#, true),
        (r#"{"key":"mixed","range":{"gte":7}}"#, true),
        (r#"{"key":"at","range":{"gte":"2026-01-01T00:00:00Z"}}"#, true),
        (r#"{"key":"at","range":{"lt":{"datetime":"2026-01-01T00:00:00Z"}}}"#, false),
        (r#"{"key":"at","range":{"gte":0}}"#, false),
        (r#"{"exists":{"key":"lang"}}"#, true),
        (r#"{"exists":{"key":"none"}}"#, false),
        (r#"{"exists":{"key":"empty"}}"#, false),
        (r#"{"is_null":{"key":"none"}}"#, true),
        (r#"{"is_null":{"key":"absent"}}"#, true),
        (r#"{"is_null":{"key":"lang"}}"#, false),
        (r#"{"has_id":["doc-1"]}"#, true),
        (r#"{"has_id":["doc-2"]}"#, false),
        (r#"{"should":[{"exists":{"key":"absent"}},{"exists":{"key":"lang"}}]}"#, true),
        (r#"{"must_not":[{"exists":{"key":"lang"}}]}"#, false),
        (r#"{"must":[]}"#, true),
    ] {
        assert_eq!(one(condition), holds, "{condition}");
    }
}

/// must, should and must_not combine; an empty should asks nothing.
#[test]
fn clauses_combine() {
    let (yes, no) = (r#"{"exists":{"key":"lang"}}"#, r#"{"exists":{"key":"absent"}}"#);
    let holds = |must: &str, should: &str, must_not: &str| {
        let json = format!(r#"{{"must":[{must}],"should":[{should}],"must_not":[{must_not}]}}"#);
        read(&json).unwrap().matches("d", &metadata())
    };
    assert!(holds("", "", "") && holds(yes, "", no) && holds(yes, &format!("{no},{yes}"), ""));
    assert!(!holds(no, yes, "") && !holds(yes, no, "") && !holds(yes, yes, yes));
}

/// A list is no filter: read by position, an empty one would let everything through.
#[test]
fn lists_are_no_filters() {
    let lists = [
        "[]",
        "[[],[],[]]",
        r#"[[["lang",{"value":"en"}]]]"#,
        r#"{"must":[["lang",{"value":"en"}]]}"#,
        r#"{"must":[{"exists":["lang"]}]}"#,
        r#"{"must":[{"key":"year","range":[1]}]}"#,
        r#"{"must":[{"must":[[]]}]}"#,
    ];
    for list in lists {
        assert!(read(list).is_err(), "{list}");
    }
    assert!(read("{}").unwrap().is_empty());
}

/// A filter that is malformed or compares unlike types is refused.
#[test]
fn malformed_filters_are_refused() {
    for condition in [
        r#"{"key":"a"}"#,
        r#"{"key":"a","match":{"value":1},"range":{"gte":1}}"#,
        r#"{"key":"a","match":{"text":"x"}}"#,
        r#"{"key":"a","match":{"value":[1]}}"#,
        r#"{"key":"a","match":{"value":null}}"#,
        r#"{"key":"a","match":{"any":[]}}"#,
        r#"{"key":"a","match":{"any":["x",1]}}"#,
        r#"{"key":"a","range":{}}"#,
        r#"{"key":"a","range":{"gte":"today"}}"#,
        r#"{"key":"a","range":{"gte":true}}"#,
        r#"{"key":"a","range":{"gte":1,"lt":"2026-01-01T00:00:00Z"}}"#,
        r#"{"key":"a","exists":{"key":"a"}}"#,
        r#"{"key":"a","must":[]}"#,
        r#"{"key":"","match":{"value":1}}"#,
        r#"{"has_id":[]}"#,
        r#"{"has_id":[1]}"#,
        r#"{"geo":{}}"#,
        "{}",
        "1",
    ] {
        assert!(read(&format!(r#"{{"must":[{condition}]}}"#)).is_err(), "{condition}");
    }
    assert!(read(r#"{"filter":[]}"#).is_err());
}

/// Depth, conditions and values are bounded, each at its exact limit.
#[test]
fn bounds_hold_on_both_sides() {
    let nested = |depth: usize| {
        let mut json = r#"{"must":[]}"#.to_owned();
        for _ in 1..depth {
            json = format!(r#"{{"must":[{json}]}}"#);
        }
        json
    };
    assert!(read(&nested(FILTER_DEPTH_MAX)).is_ok());
    assert!(read(&nested(FILTER_DEPTH_MAX + 1)).unwrap_err().contains("deeper"));
    assert!(read(&nested(5000)).is_err());

    let wide = |count: usize| {
        format!(r#"{{"must":[{}]}}"#, vec![r#"{"exists":{"key":"a"}}"#; count].join(","))
    };
    assert!(read(&wide(FILTER_CONDITIONS_MAX)).is_ok());
    assert!(read(&wide(FILTER_CONDITIONS_MAX + 1)).is_err());

    let listed = |count: usize| {
        format!(r#"{{"must":[{{"has_id":[{}]}}]}}"#, vec![r#""a""#; count].join(","))
    };
    assert!(read(&listed(FILTER_VALUES_MAX)).is_ok());
    assert!(read(&listed(FILTER_VALUES_MAX + 1)).is_err());
}

/// `and` narrows; a filter of empty filters says nothing, and prints nothing.
#[test]
fn filters_narrow_and_stay_quiet() {
    let lang = read(r#"{"must":[{"key":"lang","match":{"value":"en"}}]}"#).unwrap();
    let absent = read(r#"{"must":[{"exists":{"key":"absent"}}]}"#).unwrap();
    assert!(!lang.clone().and(absent).matches("d", &metadata()));
    assert_eq!(lang.clone().and(Filter::default()), lang);
    assert_eq!(Filter::default().and(lang.clone()), lang);
    assert!(Filter::default().is_empty() && !lang.is_empty());
    assert!(read(r#"{"must":[{"must":[]}]}"#).unwrap().is_empty());
    assert!(!format!("{lang:?} {:?}", lang.must).contains("en\""));
}
