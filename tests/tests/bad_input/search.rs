//! Searches out of bounds.
//!
//! Layer: tests.
//! Holds: queries, filters, contexts, embeddings and listings.
//! Never: a request that finds something.
//! Invariant: what was wrong is named by code, whoever asks.

use crate::letter::Letter;
use crate::{Scene, rows};
use prag_protocol::filter::{FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX};
use prag_protocol::limits::{EMBEDDING_INPUTS_MAX, QUERIES_MAX, QUERY_BYTES_MAX};
use prag_protocol::problem::Code;
use serde_json::json;

/// Numbers, texts and vectors of a query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_checked() {
    let scene = Scene::new().await;
    let path = scene.path("/query");
    let zeros = json!({"vector": vec![0; 384]}).to_string();
    let long = json!({"text": "a".repeat(QUERY_BYTES_MAX + 1)}).to_string();
    // Within the bound on bytes, but more tokens than the model takes.
    let tokens = json!({"text": "word ".repeat(QUERY_BYTES_MAX / 5)}).to_string();
    let foreign = scene.owner.collection(scene.supplied).await.unwrap();
    let lineage = foreign.head.unwrap()["head"]["lineage"].clone();
    let token = format!("1.{}.1", lineage.as_str().unwrap());
    let token = json!({"text": "x", "token": token}).to_string();
    let mut table = vec![
        (long, Code::TooLarge),
        (tokens, Code::TooLarge),
        (zeros, Code::BadVector),
        (token, Code::InvalidField),
        (r#"{"vector":[1,2,3]}"#.into(), Code::WrongDimension),
        (r#"{"vector":[1e999]}"#.into(), Code::BadVector),
        (r#"{"vector":[NaN]}"#.into(), Code::Malformed),
        (r#"{"vector":"AACAPw=="}"#.into(), Code::WrongDimension),
        (r#"{"vector":"AACAP"}"#.into(), Code::BadVector),
        (r#"{"vector":"AACAfw=="}"#.into(), Code::BadVector),
        (r#"{"vector":"one, two"}"#.into(), Code::BadVector),
        (r#"{"text":"x","limit":3}"#.into(), Code::UnknownField),
        ("[".repeat(10_000), Code::TooDeep),
    ];
    table.extend(rows(
        [
            r#"{"text":""}"#,
            r#"{"text":" \t\n"}"#,
            r#"{"text":"\u200b"}"#,
            r#"{"text":" ","mode":"sparse"}"#,
        ],
        Code::EmptyText,
    ));
    table.extend(rows(
        [
            "{}",
            r#"{"text":"x","k":0}"#,
            r#"{"text":"x","k":1001}"#,
            r#"{"text":"x","k":-1}"#,
            r#"{"text":"x","k":1.5}"#,
            r#"{"text":"x","k":"10"}"#,
            r#"{"text":"x","k":4294967296}"#,
            r#"{"text":"x","ef":0}"#,
            r#"{"text":"x","ef":4097}"#,
            r#"{"text":7}"#,
            r#"{"text":"x","exact":"yes"}"#,
            r#"{"text":"x","mode":"fuzzy"}"#,
            r#"{"text":"x","token":"garbage"}"#,
            r#"{"text":"x","token":"1..1"}"#,
            r#"{"text":"x","fusion":{"linear":{"weight":1.5}}}"#,
            r#"{"text":"x","fusion":{"linear":{"weight":-1}}}"#,
            r#"{"text":"x","fusion":{"rrf":{"k":0}}}"#,
            r#"{"text":"x","fusion":{"rrf":{"k":1001}}}"#,
            r#"{"text":"x","fusion":"best"}"#,
            r#"{"vector":[1],"mode":"sparse"}"#,
            r#"{"vector":[1],"mode":"hybrid"}"#,
        ],
        Code::InvalidField,
    ));
    scene.table("POST", &path, &table).await;
    for (body, status) in [(r#"{"text":"x","k":5}"#, 200), (r#"{"text":"x","k":6}"#, 422)] {
        let letter = Letter::new("POST", &path, body);
        assert_eq!(letter.send(&scene.reader).await.status, status);
    }
    let over = Letter::new("POST", &path, r#"{"text":"x","k":6}"#);
    scene.refused_from(&scene.reader, &over, Code::InvalidField).await;
}

/// Lists of queries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_queries_are_checked() {
    let scene = Scene::new().await;
    let path = scene.path("/queries");
    let many = json!({"queries": vec![json!({"text": "x", "k": 1}); QUERIES_MAX + 1]}).to_string();
    let mut table = rows(
        [
            "{}",
            r#"{"queries":[]}"#,
            r#"{"queries":{}}"#,
            r#"{"queries":["river"]}"#,
            r#"{"queries":[[]]}"#,
            r#"{"queries":[["x"]]}"#,
            r#"{"queries":[{}]}"#,
            r#"{"queries":[{"text":"x"},{"text":"x","k":0}]}"#,
            r#"{"queries":[{"text":"x","metering":{}}]}"#,
            &many,
        ],
        Code::InvalidField,
    );
    table.extend([
        (r#"{"queries":[{"text":"x"}],"k":3}"#.into(), Code::UnknownField),
        (r#"{"queries":[{"text":"x","limit":3}]}"#.into(), Code::UnknownField),
        (r#"{"queries":[{"text":"x"},{"vector":[1e999]}]}"#.into(), Code::BadVector),
        (r#"{"queries":[{"text":"x","filter":[]}]}"#.into(), Code::BadFilter),
        (r#"{"queries":[{"text":"x","k":1000},{"text":"x","k":1}]}"#.into(), Code::TooLarge),
        (r#"{"queries":[{"text":"x"}"#.into(), Code::Malformed),
    ]);
    scene.table("POST", &path, &table).await;
    // The place is named.
    let bad = Letter::new("POST", &path, r#"{"queries":[{"text":"x"},{"text":"x","ef":0}]}"#);
    let refusal = scene.refused(&bad, Code::InvalidField).await;
    let problem: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(problem["field"], "queries[1].ef");
}

/// Filters that compare unlike things, or go on for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_checked() {
    let scene = Scene::new().await;
    let exists = json!({"exists": {"key": "lang"}});
    let many = json!({"must": vec![&exists; FILTER_CONDITIONS_MAX + 1]});
    let values =
        json!({"must": [{"key": "year", "match": {"any": vec![1; FILTER_VALUES_MAX + 1]}}]});
    let nested = |levels: usize| {
        let mut filter = json!({"must": [exists]});
        for _ in 1..levels {
            filter = json!({"must": [filter]});
        }
        filter
    };
    let mut filters = vec![many, values, nested(FILTER_DEPTH_MAX + 1)];
    filters.extend([
        json!([]),
        json!([[], [], []]),
        json!({"must": [["lang", {"value": "en"}]]}),
        json!({"must": [{"exists": ["lang"]}]}),
        json!({"must": [{"key": "year", "range": [1]}]}),
        json!({"must": [{"key": "lang", "range": {"gte": "tall"}}]}),
        json!({"must": [{"key": "year", "range": {"gte": true}}]}),
        json!({"must": [{"key": "year", "range": {"gte": 1, "lt": "2020-01-31T09:30:00Z"}}]}),
        json!({"must": [{"key": "year", "range": {}}]}),
        json!({"must": [{"key": "day", "range": {"gte": {"datetime": "2020-13-01T00:00:00Z"}}}]}),
        json!({"must": [{"key": "day", "match": {"value": {"datetime": "yesterday"}}}]}),
        json!({"must": [{"key": "day", "range": {"gte": "2020-02-30T00:00:00Z"}}]}),
        json!({"must": [{"key": "year", "match": {"any": [1, "one"]}}]}),
        json!({"must": [{"key": "year", "match": {"any": []}}]}),
        json!({"must": [{"key": "year", "match": {"value": null}}]}),
        json!({"must": [{"key": "year", "match": {"value": [1]}}]}),
        json!({"must": [{"key": "year", "match": {"like": "x"}}]}),
        json!({"must": [{"key": "year"}]}),
        json!({"must": [{"key": "", "match": {"value": 1}}]}),
        json!({"must": [{"key": "year", "match": {"value": 1}, "range": {"gt": 1}}]}),
        json!({"must": [{"has_id": []}]}),
        json!({"must": [{"has_id": [""]}]}),
        json!({"must": {"key": "year"}}),
        json!({"may": []}),
        json!("all"),
        json!(7),
    ]);
    let queries: Vec<_> = filters
        .iter()
        .map(|filter| json!({"text": "x", "filter": filter}).to_string())
        .chain([r#"{"text":"x","filter":{"must":[{"key":"a","range":{"gte":1e999}}]}}"#.to_owned()])
        .map(|body| (body, Code::BadFilter))
        .collect();
    scene.table("POST", &scene.path("/query"), &queries).await;
    let contexts: Vec<_> = filters
        .iter()
        .map(|filter| json!({"prompt": "x", "budget": 100, "filter": filter}).to_string())
        .map(|body| (body, Code::BadFilter))
        .collect();
    scene.table("POST", &scene.path("/context"), &contexts).await;
    // One condition and one level less are taken.
    for filter in [nested(FILTER_DEPTH_MAX), json!({"must": vec![&exists; FILTER_CONDITIONS_MAX]})]
    {
        let body = json!({"text": "river", "filter": filter}).to_string();
        let letter = Letter::new("POST", &scene.path("/query"), body);
        assert_eq!(letter.send(&scene.owner).await.status, 200);
    }
}

/// Budgets, prompts and inputs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_and_embeddings_are_checked() {
    let scene = Scene::new().await;
    let long = json!({"prompt": "a".repeat(QUERY_BYTES_MAX + 1), "budget": 100}).to_string();
    let mut table = vec![
        (long, Code::TooLarge),
        (r#"{"prompt":" ","budget":100}"#.into(), Code::EmptyText),
        (r#"{"prompt":"x","budget":100,"k":3}"#.into(), Code::UnknownField),
    ];
    table.extend(rows(
        [
            r#"{"prompt":"x"}"#,
            r#"{"budget":100}"#,
            r#"{"prompt":"x","budget":0}"#,
            r#"{"prompt":"x","budget":63}"#,
            r#"{"prompt":"x","budget":32769}"#,
            r#"{"prompt":"x","budget":-64}"#,
            r#"{"prompt":"x","budget":1e3}"#,
            r#"{"prompt":"x","budget":100,"passages":0}"#,
            r#"{"prompt":"x","budget":100,"passages":201}"#,
        ],
        Code::InvalidField,
    ));
    scene.table("POST", &scene.path("/context"), &table).await;
    let over = r#"{"prompt":"x","budget":100,"passages":6}"#;
    let over = Letter::new("POST", &scene.path("/context"), over);
    scene.refused_from(&scene.reader, &over, Code::InvalidField).await;

    let many = json!({"input": vec!["x"; EMBEDDING_INPUTS_MAX + 1]}).to_string();
    let long = json!({"input": "word ".repeat(QUERY_BYTES_MAX / 5)}).to_string();
    let mut table = rows(
        [
            "{}",
            r#"{"input":[]}"#,
            r#"{"input":7}"#,
            r#"{"input":["x",7]}"#,
            r#"{"input":"x","model":"none"}"#,
            r#"{"input":"x","encoding_format":"base64"}"#,
            r#"{"input":"x","input_type":"title"}"#,
        ],
        Code::InvalidField,
    );
    table.extend(rows(
        [r#"{"input":""}"#, r#"{"input":["x"," "]}"#, r#"{"input":"\u200b"}"#],
        Code::EmptyText,
    ));
    table.push((many, Code::InvalidField));
    table.push((long, Code::TooLarge));
    table.push((r#"{"input":"x","dimensions":3}"#.into(), Code::UnknownField));
    scene.table("POST", "/v1/embeddings", &table).await;
}

/// Cursors that this worker did not make, and pages of no size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_are_checked() {
    let scene = Scene::new().await;
    let path = format!("/v1/collections/{}/documents", scene.supplied);
    let rows = scene.owner.documents(scene.embedded).await.unwrap();
    let foreign = format!("cursor={}", rows[0].handle);
    let long = format!("cursor={}", "a".repeat(513));
    let listings =
        [(path.as_str(), false), ("/v1/collections", false), (&scene.path("/grants"), true)];
    for (path, admin) in listings {
        for query in [
            "cursor=garbage",
            "cursor=",
            "cursor=%00",
            "cursor=a&cursor=b",
            "limit=0",
            "limit=1001",
            "limit=ten",
            "limit=-1",
            "page=2",
            &foreign,
            &long,
        ] {
            // Collections go on from any id: there is one, by chance of its form, that is no garbage.
            if path == "/v1/collections" && query == foreign {
                continue;
            }
            let letter = Letter::new("GET", path, "").asking(query);
            let letter = if admin { letter.admin() } else { letter };
            scene.refused(&letter, Code::InvalidField).await;
        }
    }
    for query in ["from=x", "from=-1", "size=1"] {
        let letter = Letter::new("GET", &scene.path("/head"), "").asking(query);
        scene.refused(&letter, Code::InvalidField).await;
    }
}
