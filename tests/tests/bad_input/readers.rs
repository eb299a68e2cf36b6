//! Policies and sessions that cannot be.

use super::letter::Letter;
use super::{Scene, rows};
use prag_protocol::problem::Code;
use serde_json::json;

/// A policy names images by their digests, each once and at most sixteen of a kind; both lists are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_bounded() {
    let scene = Scene::new().await;
    let image = |n: usize| format!("{n:064x}");
    let policy = |workers: Vec<String>, readers: Vec<String>| {
        json!({ "workers": workers, "readers": readers }).to_string()
    };
    let many: Vec<_> = (0..17).map(image).collect();
    let twice = vec![image(1), image(1)];
    for (body, code) in [
        (policy(many.clone(), vec![]), Code::TooLarge),
        (policy(vec![], many), Code::TooLarge),
        (policy(twice.clone(), vec![]), Code::InvalidField),
        (policy(vec![], twice), Code::InvalidField),
        (policy(vec!["00".into()], vec![]), Code::InvalidField),
        (policy(vec!["AB".repeat(32)], vec![]), Code::InvalidField),
        (r#"{"workers":[]}"#.into(), Code::InvalidField),
        (r#"{"workers":[],"readers":[],"any":true}"#.into(), Code::UnknownField),
        (r#"{"workers":"all","readers":[]}"#.into(), Code::InvalidField),
        ("".into(), Code::Malformed),
    ] {
        let letter = Letter::new("PUT", &scene.path("/policy"), body).admin();
        scene.refused(&letter, code).await;
    }
    let data = Letter::new("PUT", &scene.path("/policy"), policy(vec![], vec![]));
    scene.refused(&data, Code::PermissionMissing).await;
    let letter = Letter::new("PUT", &scene.path("/policy"), policy(vec![], vec![])).admin();
    scene.refused_from(&scene.reader, &letter, Code::Forbidden).await;
    let shown = Letter::new("GET", &scene.path("/policy"), "").admin();
    scene.refused_from(&scene.reader, &shown, Code::Forbidden).await;
}

/// Without a challenge of this worker no evidence is looked at, whatever it is; a permit for administration opens none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_begin_with_a_challenge() {
    let scene = Scene::new().await;
    let zeros = "0".repeat(64);
    let made_up = json!({ "evidence": { "kind": "sim" }, "nonce": zeros, "sealing_key": zeros });
    let body = made_up.to_string();
    let mut table = rows([body.as_str()], Code::ChallengeInvalid);
    table.extend(rows([r#"{"evidence":{}}"#, &body.replace("000", "0")], Code::InvalidField));
    table.extend(rows([&body.replacen('{', r#"{"id":1,"#, 1)], Code::UnknownField));
    scene.table("POST", "/v1/sessions", &table).await;
    for path in ["/v1/sessions", "/v1/sessions/challenge"] {
        let letter = Letter::new("POST", path, body.as_str()).admin();
        scene.refused(&letter, Code::PermissionMissing).await;
    }
    let bomb = json!({ "evidence": "x".repeat(3 << 20), "nonce": zeros, "sealing_key": zeros });
    let letter = Letter::new("POST", "/v1/sessions", bomb.to_string());
    scene.refused(&letter, Code::ChallengeInvalid).await;
}
