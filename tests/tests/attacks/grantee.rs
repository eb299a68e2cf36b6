//! The grantee: asks faster, longer, closer and for more than it was granted.
//!
//! Layer: tests.
//! Holds: a collection of supplied vectors, its owner, and a grantee with a small grant.
//! Never: a request that only the owner could make.
//! Invariant: what is refused is refused by its own code, and the owner sees what it should look at.

use crate::scene::{Scene, parse};
use prag_client::identity::Purpose;
use prag_protocol::problem::Code;
use prag_protocol::wire::grants::GrantFlag;
use prag_tests::{Wiretap, ask, json as request};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

/// A burst passes, then the rate; each grantee has its own, every way to content counts, and the owner has none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_faster_than_the_rate() {
    let scene =
        Scene::with(20, |settings| (settings.rate_per_s, settings.rate_burst) = (1, 6)).await;
    let (first, second) =
        (scene.grantee("first", json!({})).await, scene.grantee("second", json!({})).await);
    let start = Instant::now();
    let mut passed = 0;
    for _ in 0..4 {
        let lookup = first.lookup(scene.id, "d1".parse().unwrap()).await;
        let page = first.documents_page(scene.id, None, Some(3)).await;
        let query = first.query(scene.id, &scene.near(3)).await;
        let context = parse(json!({ "prompt": "content 3", "budget": 100 }));
        let context = first.context(scene.id, &context).await;
        for refused in [lookup.err(), page.err(), query.err(), context.err()] {
            match refused {
                None => passed += 1,
                Some(error) => assert_eq!(error.code(), Some(Code::RateLimited), "{error}"),
            }
        }
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
    assert!((6..=6 + seconds).contains(&passed), "{passed} in {seconds} s");
    assert!(second.query(scene.id, &scene.near(3)).await.is_ok(), "another's haste is its own");
    for _ in 0..20 {
        scene.owner.query(scene.id, &scene.near(3)).await.unwrap();
    }
    let grants = scene.owner.grants(scene.id).await.unwrap();
    let used: u64 = grants.iter().map(|grant| grant.used).sum();
    assert_eq!(used, 0, "a grant without a quota counts nothing, refused or not");
}

/// What is refused for its haste looks on the wire like an answer, and costs no quota.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn learns_nothing_from_being_refused() {
    let scene =
        Scene::with(20, |settings| (settings.rate_per_s, settings.rate_burst) = (1, 1)).await;
    let tap = Wiretap::before(scene.lab.address()).await;
    let grantee = scene.grantee_at("grantee", json!({ "quota": 1000 }), &tap.url()).await;
    let path = format!("/v1/collections/{}/query", scene.id);
    let body = json!({ "vector": [1.0, 0.0], "k": 3 }).to_string();
    let mut seen = BTreeSet::new();
    let mut answered = 0;
    for _ in 0..20 {
        let before = tap.received_len();
        let answer = ask(&grantee, Purpose::Data, &request("POST", &path, body.as_bytes())).await;
        seen.insert(tap.received_len() - before);
        match answer.status {
            200 => answered += 1,
            status => {
                let problem: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(
                    (status, &problem["code"], &problem["limit"]),
                    (429, &json!("rate-limited"), &json!(1))
                );
            }
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!((1..20).contains(&answered));
    assert_eq!(scene.owner.grants(scene.id).await.unwrap()[0].used, answered);
}

/// A walk through the whole collection ends at the quota, whichever way it takes, also after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dumps_the_corpus_past_its_quota() {
    let mut scene = Scene::with(100, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({ "quota": 8, "max_k": 5 })).await;
    let page = grantee.documents_page(scene.id, None, Some(100)).await.unwrap_err();
    assert_eq!(
        page.code(),
        Some(Code::QuotaExhausted),
        "a page costs as much as searches for its rows"
    );
    let mut got = BTreeSet::new();
    let mut queries = 0;
    for number in 0..100 {
        match grantee.query(scene.id, &scene.near(number * 5 % 100)).await {
            Ok(reply) => {
                queries += 1;
                got.extend(reply.hits.into_iter().map(|hit| hit.document));
            }
            Err(error) => assert_eq!(error.code(), Some(Code::QuotaExhausted), "{error}"),
        }
    }
    assert_eq!(queries, 8);
    assert!(got.len() <= 8 * 5, "{}", got.len());
    for _ in 0..2 {
        let context = parse(json!({ "prompt": "content", "budget": 500 }));
        let codes = [
            grantee.query(scene.id, &scene.near(1)).await.unwrap_err().code(),
            grantee.context(scene.id, &context).await.unwrap_err().code(),
            grantee.lookup(scene.id, "d7".parse().unwrap()).await.unwrap_err().code(),
            grantee.lookup(scene.id, "none".parse().unwrap()).await.unwrap_err().code(),
            grantee.documents_page(scene.id, None, Some(1)).await.unwrap_err().code(),
        ];
        assert_eq!(codes, [Some(Code::QuotaExhausted); 5]);
        assert_eq!(scene.owner.grants(scene.id).await.unwrap()[0].used, 8);
        scene.lab.restart().await;
    }
}

/// Whole documents cost what searches for their chunks would, so that they are no way around.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_whole_documents_for_the_price_of_one_search() {
    let scene = Scene::with(1, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({ "quota": 100, "max_k": 2 })).await;
    scene.put_long("long", 7).await;
    let whole = grantee.lookup(scene.id, "long".parse().unwrap()).await.unwrap();
    assert_eq!(whole.chunks, 7);
    assert_eq!(scene.owner.grants(scene.id).await.unwrap()[0].used, 4);
    grantee.document(scene.id, &whole.handle).await.unwrap();
    assert_eq!(scene.owner.grants(scene.id).await.unwrap()[0].used, 8);
}

/// In no mode and no fusion does a score have a fourth digit after the point, nor is there a vector in a reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_exact_scores_and_vectors() {
    let scene = Scene::with(60, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({ "max_k": 50 })).await;
    let mut scores = 0;
    let mut asked = Vec::new();
    for mode in ["dense", "sparse", "hybrid"] {
        for fusion in [
            json!({ "linear": { "weight": 0.37 } }),
            json!({ "rrf": { "k": 7 } }),
            json!("dbsf"),
            Value::Null,
        ] {
            for exact in [false, true] {
                let body = json!({
                    "text": "content 7 of words", "vector": [0.3, 0.7], "k": 50, "mode": mode,
                    "fusion": fusion, "exact": exact, "with_metadata": true,
                });
                asked.push(("query", body));
            }
        }
    }
    asked.push((
        "context",
        json!({ "prompt": "content 7 of words", "budget": 4000, "passages": 50 }),
    ));
    for (leaf, body) in asked {
        let path = format!("/v1/collections/{}/{leaf}", scene.id);
        let body = body.to_string();
        let answer = ask(&grantee, Purpose::Data, &request("POST", &path, body.as_bytes())).await;
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{body}: {text}");
        assert!(!text.contains("\"vector\"") && !text.contains("\"embedding\""));
        for score in text.split("\"score\":").skip(1) {
            let score = score.split([',', '}']).next().unwrap();
            let digits = score.split_once('.').map_or(0, |(_, digits)| digits.len());
            assert!(digits <= 3 && !score.contains('e'), "{score} in {body}");
            scores += 1;
        }
    }
    assert!(scores > 500, "{scores}");
}

/// What its owner deleted answers no more: at once, after segments were made, and after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_for_deleted_documents() {
    let mut scene = Scene::with(40, |_| ()).await;
    let grantee = scene.grantee("grantee", json!({ "max_k": 50 })).await;
    let gone = grantee.lookup(scene.id, "d9".parse().unwrap()).await.unwrap();
    scene.compact().await;
    scene.owner.delete_documents(scene.id, &parse(json!({ "ids": ["d9"] }))).await.unwrap();
    for step in ["at once", "after a merge", "after a restart"] {
        let query = parse(json!({ "text": "content 9", "vector": [1.0, 9.0], "k": 50 }));
        let hits = grantee.query(scene.id, &query).await.unwrap().hits;
        assert_eq!(hits.len(), 39, "{step}");
        assert!(hits.iter().all(|hit| hit.document.as_str() != "d9"), "{step}");
        let by_id = grantee.lookup(scene.id, "d9".parse().unwrap()).await.unwrap_err();
        let by_handle = grantee.document(scene.id, &gone.handle).await.unwrap_err();
        assert_eq!([by_id.code(), by_handle.code()], [Some(Code::DocumentNotFound); 2], "{step}");
        assert_eq!(grantee.documents(scene.id).await.unwrap().len(), 39, "{step}");
        match step {
            "at once" => scene.compact().await,
            _ => scene.lab.restart().await,
        }
    }
}

/// Neither a filter, nor a larger k, nor a document's id leads out of the grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_beyond_scope_and_k() {
    let scene = Scene::with(40, |_| ()).await;
    let scope = json!({ "must": [{ "key": "even", "match": { "value": true } }] });
    let grantee = scene.grantee("grantee", json!({ "max_k": 5, "scope": scope })).await;
    let more = parse(json!({ "vector": [1.0, 1.0], "k": 6 }));
    let refused = grantee.query(scene.id, &more).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::InvalidField), "{refused}");
    for filter in [
        json!({ "should": [{ "key": "even", "match": { "value": false } }, { "has_id": ["d1", "d3"] }] }),
        json!({ "must_not": [{ "key": "even", "match": { "value": true } }] }),
        json!({}),
    ] {
        for mode in ["dense", "sparse", "hybrid"] {
            let query = parse(json!({
                "text": "content 3", "vector": [1.0, 3.0], "k": 5, "mode": mode, "filter": filter,
            }));
            for hit in grantee.query(scene.id, &query).await.unwrap().hits {
                let number: u32 = hit.document.as_str()[1..].parse().unwrap();
                assert_eq!(number % 2, 0, "{filter}");
            }
        }
    }
    let odd = grantee.lookup(scene.id, "d3".parse().unwrap()).await.unwrap_err();
    let absent = grantee.lookup(scene.id, "d3333".parse().unwrap()).await.unwrap_err();
    assert_eq!(odd.to_string(), absent.to_string(), "out of scope is absent");
    assert_eq!(grantee.documents(scene.id).await.unwrap().len(), 20);
}

/// Who asks again and again for passages that are there, or for one with small changes, is shown to the owner, and
/// to nobody else; who asks different questions is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_for_near_duplicates() {
    let scene = Scene::with(200, |_| ()).await;
    let guesses = scene.grantee("guesses", json!({ "max_k": 1 })).await;
    let climbs = scene.grantee("climbs", json!({ "max_k": 1 })).await;
    let reads = scene.grantee("reads", json!({ "max_k": 1 })).await;
    for number in 0..64 {
        let words = format!("content {number} of words that are told apart by their number");
        let guess = parse(json!({ "text": words, "mode": "sparse", "k": 1 }));
        assert!(guesses.query(scene.id, &guess).await.unwrap().hits[0].text.contains(&words));
        let step = format!("who signed contract {number} with the printers of the yellow book");
        let step = parse(json!({ "text": step, "mode": "sparse", "k": 1 }));
        climbs.query(scene.id, &step).await.unwrap();
        let question = QUESTIONS[number % QUESTIONS.len()];
        let question = format!("{question} {}?", QUESTIONS[number / QUESTIONS.len()]);
        let question = parse(json!({ "text": question, "mode": "sparse", "k": 1 }));
        reads.query(scene.id, &question).await.unwrap();
    }
    for grant in scene.owner.grants(scene.id).await.unwrap() {
        let expected = if grant.grant.grantee == *reads.identity().address() {
            vec![]
        } else {
            vec![GrantFlag::Probing]
        };
        assert_eq!(grant.flags, expected);
    }
    let refused = guesses.grants(scene.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Forbidden));
    // But for the worker's probes of its own recall.
    let metrics = scene.metrics().await.replace("prag_recall_probed_", "");
    assert!(metrics.contains("prag_queries_total") && !metrics.contains("prob"), "{metrics}");
}

/// Who was returned half of the documents is shown to the owner, until it is granted anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walks_through_the_corpus() {
    let scene = Scene::with(100, |_| ()).await;
    let terms = json!({ "max_k": 10 });
    let grantee = scene.grantee("grantee", terms.clone()).await;
    let flags = async || scene.owner.grants(scene.id).await.unwrap().remove(0).flags;
    for step in 0..4 {
        grantee.query(scene.id, &scene.near(step * 10 + 5)).await.unwrap();
    }
    assert_eq!(flags().await, []);
    for step in 4..10 {
        grantee.query(scene.id, &scene.near(step * 10 + 5)).await.unwrap();
    }
    assert_eq!(flags().await, [GrantFlag::Dump]);
    let again = scene.grantee("grantee", terms).await;
    assert_eq!(flags().await, []);
    again.documents(scene.id).await.unwrap();
    assert_eq!(flags().await, [GrantFlag::Dump]);
}

const QUESTIONS: [&str; 12] = [
    "when do rivers freeze",
    "cost of copper in winter",
    "address for parcels abroad",
    "largest glacier known",
    "why violets fade",
    "engine oil and pressure",
    "meadow law of 1987",
    "signals across the bay",
    "timber prices fell",
    "lantern oil smell",
    "orchard pests treated",
    "granite or slate floors",
];
