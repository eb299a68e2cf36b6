//! Callers who are not who they say, or not allowed.
//!
//! Layer: tests.
//! Holds: permits, signatures, time, replays, and what a stranger learns.
//! Never: the sealed channel itself (see `channel`).
//! Invariant: absent and forbidden are one answer, byte for byte.

use crate::Scene;
use crate::letter::{Fault, Letter};
use prag_protocol::problem::Code;

/// A permit is for one ledger, one key, some time and some purposes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_are_checked() {
    let scene = Scene::new().await;
    let letter = Letter::new("POST", &scene.path("/query"), r#"{"text":"river"}"#);
    assert_eq!(letter.send(&scene.owner).await.status, 200);
    let cases = [
        (Fault::Old(10 * 86_400), Code::PermitExpired),
        (Fault::Meant(|expected| expected.chain_id = "secret-4".into()), Code::PermitInvalid),
        (Fault::Meant(|expected| expected.contract.push('x')), Code::PermitInvalid),
        (
            Fault::Permit(|permit| {
                // A later expiry: the digits after the last `=`.
                let name = &mut permit.params.permit_name;
                let end = name.rfind('=').unwrap();
                name.truncate(end + 1);
                name.push_str("9999999999");
            }),
            Code::PermitInvalid,
        ),
        (
            Fault::Permit(|permit| permit.params.permissions = vec!["prag_admin".into()]),
            Code::PermitInvalid,
        ),
        (
            Fault::Permit(|permit| permit.params.permissions.push("prag_admin".into())),
            Code::PermitInvalid,
        ),
        (Fault::Permit(|permit| permit.params.permissions.clear()), Code::PermitInvalid),
        (Fault::Permit(|permit| permit.params.permit_name = "mine".into()), Code::PermitInvalid),
        (Fault::Permit(|permit| permit.signature.signature = "AAAA".into()), Code::PermitInvalid),
        (
            Fault::Headers(|headers| headers.retain(|(name, _)| name != "prag-permit")),
            Code::PermitInvalid,
        ),
    ];
    for (fault, code) in cases {
        scene.refused(&letter.with(fault), code).await;
    }
    // Another wallet's key signed nothing of this: the owner's request under the reader's permit.
    let theirs = letter.sign(&scene.reader).await;
    let permit = theirs.iter().find(|(name, _)| name == "prag-permit");
    let mut mixed = letter.sign(&scene.owner).await;
    mixed.retain(|(name, _)| name != "prag-permit");
    mixed.extend(permit.cloned());
    scene
        .stands(async |scene: &Scene| {
            let answer = letter.send_signed(&scene.owner, mixed).await;
            let code = Code::SignatureInvalid;
            crate::is_problem(answer.status, &answer.body, code, "mixed");
        })
        .await;
    for (method, rest, body) in [
        ("POST", "/query", r#"{"text":"x"}"#),
        ("POST", "/context", r#"{"prompt":"x","budget":100}"#),
        ("PUT", "/documents", r#"{"id":"x","content":"text"}"#),
        ("GET", "/documents", ""),
    ] {
        let letter = Letter::new(method, &scene.path(rest), body).admin();
        scene.refused(&letter, Code::PermissionMissing).await;
    }
    for (method, rest, body) in
        [("DELETE", "", ""), ("GET", "/grants", ""), ("PUT", "/keys", r#"{"share":{}}"#)]
    {
        let letter = Letter::new(method, &scene.path(rest), body);
        scene.refused(&letter, Code::PermissionMissing).await;
    }
    let embeddings = Letter::new("POST", "/v1/embeddings", r#"{"input":"x"}"#).admin();
    scene.refused(&embeddings, Code::PermissionMissing).await;
}

/// A signature is for one request, one worker and two minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_are_checked() {
    let scene = Scene::new().await;
    let body = r#"{"id":"x","content":"A signed document."}"#;
    let letter = Letter::new("PUT", &scene.path("/documents"), body);
    let cases = [
        // The clock moves on while the request travels: 63 is still over 60 when it arrives.
        (Fault::Signed(-61), Code::ClockSkew),
        (Fault::Signed(63), Code::ClockSkew),
        (Fault::Signed(-1_000_000_000), Code::ClockSkew),
        (Fault::Signed(1_000_000_000), Code::ClockSkew),
        (Fault::Worker([7; 32]), Code::SignatureInvalid),
        (
            Fault::Sent(|sent| sent.body = br#"{"id":"x","content":"Another."}"#.into()),
            Code::SignatureInvalid,
        ),
        (Fault::Sent(|sent| sent.body.push(b' ')), Code::SignatureInvalid),
        (Fault::Sent(|sent| sent.body.clear()), Code::SignatureInvalid),
        (Fault::Sent(|sent| sent.method = "DELETE"), Code::SignatureInvalid),
        (Fault::Sent(|sent| sent.query = "limit=1".into()), Code::SignatureInvalid),
        (
            Fault::Sent(|sent| sent.path = sent.path.replace("documents", "documents/bulk")),
            Code::MethodNotAllowed,
        ),
        (Fault::Headers(Vec::clear), Code::SignatureInvalid),
        (
            Fault::Headers(|headers| headers.retain(|(name, _)| name != "signature")),
            Code::SignatureInvalid,
        ),
        (
            Fault::Headers(|headers| headers.retain(|(name, _)| name != "signature-input")),
            Code::SignatureInvalid,
        ),
        (
            Fault::Headers(|headers| headers.retain(|(name, _)| name != "content-digest")),
            Code::SignatureInvalid,
        ),
        (Fault::Headers(|headers| headers.extend(headers.clone())), Code::SignatureInvalid),
        (
            Fault::Headers(|headers| {
                let (_, value) = headers.last_mut().unwrap();
                *value = value.replacen(':', ":A", 1);
            }),
            Code::SignatureInvalid,
        ),
    ];
    for (fault, code) in cases {
        scene.refused(&letter.with(fault), code).await;
    }
    let search = Letter::new("POST", &scene.path("/query"), r#"{"text":"river"}"#);
    for seconds in [-50, 50] {
        let letter = search.with(Fault::Signed(seconds));
        assert_eq!(letter.send(&scene.owner).await.status, 200);
    }
}

/// The same signed bytes are taken once, whatever they ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_are_refused() {
    let scene = Scene::new().await;
    let body = r#"{"id":"x","content":"A document to put once."}"#;
    for letter in [
        Letter::new("POST", &scene.path("/query"), r#"{"text":"river"}"#),
        Letter::new("PUT", &scene.path("/documents"), body),
        Letter::new("DELETE", &scene.path("/documents"), r#"{"ids":["x"]}"#),
    ] {
        let headers = letter.sign(&scene.owner).await;
        let first = letter.send_signed(&scene.owner, headers.clone()).await;
        assert_eq!(first.status, 200, "{}", letter.label());
        scene
            .stands(async |scene: &Scene| {
                for _ in 0..2 {
                    let again = letter.send_signed(&scene.owner, headers.clone()).await;
                    let label = letter.label();
                    crate::is_problem(again.status, &again.body, Code::Replayed, &label);
                }
            })
            .await;
    }
}

/// A stranger cannot tell a collection that is not there from one that is somebody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_and_forbidden_are_one_answer() {
    let scene = Scene::new().await;
    let stranger = scene.lab.client("stranger").await;
    let share = crate::collections::released(&stranger, scene.embedded, 1).await;
    let share = serde_json::json!({ "share": share }).to_string();
    let corpus = r#"{"corpus":"00000000000000000000000000000000","manifest":"","share":{}}"#;
    let grant = serde_json::json!({
        "grantee": stranger.identity().address().as_str(),
        "expires": stranger.channel().now() + 600,
    });
    let data = [
        ("GET", "", ""),
        ("GET", "/head", ""),
        ("GET", "/documents", ""),
        ("GET", "/documents/first", ""),
        ("DELETE", "/documents/first", ""),
        ("PUT", "/documents", r#"{"id":"first","content":"text"}"#),
        ("DELETE", "/documents", r#"{"ids":["first"]}"#),
        ("POST", "/documents/lookup", r#"{"id":"first"}"#),
        ("POST", "/documents/bulk", r#"{"id":"first","content":"x"}"#),
        ("POST", "/query", r#"{"text":"river","k":3}"#),
        // What would be refused of the owner too is not looked at.
        ("POST", "/query", r#"{"vector":[1]}"#),
        ("POST", "/context", r#"{"prompt":"river","budget":1}"#),
        ("POST", "/corpora", corpus),
        ("POST", "/compact", ""),
    ];
    let admin = [
        ("GET", "", ""),
        ("DELETE", "", ""),
        ("GET", "/grants", ""),
        ("POST", "/grants", &grant.to_string()),
        ("PUT", "/keys", &share),
        ("GET", "/policy", ""),
        ("PUT", "/policy", r#"{"workers":[],"readers":[]}"#),
    ];
    let rows = data.iter().map(|row| (row, false));
    for ((method, rest, body), as_admin) in rows.chain(admin.iter().map(|row| (row, true))) {
        let mut answers = Vec::new();
        for id in [scene.embedded.to_string(), "0".repeat(32)] {
            let path = format!("/v1/collections/{id}{rest}");
            let letter = Letter::new(method, &path, *body);
            let letter = if as_admin { letter.admin() } else { letter };
            let answer = scene.refused_from(&stranger, &letter, Code::Forbidden);
            answers.push(answer.await);
        }
        assert_eq!(answers[0].status, answers[1].status, "{method} {rest}");
        assert_eq!(answers[0].body, answers[1].body, "{method} {rest}");
    }
    let list = Letter::new("GET", "/v1/collections", "");
    assert_eq!(list.send(&stranger).await.body, br#"{"data":[]}"#);
    // A reader may not write, and is told no more than the stranger.
    for (method, rest, body) in [
        ("PUT", "/documents", r#"{"id":"first","content":"text"}"#),
        ("DELETE", "/documents", r#"{"ids":["first"]}"#),
        ("POST", "/compact", ""),
    ] {
        let letter = Letter::new(method, &scene.path(rest), body);
        scene.refused_from(&scene.reader, &letter, Code::Forbidden).await;
    }
}
